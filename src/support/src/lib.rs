//! Support bundle: what an engineer needs to see of an appliance, without its secrets, as `tar.zst`.
//!
//! Files of `state`, of the kernel and facts that the appliance tells are collected one after the other, each within a
//! time and size limit, scrubbed, and written to a stream. What could not be collected is named in the bundle's own
//! index; nothing that fails ends the bundle. `data` is never opened.
//!
//! Invariants: no secret of the node document, of any revision, leaves; a configuration file that cannot be understood
//! is left out, because it cannot be redacted; a disk that hangs costs one time limit, not the bundle.

mod bundle;
mod collect;
mod disks;
mod files;
mod index;
mod kept;
mod kernel_log;
mod limits;
mod name;
mod scrub;
mod source;
mod standard;

pub use bundle::{Bundle, BundleError};
pub use index::{Entry, Index};
pub use kept::{Kept, KeptBundle, KeptError};
pub use limits::Limits;
pub use name::file_name;
pub use source::Source;
pub use standard::Roots;
