//! Who asks, and from where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The place a request comes from. Its text stands in the log of actions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Origin {
    /// The machine's own screen or serial line.
    Console {
        /// Its terminal, `tty1` or `ttyS0`.
        tty: String,
    },
    /// The Unix socket.
    Socket {
        /// User id of the process at the other end, told by the kernel.
        uid: u32,
        /// Its process id.
        pid: Option<i32>,
    },
    /// SSH in rescue.
    Ssh {
        /// Who logged in.
        user: String,
        /// From where.
        address: String,
    },
    /// The web.
    Web {
        /// Who logged in.
        user: String,
        /// From where.
        address: String,
    },
    /// The appliance itself: a deadline, an unattended installation.
    Appliance {
        /// Which part of it.
        part: String,
    },
}

impl Origin {
    /// A person in front of the machine, or behind its serial line.
    #[must_use]
    pub fn is_console(&self) -> bool {
        matches!(self, Self::Console { .. })
    }

    /// The name by which somebody who logged in is known; where nobody logs in, the place.
    #[must_use]
    pub fn person(&self) -> String {
        match self {
            Self::Ssh { user, .. } | Self::Web { user, .. } => user.clone(),
            other => other.to_string(),
        }
    }

    /// Comes over the network.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Ssh { .. } | Self::Web { .. })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Console { tty } => write!(f, "console {tty}"),
            Self::Socket { uid, pid: Some(pid) } => write!(f, "command line, user id {uid}, process {pid}"),
            Self::Socket { uid, pid: None } => write!(f, "command line, user id {uid}"),
            Self::Ssh { user, address } => write!(f, "{user} by SSH from {address}"),
            Self::Web { user, address } => write!(f, "{user} by web from {address}"),
            Self::Appliance { part } => write!(f, "appliance, {part}"),
        }
    }
}
