//! What is recorded of a session, and how it is handed over.

use std::net::SocketAddr;

use bytes::Bytes;
use thiserror::Error;

use crate::access::Answer;

/// A session as it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Name of the connection policy.
    pub connection: String,
    /// Name of its audit policy.
    pub audit_policy: Option<String>,
    /// Where the client is.
    pub client: SocketAddr,
    /// Whether any channel may be recorded.
    pub audit: bool,
}

/// What became known of a session; what is `None` stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The server as it was wanted.
    pub target: Option<String>,
    /// Where it is.
    pub server: Option<SocketAddr>,
    /// The user at the gateway.
    pub gateway_user: Option<String>,
    /// The user on the server.
    pub server_user: Option<String>,
}

/// Something that passes, or happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Number of the channel in this session, from 0; `None` for the session itself.
    pub channel: Option<u32>,
    /// What.
    pub what: What,
}

/// What passes, or happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A channel was opened: its kind by the words of a session's record, and the command, the server.
    Opened {
        /// Kind.
        kind: &'static str,
        /// Command, subsystem or server.
        detail: String,
    },
    /// A channel was not allowed.
    Denied {
        /// Kind.
        kind: &'static str,
        /// Why.
        reason: String,
    },
    /// It was closed.
    Closed,
    /// It has a terminal.
    Terminal {
        /// Its type, such as `xterm-256color`.
        term: String,
        /// Columns.
        columns: u32,
        /// Rows.
        rows: u32,
    },
    /// The terminal has another size.
    Resized {
        /// Columns.
        columns: u32,
        /// Rows.
        rows: u32,
    },
    /// From the server.
    Output {
        /// Bytes.
        data: Bytes,
        /// Whether they are errors.
        is_error: bool,
    },
    /// From the client.
    Input {
        /// Bytes.
        data: Bytes,
    },
    /// A line was entered in a terminal: a command.
    Command {
        /// As the screen showed it.
        text: String,
    },
    /// Something was done to a file.
    File {
        /// What.
        operation: FileOperation,
        /// Its path.
        path: String,
        /// Bytes, if any were read or written.
        bytes: Option<u64>,
        /// How it went.
        result: String,
    },
    /// The program ended.
    Exit {
        /// With this status.
        status: Option<u32>,
        /// By this signal.
        signal: Option<String>,
    },
    /// Something was found that a content policy looks for.
    Found {
        /// Where it looked.
        kind: &'static str,
        /// What.
        text: String,
    },
    /// A sentence.
    Note {
        /// It.
        text: String,
    },
}

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOperation {
    /// Read.
    Read,
    /// Written.
    Write,
    /// A folder was listed.
    List,
    /// Removed.
    Delete,
    /// Renamed, made, its attributes set.
    Change,
}

/// A channel that somebody must agree to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its kind, by the words of a session's record.
    pub kind: &'static str,
    /// Command, subsystem or server.
    pub detail: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It may open.
    Given {
        /// Who agreed.
        by: String,
    },
    /// It may not.
    Refused {
        /// Why, for the person whose session it is.
        reason: String,
    },
}

/// Why a session cannot begin.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{reason}")]
pub struct NoRoom {
    /// For the person whose session it is.
    pub reason: String,
}

/// Why something may not pass.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{reason}")]
pub struct NotKept {
    /// For the person whose session it is.
    pub reason: String,
}

/// How far a recording is: taken, or taken when the answer comes.
pub type Kept = Option<Answer<Result<(), NotKept>>>;

/// A session that is recorded.
pub trait Recording: Send + Sync + 'static {
    /// Identifier of the session.
    fn id(&self) -> String;

    /// Somebody is logged in on both sides: from now on events come. The answer comes when they can be taken.
    fn start(&self) -> Answer<Result<(), NotKept>>;

    /// Takes an event. Nothing may pass before it is taken.
    fn event(&self, event: Event) -> Kept;

    /// Takes what became known.
    fn facts(&self, facts: Facts);

    /// Asks whether a channel may open that somebody else must agree to; the answer comes when they have answered, or have not for too long.
    fn permission(&self, wanted: Wanted) -> Answer<Permission>;

    /// Ends when somebody wants the session to end; the answer says why.
    fn terminated(&self) -> Answer<String>;

    /// The session is over; `verdict` by the words of a session's record, and `why` if somebody or something ended it. The answer comes when all of it
    /// is on the disk.
    fn end(&self, verdict: &'static str, why: String) -> Answer<()>;
}
