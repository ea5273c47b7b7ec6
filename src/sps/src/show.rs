//! What the boot page is told: phases and services, turned from the rooms' values into the page's.

use sps_init::{PhaseState, Progress};
use sps_supervisor::Status;
use sps_supervisor_engine::{self as engine, ServiceView};
use sps_web::{self as web, BootStatus};

use crate::services::{PHASE, TITLE};

/// The page's view of everything.
pub(crate) fn boot_status(
    phases: &[Progress],
    services: &Status,
    services_since: u64,
    start: &str,
    progress: Option<web::Progress>,
) -> BootStatus {
    let mut shown: Vec<web::Phase> = phases.iter().map(phase).collect();
    shown.push(services_phase(services, services_since));
    let failed = |s: &&ServiceView| s.last_problem.is_some();
    BootStatus {
        health: health(services.health),
        phases: shown,
        services: services.services.iter().map(service).collect(),
        progress,
        start: start.to_owned(),
        problems: services.services.iter().filter(failed).map(problem).collect(),
    }
}

fn problem(view: &ServiceView) -> String {
    format!(
        "{}: {}",
        view.name,
        view.last_problem.as_deref().unwrap_or_default()
    )
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn phase(progress: &Progress) -> web::Phase {
    web::Phase {
        name: progress.name.into(),
        title: progress.title.into(),
        state: match progress.state {
            PhaseState::Waiting => web::PhaseState::Waiting,
            PhaseState::Running => web::PhaseState::Running,
            PhaseState::Done => web::PhaseState::Done,
            PhaseState::Failed => web::PhaseState::Failed,
        },
        started_ms: progress.began.map(milliseconds),
        finished_ms: progress.ended.map(milliseconds),
    }
}

/// The last phase of a boot is done when every service has been ready once.
fn services_phase(services: &Status, since: u64) -> web::Phase {
    let starting = services.health == engine::Health::Starting;
    web::Phase {
        name: PHASE.into(),
        title: TITLE.into(),
        state: if starting {
            web::PhaseState::Running
        } else {
            web::PhaseState::Done
        },
        started_ms: Some(since),
        finished_ms: services.healthy_at.map(milliseconds),
    }
}

fn health(health: engine::Health) -> web::Health {
    match health {
        engine::Health::Starting => web::Health::Starting,
        engine::Health::Healthy => web::Health::Healthy,
        engine::Health::Degraded => web::Health::Degraded,
        engine::Health::Stopping => web::Health::Stopping,
    }
}

fn service(view: &ServiceView) -> web::Service {
    use engine::Phase;
    let state = match view.phase {
        Phase::Waiting => web::ServiceState::Waiting,
        Phase::Starting { .. } => web::ServiceState::Starting,
        Phase::Ready { .. } => web::ServiceState::Healthy,
        Phase::Aborting { .. } | Phase::BackOff { .. } => web::ServiceState::Restarting,
        Phase::Stuck => web::ServiceState::Failed,
        Phase::Stopping { .. } | Phase::Ended => web::ServiceState::Stopped,
    };
    let detail = match (view.failures, &view.last_problem) {
        (0, _) | (_, None) => String::new(),
        (1, Some(problem)) => format!("failed once: {problem}"),
        (times, Some(problem)) => format!("failed {times} times in a row: {problem}"),
    };
    web::Service {
        name: view.name.into(),
        state,
        detail,
    }
}
