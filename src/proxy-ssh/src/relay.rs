//! Channels: one of the client's, one of the server's, and what passes between them.
//!
//! Each pair is a task of its own. Data are recorded, then passed on as far as the other side's window allows; what waits keeps this
//! side's window closed, and nothing else waits for it.

mod files;
mod forward;
mod nested;
mod pair;
mod session;
mod state;
mod watch;

use std::time::Duration;

pub(crate) use forward::{Back, Forwarded, forward, from_server};
pub(crate) use session::session;

/// Longest wait for a side to answer.
pub(crate) const WITHIN: Duration = Duration::from_secs(15);
