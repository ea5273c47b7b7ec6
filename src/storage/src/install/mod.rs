//! Installing the firmware on a disk.
//!
//! [`survey`] looks at a disk, [`plan`] decides whether and how it may be written (pure), [`install`] writes. The steps are data; what
//! makes the disk bootable is written last, after everything was read back. Blocking: not for PID 1's threads.

mod execute;
mod firmware;
mod loader;
mod plan;
mod progress;
mod slot;
mod survey;
mod target;

pub use execute::{InstallError, Installed, Observer, STEPS, Step, install};
pub use firmware::{Firmware, FirmwareError, find_medium};
pub use plan::{Consent, Mode, Plan, Refusal, agree, plan};
pub use progress::Progress;
pub use survey::{Survey, survey};
pub use target::TargetError;
