//! The record.

use serde::{Deserialize, Serialize};

use crate::word::Word;

/// Number of the format.
pub const FORMAT: u32 = 1;

/// A session. Times are milliseconds since 1970, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// Its identifier, the same for ever: 1 to [`crate::MAX_ID`] of letters, digits, `.`, `_` and `-`, no dot first.
    pub id: String,
    /// Protocol, such as [`Word::SSH`].
    pub protocol: Word,
    /// Name of the connection policy.
    pub connection: String,
    /// When it began.
    pub start: i64,
    /// When it ended; none while it goes on, or when nobody knows.
    pub end: Option<i64>,
    /// Where the client was.
    pub client: Endpoint,
    /// Where the server was; none when it never came so far.
    pub server: Option<Endpoint>,
    /// What the user asked for: the name of the server as it was typed.
    pub target: Option<String>,
    /// The user at the gateway.
    pub gateway_user: Option<String>,
    /// The user at the server.
    pub server_user: Option<String>,
    /// How it ended, such as [`Word::ACCEPT`].
    pub verdict: Word,
    /// Its channels in the order they were opened.
    pub channels: Vec<Channel>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Its audit trail; none when nothing was recorded.
    pub trail: Option<TrailFile>,
    /// How far indexing is.
    pub indexing: Indexing,
}

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// IPv4 or IPv6 address, in its canonical text form.
    pub address: String,
    /// Port.
    pub port: u16,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Kind, such as `session-shell` or `drawing`.
    pub kind: Word,
    /// When it was opened.
    pub start: i64,
    /// When it was closed.
    pub end: Option<i64>,
    /// Whether it was let through.
    pub verdict: Word,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: i64,
    /// Kind, such as [`Word::COMMAND`].
    pub kind: Word,
    /// The command, the title, the path.
    pub text: String,
}

/// The file of an audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailFile {
    /// Its name in the folder of trails of the layout that told the record: relative, no `.` or `..`, `/` between folders.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// How far indexing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indexing {
    /// State, such as [`Word::INDEXED`].
    pub state: Word,
    /// Version of the index; 0 when there is none.
    pub version: u32,
}

impl Default for Indexing {
    fn default() -> Self {
        Self {
            state: Word::NOT_INDEXED,
            version: 0,
        }
    }
}

#[cfg(test)]
pub(crate) fn example() -> SessionRecord {
    SessionRecord {
        format: FORMAT,
        id: "ssh-20240517-081530-7f3a".into(),
        protocol: Word::SSH,
        connection: "linux-servers".into(),
        start: 1_715_933_730_000,
        end: Some(1_715_934_000_500),
        client: Endpoint {
            address: "192.0.2.7".into(),
            port: 50_123,
        },
        server: Some(Endpoint {
            address: "2001:db8::22".into(),
            port: 22,
        }),
        target: Some("db1.example.com".into()),
        gateway_user: Some("alice".into()),
        server_user: Some("root".into()),
        verdict: Word::ACCEPT,
        channels: vec![Channel {
            kind: "session-shell".try_into().unwrap(),
            start: 1_715_933_731_000,
            end: Some(1_715_934_000_000),
            verdict: Word::ACCEPT,
        }],
        events: vec![Event {
            at: 1_715_933_740_000,
            kind: Word::COMMAND,
            text: "systemctl restart postgresql".into(),
        }],
        trail: Some(TrailFile {
            name: "2024/05/17/ssh-20240517-081530-7f3a.zat".into(),
            size: 48_213,
        }),
        indexing: Indexing::default(),
    }
}
