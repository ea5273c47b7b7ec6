//! Running Debian's programs that make and mend file systems and drive DRBD.
//!
//! Every run has an absolute path, an empty environment, no input, bounded output, and ends: by itself, by its limit
//! without progress, or because the appliance is leaving. The table of [`Program`] is the only place where the paths
//! stand. Blocking: never call it from PID 1's own threads.

mod program;
mod run;
mod vitality;

pub use program::Program;
pub use run::{Finished, HelperError, Helpers, SILENCE, Stop};
