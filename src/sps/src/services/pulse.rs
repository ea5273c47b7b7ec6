//! The sign of life of the runtime that all services share.

use std::time::Duration;

use sps_supervisor::{Service, ServiceContext};
use sps_supervisor_engine::{Escalation, Limits, ServiceSpec};

use super::supervise::spec;

/// One sign of life a second, as often as the supervisor ticks.
const PULSE: Duration = Duration::from_secs(1);
/// Silence after which the runtime counts as dead: well above any stall of a healthy, overloaded machine.
const PULSE_LOST: Duration = Duration::from_secs(60);

/// The runtime's sign of life. When the runtime itself is dead nothing else can be right: reboot.
pub(super) fn service() -> Service {
    let limits = Limits {
        alive_every: Some(PULSE_LOST),
        failures_allowed: 0,
        ..Limits::default()
    };
    let spec = ServiceSpec {
        escalation: Escalation::Reboot,
        limits,
        ..spec("runtime")
    };
    Service::new(spec, |context: ServiceContext| async move {
        context.ready();
        loop {
            tokio::select! {
                () = tokio::time::sleep(PULSE) => context.alive(),
                () = context.shutdown.cancelled() => return Ok(()),
            }
        }
    })
}
