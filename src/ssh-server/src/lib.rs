//! The appliance's own SSH service: an administrator's way in when the browser is not one, above all in rescue.
//!
//! It gives the text menu, the appliance's commands, read-only log files and an inbox for firmware over SFTP, and nothing else: there is no
//! shell, no forwarding, no agent, no other subsystem. What the menu and the commands are, who may log in and which
//! files there are is the business of whoever implements [`Access`].
//!
//! Invariants: every number of connections, channels and attempts and every wait is bounded; a refused login takes as
//! long as the slowest check; nothing an administrator types here reaches a file but through [`Access`]; only the
//! addresses given are listened on.

mod access;
mod connection;
mod files;
mod host_key;
mod inbox;
mod server;

pub use access::{Access, Answer, Login, MenuStream, Output};
pub use files::{FileView, Files};
pub use host_key::{HostKey, HostKeyError};
pub use inbox::{Inbox, Taking, Upload};
pub use server::{SshServer, SshServerError};
