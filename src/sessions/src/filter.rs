//! What is searched for, and in which order it is shown.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sps_session_record::{Endpoint, MAX_NAME, SessionRecord, Word};
use thiserror::Error;

use crate::pack::contains;
use crate::values::Field;

/// Longest filter as a document, bytes.
pub const MAX_FILTER: usize = 64 * 1024;
/// Longest text looked for in events, bytes.
pub const MAX_NEEDLE: usize = 1024;

/// Why a search is refused.
#[derive(Debug, Error)]
pub enum FilterError {
    /// The document is too long.
    #[error("the filter has {size} bytes, at most {MAX_FILTER} are read")]
    TooLong {
        /// Its bytes.
        size: usize,
    },
    /// The document is no filter.
    #[error("the filter cannot be read")]
    Json(#[from] serde_json::Error),
    /// A text is too long or empty.
    #[error("{field} must have 1 to {limit} bytes")]
    Text {
        /// The field.
        field: &'static str,
        /// The most.
        limit: usize,
    },
    /// The cursor was not made by this database.
    #[error("the place in the list cannot be read: begin again at the first page")]
    Cursor,
    /// The cursor belongs to another filter or order.
    #[error("the place in the list belongs to another search: begin again at the first page")]
    OtherSearch,
    /// Nobody looked into the index for what the content is to show.
    #[error("content is not searched here")]
    Content,
    /// A page of this size is not given.
    #[error("a page has 1 to {limit} sessions")]
    Limit {
        /// The most.
        limit: usize,
    },
}

/// Conditions that all hold for the sessions found. The default holds for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// It began then or later, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// It began before that, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Its protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Word>,
    /// Its connection policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Word>,
    /// The state of its index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexing: Option<Word>,
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
    /// The address of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Network>,
    /// The address of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Network>,
    /// An event holds this text; letters A to Z count as a to z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What its content is to show. The database has no content: it is not read here, and [`Filter::among`] says which sessions do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Only these, by their numbers ([`crate::Sessions::number`]), rising, each once.
    #[serde(skip)]
    pub among: Option<Arc<[i64]>>,
}

/// One address (`192.0.2.7`) or all of a network (`192.0.2.0/24`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

/// It is neither.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("this is no address such as 192.0.2.7 and no network such as 192.0.2.0/24")]
pub struct NetworkError;

impl Network {
    /// Whether it holds `address`.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// First and last address.
    pub(crate) fn ends(&self) -> (IpAddr, IpAddr) {
        (self.0.network(), self.0.broadcast())
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(address.into())
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address
            .or_else(|_| text.parse())
            .map(Self)
            .map_err(|_| NetworkError)
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Filter {
    /// Reads the document; an unknown field is an error that names it.
    ///
    /// # Errors
    /// It is no filter, or out of bounds.
    pub fn from_json(bytes: &[u8]) -> Result<Self, FilterError> {
        if bytes.len() > MAX_FILTER {
            return Err(FilterError::TooLong { size: bytes.len() });
        }
        let filter: Self = serde_json::from_slice(bytes)?;
        filter.check()?;
        Ok(filter)
    }

    /// Whether it is within its bounds.
    ///
    /// # Errors
    /// The first field that is not.
    pub fn check(&self) -> Result<(), FilterError> {
        let names = [
            ("connection", &self.connection, MAX_NAME),
            ("gateway_user", &self.gateway_user, MAX_NAME),
            ("server_user", &self.server_user, MAX_NAME),
            ("target", &self.target, MAX_NAME),
            ("text", &self.text, MAX_NEEDLE),
            ("content", &self.content, MAX_NEEDLE),
        ];
        for (field, text, limit) in names {
            let may_be_empty = !matches!(field, "text" | "content");
            let short = |text: &String| text.len() <= limit && (may_be_empty || !text.is_empty());
            if !text.as_ref().is_none_or(short) {
                return Err(FilterError::Text { field, limit });
            }
        }
        Ok(())
    }
}

impl Filter {
    /// Whether a record meets every condition: for sessions that are not in the database yet.
    #[must_use]
    pub fn matches(&self, record: &SessionRecord) -> bool {
        let name =
            |wanted: &Option<String>, found: Option<&String>| wanted.is_none() || wanted.as_ref() == found;
        let word = |wanted: &Option<Word>, found: &Word| wanted.as_ref().is_none_or(|wanted| wanted == found);
        let address = |wanted: &Option<Network>, found: Option<&Endpoint>| {
            let found = found.and_then(|end| end.address.parse().ok());
            wanted.is_none_or(|wanted| found.is_some_and(|found| wanted.contains(found)))
        };
        let needle = self.text.as_ref().map(|text| text.to_ascii_lowercase());
        let holds = |needle: &String| {
            let mut texts = record.events.iter().map(|event| event.text.as_bytes());
            texts.any(|text| contains(text, needle.as_bytes()))
        };
        // The content of what is not in the database is in no index.
        self.content.is_none()
            && self.among.is_none()
            && self.from.is_none_or(|from| record.start >= from)
            && self.until.is_none_or(|until| record.start < until)
            && word(&self.protocol, &record.protocol)
            && word(&self.verdict, &record.verdict)
            && word(&self.indexing, &record.indexing.state)
            && name(&self.connection, Some(&record.connection))
            && name(&self.gateway_user, record.gateway_user.as_ref())
            && name(&self.server_user, record.server_user.as_ref())
            && name(&self.target, record.target.as_ref())
            && self
                .has_trail
                .is_none_or(|wanted| record.trail.is_some() == wanted)
            && address(&self.client, Some(&record.client))
            && address(&self.server, record.server.as_ref())
            && needle.as_ref().is_none_or(holds)
    }
}

/// What the sessions are sorted by. Protocol, verdict and the like have few values: they are filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// When they began.
    #[default]
    Start,
    /// User at the gateway; within a user the newest first.
    GatewayUser,
    /// User at the server; within a user the newest first.
    ServerUser,
    /// Target; within a target the newest first.
    Target,
    /// Address of the client, IPv4 before IPv6; within an address the newest first.
    Client,
    /// Address of the server, IPv4 before IPv6; within an address the newest first.
    Server,
}

impl SortBy {
    /// The field whose values are walked; none for the start.
    pub(crate) fn field(self) -> Option<Field> {
        match self {
            Self::Start => None,
            Self::GatewayUser => Some(Field::GatewayUser),
            Self::ServerUser => Some(Field::ServerUser),
            Self::Target => Some(Field::Target),
            Self::Client => Some(Field::Client),
            Self::Server => Some(Field::Server),
        }
    }
}

/// The order of a list. The default is the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// By what. A session without such a value comes before all others.
    pub by: SortBy,
    /// Whether the list is turned round: the latest, the last of the alphabet first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self {
            by: SortBy::Start,
            descending: true,
        }
    }
}

impl Sort {
    /// Whether numbers of rows rise along the list: they rise from new to old.
    pub(crate) fn keys_rise(self) -> bool {
        (self.by == SortBy::Start) == self.descending
    }
}
