//! What is done to files through a session: read from the protocols as they pass.
//!
//! Untrusted bytes from both sides: lengths are believed within bounds only, and nothing is kept but heads of packets, paths and what is open.

mod event;
mod scp;
mod sftp;
mod wire;

pub use event::{Done, FileEvent};
pub use scp::{Scp, ScpMode};
pub use sftp::{Out, Sftp, SftpError};
