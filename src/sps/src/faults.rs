//! Faults for tests. They come from the signed release file and count in development builds only: a release build
//! carries none, and `sps_image` refuses one that does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::mount::{MountFlags, mount};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use sps_supervisor_engine::{Escalation, Health, Limits, RestartPolicy, ServiceSpec};
use tracing::{error, warn};

/// How often a service with a fault fails before it works.
const FAILURES: u32 = 2;

/// Faults of the kernel and what its module LKDTM calls them; only the test kernel has it.
const KERNEL_CRASHES: [(&str, &str); 3] = [
    ("kernel-oops", "EXCEPTION"),
    ("kernel-soft-lockup", "SOFTLOCKUP"),
    ("kernel-hard-lockup", "HARDLOCKUP"),
];
const DEBUG_FS: &str = "/sys/kernel/debug";
const PROVOKE: &str = "/sys/kernel/debug/provoke-crash/DIRECT";

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

    /// The services' time, shortened on demand so that a test of it does not take five minutes.
    pub(crate) fn services_deadline(&self, usual: Duration) -> Duration {
        if self.has("never-healthy") {
            Duration::from_secs(15)
        } else {
            usual
        }
    }

    /// Called in the phase after the watchdog is armed: a hang and an end of PID 1 before anything is known of disks.
    pub(crate) fn in_phase(&self) {
        assert!(!self.has("panic-pid1-early"), "fault panic-pid1-early");
        if self.has("panic-kernel") {
            error!("fault panic-kernel: PID 1 ends here");
            crate::consoles::flush(Duration::from_secs(5));
            std::process::abort();
        }
        if self.has("hang-early") {
            error!("fault hang-early: PID 1 stops here");
            loop {
                std::thread::park();
            }
        }
    }

    /// Called in PID 1's own loop: a panic and a hang that only a reboot ends.
    pub(crate) fn in_loop(&self, health: Health) {
        if self.has("hang-starting") {
            error!("fault hang-starting: the supervisor stops here");
            loop {
                std::thread::park();
            }
        }
        if health != Health::Healthy {
            return;
        }
        assert!(!self.has("panic-pid1"), "fault panic-pid1");
        for (name, crash) in KERNEL_CRASHES {
            if self.has(name) {
                provoke(name, crash);
            }
        }
        if self.has("hang-supervisor") {
            error!("fault hang-supervisor: the supervisor stops here");
            loop {
                std::thread::park();
            }
        }
    }

    /// Services that exist to fail.
    pub(crate) fn services(&self) -> Vec<Service> {
        ["crash-service", "panic-service", "vital-service", "never-healthy"]
            .into_iter()
            .filter(|name| self.has(name))
            .map(service)
            .collect()
    }
}

/// Crashes the kernel from a thread of its own; an oops without a reboot would end that thread alone.
fn provoke(name: &'static str, crash: &'static str) {
    let run = move || {
        error!("fault {name}");
        // The last words go to the consoles by other threads, which a dead kernel no longer runs.
        crate::consoles::flush(Duration::from_secs(5));
        let mounted = mount("debugfs", DEBUG_FS, "debugfs", MountFlags::empty(), c"");
        let problem = mounted
            .map_err(std::io::Error::from)
            .and_then(|()| std::fs::write(PROVOKE, crash));
        error!("the kernel did not crash: {problem:?}");
    };
    drop(std::thread::spawn(run));
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
    if name == "never-healthy" {
        context.shutdown.cancelled().await;
        return Ok(());
    }
    if now {
        warn!("fault {name}");
        assert!(name != "panic-service", "fault panic-service");
        return Err(format!("fault {name}").into());
    }
    context.ready();
    context.shutdown.cancelled().await;
    Ok(())
}
