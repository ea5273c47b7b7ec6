//! PID 1: what happens before services exist and after they have stopped.
//!
//! A boot is a list of named [`Phase`]s, run in order and shown by name on console, serial line and boot page; a
//! stop is a list of named steps with a time limit each, ending in the one place that calls `reboot(2)`
//! ([`exit::leave`]). What the services are and do is not known here.
//!
//! Invariants:
//! - nothing here waits without a limit, and nothing waits for a child process;
//! - orphans are reaped whatever else happens, except children somebody registered an interest in;
//! - the machine is left only through [`exit::leave`]; should even that fail, PID 1 ends, the kernel panics and
//!   `panic=10` reboots it.

pub mod children;
pub mod devices;
pub mod entropy;
pub mod exit;
pub mod kernel_log;
pub mod limits;
pub mod mounts;
pub mod panic;
pub mod phases;
pub mod power_button;
pub mod signals;
pub mod sysctl;

pub use phases::{Failure, Phase, PhaseState, Progress, Verdict, run_phases};
