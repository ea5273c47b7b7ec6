//! Runs the appliance's services as tasks of one runtime and carries out what the supervisor's engine decides.
//!
//! The supervisor itself runs on the thread that calls [`Supervisor::run`], never on the runtime it watches, and
//! never touches a disk: a wedged runtime or a frozen disk stops neither it nor the feeding of the watchdog. If
//! this loop hangs, nothing feeds the watchdog and the machine resets.
//!
//! A panic ends one service's task and is met like any other failure.

mod context;
mod report;
mod supervisor;

pub use context::{Exit, ExitKind, Messenger, Service, ServiceContext, ServiceError};
pub use supervisor::{Status, Stopped, Supervisor, TICK};
