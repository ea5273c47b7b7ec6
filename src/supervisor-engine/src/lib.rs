//! Decides what happens to the appliance's services: when to start, restart, give up on or stop one, what the
//! health of the whole is, and whether the watchdog deserves to be fed.
//!
//! Pure: `step(event, now)` changes the state and returns actions; no clock, randomness, thread or file. `now`
//! is time since boot by the monotonic clock.
//!
//! Invariants:
//! - a service runs at most once at a time;
//! - services start in the order given and stop in the reverse order, one after the other;
//! - after a stop was asked for, nothing is started again;
//! - the watchdog is fed by ticks only, and never again once a service that the machine cannot do without has
//!   failed beyond its limits.

mod engine;
mod policy;
mod service;

pub use engine::{Action, Engine, Event, Health, Outcome, ServiceView};
pub use policy::{Escalation, Limits, RestartPolicy, ServiceSpec};
pub use service::{Phase, ServiceId};
