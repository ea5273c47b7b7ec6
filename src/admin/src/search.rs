//! Searching recorded sessions, as people ask and as they are answered.
//!
//! The fields of a filter are those of the session database; what it refuses is refused in its words.

use serde::{Deserialize, Serialize};

use crate::store::SessionLine;

/// Most sessions of a page.
pub const MOST_SESSIONS: usize = 500;
/// Most sessions that are passed over before a page; further on a client goes with `cursor`.
pub const MOST_SKIPPED: usize = 10_000;

/// Most places of a session that are given at once.
pub const MOST_HITS: usize = 1000;

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
    /// Its content shows this: words, `"phrases"`, `OR`, `-not`, `prefix*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
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
    /// The content of sessions before that, milliseconds since 1970, is still being indexed anew and may not be found yet; none when content
    /// was not asked for, or all is there.
    #[serde(default)]
    pub content_incomplete_until: Option<i64>,
    /// Time was over before all sessions with this content were found.
    #[serde(default)]
    pub content_cut: bool,
    /// How many match, as far as they were counted.
    pub matching: u64,
    /// There are more than that.
    pub more: bool,
}

/// A place in a session where what was looked for stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentHit {
    /// Milliseconds since the session began.
    pub at: u64,
    /// Number of the channel.
    pub channel: u32,
    /// What it is: `screen`, `command`, `window-title`, `file-transfer` or `note`.
    pub source: String,
    /// The place with what stands around it, one line.
    pub text: String,
    /// What was looked for: first byte of it in the text, and the byte behind it, in order.
    pub marks: Vec<(usize, usize)>,
}

impl ContentHit {
    /// The text in pieces: whether each is what was looked for.
    #[must_use]
    pub fn pieces(&self) -> Vec<(bool, &str)> {
        let mut pieces = Vec::new();
        let mut from = 0;
        for (begin, end) in &self.marks {
            let (before, marked) = (self.text.get(from..*begin), self.text.get(*begin..*end));
            // Marks that are none of this text mark nothing.
            let (Some(before), Some(marked)) = (before, marked) else {
                continue;
            };
            pieces.push((false, before));
            pieces.push((true, marked));
            from = *end;
        }
        pieces.push((false, self.text.get(from..).unwrap_or_default()));
        pieces.retain(|(_, piece)| !piece.is_empty());
        pieces
    }
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
    fn a_place_is_cut_at_its_marks() {
        let hit = |marks| ContentHit {
            text: "dröhnt laut".into(),
            marks,
            ..ContentHit::default()
        };
        let whole = [(false, "dröhnt laut")];
        assert_eq!(hit(vec![]).pieces(), whole);
        assert_eq!(hit(vec![(0, 7)]).pieces(), [(true, "dröhnt"), (false, " laut")]);
        assert_eq!(
            hit(vec![(0, 1), (8, 12)]).pieces(),
            [(true, "d"), (false, "röhnt "), (true, "laut")]
        );
        // In the middle of a letter, the wrong way round, behind the end.
        assert_eq!(hit(vec![(3, 4), (5, 2), (8, 99)]).pieces(), whole);
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
