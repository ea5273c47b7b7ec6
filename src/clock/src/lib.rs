//! The wall clock: never below the firmware's build time, and kept right by NTP.
//!
//! [`raise_to_floor`] runs once, early. [`run_ntp`] is a service: it asks time servers, steps the clock at the
//! start when it is far off, steers it afterwards, and shows what it does. The protocol and its filters are
//! `ntp-proto`'s; what it may do to the clock is bounded here ([`Limits`]).
//!
//! Invariants:
//! - The clock is never set below the floor.
//! - After the first synchronization no step is larger than [`PANIC_THRESHOLD`]; a larger one is refused, said, and
//!   asked for anew later.
//! - Every step is logged with the time before and after.
//! - Only answers to own questions are looked at, one packet of at most 1 KiB at a time per server.
//!
//! **Absent:** deadlines of other rooms: they use the monotonic clock, which nothing here moves.

mod client;
mod clock;
mod discipline;
mod error;
mod floor;
mod limits;
mod service;
mod settings;
mod source;
mod state;

pub use clock::{Clock, KernelClock, UnixTime};
pub use error::ClockError;
pub use floor::{ClockFloor, raise_to_floor};
pub use limits::{Limits, PANIC_THRESHOLD, Refusal};
pub use service::{run_ntp, run_ntp_with};
pub use settings::{MAX_SERVERS, NTP_PORT, NtpServer, NtpSettings};
pub use state::{NtpState, ServerState};
