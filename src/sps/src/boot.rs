//! The boot as data: the phases of PID 1 before the services, in order.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sps_bootlog::BootLog;
use sps_console::Banner;
use sps_firmware::Firmware;
use sps_firmware_engine::{BootOutcome, Rescue};
use sps_image::keys::Trust;
use sps_image::release::Release;
use sps_image::version::Version;
use sps_init::children::Children;
use sps_init::exit::Departure;
use sps_init::phases::PhaseError;
use sps_init::{Failure, Phase, Progress, Verdict, run_phases};
use sps_init::{devices, entropy, kernel_log, mounts, sysctl};
use sps_sys::watchdog::Watchdog;
use tracing::{error, info, warn};

use crate::backend::Settings;
use crate::faults::Faults;
use crate::node::{self, Node, State, aside};
use crate::parameters::{self, Start};
use crate::pid1::End;
use crate::{consoles, identity, services};

/// Time without feeding after which the machine resets. The supervisor feeds every second; a guest that a
/// hypervisor stuns for a snapshot may miss many of them.
const WATCHDOG: Duration = Duration::from_secs(30);
/// Longest wait for a seeded random number generator: shorter than the watchdog, so that the reason is still shown.
const ENTROPY_WITHIN: Duration = Duration::from_secs(20);
/// How long the reason of a failed boot stays on the screen before the reboot.
const SHOW_FAILURE_FOR: Duration = Duration::from_secs(10);

/// The product's name for people.
pub(crate) const PRODUCT_TITLE: &str = "Safeguard appliance";

/// What the phases make and the services use.
pub(crate) struct Boot {
    pub(crate) log: BootLog,
    pub(crate) children: Children,
    pub(crate) watchdog: Option<Watchdog>,
    /// `None` until the phase `firmware` has read it.
    pub(crate) release: Option<Release>,
    /// The keys it trusts.
    pub(crate) trust: Option<Trust>,
    /// The keys it takes licences of.
    pub(crate) licence_keys: Option<sps_licence::Keys>,
    /// The node document.
    pub(crate) settings: Settings,
    pub(crate) faults: Faults,
    /// Where the boot loader found this firmware.
    pub(crate) start: Start,
    /// The installed node, once its disk is open.
    pub(crate) node: Option<Node>,
    /// Its file systems, once they are mounted.
    pub(crate) state: Option<State>,
    /// Why this is rescue mode: nothing but what is needed to mend the appliance.
    pub(crate) rescue: Option<String>,
    /// The firmware slots, once they are open.
    pub(crate) firmware: Option<Arc<Firmware>>,
    /// The partition table or the boot control was mended, and counts from the next start on.
    pub(crate) restart: bool,
    /// What this start is and how long it may take, for people; the same on every surface.
    pub(crate) start_words: String,
    /// One sentence about the firmware that failed before this one, when this boot found that out.
    pub(crate) rolled_back: Option<String>,
}

impl Boot {
    fn new(log: &BootLog, children: &Children) -> Self {
        Self {
            log: log.clone(),
            children: children.clone(),
            watchdog: None,
            release: None,
            trust: None,
            licence_keys: None,
            settings: Settings::in_memory(),
            faults: Faults::default(),
            start: Start::Medium,
            node: None,
            state: None,
            rescue: None,
            firmware: None,
            restart: false,
            rolled_back: None,
            start_words: String::new(),
        }
    }

    /// Lets go of the file systems, which the exit unmounts.
    pub(crate) fn close(&mut self) {
        self.firmware = None;
        if let Some(state) = self.state.take() {
            state.close();
        }
    }

    /// Enters rescue mode; the first reason stays.
    fn rescue(&mut self, reason: String) {
        if self.rescue.is_none() {
            error!("rescue mode: {reason}");
            self.rescue = Some(reason);
        }
    }
}

#[rustfmt::skip]
const PHASES: &[Phase<Boot>] = &[
    Phase { name: "mounts",   title: "Mount the kernel's file systems", on_failure: Failure::Reboots,   run: mount },
    Phase { name: "watchdog", title: "Arm the watchdog",                on_failure: Failure::Tolerated, run: watchdog },
    Phase { name: "console",  title: "Open the consoles",               on_failure: Failure::Tolerated, run: console },
    Phase { name: "firmware", title: "Check the firmware's identity",   on_failure: Failure::Reboots,   run: firmware },
    Phase { name: "kernel",   title: "Apply the kernel settings",       on_failure: Failure::Tolerated, run: kernel },
    Phase { name: "clock",    title: "Check the clock",                 on_failure: Failure::Tolerated, run: clock },
    Phase { name: "entropy",  title: "Wait for randomness",             on_failure: Failure::Reboots,   run: entropy },
    Phase { name: "devices",  title: "Look at the hardware",            on_failure: Failure::Tolerated, run: devices },
    Phase { name: "disk",     title: "Open the appliance's disk",       on_failure: Failure::Judged(storage_failed), run: disk },
    Phase { name: "state",    title: "Mount what this node keeps",      on_failure: Failure::Judged(storage_failed), run: state },
    Phase { name: "slots",    title: "Look at the firmware slots",      on_failure: Failure::Judged(storage_failed), run: slots },
];

/// Runs the phases, then the services until the machine is to be left.
pub(crate) fn live(log: &BootLog, children: &Children) -> End {
    if let Err(error) = sps_init::limits::raise() {
        warn!("only few sessions can be open at a time: the limit of open files stays: {error}");
    }
    let mut boot = Boot::new(log, children);
    let progress = Mutex::new(Vec::new());
    let shown = run_phases(&mut boot, log, PHASES, |now| {
        *progress.lock().unwrap_or_else(PoisonError::into_inner) = now.to_vec();
    });
    if shown.is_err() {
        return failed(boot);
    }
    let progress: Vec<Progress> = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    log.enter_phase(services::PHASE);
    services::supervise(boot, &progress)
}

/// Leaves the reason on the screen for a while, then reboots.
fn failed(mut boot: Boot) -> End {
    info!(
        "the boot has failed; rebooting in {} s",
        SHOW_FAILURE_FOR.as_secs()
    );
    let until = Instant::now() + SHOW_FAILURE_FOR;
    while Instant::now() < until {
        thread::park_timeout(Duration::from_secs(1));
        let _still_armed = boot.watchdog.as_ref().map(Watchdog::feed);
    }
    boot.close();
    End {
        departure: Departure::Reboot,
        watchdog: boot.watchdog,
    }
}

fn mount(_boot: &mut Boot) -> Result<(), PhaseError> {
    mounts::mount_early()?;
    Ok(mounts::drop_microcode()?)
}

fn watchdog(boot: &mut Boot) -> Result<(), PhaseError> {
    let watchdog = Watchdog::arm(WATCHDOG)?;
    for device in watchdog.devices() {
        info!(
            "watchdog {} armed, {} s",
            device.identity(),
            device.timeout().as_secs()
        );
    }
    if watchdog.is_software() {
        warn!("no hardware watchdog: a machine whose interrupts are dead will not reset by itself");
    }
    boot.watchdog = Some(watchdog);
    Ok(())
}

fn console(boot: &mut Boot) -> Result<(), PhaseError> {
    consoles::attach(&boot.log);
    kernel_log::follow(boot.log.clone())?;
    Ok(sysctl::quiet_kernel_console()?)
}

fn firmware(boot: &mut Boot) -> Result<(), PhaseError> {
    let (release, trust) = identity::read()?;
    boot.trust = Some(trust);
    // Without them it runs all the same, as a demo.
    match identity::licence_keys(release.development) {
        Ok(keys) => boot.licence_keys = Some(keys),
        Err(error) => warn!("no licence can be used: {}", sps_bootlog::causes(&error)),
    }
    let banner = Banner {
        product: PRODUCT_TITLE.into(),
        version: release.version.to_string(),
        channel: release.channel.to_string(),
        build: release.build_id.clone(),
        development: release.development,
    };
    info!("{banner}");
    boot.faults = Faults::new(release.honoured_faults());
    boot.release = Some(release);
    if let Some(watchdog) = &mut boot.watchdog {
        let timeout = boot.faults.watchdog_timeout(WATCHDOG);
        if timeout != WATCHDOG {
            watchdog.change_timeout(timeout);
        }
    }
    boot.faults.in_phase();
    Ok(())
}

fn kernel(_boot: &mut Boot) -> Result<(), PhaseError> {
    sysctl::apply();
    Ok(())
}

fn clock(boot: &mut Boot) -> Result<(), PhaseError> {
    if let Some(release) = &boot.release {
        sps_clock::raise_to_floor(i64::try_from(release.build_time)?)?;
    }
    Ok(())
}

fn entropy(_boot: &mut Boot) -> Result<(), PhaseError> {
    Ok(entropy::wait_until_seeded(ENTROPY_WITHIN)?)
}

fn devices(_boot: &mut Boot) -> Result<(), PhaseError> {
    devices::follow()?;
    let _logged = devices::discover();
    Ok(())
}

/// Finds out where this firmware was started from and opens the disk it belongs to. On its medium there is none.
fn disk(boot: &mut Boot) -> Result<(), PhaseError> {
    boot.start = parameters::start();
    let Start::Slot {
        slot, disk, rescue, ..
    } = boot.start.clone()
    else {
        info!("started from the firmware medium");
        return Ok(());
    };
    info!("started from slot {slot}");
    let table_lost = rescue == Some(Rescue::Table);
    // What is wrong with the table is said better by whoever reads both of its copies.
    if let Some(reason) = rescue.filter(|_| !table_lost) {
        boot.rescue(reason.to_string());
    }
    let (children, rescue) = (boot.children.clone(), rescue.is_some());
    let open = move |pulse: &node::Pulse| node::open(&disk, &children, rescue, pulse);
    let node = aside("opening the disk", boot.watchdog.as_ref(), open)??;
    let mended = node.own.was_mended();
    boot.node = Some(node);
    match (table_lost, mended) {
        (true, true) => {
            boot.restart = true;
            Err("the partition table was mended: starting again".into())
        }
        (true, false) => {
            boot.rescue(Rescue::Table.to_string());
            Ok(())
        }
        (false, _) => Ok(()),
    }
}

/// Mounts `boot` and `state` of an installed appliance.
fn state(boot: &mut Boot) -> Result<(), PhaseError> {
    let (Some(node), Start::Slot { slot, .. }) = (boot.node.take(), &boot.start) else {
        return Ok(());
    };
    let (slot, log) = (*slot, boot.log.clone());
    let mount = move |pulse: &node::Pulse| {
        let mounted = node::mount(&node, slot, &log, pulse);
        (node, mounted)
    };
    let (node, mounted) = aside("mounting", boot.watchdog.as_ref(), mount)?;
    boot.node = Some(node);
    let (state, settings) = mounted?;
    boot.state = Some(state);
    boot.settings = settings;
    Ok(())
}

/// Finds out what this start means: the first of a firmware on trial, the one after a rollback, …
fn slots(boot: &mut Boot) -> Result<(), PhaseError> {
    let (Start::Slot { slot, rescue, .. }, Some(release), Some(trust)) =
        (&boot.start, &boot.release, &boot.trust)
    else {
        return Ok(());
    };
    let who = node::Who {
        slot: *slot,
        rescue: *rescue,
        version: release.version,
        trust: *trust,
    };
    let (Some(node), Some(state)) = (boot.node.take(), boot.state.take()) else {
        return Ok(());
    };
    let look = move |_: &node::Pulse| {
        let opened = node::open_slots(&node, &state, &who);
        (node, state, opened)
    };
    let (node, state, opened) = aside("looking at the firmware slots", boot.watchdog.as_ref(), look)?;
    (boot.node, boot.state) = (Some(node), Some(state));
    let (firmware, started) = opened?;
    if let BootOutcome::RolledBack(rollback) = &started.outcome {
        boot.rolled_back = Some(rollback.to_string());
    }
    // A state that takes no more is no reason for rescue; after a rollback only the phase is not known.
    if let Err(error) = firmware.phase(services::PHASE, node::now()) {
        warn!("{}", sps_bootlog::causes(&error));
    }
    boot.start_words = start_words(&started.outcome, release.version, firmware.last_start());
    if !boot.start_words.is_empty() {
        info!("{}", boot.start_words);
    }
    boot.firmware = Some(Arc::new(firmware));
    boot.restart = started.reboot;
    if started.reboot {
        return Err("the boot control was rebuilt: starting again".into());
    }
    Ok(())
}

/// `Firmware 0.2.0 starts on trial; the last start took 14 s until everything was healthy`.
fn start_words(outcome: &BootOutcome, version: Version, last: Option<Duration>) -> String {
    let on_trial = match outcome {
        BootOutcome::Normal { trying: true } => Some(format!("firmware {version} starts on trial")),
        BootOutcome::RolledBack(_) => Some(format!("firmware {version} runs again")),
        _ => None,
    };
    let took = last.map(|last| {
        format!(
            "the last start took {} s until everything was healthy",
            last.as_secs_f64().ceil()
        )
    });
    let words: Vec<String> = on_trial.into_iter().chain(took).collect();
    let mut words = words.join("; ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// A firmware on trial that cannot use the disk goes back to the one before; another one stays and can be mended. What was
/// mended is started from.
fn storage_failed(boot: &mut Boot, phase: &'static str, problem: &str) -> Verdict {
    let on_trial = matches!(
        boot.start,
        Start::Slot {
            trial: true,
            rescue: None,
            ..
        }
    );
    if boot.restart || on_trial {
        return Verdict::Reboot;
    }
    boot.rescue(format!("the phase {phase} failed: {problem}"));
    Verdict::GoOn
}
