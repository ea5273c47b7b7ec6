//! Long operations as jobs: whoever started one finds it again, and so do others.
//!
//! A job is an operation whose updates are kept: what it does now, how far it is, how it ended. The table is bounded; jobs
//! that have ended make room for new ones, oldest first.

mod restart;
mod store;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::backend::{Canceller, Reply, Update, Updates};
use crate::failure::{Failure, FailureKind};
use crate::fetch;
use crate::operations::{Call, Operations};
use crate::origin::Origin;
use crate::progress::Progress;
use crate::request::Request;
use crate::response::Response;
use crate::testing::Test;

pub use restart::{Arrival, Expected};
pub use store::JobStore;

/// Lines of a job's log that are kept.
const LOGGED: usize = 16;
/// Jobs that are remembered.
const MOST: usize = 32;

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Its number, from 1, since the appliance started.
    pub id: u64,
    /// What is done.
    pub title: String,
    /// Who started it, and from where.
    pub owner: String,
    /// Why, in the owner's words.
    pub message: String,
    /// When, seconds since 1970.
    pub started: u64,
    /// When it ended.
    pub ended: Option<u64>,
    /// Where it stands.
    pub state: JobState,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Its log: what it came to, oldest first, the last few.
    #[serde(default)]
    pub log: Vec<JobStep>,
    /// The firmware slot that came of it.
    pub slot: Option<u8>,
    /// SHA-256 of the manifest of the firmware that is to run when it ends, hexadecimal: it goes on over a restart.
    #[serde(default)]
    pub expects: Option<String>,
    /// It can be called off; in this start of the appliance alone.
    #[serde(skip)]
    pub can_be_called_off: bool,
    /// The file it fetches.
    #[serde(default)]
    pub fetched: Option<Fetched>,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobStep {
    /// When, seconds since 1970.
    pub at: u64,
    /// What was begun.
    pub what: String,
}

impl Job {
    /// Takes how far it is; what it had not done before is a line of its log.
    fn go_on(&mut self, progress: Progress) {
        if self.log.last().is_none_or(|last| last.what != progress.what) {
            if self.log.len() >= LOGGED {
                self.log.remove(0);
            }
            self.log.push(JobStep {
                at: now(),
                what: progress.what.clone(),
            });
        }
        self.progress = Some(progress);
    }
}

/// A file that a job fetches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// Where from, without what may be secret.
    pub url: String,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum JobState {
    /// Under way.
    Running,
    /// Ended well; what it says.
    Done(String),
    /// Ended badly; why, and how to mend it.
    Failed(String),
    /// Somebody called it off; who.
    CalledOff(String),
}

impl JobState {
    /// The word on every surface.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
            Self::CalledOff(_) => "called off",
        }
    }
}

/// The jobs of this appliance; clones are handles to the same.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    table: Arc<Mutex<Table>>,
    /// Counts changes, for whoever follows.
    changes: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    jobs: VecDeque<Job>,
    /// What calls off the jobs under way that can be.
    cancellers: BTreeMap<u64, Canceller>,
}

impl Jobs {
    /// Every job that is remembered, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Job> {
        self.lock().jobs.iter().rev().cloned().collect()
    }

    /// The job with this number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<Job> {
        self.lock().jobs.iter().find(|job| job.id == id).cloned()
    }

    /// Changes with every change of a job.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Begins `call` as a job and returns its number; `finish` makes the words of a good end.
    #[must_use]
    pub fn start(
        &self,
        operations: &Operations,
        call: Call,
        finish: impl FnOnce(&Response) -> String + Send + 'static,
    ) -> u64 {
        let id = self.enter(&call);
        self.run(id, operations, call, finish);
        id
    }

    /// Carries out `call` as the job `id`, which was entered before.
    pub fn run(
        &self,
        id: u64,
        operations: &Operations,
        call: Call,
        finish: impl FnOnce(&Response) -> String + Send + 'static,
    ) {
        let (updates, mut heard, canceller) = Updates::cancellable();
        if call.request.can_be_called_off() {
            self.lock().cancellers.insert(id, canceller);
            self.change(id, |job| job.can_be_called_off = true);
        }
        let (own, operations) = (self.clone(), operations.clone());
        tokio::spawn(async move {
            // Whatever ends this task, the job has an end.
            let mut end = End {
                jobs: own.clone(),
                id,
                state: Some(JobState::Failed(
                    "it ended unexpectedly; the log says more".into(),
                )),
            };
            let work = operations.perform(call, updates);
            let listen = async {
                while let Some(update) = heard.recv().await {
                    if let Update::Progress(progress) = update {
                        own.progress(id, progress);
                    }
                }
            };
            let (reply, ()) = tokio::join!(work, listen);
            if let Ok(Response::Slot(slot)) = &reply {
                own.change(id, |job| job.slot = Some(slot.number));
            }
            end.state = Some(state(reply, finish));
        });
    }

    /// Enters a job that somebody else carries out, and reports on by [`Jobs::progress`] and [`Jobs::end`].
    #[must_use]
    pub fn enter(&self, call: &Call) -> u64 {
        let mut table = self.lock();
        table.last += 1;
        let id = table.last;
        if table.jobs.len() >= MOST {
            let ended = table.jobs.iter().position(|job| job.state != JobState::Running);
            let oldest = ended.unwrap_or(0);
            table.jobs.remove(oldest);
        }
        table.jobs.push_back(Job {
            id,
            title: call.request.title(),
            owner: call.origin.to_string(),
            message: call.message.clone(),
            started: now(),
            ended: None,
            state: JobState::Running,
            progress: None,
            log: Vec::new(),
            slot: None,
            expects: None,
            can_be_called_off: false,
            fetched: fetched(&call.request),
        });
        drop(table);
        self.told();
        id
    }

    /// Calls a job off in the name of `origin`; its end tells when it has come to it.
    ///
    /// # Errors
    /// It is not remembered, has ended, or cannot be called off.
    pub fn call_off(&self, id: u64, origin: &Origin) -> Result<(), Failure> {
        let job = self
            .get(id)
            .ok_or_else(|| Failure::invalid(format!("there is no job {id}")))?;
        if job.state != JobState::Running {
            return Err(Failure::refused("the job has ended already"));
        }
        let canceller = self.lock().cancellers.get(&id).cloned();
        let canceller =
            canceller.ok_or_else(|| Failure::refused("this job cannot be called off: wait for its end"))?;
        canceller.call_off(&origin.to_string());
        Ok(())
    }

    /// Waits for the end of a job; nothing when it is not remembered.
    pub async fn ended(&self, id: u64) -> Option<Job> {
        let mut changes = self.follow();
        loop {
            changes.borrow_and_update();
            let job = self.get(id)?;
            if job.state != JobState::Running {
                return Some(job);
            }
            changes.changed().await.ok()?;
        }
    }

    /// Tells how far a job is.
    pub fn progress(&self, id: u64, progress: Progress) {
        self.change(id, |job| job.go_on(progress));
    }

    /// Tells how a job ended.
    pub fn end(&self, id: u64, outcome: Result<String, &Failure>) {
        let state = match outcome {
            Ok(words) => JobState::Done(words),
            Err(failure) => JobState::Failed(failure.to_string()),
        };
        self.finish(id, state);
    }

    fn finish(&self, id: u64, state: JobState) {
        self.lock().cancellers.remove(&id);
        self.change(id, |job| {
            job.can_be_called_off = false;
            job.state = state;
            job.ended = Some(now());
            job.progress = None;
        });
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.lock().jobs.iter_mut().find(|job| job.id == id) {
            change(job);
        }
        self.told();
    }

    fn told(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn state(reply: Reply, finish: impl FnOnce(&Response) -> String) -> JobState {
    match reply {
        // What a person should see as a failure, though the Test itself was carried out.
        Ok(response @ Response::Tested(Test { passed: false, .. })) => JobState::Failed(finish(&response)),
        Ok(response) => JobState::Done(finish(&response)),
        Err(failure) if failure.kind == FailureKind::CalledOff => JobState::CalledOff(failure.message),
        Err(failure) => JobState::Failed(failure.to_string()),
    }
}

fn fetched(request: &Request) -> Option<Fetched> {
    match request {
        Request::FirmwareFetch { url, sha256 } => Some(Fetched {
            url: fetch::shown(url),
            sha256: sha256.clone(),
        }),
        _ => None,
    }
}

struct End {
    jobs: Jobs,
    id: u64,
    state: Option<JobState>,
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            self.jobs.finish(self.id, state);
        }
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
