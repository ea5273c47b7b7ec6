//! The appliance's commands: arguments, what they ask, what they print, exit statuses.
//!
//! The same commands run over the Unix socket, at the prompt of the console and over SSH. With `--json` exactly one JSON
//! value stands on standard output, a failure included; without it, words. Nothing but the streams given is written,
//! except the file of a support bundle or of an exported configuration where there are files.

mod arguments;
mod bundle;
mod configuration;
mod follow;
mod indexers;
mod licence;
mod line;
mod output;
mod run;
mod search;
mod source;
mod space;

pub use arguments::{ApplianceCommand, Common};
pub use follow::Player;
pub use line::run_line;
pub use output::{Files, Streams};
pub use run::{DONE, REFUSED, UNREACHABLE, USAGE, run, unreachable};
