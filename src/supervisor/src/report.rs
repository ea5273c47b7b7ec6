//! What people read of the supervisor's work: one wording for each event.

use std::any::Any;

use sps_supervisor_engine::{Action, Health, ServiceId};
use tracing::{debug, error, info, warn};

/// Logs an action that people should know of.
pub(crate) fn action(action: &Action, name: impl Fn(ServiceId) -> &'static str) {
    match action {
        Action::Start(id) => debug!("service {}: starting", name(*id)),
        Action::AskToStop(id) => debug!("service {}: asked to stop", name(*id)),
        Action::Abort(id) => warn!("service {}: aborted", name(*id)),
        Action::ReportFailure {
            service,
            problem,
            failures,
            restart_in,
        } => warn!(
            "service {}: failed ({problem}); restart {failures} in {:.1} s",
            name(*service),
            restart_in.as_secs_f64()
        ),
        Action::ReportStuck { service, problem } => {
            error!(
                "service {}: ignores its abort ({problem}); reboot to get it back",
                name(*service)
            );
        }
        Action::Escalate { service, problem } => {
            error!(
                "service {}: vital and beyond its limits ({problem}): rebooting",
                name(*service)
            );
        }
        Action::HealthChanged(Health::Healthy) => info!("services healthy"),
        Action::HealthChanged(Health::Degraded) => warn!("services degraded"),
        Action::AllStopped => info!("services stopped"),
        Action::HealthChanged(Health::Starting | Health::Stopping) | Action::FeedWatchdog => {}
    }
}

/// The text of a panic, where it carries one.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
