//! How full the disk is, which policies are due, and their runs, one at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sps_archive_engine::{Action, Clock, Daily, Filling, Limits, State, Trust, permille};
use sps_bootlog::causes;
use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::Target;
use sps_config::Secret;
use sps_sessions::Sessions;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::error::SpaceError;
use super::moving::GoOn;
use super::record::{Did, Exported, Record};
use super::restoring::{Back, Wanted};
use super::target::{Places, called};
use crate::backend::Settings;
use crate::node::now;
use crate::services::{DataState, Opened};

/// When sessions whose time is over go, each day: before most archives and backups, which then have less to do.
const RETENTION_AT: &str = "01:30";
/// Name of their run.
const RETENTION: &str = "retention";

/// What proxies and status follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    /// Thousandths of the disk that are used.
    pub(crate) used: u32,
    /// Since when the limit is reached: no new session is taken, and those that go on are ended.
    pub(crate) full_since: Option<u64>,
}

/// A run that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// Of sessions whose time is over.
    Retention,
    /// Of an archive or clean-up policy.
    Archive(String),
    /// Of a backup policy.
    Backup(String),
}

impl Work {
    /// Its name in the record.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Retention => RETENTION.to_owned(),
            Self::Archive(name) => format!("archive {name}"),
            Self::Backup(name) => format!("backup {name}"),
        }
    }
}

/// A policy, when it is due, and what it came to.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) work: Work,
    pub(crate) target: String,
    /// Whether it deletes without a copy.
    pub(crate) deletes: bool,
    pub(crate) next: Option<u64>,
    pub(crate) last: Option<Did>,
    pub(crate) problem: Option<String>,
}

/// What a [`Spare`] works with.
pub(crate) struct Spare {
    pub(super) settings: Settings,
    pub(super) places: Places,
    pub(super) product: String,
    /// The folder of `state`.
    pub(super) state: PathBuf,
    data: watch::Sender<DataState>,
    room: watch::Sender<Room>,
    filling: Mutex<Filling>,
    record: Mutex<Record>,
    exported: Mutex<Option<Exported>>,
    clock: Mutex<Option<Trust>>,
    /// Since when policies that never ran count.
    since: u64,
    busy: Mutex<()>,
    working: Mutex<Option<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Spare {
    pub(crate) fn new(
        settings: Settings,
        places: Places,
        product: String,
        state: PathBuf,
        data: watch::Sender<DataState>,
    ) -> Self {
        Self {
            settings,
            places,
            product,
            record: Mutex::new(Record::open(&state)),
            exported: Mutex::new(Exported::open(&state)),
            state,
            data,
            room: watch::Sender::default(),
            filling: Mutex::default(),
            clock: Mutex::default(),
            since: now(),
            busy: Mutex::default(),
            working: Mutex::default(),
        }
    }

    /// How full the disk is. Whoever lets clients in follows this: while it is full nobody is let in, and who is in goes.
    pub(crate) fn room(&self) -> watch::Receiver<Room> {
        self.room.subscribe()
    }

    /// When the last backup was made that counts.
    pub(crate) fn last_backup(&self) -> Option<u64> {
        locked(&self.record).backed_up
    }

    /// When the configuration was last in a backup, or exported with its secrets.
    pub(crate) fn last_configuration_backup(&self) -> Option<u64> {
        let exported = locked(&self.exported).as_ref().map(|exported| exported.at);
        self.last_backup().max(exported)
    }

    /// The configuration was exported with its secrets.
    pub(crate) fn exported(&self, who: &str, now: u64) {
        *locked(&self.exported) = Some(Exported::keep(&self.state, who, now));
    }

    /// The last backup of the recorded data, where a policy makes backups.
    pub(crate) fn data_backup(&self) -> Option<Option<u64>> {
        let document = self.document().ok()?;
        (!document.policies.backup.is_empty()).then(|| self.last_backup())
    }

    /// What is going on.
    pub(crate) fn working(&self) -> Option<String> {
        locked(&self.working).clone()
    }

    /// Until when the clock is not believed.
    pub(crate) fn clock_doubted_until(&self) -> Option<u64> {
        match *locked(&self.clock) {
            Some(Trust::No { until }) => Some(until),
            _ => None,
        }
    }

    pub(super) fn clock_is_believed(&self) -> bool {
        *locked(&self.clock) == Some(Trust::Yes)
    }

    pub(super) fn appliance(&self) -> String {
        self.settings.node().network.host_name
    }

    pub(super) fn licence(&self) -> Option<String> {
        std::fs::read_to_string(self.state.join("licence").join("licence")).ok()
    }

    pub(super) fn backed_up(&self, now: u64) {
        let mut record = locked(&self.record);
        record.backed_up = Some(now);
        record.keep(&self.state);
    }

    fn opened(&self) -> Result<Arc<Opened>, SpaceError> {
        let opened = self.data.borrow().opened.clone();
        opened.ok_or(SpaceError::NoStore)
    }

    pub(super) fn sessions(&self) -> Result<(Arc<Opened>, Arc<Sessions>), SpaceError> {
        let opened = self.opened()?;
        let sessions = opened.sessions.clone().ok_or(SpaceError::NoStore)?;
        Ok((opened, sessions))
    }

    /// The configuration of the cluster.
    pub(crate) fn document(&self) -> Result<Cluster, SpaceError> {
        let opened = self.opened()?;
        let configuration = opened.configuration.as_ref().ok_or(SpaceError::NoStore)?;
        Ok(locked(configuration).document().clone())
    }

    /// Looks at the clock, as often as is liked; kept, so that a restart does not make it new.
    pub(crate) fn look_at_clock(&self, now: u64) -> Result<(), SpaceError> {
        let (_, sessions) = self.sessions()?;
        let newest = sessions.newest_start()?;
        let mut record = locked(&self.record);
        let mut clock: Clock = record.clock;
        let trust = clock.look(now, newest.and_then(|start| u64::try_from(start / 1000).ok()));
        record.clock = clock;
        record.keep(&self.state);
        drop(record);
        let before = locked(&self.clock).replace(trust);
        if let (Trust::No { .. }, true) = (trust, before != Some(trust)) {
            warn!(
                "the clock has leapt: no session and no audit trail is deleted before it has gone on for a day"
            );
        }
        Ok(())
    }

    /// Looks how full the disk is; the policies to run because of it.
    pub(crate) fn look(&self, now: u64) -> Result<Vec<Work>, SpaceError> {
        let usage = self.opened()?.store.usage()?;
        self.act(permille(usage.used, usage.free), now)
    }

    /// So much of the disk is used (thousandths): the policies to run because of it.
    pub(super) fn act(&self, used: u32, now: u64) -> Result<Vec<Work>, SpaceError> {
        let (opened, document) = (self.opened()?, self.document()?);
        let prevention = &document.management.disk_fill_up_prevention;
        let limits = Limits {
            enabled: prevention.enabled,
            percent: prevention.used_space_ratio_limit,
            archiving: prevention.archiving_enabled,
        };
        let mut filling = locked(&self.filling);
        let actions = filling.observe(limits, used, now);
        let full_since = match filling.state() {
            State::Room => None,
            State::Full { since, .. } => Some(since),
        };
        drop(filling);
        self.room.send_if_modified(|room| {
            let now = Room { used, full_since };
            std::mem::replace(room, now) != now
        });
        let mut works = Vec::new();
        for action in actions {
            match action {
                Action::Disconnect => tell_full(&opened, used, limits.percent),
                Action::Admit => info!("the disk of the data store has room again: clients are taken"),
                Action::Archive => works.extend(archives(&document)),
            }
        }
        Ok(works)
    }

    /// Every policy, when it is due and what it came to.
    pub(crate) fn policies(&self) -> Result<Vec<Due>, SpaceError> {
        let document = self.document()?;
        let zone = &document.date_time.time_zone;
        let mut found = Vec::new();
        let record = locked(&self.record);
        let mut add = |work: Work, start: &str, target: String, deletes: bool, problem: Option<String>| {
            let last = record.runs.get(&work.title()).cloned();
            let from = last.as_ref().map_or(self.since, |last| last.began);
            let daily = Daily::new(start, zone);
            let problem = problem.or_else(|| daily.as_ref().err().map(ToString::to_string));
            let next = daily
                .ok()
                .filter(|_| problem.is_none())
                .and_then(|daily| daily.next(from));
            found.push(Due {
                work,
                target,
                deletes,
                next,
                last,
                problem,
            });
        };
        if document.management.session_database.keep_metadata_days.is_some() {
            add(Work::Retention, RETENTION_AT, String::new(), true, None);
        }
        for (name, policy) in &document.policies.archive {
            let target = policy.target.as_ref();
            let problem = target.and_then(Target::unreachable).map(str::to_owned);
            let shown = target.map(called).unwrap_or_default();
            add(
                Work::Archive(name.clone()),
                &policy.start,
                shown,
                target.is_none(),
                problem,
            );
        }
        for (name, policy) in &document.policies.backup {
            let problem = policy.target.unreachable().map(str::to_owned);
            let nameless = policy
                .password
                .is_none()
                .then(|| SpaceError::NoPassword.to_string());
            let shown = called(&policy.target);
            add(
                Work::Backup(name.clone()),
                &policy.start,
                shown,
                false,
                problem.or(nameless),
            );
        }
        Ok(found)
    }

    /// Does a work now. What it came to is remembered, logged and told.
    pub(crate) fn run(&self, work: &Work, go_on: GoOn<'_>) -> Result<String, SpaceError> {
        let _only = self.alone(&work.title())?;
        let began = now();
        let outcome = self
            .document()
            .and_then(|document| self.carry_out(work, &document, began, go_on));
        let title = work.title();
        let what = match &outcome {
            Ok(what) => what.clone(),
            Err(error) => causes(error),
        };
        match &outcome {
            Ok(_) => info!("{title}: {what}"),
            Err(_) => error!("{title} failed: {what}"),
        }
        let did = Did {
            began,
            ended: now(),
            done: outcome.is_ok(),
            what,
        };
        let known: Vec<String> = self
            .policies()
            .unwrap_or_default()
            .iter()
            .map(|due| due.work.title())
            .collect();
        let mut record = locked(&self.record);
        if !known.is_empty() {
            record.forget(|policy| known.iter().any(|known| known == policy));
        }
        record.ran(&title, did);
        record.keep(&self.state);
        outcome
    }

    fn carry_out(
        &self,
        work: &Work,
        document: &Cluster,
        now: u64,
        go_on: GoOn<'_>,
    ) -> Result<String, SpaceError> {
        match work {
            Work::Retention => self.expire(document, now, go_on),
            Work::Archive(name) => {
                let policy = document
                    .policies
                    .archive
                    .get(name)
                    .ok_or_else(|| no_policy(name))?;
                self.move_trails((name, policy), document, now, go_on)
            }
            Work::Backup(name) => {
                let policy = document
                    .policies
                    .backup
                    .get(name)
                    .ok_or_else(|| no_policy(name))?;
                self.back_up(policy, document, now, go_on)
            }
        }
    }

    /// Restores a backup.
    pub(crate) fn restore(
        &self,
        policy: &str,
        (appliance, backup): (Option<&str>, &str),
        password: Option<&Secret>,
        go_on: GoOn<'_>,
    ) -> Result<Back, SpaceError> {
        let _only = self.alone("restore")?;
        let document = self.document()?;
        let found = document.policies.backup.get(policy);
        let wanted = Wanted {
            policy: found.ok_or_else(|| no_policy(policy))?,
            appliance,
            backup,
            password,
        };
        let back = self.bring_back(&wanted, &document, now(), go_on)?;
        info!("{}", back.what);
        Ok(back)
    }

    /// The backups on the target of a policy: appliance and name.
    pub(crate) fn backups(&self, policy: &str) -> Result<Vec<(String, String)>, SpaceError> {
        let _only = self.alone("backup list")?;
        let document = self.document()?;
        let found = document
            .policies
            .backup
            .get(policy)
            .ok_or_else(|| no_policy(policy))?;
        let reached = super::target::reach(&self.places, &document, &found.target)?;
        let backups = sps_archive::backups(&reached.shelf, None)?;
        Ok(backups
            .into_iter()
            .map(|backup| (backup.appliance, backup.name))
            .collect())
    }

    /// Nobody else works meanwhile.
    fn alone(&self, what: &str) -> Result<Alone<'_>, SpaceError> {
        let guard = self.busy.try_lock();
        let guard = match guard {
            Ok(guard) => guard,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(std::sync::TryLockError::WouldBlock) => return Err(SpaceError::Busy),
        };
        *locked(&self.working) = Some(what.to_owned());
        Ok(Alone {
            spare: self,
            _guard: guard,
        })
    }
}

struct Alone<'a> {
    spare: &'a Spare,
    _guard: MutexGuard<'a, ()>,
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        *locked(&self.spare.working) = None;
    }
}

fn no_policy(name: &str) -> SpaceError {
    SpaceError::NoPolicy {
        name: name.to_owned(),
    }
}

/// Every policy that moves trails away. One that deletes runs at its own time alone: a full disk deletes nothing.
fn archives(document: &Cluster) -> Vec<Work> {
    let policies = document.policies.archive.iter();
    policies
        .filter(|(_, policy)| policy.target.is_some())
        .map(|(name, _)| Work::Archive(name.clone()))
        .collect()
}

fn tell_full(opened: &Opened, used: u32, limit: u32) {
    let share = format!("{}.{}", used / 10, used % 10);
    error!(
        "the disk of the data store is {share} % full, the limit is {limit} %: clients are disconnected and none is taken; archive, \
         clean up or enlarge the disk"
    );
    match opened.store.kept_for_others(opened.tree) {
        Ok(0) => {}
        Ok(bytes) => warn!(
            "{bytes} bytes are kept for earlier firmware: committing the running firmware frees them, and ends the way back"
        ),
        Err(error) => warn!("{}", causes(&error)),
    }
}
