//! The facade: opening, what a start means, phases, health, the commit that comes by itself.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use sps_firmware_engine::{
    BootInput, BootOutcome, Build, CommitDue, DEADLINES, Reaction, Rescue, Trial, advanced, boot_started,
    commit, commit_due, healthy, services_overdue, storage_failed,
};
use sps_image::boot_control::SlotNumber;
use sps_image::keys::Trust;
use sps_image::version::Version;
use tracing::{info, warn};

use crate::control_store::ControlStore;
use crate::documents::{AttemptRecord, StartRecord};
use crate::error::FirmwareError;
use crate::execute::Context;
use crate::folder::Folder;
use crate::records::{self, Records};
use crate::step::Steps;

/// Folder of the slots on `boot`.
const SLOTS: &str = "slots";
/// How often the healthy time of a firmware on trial is written down: losing so much of it to a power cut delays a
/// commit, nothing else.
const TRIAL_SAVED_EVERY: Duration = Duration::from_secs(10 * 60);
/// Bytes of a phase's name or a problem in the attempt record.
const MAX_TEXT: usize = 1024;

/// What the firmware knows of itself and its disk.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where `boot` is mounted.
    pub boot: PathBuf,
    /// Where `state` is mounted, if it could be.
    pub state: Option<PathBuf>,
    /// The slot GRUB started (`sps.slot=`).
    pub running: Option<SlotNumber>,
    /// Why this is rescue mode (`sps.rescue=`), if it is.
    pub rescue: Option<Rescue>,
    /// The running version.
    pub version: Version,
    /// The keys the running firmware trusts.
    pub trust: Trust,
    /// The kernel's name of this start (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
}

/// What is known about the last start when this one begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Seconds since 1970.
    pub now: u64,
    /// The last log there is and the slot it is of: a start that ended early left none.
    pub log: Option<(SlotNumber, String)>,
    /// The kernel's last words, from pstore.
    pub kernel: String,
}

/// What a start is, after what follows from it was done.
#[derive(Debug)]
pub struct Started {
    /// What it is.
    pub outcome: BootOutcome,
    /// Whether to reboot at once.
    pub reboot: bool,
    /// What could not be read or written down, for people.
    pub problems: Vec<String>,
}

/// The running firmware since it is healthy.
#[derive(Clone, Copy, Debug)]
struct Healthy {
    /// Uptime then.
    since: Duration,
    /// Healthy time of earlier starts.
    before: Duration,
    /// Healthy time written down.
    saved: Duration,
}

/// Slots, boot control and records of this appliance.
pub struct Firmware {
    pub(crate) settings: Settings,
    pub(crate) store: Box<dyn ControlStore>,
    pub(crate) slots: Folder,
    pub(crate) records: Records,
    pub(crate) running: Option<Build>,
    /// Held by what somebody orders, however long it takes.
    change: Mutex<()>,
    /// Held from reading the boot control until what was decided by it is written: moments.
    deciding: Mutex<()>,
    pub(crate) writing: Mutex<Option<SlotNumber>>,
    attempt: Mutex<Option<AttemptRecord>>,
    healthy: Mutex<Option<Healthy>>,
}

impl std::fmt::Debug for Firmware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Firmware")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Firmware {
    /// Opens the slots. `steps` is the default but in tests.
    ///
    /// # Errors
    /// When `boot` has no folder `slots`, or `state` is given and cannot be used.
    pub fn open(
        settings: Settings,
        store: Box<dyn ControlStore>,
        steps: &Steps,
    ) -> Result<Self, FirmwareError> {
        let top = |path: &PathBuf| {
            Folder::top(path, steps.clone()).map_err(|source| FirmwareError::Open {
                path: path.display().to_string(),
                source,
            })
        };
        let slots = top(&settings.boot)?
            .folder(SLOTS)
            .map_err(FirmwareError::SlotsFolder)?;
        let records = Records(match &settings.state {
            Some(path) => open_records(&top(path)?, settings.rescue.is_some(), path)?,
            None => None,
        });
        let mut firmware = Self {
            settings,
            store,
            slots,
            records,
            running: None,
            change: Mutex::default(),
            deciding: Mutex::default(),
            writing: Mutex::default(),
            attempt: Mutex::default(),
            healthy: Mutex::default(),
        };
        let facts = firmware.gather(None)?.facts;
        firmware.running = facts.running.and_then(|slot| facts.build(slot)).cloned();
        Ok(firmware)
    }

    /// What this start means; does what follows from it. To be called once, before the first [`Firmware::phase`].
    ///
    /// # Errors
    /// When slots or boot control cannot be read or written.
    pub fn boot_started(&self, evidence: &Evidence) -> Result<Started, FirmwareError> {
        let _change = self.begin()?;
        let _deciding = self.decide();
        let gathered = self.gather(None)?;
        let mut problems = gathered.problems;
        let attempt = self.records.attempt(&mut problems).map(|record| record.attempt());
        let mirror = self.records.mirror();
        let input = BootInput {
            copies: &gathered.copies,
            attempt: attempt.as_ref(),
            mirror: mirror.as_ref(),
            was_repaired: self.records.was_rebuilt(&mut problems),
        };
        let (decision, outcome) = boot_started(&gathered.facts, &input);
        tell(&outcome);
        let mut context = Context {
            staging: None,
            evidence,
        };
        let executed = self.carry_out(&decision, &mut context)?;
        problems.extend(executed.unrecorded.iter().map(|error| sps_bootlog::causes(error)));
        problems.iter().for_each(|problem| warn!("{problem}"));
        Ok(Started {
            outcome,
            reboot: executed.reboot,
            problems,
        })
    }

    /// Writes down, before a phase of the boot begins, that it begins. Rescue mode writes nothing.
    ///
    /// # Errors
    /// When it cannot be written to `state`.
    pub fn phase(&self, phase: &str, at: u64) -> Result<(), FirmwareError> {
        self.write_attempt(|record| phase.clone_into(&mut record.phase), at)
    }

    /// Writes down what the running start complains of, before it is given up.
    ///
    /// # Errors
    /// When it cannot be written to `state`.
    pub fn problem(&self, problem: &str, at: u64) -> Result<(), FirmwareError> {
        self.write_attempt(|record| record.problem = Some(problem.to_owned()), at)
    }

    fn write_attempt(&self, change: impl FnOnce(&mut AttemptRecord), at: u64) -> Result<(), FirmwareError> {
        let (Some(slot), Some(build), None) = (self.settings.running, &self.running, self.settings.rescue)
        else {
            return Ok(());
        };
        let mut attempt = lock(&self.attempt);
        let record = attempt.get_or_insert_with(|| AttemptRecord {
            format: AttemptRecord::FORMAT,
            boot_id: self.settings.boot_id.clone(),
            slot,
            digest: build.digest,
            version: build.version,
            phase: String::new(),
            at,
            problem: None,
        });
        change(record);
        record.at = at;
        for text in [Some(&mut record.phase), record.problem.as_mut()]
            .into_iter()
            .flatten()
        {
            text.truncate(text.floor_char_boundary(MAX_TEXT));
        }
        self.records.write(record)
    }

    pub(crate) fn close_attempt(&self) -> Result<(), FirmwareError> {
        *lock(&self.attempt) = None;
        Ok(())
    }

    /// Every service is healthy, `uptime` after the start. Does not wait for a firmware that is being added.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn healthy(&self, uptime: Duration) -> Result<(), FirmwareError> {
        let _deciding = self.decide();
        let facts = self.gather(None)?.facts;
        let mut context = Context {
            staging: None,
            evidence: &Evidence::default(),
        };
        self.carry_out(&healthy(&facts), &mut context)?.complete()?;
        let mut healthy = lock(&self.healthy);
        if healthy.is_none() {
            let digest = self.running.as_ref().map(|build| build.digest);
            let before = self.records.trial().filter(|trial| Some(trial.digest) == digest);
            let before = before.map_or(Duration::ZERO, |trial| trial.healthy_for);
            *healthy = Some(Healthy {
                since: uptime,
                before,
                saved: before,
            });
            // Only what the next start tells people depends on it.
            if let Err(error) = self.records.write(&StartRecord::new(uptime)) {
                warn!("{}", sps_bootlog::causes(&error));
            }
        }
        Ok(())
    }

    /// This start has advanced the reorganization of the data store: a firmware on trial gets the try back that it took. To be
    /// called once in a start.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn advanced(&self) -> Result<(), FirmwareError> {
        let _deciding = self.decide();
        let mut context = Context {
            staging: None,
            evidence: &Evidence::default(),
        };
        let decision = advanced(&self.gather(None)?.facts);
        self.carry_out(&decision, &mut context)?.complete()?;
        Ok(())
    }

    /// How long the last start took until every service was healthy, if that was written down.
    #[must_use]
    pub fn last_start(&self) -> Option<Duration> {
        let record: StartRecord = self.records.read(&mut Vec::new())?;
        Some(Duration::from_millis(record.healthy_after_ms))
    }

    /// To be called every minute or so: counts how long a firmware on trial is healthy and commits it after `period`
    /// (zero: by hand only). Says when the commit is due.
    ///
    /// # Errors
    /// When the commit cannot be carried out; it is tried again the next time.
    pub fn tick(&self, uptime: Duration, period: Duration) -> Result<CommitDue, FirmwareError> {
        let _deciding = self.decide();
        let due = self.commit_due(uptime, period)?;
        match due {
            CommitDue::In(_) => self.save_trial(uptime)?,
            CommitDue::Now => {
                let mut context = Context {
                    staging: None,
                    evidence: &Evidence::default(),
                };
                let decision = commit(&self.gather(None)?.facts)?;
                self.carry_out(&decision, &mut context)?.complete()?;
                info!(
                    "firmware {} committed after its time on trial",
                    self.settings.version
                );
            }
            CommitDue::ByHand | CommitDue::Never => {}
        }
        Ok(due)
    }

    /// When the running firmware is committed by itself.
    ///
    /// # Errors
    /// When slots or boot control cannot be read.
    pub fn commit_due(&self, uptime: Duration, period: Duration) -> Result<CommitDue, FirmwareError> {
        let facts = self.gather(None)?.facts;
        Ok(commit_due(&facts, self.trial(uptime).as_ref(), period))
    }

    fn trial(&self, uptime: Duration) -> Option<Trial> {
        let healthy = (*lock(&self.healthy))?;
        Some(Trial {
            digest: self.running.as_ref()?.digest,
            healthy_for: healthy.before + uptime.saturating_sub(healthy.since),
        })
    }

    fn save_trial(&self, uptime: Duration) -> Result<(), FirmwareError> {
        let Some(trial) = self.trial(uptime) else {
            return Ok(());
        };
        let mut healthy = lock(&self.healthy);
        if let Some(healthy) = healthy.as_mut()
            && trial.healthy_for >= healthy.saved + TRIAL_SAVED_EVERY
        {
            self.records.write_trial(trial)?;
            healthy.saved = trial.healthy_for;
        }
        Ok(())
    }

    /// What follows when a phase that needs the disks fails.
    #[must_use]
    pub fn after_storage_failure(&self) -> Reaction {
        self.gather(None)
            .map_or(Reaction::Rescue, |gathered| storage_failed(&gathered.facts))
    }

    /// What follows when the services are not healthy so long after their start.
    #[must_use]
    pub fn after_services_overdue(&self, since_start: Duration) -> Option<Reaction> {
        if since_start < DEADLINES.services {
            return None;
        }
        self.gather(None)
            .map_or(Some(Reaction::StayDegraded), |gathered| {
                services_overdue(&gathered.facts, since_start)
            })
    }

    /// Begins to decide by the boot control. Nothing that takes long may be done before this is dropped.
    pub(crate) fn decide(&self) -> MutexGuard<'_, ()> {
        lock(&self.deciding)
    }

    /// Begins a change that somebody ordered.
    pub(crate) fn begin(&self) -> Result<MutexGuard<'_, ()>, FirmwareError> {
        match self.change.try_lock() {
            Ok(guard) => Ok(guard),
            // The state is on the disk; a panic in between is what a power cut is.
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(FirmwareError::Busy),
        }
    }
}

fn open_records(
    state: &Folder,
    rescue: bool,
    path: &std::path::Path,
) -> Result<Option<Folder>, FirmwareError> {
    let opened = if rescue {
        state.folder(records::FOLDER)
    } else {
        state.folder_made(records::FOLDER)
    };
    match opened {
        Ok(folder) => Ok(Some(folder)),
        Err(error) if rescue && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FirmwareError::Open {
            path: path.join(records::FOLDER).display().to_string(),
            source,
        }),
    }
}

fn tell(outcome: &BootOutcome) {
    match outcome {
        BootOutcome::Normal { trying: true } => info!("this firmware is on trial"),
        BootOutcome::RolledBack(rollback) => warn!("{rollback}"),
        BootOutcome::Rescue(rescue) => warn!("rescue mode: {rescue}"),
        BootOutcome::Rebuilt => warn!("the boot control was damaged and has been rebuilt; rebooting"),
        BootOutcome::Unnamed => warn!("the boot control does not name the running slot; nothing is changed"),
        BootOutcome::Normal { trying: false } | BootOutcome::NotInstalled => {}
    }
}

/// Locks what is only ever replaced whole: a panic elsewhere leaves nothing half done in it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
