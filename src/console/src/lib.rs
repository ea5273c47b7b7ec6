//! The operator's screen and serial line: the boot log, written to every console the kernel uses.
//!
//! Each console has a thread of its own with its own place in the log, so a serial line that nobody drains delays
//! neither the screen nor anything else. Writing the log to a console is all this room does; it decides nothing.

mod banner;
mod writer;

pub use banner::Banner;
pub use writer::Consoles;
