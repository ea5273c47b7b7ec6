//! The services: their order, limits and wiring. They start from the first to the last and stop the other way.

use std::fs;
use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use sps_bootlog::uptime;
use sps_init::signals::Request;
use sps_init::{Progress, power_button, signals};
use sps_supervisor::{ExitKind, Messenger, Service, ServiceContext, Supervisor};
use sps_supervisor_engine::{Escalation, Health, Limits, RestartPolicy, ServiceSpec};
use sps_web::{
    ApplianceInfo, BootContent, BootPageSettings, BootServer, BootStatus, ServerNames, TlsIdentity,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::boot::{Boot, PRODUCT_TITLE};
use crate::pid1::End;
use crate::show;

/// Name of the last phase of a boot.
pub(crate) const PHASE: &str = "services";
/// What it does.
pub(crate) const TITLE: &str = "Start the services";
/// Threads of the runtime: at least two, so that one task that blocks its thread does not stop the others.
const LEAST_THREADS: usize = 2;
const MOST_THREADS: usize = 16;
/// The runtime's own sign of life.
const PULSE: Duration = Duration::from_secs(1);
/// Silence of the runtime after which it counts as dead: well above any stall of a healthy, overloaded machine.
const PULSE_LOST: Duration = Duration::from_secs(60);
/// Its address where nobody gives it one.
const FALLBACK: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
/// The name the appliance has until somebody gives it one.
const HOST_NAME: &str = "sps";

/// Supervises the services until the machine is to be left.
pub(crate) fn supervise(boot: Boot, phases: Vec<Progress>) -> End {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(problem) => {
            error!("could not start the runtime of the services: {problem}");
            return End {
                watchdog: boot.watchdog,
                ..End::from(ExitKind::Reboot)
            };
        }
    };
    let since = u64::try_from(uptime().as_millis()).unwrap_or(u64::MAX);
    let status = watch::Sender::new(BootStatus::default());
    let mut services = appliance(&boot, &status);
    services.extend(boot.faults.services());
    let supervisor = Supervisor::new(services, runtime.handle().clone(), boot.watchdog);
    listen(&boot.children, &supervisor.messenger());
    let states = supervisor.status();
    let faults = boot.faults;
    let mut told = false;
    let stopped = supervisor.run(|health| {
        let now = show::boot_status(&phases, &states.borrow(), since);
        status.send_if_modified(|old| std::mem::replace(old, now.clone()) != now);
        if health == Health::Healthy && !std::mem::replace(&mut told, true) {
            tell_memory();
        }
        faults.in_loop(health);
    });
    // Threads that hang in a service are left behind; the exit does not wait for them.
    runtime.shutdown_background();
    End {
        watchdog: stopped.watchdog,
        ..End::from(stopped.exit.kind)
    }
}

fn runtime() -> std::io::Result<Runtime> {
    let threads = std::thread::available_parallelism().map_or(LEAST_THREADS, usize::from);
    Builder::new_multi_thread()
        .worker_threads(threads.clamp(LEAST_THREADS, MOST_THREADS))
        .thread_name("service")
        .enable_all()
        .build()
}

/// Signals and power button ask the supervisor for the exit.
fn listen(children: &sps_init::children::Children, messenger: &Messenger) {
    let ask = messenger.clone();
    let listening = signals::listen(children.clone(), move |request| match request {
        Request::CtrlAltDel => ask.exit(ExitKind::Reboot, "Ctrl-Alt-Del on the console"),
        Request::Reboot => ask.exit(ExitKind::Reboot, "asked by a signal to reboot"),
        Request::PowerOff => ask.exit(ExitKind::PowerOff, "asked by a signal to switch off"),
    });
    if let Err(problem) = listening.and_then(|()| signals::take_ctrl_alt_del()) {
        error!("{problem}");
    }
    let ask = messenger.clone();
    if let Err(problem) = power_button::listen(move || ask.exit(ExitKind::PowerOff, "power button pressed")) {
        warn!("{problem}");
    }
}

fn spec(name: &'static str) -> ServiceSpec {
    ServiceSpec {
        name,
        restart: RestartPolicy::Always,
        escalation: Escalation::Degrade,
        limits: Limits::default(),
    }
}

/// The appliance's own services, in starting order.
fn appliance(boot: &Boot, status: &watch::Sender<BootStatus>) -> Vec<Service> {
    vec![pulse(), boot_page(boot, status)]
}

/// The runtime's sign of life. When the runtime itself is dead nothing else can be right: reboot.
fn pulse() -> Service {
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

/// The boot page over HTTPS, with a certificate made at its first start and kept for the later ones.
fn boot_page(boot: &Boot, status: &watch::Sender<BootStatus>) -> Service {
    let content = content(boot, status.subscribe());
    let not_before = SystemTime::now();
    let kept: OnceLock<TlsIdentity> = OnceLock::new();
    let kept = Arc::new(kept);
    Service::new(spec("boot-page"), move |context| {
        let (content, kept) = (content.clone(), kept.clone());
        async move {
            let identity = match kept.get() {
                Some(identity) => identity.clone(),
                None => {
                    let made = TlsIdentity::generate(&names(), not_before)?;
                    kept.get_or_init(|| made).clone()
                }
            };
            let fingerprint = identity.fingerprint();
            let server = BootServer::bind(BootPageSettings::everywhere(identity), content).await?;
            info!("certificate of the boot page: SHA-256 {fingerprint}");
            context.ready();
            server.run(context.shutdown).await;
            Ok(())
        }
    })
}

/// What the certificate is made for: the name, and the address of an appliance without a network's help.
fn names() -> ServerNames {
    ServerNames {
        host_name: HOST_NAME.into(),
        addresses: vec![FALLBACK.into()],
    }
}

fn content(boot: &Boot, status: watch::Receiver<BootStatus>) -> BootContent {
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let release = boot.release.as_ref();
    let info = ApplianceInfo {
        product: PRODUCT_TITLE.into(),
        version: release.map(|r| r.version.to_string()).unwrap_or_default(),
        channel: release.map(|r| r.channel.to_string()).unwrap_or_default(),
        build_id: release.map(|r| r.build_id.clone()).unwrap_or_default(),
        development: release.is_some_and(|r| r.development),
        host_name: HOST_NAME.into(),
    };
    BootContent {
        log: boot.log.clone(),
        status,
        info,
        boot_id: boot_id.trim().to_owned(),
    }
}

fn tell_memory() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?
            .trim()
            .strip_suffix(" kB")?
            .parse::<u64>()
            .ok()
    });
    if let Some(kib) = resident {
        info!("memory: sps uses {} MiB", kib.div_ceil(1024));
    }
}
