//! Searching recorded sessions, as people ask and as they are answered.
//!
//! The fields of a filter are those of the session database; what it refuses is refused in its words.

use serde::{Deserialize, Serialize};

use crate::store::SessionLine;

/// Most sessions of a page.
pub const MOST_SESSIONS: usize = 500;
/// Most sessions that are passed over before a page; further on a client goes with `cursor`.
pub const MOST_SKIPPED: usize = 10_000;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSearch {
    /// Which sessions.
    pub filter: SessionFilter,
    /// By what they are sorted.
    pub sort: SessionOrder,
    /// The last first: of times the newest.
    pub descending: bool,
    /// At most so many, 1 to [`MOST_SESSIONS`].
    pub limit: usize,
    /// So many are passed over, at most [`MOST_SKIPPED`].
    pub skip: usize,
    /// `next` or `previous` of another page of the same search.
    pub cursor: Option<String>,
}

/// Conditions that all hold for the sessions found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionFilter {
    /// It began then or later, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// It began before that, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Its protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Its connection policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The state of its index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexing: Option<String>,
    /// Whether it has an audit trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_trail: Option<bool>,
    /// The user at the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_user: Option<String>,
    /// The user at the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_user: Option<String>,
    /// The target, as it was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The client's address, or a network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The server's address, or a network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// An event holds this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// By what sessions are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionOrder {
    /// When they began.
    #[default]
    Start,
    /// User at the gateway.
    GatewayUser,
    /// User at the server.
    ServerUser,
    /// Target.
    Target,
    /// Address of the client.
    Client,
    /// Address of the server.
    Server,
}

/// A page of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionPage {
    /// The sessions, in order.
    pub sessions: Vec<SessionLine>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<String>,
    /// Where the page before ends; none when this is the first.
    pub previous: Option<String>,
    /// Time was over before the page was full; the next one goes on.
    pub cut: bool,
    /// Sessions before that, milliseconds since 1970, are still being imported and not found yet; none when all are.
    pub incomplete_until: Option<i64>,
    /// How many match, as far as they were counted.
    pub matching: u64,
    /// There are more than that.
    pub more: bool,
}

impl SessionOrder {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Start,
        Self::GatewayUser,
        Self::ServerUser,
        Self::Target,
        Self::Client,
        Self::Server,
    ];

    /// The word in a query and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::GatewayUser => "gateway_user",
            Self::ServerUser => "server_user",
            Self::Target => "target",
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_orders_are_those_of_the_documents() {
        for order in SessionOrder::ALL {
            assert_eq!(serde_json::to_value(order).unwrap(), order.word());
        }
    }

    #[test]
    fn a_filter_names_only_what_it_asks_for() {
        let filter = SessionFilter {
            gateway_user: Some("alice".into()),
            ..SessionFilter::default()
        };
        assert_eq!(
            serde_json::to_string(&filter).unwrap(),
            r#"{"gateway_user":"alice"}"#
        );
    }
}
