//! The list of services and their life: they start from the first to the last and stop the other way.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sps_admin::{ActionLog, Jobs, Local, Mode, Operations, Origin};
use sps_bootlog::uptime;
use sps_console::Sessions;
use sps_firmware_engine::DEADLINES;
use sps_gateway::Live;
use sps_init::children::Children;
use sps_init::signals::Request;
use sps_init::{Progress, power_button, signals};
use sps_net::NetworkState;
use sps_supervisor::{ExitKind, Messenger, Service, Status, Supervisor};
use sps_supervisor_engine::{Escalation, Health, Limits, RestartPolicy, ServiceSpec};
use sps_web::BootStatus;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::firewall::{self, Gate};
use super::firmware::{self, Keeper};
use super::inbox::FirmwareInbox;
use super::jobs::Kept;
use super::ssh::{self, Rescue};
use super::ssh_firmware::{self, FirmwareBySsh};
use super::{
    admin, boot_page, cleaning, data, importing, indexers, indexing, network, pulse, recording, retention,
    ssh_proxy, time, unattended,
};
use crate::backend::{Appliance, Dock, Licences, Parts, fetcher};
use crate::boot::Boot;
use crate::consoles;
use crate::gauges::Gauges;
use crate::node;
use crate::parameters::Start;
use crate::pid1::End;
use crate::show;

/// Name of the last phase of a boot.
pub(crate) const PHASE: &str = "services";
/// What it does.
pub(crate) const TITLE: &str = "Start the services";
/// The name the appliance has until somebody gives it one.
pub(super) const HOST_NAME: &str = "sps";
/// Threads of the runtime: at least two, so that one task that blocks its thread does not stop the others.
const LEAST_THREADS: usize = 2;
const MOST_THREADS: usize = 16;

/// Longest wait for threads that still work for a service that was stopped, and for the last action to reach the disk.
const STOPPED_WITHIN: Duration = Duration::from_secs(2);

/// Supervises the services until the machine is to be left.
pub(crate) fn supervise(mut boot: Boot, phases: &[Progress]) -> End {
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
    let network = watch::Sender::new(NetworkState::default());
    let kept = Kept::open(&boot);
    let backend = backend(&boot, &status, &network, &kept.jobs);
    let operations = Operations::new(Arc::new(backend.clone()), action_log(&boot));
    let mut services = appliance(&boot, &backend, &status, &network, &operations, &kept.jobs);
    services.extend(of_this_start(
        &boot,
        &backend,
        &status,
        &network,
        &operations,
        &kept,
    ));
    services.extend(boot.faults.services());
    let supervisor = Supervisor::new(services, runtime.handle().clone(), boot.watchdog.take());
    listen(&boot.children, &supervisor.messenger());
    backend.connect(supervisor.messenger());
    let mut menus = Some(sessions(operations.clone(), runtime.handle().clone()));
    // On the medium and in rescue there is something to choose; an appliance that does its work shows its log.
    let menu_at_once = boot.state.is_none() || boot.rescue.is_some();
    let states = supervisor.status();
    let faults = boot.faults.clone();
    let start = boot.start_words.clone();
    let data = backend.data().subscribe();
    let mut told = false;
    let stopped = supervisor.run(|health| {
        let (progress, problems) = {
            let data = data.borrow();
            (data.long_step(), data.problems.clone())
        };
        let mut now = show::boot_status(phases, &states.borrow(), since, &start, progress);
        now.problems.extend(problems);
        status.send_if_modified(|old| std::mem::replace(old, now.clone()) != now);
        if health == Health::Healthy && !std::mem::replace(&mut told, true) {
            tell_memory();
        }
        faults.in_loop(health);
        if (health != Health::Starting || has_failed(&states.borrow()))
            && let Some(sessions) = menus.take()
        {
            consoles::serve_menus(&sessions, menu_at_once);
            info!("press Enter on the console for the menu");
        }
    });
    // Whoever holds a file on the disk lets go of it, the log last; threads that hang in a service are left behind.
    runtime.shutdown_timeout(STOPPED_WITHIN);
    operations.close(STOPPED_WITHIN);
    backend.close();
    boot.close();
    End {
        watchdog: stopped.watchdog,
        ..End::from(stopped.exit.kind)
    }
}

/// Whether a service has failed: the appliance may never become healthy, and whoever comes to mend it needs the menu.
fn has_failed(states: &Status) -> bool {
    states.services.iter().any(|service| service.failures > 0)
}

/// Services that only some starts have: from the medium, from a slot, in rescue.
fn of_this_start(
    boot: &Boot,
    backend: &Appliance,
    status: &watch::Sender<BootStatus>,
    network: &watch::Sender<NetworkState>,
    operations: &Operations,
    kept: &Kept,
) -> Vec<Service> {
    let mut services: Vec<Service> = kept.service().into_iter().collect();
    if boot.start == Start::Medium {
        services.push(unattended::service(backend));
    }
    let inbox = FirmwareInbox {
        operations: operations.clone(),
        jobs: kept.jobs.clone(),
    };
    if boot.rescue.is_some() {
        services.push(ssh::service(&Rescue {
            operations: operations.clone(),
            settings: boot.settings.clone(),
            network: network.subscribe(),
            log: boot.log.clone(),
            inbox,
        }));
    } else if boot.state.is_some() {
        services.push(ssh_firmware::service(&FirmwareBySsh {
            operations: operations.clone(),
            settings: boot.settings.clone(),
            network: network.subscribe(),
            inbox,
            lock_out: Arc::default(),
        }));
    }
    if let (Some(firmware), None) = (&boot.firmware, &boot.rescue) {
        services.push(cleaning::service(firmware, &backend.data().subscribe()));
    }
    if let Some(firmware) = &boot.firmware {
        services.push(firmware::service(&Keeper {
            firmware: firmware.clone(),
            status: status.subscribe(),
            settings: boot.settings.clone(),
            exit: backend.exit(),
            kept: kept.clone(),
            deadline: boot.faults.services_deadline(DEADLINES.services),
            data: backend.data().subscribe(),
        }));
    }
    services
}

/// What a console asks through.
fn sessions(operations: Operations, runtime: Handle) -> Sessions {
    Arc::new(move |tty: &str| {
        let origin = Origin::Console { tty: tty.into() };
        Box::new(Local::new(operations.clone(), origin, runtime.clone()))
    })
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
fn listen(children: &Children, messenger: &Messenger) {
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

/// A service that is always needed and may fail without taking the machine along.
pub(super) fn spec(name: &'static str) -> ServiceSpec {
    ServiceSpec {
        name,
        restart: RestartPolicy::Always,
        escalation: Escalation::Degrade,
        limits: Limits::default(),
    }
}

/// The appliance's own services, in starting order.
fn appliance(
    boot: &Boot,
    backend: &Appliance,
    status: &watch::Sender<BootStatus>,
    network: &watch::Sender<NetworkState>,
    operations: &Operations,
    jobs: &Jobs,
) -> Vec<Service> {
    let filter = Gate::new();
    let inputs = firewall::Inputs {
        rescue: boot.rescue.is_some(),
        settings: boot.settings.clone(),
        network: network.clone(),
        sessions: watch::Sender::default(),
        indexers: watch::Sender::default(),
    };
    let (sessions, port) = (inputs.sessions.clone(), inputs.indexers.clone());
    let mut services = vec![
        pulse::service(),
        firewall::service(&inputs, &filter),
        network::service(network.clone(), &boot.settings, &filter),
        time::service(boot.release.as_ref().map_or(0, |r| r.build_time), network),
        boot_page::service(boot, status, operations, jobs, &backend.live()),
        admin::service(operations),
    ];
    // Rescue writes nothing to `data`, not even by mounting it.
    if let (Some(node), None) = (&boot.node, &boot.rescue) {
        let firmware = boot.firmware.clone();
        let inputs = data::Inputs::new(
            node,
            firmware,
            backend.exit(),
            backend.data(),
            boot.settings.clone(),
        );
        services.push(data::service(&inputs));
        services.push(importing::service(&backend.data()));
        services.push(retention::service(&backend.spare()));
        services.push(indexing::service(&indexing::Inputs {
            data: backend.data(),
            sandbox: node::sandbox(&boot.children),
            live: backend.live(),
        }));
        services.push(indexers::service(&indexers::Inputs {
            data: backend.data().subscribe(),
            port,
        }));
        services.push(ssh_proxy::service(&ssh_proxy::Inputs {
            data: backend.data().subscribe(),
            network: network.subscribe(),
            room: backend.spare().room(),
            live: backend.live(),
            gauges: backend.gauges(),
            log: boot.log.clone(),
            sessions,
        }));
        if boot.faults.has(recording::FAULT) {
            let then_crash = boot.faults.has(recording::THEN_CRASH);
            services.push(recording::service(backend.data().subscribe(), then_crash));
        }
    }
    services
}

/// What the boot has found out, for whoever asks.
fn backend(
    boot: &Boot,
    status: &watch::Sender<BootStatus>,
    network: &watch::Sender<NetworkState>,
    jobs: &Jobs,
) -> Appliance {
    let (mode, slot) = match (&boot.start, &boot.rescue) {
        (Start::Medium, _) => (Mode::Live, None),
        (Start::Slot { slot, .. }, Some(_)) => (Mode::Rescue, Some(*slot)),
        (Start::Slot { slot, .. }, None) => (Mode::Installed, Some(*slot)),
    };
    Appliance::new(Parts {
        log: boot.log.clone(),
        release: boot.release.clone(),
        trust: boot.trust,
        mode,
        slot,
        rescue: boot.rescue.clone(),
        boot: status.subscribe(),
        network: network.subscribe(),
        settings: boot.settings.clone(),
        helpers: node::helpers(&boot.children),
        sandbox: node::sandbox(&boot.children),
        firmware: Mutex::new(boot.firmware.clone()),
        rolled_back: boot.rolled_back.clone(),
        dock: Dock::default(),
        jobs: jobs.clone(),
        licences: licences(boot),
        fetcher: fetcher(network),
        live: Live::default(),
        gauges: Gauges::default(),
    })
}

/// The licence, where it is kept and the firmware knows whose to take.
fn licences(boot: &Boot) -> Licences {
    match (&boot.state, boot.licence_keys) {
        (Some(_), Some(keys)) => Licences::open(&node::licence(), keys),
        _ => Licences::default(),
    }
}

/// Actions stand in the boot log, and on `state` where there is one.
fn action_log(boot: &Boot) -> ActionLog {
    if boot.state.is_none() {
        return ActionLog::without_file();
    }
    ActionLog::open(&node::actions()).unwrap_or_else(|error| {
        warn!("{}", sps_bootlog::causes(&error));
        ActionLog::without_file()
    })
}

/// What an administrator asks first of a small machine.
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
