//! Hosts that come and go.

use std::collections::BTreeSet;

use super::{Desk, MOST_REFUSALS, MOST_WORKERS, Worker, WorkerId};
use crate::frame::{FORMAT, Hello};
use crate::report::{HostReport, OwnReport, Refusal, Report, WorkerReport};
use crate::version::{Verdict, may_index};

/// What is known of a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    host_name: String,
    address: String,
    version: String,
    since: u64,
    workers: u16,
    keys: usize,
    pub(super) done: u64,
    /// Of them, before it connected this time.
    before: u64,
    pub(super) last_error: Option<(u64, String)>,
}

/// The appliance's own worker.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    session: Option<String>,
    done: u64,
    last_error: Option<String>,
}

impl Desk {
    /// A worker of the host that the configuration calls `name` said who it is.
    ///
    /// # Errors
    /// Why it may not index here, in words for both sides.
    pub fn arrive(&mut self, name: &str, address: &str, hello: &Hello, now: u64) -> Result<WorkerId, String> {
        if let Some(reason) = self.objection(name, hello) {
            self.refuse(address, Some(name), &reason, now);
            return Err(reason);
        }
        let is_first = self.workers.values().all(|worker| worker.host != name);
        let host = self.hosts.entry(name.to_owned()).or_default();
        if is_first {
            host.since = now;
            host.before = host.done;
        }
        host.host_name.clone_from(&hello.host_name);
        host.version.clone_from(&hello.version);
        host.workers = hello.workers;
        host.keys = hello.keys.len();
        address.clone_into(&mut host.address);
        self.counter += 1;
        self.workers.insert(
            self.counter,
            Worker {
                host: name.to_owned(),
                number: hello.worker,
                keys: hello.keys.iter().copied().collect(),
                doing: None,
                paused: 0,
            },
        );
        Ok(self.counter)
    }

    fn objection(&self, name: &str, hello: &Hello) -> Option<String> {
        let own = &self.version;
        if hello.format != FORMAT {
            let Hello { format, version, .. } = hello;
            return Some(format!(
                "the indexer (version {version}) speaks form {format} of the protocol, the appliance (version {own}) form {FORMAT}: give the host the appliance's own version of sps"
            ));
        }
        match may_index(&hello.version, own) {
            Verdict::Fits => {}
            Verdict::Older => {
                return Some(format!(
                    "the indexer is version {}, older than the appliance's {own}: give the host the appliance's version of sps, or a later one",
                    hello.version
                ));
            }
            Verdict::Unknown => {
                return Some(format!(
                    "the indexer's version {:?} is none: give the host the appliance's version of sps ({own})",
                    hello.version
                ));
            }
        }
        let own_workers = || self.workers.values().filter(|worker| worker.host == name);
        if hello.workers > MOST_WORKERS || own_workers().count() >= usize::from(MOST_WORKERS) {
            return Some(format!(
                "a host may have {MOST_WORKERS} workers at the most: start it with fewer"
            ));
        }
        if own_workers().any(|worker| worker.number == hello.worker) {
            return Some(format!(
                "worker {} of the host {name} is connected already: does another host use the same configuration? Add a host for it, or wait until the appliance has seen that the earlier connection is gone",
                hello.worker
            ));
        }
        None
    }

    /// A worker's connection ended; its session is read by another.
    pub fn leave(&mut self, worker: WorkerId, why: Option<&str>, now: u64) {
        if let Some(why) = why {
            self.note(worker, why, now);
        }
        if let Some(doing) = self.put_down(worker) {
            // At the end: a session at which hosts die keeps no other waiting.
            self.waiting.push_back(doing.item);
        }
        self.workers.remove(&worker);
    }

    /// Somebody may not index, or was cut off.
    pub fn refuse(&mut self, address: &str, host: Option<&str>, reason: &str, now: u64) {
        let same = |refusal: &Refusal| {
            refusal.address == address && refusal.host.as_deref() == host && refusal.reason == reason
        };
        let times = match self.refused.iter().position(same) {
            Some(place) => self.refused.remove(place).map_or(0, |old| old.times),
            None => 0,
        };
        self.refused.truncate(MOST_REFUSALS - 1);
        self.refused.push_front(Refusal {
            time: now,
            address: address.to_owned(),
            host: host.map(ToOwned::to_owned),
            reason: reason.to_owned(),
            times: times.saturating_add(1),
        });
    }

    /// Hosts that are not among `names` are forgotten; their workers, which are to go.
    pub fn keep_hosts(&mut self, names: &BTreeSet<String>) -> Vec<WorkerId> {
        self.hosts.retain(|name, _| names.contains(name));
        let gone = self
            .workers
            .iter()
            .filter(|(_, worker)| !names.contains(&worker.host));
        gone.map(|(id, _)| *id).collect()
    }

    /// What the appliance's own worker reads; nothing: it has read it.
    pub fn own_reads(&mut self, session: Option<&str>) {
        if session.is_none() && self.own.session.is_some() {
            self.own.done += 1;
        }
        self.own.session = session.map(ToOwned::to_owned);
    }

    /// What went wrong with the appliance's own worker.
    pub fn own_failed(&mut self, why: &str) {
        self.own.last_error = Some(why.to_owned());
    }

    pub(super) fn note(&mut self, worker: WorkerId, reason: &str, now: u64) {
        if let Some(host) = self.host_of(worker) {
            host.last_error = Some((now, reason.to_owned()));
        }
    }

    pub(super) fn host_of(&mut self, worker: WorkerId) -> Option<&mut Host> {
        let worker = self.workers.get(&worker)?;
        self.hosts.get_mut(&worker.host)
    }

    /// Everything there is to see.
    #[must_use]
    pub fn report(&self, now: u64) -> Report {
        let Own {
            session,
            done,
            last_error,
        } = self.own.clone();
        Report {
            own: OwnReport {
                session,
                done,
                last_error,
            },
            hosts: self
                .hosts
                .iter()
                .map(|(name, host)| self.line(name, host, now))
                .collect(),
            refused: self.refused.iter().cloned().collect(),
            waiting: self.waiting.len(),
        }
    }

    fn line(&self, name: &str, host: &Host, now: u64) -> HostReport {
        let workers = self.workers.values().filter(|worker| worker.host == name);
        let mut connected: Vec<WorkerReport> = workers.map(told).collect();
        connected.sort_unstable_by_key(|worker| worker.number);
        // In the first minute an hour is not known.
        let seconds = now.saturating_sub(host.since).max(60);
        HostReport {
            name: name.to_owned(),
            host_name: host.host_name.clone(),
            address: host.address.clone(),
            version: host.version.clone(),
            since: (!connected.is_empty()).then_some(host.since),
            workers: host.workers,
            keys: host.keys,
            connected,
            done: host.done,
            per_hour: (host.done - host.before).saturating_mul(3600) / seconds,
            last_error: host.last_error.clone(),
        }
    }
}

fn told(worker: &Worker) -> WorkerReport {
    let doing = worker.doing.as_ref();
    WorkerReport {
        number: worker.number,
        session: doing.map(|doing| doing.item.id.clone()),
        given: doing.map_or(0, |doing| doing.given),
        size: doing.map_or(0, |doing| doing.item.size),
    }
}
