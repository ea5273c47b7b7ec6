//! Which session is next for whom.

use std::collections::BTreeSet;

use super::{Desk, Doing, Item, Job, Worker, WorkerId};
use crate::frame::Key;

/// Whether one of these keys opens a session.
fn opens(keys: &BTreeSet<Key>, item: &Item) -> bool {
    item.needs.is_empty() || item.needs.iter().any(|key| keys.contains(key))
}

impl Desk {
    /// What a worker without work is to do.
    pub fn next(&mut self, id: WorkerId, now: u64) -> Job {
        let Some(worker) = self.workers.get(&id) else {
            return Job::Gone;
        };
        if worker.doing.is_some() || worker.paused > now {
            return Job::Nothing;
        }
        let fits = |item: &Item| opens(&worker.keys, item) && !self.is_for_others(worker, item);
        let mut found = None;
        for (place, item) in self.waiting.iter().enumerate().filter(|(_, item)| fits(item)) {
            // What the appliance can open it reads too.
            if !opens(&self.own_keys, item) {
                found = Some(place);
                break;
            }
            found = found.or(Some(place));
        }
        let Some(item) = found.and_then(|place| self.waiting.remove(place)) else {
            return Job::Nothing;
        };
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.doing = Some(Doing {
                item: item.clone(),
                given: 0,
            });
        }
        Job::Read(item)
    }

    /// The session that the appliance's own worker is to read.
    pub fn own(&mut self, now: u64) -> Option<Item> {
        let is_own = |item: &Item| {
            let able = || self.workers.values().filter(|worker| opens(&worker.keys, item));
            let mut free = able().filter(|worker| {
                worker.doing.is_none() && worker.paused <= now && !self.is_for_others(worker, item)
            });
            free.next().is_none() && (opens(&self.own_keys, item) || able().next().is_none())
        };
        let place = self.waiting.iter().position(is_own)?;
        self.waiting.remove(place)
    }

    /// Whether somebody is connected who opens what the appliance cannot.
    #[must_use]
    pub fn is_for_hosts(&self, item: &Item) -> bool {
        !opens(&self.own_keys, item) && self.workers.values().any(|worker| opens(&worker.keys, item))
    }

    /// Whether anybody who is here opens it.
    #[must_use]
    pub fn is_for_somebody(&self, item: &Item) -> bool {
        opens(&self.own_keys, item) || self.workers.values().any(|worker| opens(&worker.keys, item))
    }

    /// Whether its host could not read the session once, and another one may.
    fn is_for_others(&self, worker: &Worker, item: &Item) -> bool {
        let Some(trouble) = self.troubles.get(&item.id) else {
            return false;
        };
        trouble.hosts.contains(&worker.host)
            && self
                .workers
                .values()
                .any(|other| !trouble.hosts.contains(&other.host) && opens(&other.keys, item))
    }
}
