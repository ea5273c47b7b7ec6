//! What the proxy has done since the appliance started, counted: for whoever watches it from outside. Counts only grow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sps_proxy_engine::{Kind, Refusal};

use crate::words::VERDICTS;

/// The counts. Shared by all sessions; none of them waits for it.
#[derive(Debug, Default)]
pub struct Meter {
    taken: AtomicU64,
    refused: [AtomicU64; Refusal::WORDS.len()],
    without_policy: AtomicU64,
    shed: AtomicU64,
    logins: AtomicU64,
    failed_at_gateway: AtomicU64,
    failed_at_server: AtomicU64,
    ended: [AtomicU64; VERDICTS.len()],
    channels: [AtomicU64; Kind::ALL.len()],
    denied: [AtomicU64; Kind::ALL.len()],
    from_clients: AtomicU64,
    from_servers: AtomicU64,
    waits: AtomicU64,
    waited: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Connections that were let in.
    pub taken: u64,
    /// Connections that were refused, by why.
    pub refused: Vec<(&'static str, u64)>,
    /// Connections that were ended because memory ran out.
    pub shed: u64,
    /// People who got to a server.
    pub logins: u64,
    /// Logins that failed, by who refused them.
    pub failed: Vec<(&'static str, u64)>,
    /// Sessions that ended, by their verdict.
    pub ended: Vec<(&'static str, u64)>,
    /// Channels that were opened, by their kind.
    pub channels: Vec<(&'static str, u64)>,
    /// Channels that were refused, by their kind.
    pub denied: Vec<(&'static str, u64)>,
    /// Bytes that clients sent to servers on channels.
    pub from_clients: u64,
    /// Bytes that servers sent to clients on channels.
    pub from_servers: u64,
    /// How often a session waited for its recording, and for how long together.
    pub waits: u64,
    /// See `waits`.
    pub waited: Duration,
}

/// Which way bytes went.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

impl Meter {
    /// The counts now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let kinds = || Kind::ALL.map(|(_, kind)| kind.record_word());
        let mut refused = with(Refusal::WORDS, &self.refused);
        refused.push(("policy", get(&self.without_policy)));
        Counts {
            taken: get(&self.taken),
            refused,
            shed: get(&self.shed),
            logins: get(&self.logins),
            failed: vec![
                ("gateway", get(&self.failed_at_gateway)),
                ("server", get(&self.failed_at_server)),
            ],
            ended: with(VERDICTS, &self.ended),
            channels: with(kinds(), &self.channels),
            denied: with(kinds(), &self.denied),
            from_clients: get(&self.from_clients),
            from_servers: get(&self.from_servers),
            waits: get(&self.waits),
            waited: Duration::from_nanos(get(&self.waited)),
        }
    }

    pub(crate) fn taken(&self) {
        one(&self.taken);
    }

    pub(crate) fn refused(&self, why: Refusal) {
        one(&self.refused[why.number()]);
    }

    pub(crate) fn without_policy(&self) {
        one(&self.without_policy);
    }

    pub(crate) fn shed(&self) {
        one(&self.shed);
    }

    pub(crate) fn logged_in(&self) {
        one(&self.logins);
    }

    pub(crate) fn failed_at_gateway(&self) {
        one(&self.failed_at_gateway);
    }

    pub(crate) fn failed_at_server(&self) {
        one(&self.failed_at_server);
    }

    pub(crate) fn ended(&self, verdict: &str) {
        let place = VERDICTS.iter().position(|word| *word == verdict);
        if let Some(place) = place {
            one(&self.ended[place]);
        }
    }

    pub(crate) fn opened(&self, kind: &str) {
        if let Some(place) = place(kind) {
            one(&self.channels[place]);
        }
    }

    pub(crate) fn denied(&self, kind: &str) {
        if let Some(place) = place(kind) {
            one(&self.denied[place]);
        }
    }

    pub(crate) fn passed(&self, way: Way, bytes: usize) {
        let count = match way {
            Way::ToServer => &self.from_clients,
            Way::ToClient => &self.from_servers,
        };
        count.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn waited(&self, time: Duration) {
        one(&self.waits);
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.waited.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

fn one(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

fn place(kind: &str) -> Option<usize> {
    Kind::ALL.iter().position(|(_, own)| own.record_word() == kind)
}

fn with<const N: usize>(words: [&'static str; N], counts: &[AtomicU64; N]) -> Vec<(&'static str, u64)> {
    words.into_iter().zip(counts.iter().map(get)).collect()
}
