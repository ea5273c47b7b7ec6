//! Faults for tests. They come from the signed release file and count in development builds only: a release build
//! carries none, and `sps_image` refuses one that does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sps_supervisor::{Service, ServiceContext, ServiceError};
use sps_supervisor_engine::{Escalation, Health, Limits, RestartPolicy, ServiceSpec};
use tracing::{error, warn};

/// How often a service with a fault fails before it works.
const FAILURES: u32 = 2;

/// The faults asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    names: Vec<String>,
}

impl Faults {
    /// Those that the release file is allowed to carry.
    pub(crate) fn new(honoured: &[String]) -> Self {
        Self {
            names: honoured.to_vec(),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// The watchdog's time, shortened on demand so that a test of it does not take half a minute.
    pub(crate) fn watchdog_timeout(&self, usual: Duration) -> Duration {
        if self.has("short-watchdog") {
            Duration::from_secs(4)
        } else {
            usual
        }
    }

    /// Called in PID 1's own loop: a panic and a hang that only a reboot ends.
    pub(crate) fn in_loop(&self, health: Health) {
        if health != Health::Healthy {
            return;
        }
        assert!(!self.has("panic-pid1"), "fault panic-pid1");
        if self.has("hang-supervisor") {
            error!("fault hang-supervisor: the supervisor stops here");
            loop {
                std::thread::park();
            }
        }
    }

    /// Services that exist to fail.
    pub(crate) fn services(&self) -> Vec<Service> {
        ["crash-service", "panic-service", "vital-service"]
            .into_iter()
            .filter(|name| self.has(name))
            .map(service)
            .collect()
    }
}

/// A service that fails in its own way a few times, or, the vital one, for ever.
fn service(name: &'static str) -> Service {
    let vital = name == "vital-service";
    let spec = ServiceSpec {
        name,
        restart: RestartPolicy::Always,
        escalation: if vital {
            Escalation::Reboot
        } else {
            Escalation::Degrade
        },
        limits: Limits {
            failures_allowed: 2,
            ..Limits::default()
        },
    };
    let starts = Arc::new(AtomicU32::new(0));
    Service::new(spec, move |context| {
        let start = starts.fetch_add(1, Ordering::Relaxed);
        fail(name, context, vital || start < FAILURES)
    })
}

async fn fail(name: &'static str, context: ServiceContext, now: bool) -> Result<(), ServiceError> {
    if now {
        warn!("fault {name}");
        assert!(name != "panic-service", "fault panic-service");
        return Err(format!("fault {name}").into());
    }
    context.ready();
    context.shutdown.cancelled().await;
    Ok(())
}
