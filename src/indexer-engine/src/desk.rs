//! Who gets which session, and what becomes of it.
//!
//! The appliance sets sessions apart here while hosts are connected. A worker without work takes the first it can open, before all those
//! that the appliance cannot; the appliance's own worker takes what no idle worker could. A session that nobody connected can open goes to
//! the appliance's own, which says so. `now` is seconds since 1970.

mod choose;
mod hosts;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::frame::Key;
use crate::report::Refusal;
use hosts::{Host, Own};

/// Most sessions that are set apart: enough for hosts until the appliance's own worker, which reads one meanwhile, looks for more.
pub const MOST_WAITING: usize = 256;
/// Most workers of one host.
pub const MOST_WORKERS: u16 = 64;
/// Most refusals that are remembered.
const MOST_REFUSALS: usize = 32;
/// Tries of hosts to read a session after which it counts as one that cannot be read.
const MOST_TRIES: u32 = 3;
/// Most sessions whose failures are remembered; the oldest are forgotten, and tried anew.
const MOST_TROUBLES: usize = 10_000;
/// Seconds a worker gets nothing after it could not read for a reason of its own.
const PAUSE: u64 = 30;

/// A worker's connection.
pub type WorkerId = u64;

/// A session that is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its identifier.
    pub id: String,
    /// Its trail, below the place of trails.
    pub trail: String,
    /// Bytes of the trail.
    pub size: u64,
    /// Keys of which one opens it; none: it is not encrypted.
    pub needs: Vec<Key>,
}

/// What a worker is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// To read this session.
    Read(Item),
    /// Nothing for now.
    Nothing,
    /// To go: it is not known any more.
    Gone,
}

/// What becomes of a session that a host could not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is read again, by whoever is next.
    Again,
    /// It was tried often enough.
    Failed,
    /// There was none.
    None,
}

#[derive(Clone, Debug)]
struct Worker {
    host: String,
    number: u16,
    keys: BTreeSet<Key>,
    doing: Option<Doing>,
    /// It gets nothing before that.
    paused: u64,
}

#[derive(Clone, Debug)]
struct Doing {
    item: Item,
    given: u64,
}

/// A session that hosts could not read.
#[derive(Clone, Debug, Default)]
struct Trouble {
    tries: u32,
    hosts: BTreeSet<String>,
    /// The order in which they are forgotten.
    number: u64,
}

/// The state of all of it.
#[derive(Debug)]
pub struct Desk {
    version: String,
    own_keys: BTreeSet<Key>,
    own: Own,
    hosts: BTreeMap<String, Host>,
    workers: BTreeMap<WorkerId, Worker>,
    waiting: VecDeque<Item>,
    /// Sessions that were read, and are not in the index yet.
    telling: BTreeSet<String>,
    troubles: BTreeMap<String, Trouble>,
    refused: VecDeque<Refusal>,
    counter: u64,
}

impl Desk {
    /// Of an appliance of this version.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            own_keys: BTreeSet::new(),
            own: Own::default(),
            hosts: BTreeMap::new(),
            workers: BTreeMap::new(),
            waiting: VecDeque::new(),
            telling: BTreeSet::new(),
            troubles: BTreeMap::new(),
            refused: VecDeque::new(),
            counter: 0,
        }
    }

    /// Version of the appliance.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Keys the appliance's own worker has.
    pub fn set_own_keys(&mut self, keys: impl IntoIterator<Item = Key>) {
        self.own_keys = keys.into_iter().collect();
    }

    /// Whether nobody else indexes, and nothing is left of when somebody did.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.workers.is_empty() && self.waiting.is_empty()
    }

    /// How many more sessions may be set apart; none while nobody else indexes.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.workers.is_empty() {
            return 0;
        }
        MOST_WAITING.saturating_sub(self.waiting.len())
    }

    /// Sessions that are set apart and nobody reads yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a session is waiting here, read by a host, or told and not in the index yet.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.telling.contains(id)
            || self.waiting.iter().any(|item| item.id == id)
            || self.doing().any(|doing| doing.item.id == id)
    }

    /// Sets a session apart, unless it is here already or there is no room.
    pub fn offer(&mut self, item: Item) -> bool {
        if self.room() == 0 || self.has(&item.id) {
            return false;
        }
        self.waiting.push_back(item);
        true
    }

    /// The trail was read and all told: the worker is free, the session is to be settled ([`Desk::settled`]).
    pub fn done(&mut self, worker: WorkerId) {
        let Some(doing) = self.put_down(worker) else {
            return;
        };
        self.telling.insert(doing.item.id);
        if let Some(host) = self.host_of(worker) {
            host.done += 1;
        }
    }

    /// What was told of a session stands in the index, or nowhere: it may come again.
    pub fn settled(&mut self, id: &str, well: bool) {
        self.telling.remove(id);
        if well {
            self.troubles.remove(id);
        }
    }

    /// What was told and is not in the index is lost, and what is set apart is looked for anew: whoever puts it into the index began anew.
    pub fn forget_told(&mut self) {
        self.telling.clear();
        self.waiting.clear();
    }

    /// A worker, or what it told, was at fault with a session, or the session itself.
    pub fn failed(&mut self, worker: WorkerId, reason: &str, now: u64) -> Outcome {
        self.note(worker, reason, now);
        let host = self.workers.get(&worker).map(|worker| worker.host.clone());
        let Some((doing, host)) = self.put_down(worker).zip(host) else {
            return Outcome::None;
        };
        self.trouble(doing.item, &host)
    }

    /// A session that a host read turned out to be nothing that goes into the index.
    pub fn refuted(&mut self, item: Item, host: &str, reason: &str, now: u64) -> Outcome {
        self.telling.remove(&item.id);
        if let Some(host) = self.hosts.get_mut(host) {
            host.last_error = Some((now, reason.to_owned()));
        }
        self.trouble(item, host)
    }

    /// A worker could not read for a reason of its own: another one reads the session, and it rests a while.
    pub fn elsewhere(&mut self, worker: WorkerId, reason: &str, now: u64) {
        self.note(worker, reason, now);
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.paused = now + PAUSE;
        }
        if let Some(doing) = self.put_down(worker) {
            self.waiting.push_front(doing.item);
        }
    }

    /// A worker was given so many bytes of its trail, all together.
    pub fn gave(&mut self, worker: WorkerId, given: u64) {
        if let Some(doing) = self
            .workers
            .get_mut(&worker)
            .and_then(|worker| worker.doing.as_mut())
        {
            doing.given = given;
        }
    }

    fn trouble(&mut self, item: Item, host: &str) -> Outcome {
        if self.troubles.len() >= MOST_TROUBLES
            && let Some(oldest) = self.troubles.iter().min_by_key(|(_, trouble)| trouble.number)
        {
            let oldest = oldest.0.clone();
            self.troubles.remove(&oldest);
        }
        self.counter += 1;
        let number = self.counter;
        let trouble = self.troubles.entry(item.id.clone()).or_default();
        trouble.tries += 1;
        trouble.number = number;
        trouble.hosts.insert(host.to_owned());
        if trouble.tries >= MOST_TRIES {
            self.troubles.remove(&item.id);
            return Outcome::Failed;
        }
        self.waiting.push_back(item);
        Outcome::Again
    }

    fn doing(&self) -> impl Iterator<Item = &Doing> {
        self.workers.values().filter_map(|worker| worker.doing.as_ref())
    }

    fn put_down(&mut self, worker: WorkerId) -> Option<Doing> {
        self.workers.get_mut(&worker)?.doing.take()
    }
}
