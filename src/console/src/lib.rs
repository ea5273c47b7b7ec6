//! The operator's screen and serial line: the boot log on every console the kernel uses, and the text menu.
//!
//! Each console has threads of its own with their own place in the log, so a serial line that nobody drains delays
//! neither the screen nor anything else. Log and menu share a console by turns: while the menu is in front the log
//! waits, and goes on where it was. What the menu decides stands in [`menu`], which is pure; what it asks for goes
//! through a [`sps_admin::Session`], like every other surface.
//!
//! Invariants: keys typed while the log is shown do nothing but open the menu; a password is never echoed; no byte of a
//! reply reaches a terminal as a control character. Must not know how a request is carried out.

mod banner;
mod driver;
mod guest;
pub mod line;
pub mod menu;
mod screen;
mod terminal;
mod writer;

pub use banner::Banner;
pub use guest::serve_guest;
pub use terminal::{Sessions, TerminalError};
pub use writer::{Consoles, Menus};
