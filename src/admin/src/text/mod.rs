//! Responses in words, for console, command line and SSH alike: printable ASCII, at most about 80 columns where the
//! content allows, no colours, no cursor movement. What comes from outside (a disk's model, a log line) cannot carry
//! control characters through.

mod clean;
mod configuration;
mod firmware;
mod indexers;
mod install;
mod licence;
mod network;
mod progress;
mod response;
mod sessions;
mod space;
mod status;
mod store;
mod table;
mod units;

pub use clean::{clean, wrap};
pub use configuration::{configuration, configuration_changes, imported, revisions};
pub use firmware::{media, slots, test};
pub use indexers::indexers;
pub use install::{content, disks, plan};
pub use licence::licence;
pub use network::network;
pub use progress::progress_line;
#[cfg(feature = "cli")]
pub(crate) use progress::share;
pub use response::response;
pub use sessions::{active_sessions, session, session_content, session_page, sessions};
pub use space::{backups, space};
pub use status::status;
pub use store::{findings, store};
pub use units::{bytes, clock, date, duration};

pub(crate) use table::{WIDTH, indented, pairs, table};

#[cfg(test)]
mod tests;
