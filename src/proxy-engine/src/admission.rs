//! Who is let in: limits of connections, and memory; and how many must go when memory runs out.
//!
//! The machine has one process, which the kernel cannot end: when memory is gone, the machine is. So sessions are refused while there is
//! memory left for those that go on, and ended before there is none. Which go, and why the youngest: `DECISION-admission.md`.
//!
//! Invariants: what is counted in is counted out; between two measurements no more are let in than the last one leaves room for; nobody is
//! refused without a sentence.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sps_cluster_config::sections::connections::SshOptions;
use thiserror::Error;

/// What a session is taken to cost before that is known, and the least and most that it may seem to: two legs, a terminal, a trail; and a
/// transfer whose windows are full.
const COST_FIRST: u64 = 1 << 20;
const COST_LEAST: u64 = 384 << 10;
const COST_MOST: u64 = 8 << 20;
/// Sessions from which on what one costs is told from all of them.
const COST_KNOWN_FROM: usize = 16;
/// Time that ended sessions have to give their memory back before more are.
const SETTLE: Duration = Duration::from_secs(2);
/// The same when half of what is kept for the machine is gone too.
const SETTLE_URGENT: Duration = Duration::from_millis(400);
/// Longest time that nothing is read before sessions are ended for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Times a byte is in memory that was read and could not be passed on: as it came, decrypted, for the trail, encrypted again.
const BECOMES: u64 = 4;
/// Most sessions that are ended at once: this part of all.
const AT_ONCE: usize = 4;
/// Part of the connections without a login that one client may have.
const LOGGING_IN_SHARE: usize = 4;
/// Percent of time in which nothing could go on for want of memory from which on it counts as gone, whatever seems to be free.
const STALLED: f32 = 25.0;

/// Memory from which on a machine has the window of large transfers.
const LARGE: u64 = 1 << 30;
/// Bytes that may be on the way to somebody who does not read, for each channel: a transfer at 200 MiB/s with a round trip of 10 ms; and where memory
/// is small, a quarter of that.
const WINDOW_LARGE: u32 = 2 << 20;
const WINDOW_SMALL: u32 = 512 << 10;

/// What clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections.
    pub sessions: usize,
    /// Connections of one client: an IPv4 address, or an IPv6 network of 64 bits.
    pub of_one_client: usize,
    /// Connections nobody is logged in on yet.
    pub logging_in: usize,
    /// Percent of the memory that must be free for another connection.
    pub refuse_below_percent: u32,
    /// Percent of the memory below which connections are ended.
    pub end_below_percent: u32,
}

impl From<&SshOptions> for Limits {
    fn from(options: &SshOptions) -> Self {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            sessions: count(options.most_sessions),
            of_one_client: count(options.most_of_one_client),
            logging_in: count(options.most_logging_in),
            refuse_below_percent: options.refuse_below_percent,
            end_below_percent: options.end_below_percent,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&SshOptions::default())
    }
}

/// The memory of the machine, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What programs can still have without that anything is driven out (`MemAvailable`).
    pub available: u64,
    /// What this process has.
    pub resident: u64,
    /// Percent of the last ten seconds in which nothing could go on for want of memory (`full avg10` of the kernel's pressure); 0 where it is
    /// not told.
    pub stalled: f32,
}

/// How the machine is about to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leaving {
    /// It starts again.
    Restart,
    /// It is switched off.
    PowerOff,
    /// Only the sessions end: the data store goes.
    Pause,
}

impl Leaving {
    /// What becomes of the appliance.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Restart => "restarts",
            Self::PowerOff => "is switched off",
            Self::Pause => "pauses its sessions",
        }
    }
}

/// Why a connection is refused. The text is for whoever connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Refusal {
    /// The appliance stops.
    #[error("this appliance {}: it takes no new sessions; try again later", .0.words())]
    Leaving(Leaving),
    /// As many as may be are open.
    #[error(
        "as many sessions are open as this appliance may have: try again later, or ask an administrator for a higher limit"
    )]
    Sessions,
    /// As many as may be of this client.
    #[error(
        "as many sessions are open from your address as one may have: end one, or ask an administrator for a higher limit"
    )]
    OfOneClient,
    /// As many as may be wait for a login.
    #[error("too many connections wait for somebody to log in: try again in a minute")]
    LoggingIn,
    /// There is too little memory.
    #[error(
        "this appliance has too little memory left for another session: try again later, or tell an administrator"
    )]
    Memory,
}

impl Refusal {
    /// Every word of [`Refusal::word`].
    pub const WORDS: [&str; 5] = ["leaving", "sessions", "client", "logging-in", "memory"];

    /// One word, for whoever counts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self.number()]
    }

    /// Its place in [`Refusal::WORDS`].
    #[must_use]
    pub const fn number(self) -> usize {
        match self {
            Self::Leaving(_) => 0,
            Self::Sessions => 1,
            Self::OfOneClient => 2,
            Self::LoggingIn => 3,
            Self::Memory => 4,
        }
    }
}

/// A client as its connections are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client(IpAddr);

impl Client {
    /// Whose address this is: of an IPv6 network of 64 bits somebody has all addresses.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(v4),
            IpAddr::V6(v6) => Self(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into()),
        }
    }
}

/// Connections of one client.
#[derive(Clone, Copy, Debug, Default)]
struct OfClient {
    open: usize,
    logging_in: usize,
}

/// What is open, and what is left.
#[derive(Clone, Debug)]
pub struct Admission {
    limits: Limits,
    leaving: Option<Leaving>,
    open: usize,
    logging_in: usize,
    by_client: HashMap<Client, OfClient>,
    memory: Option<Memory>,
    /// Memory the process had when nothing was open.
    empty: Option<u64>,
    cost: u64,
    /// Let in since the last measurement.
    since: u64,
    ended_at: Option<Duration>,
    /// Since when nothing more is read.
    halted: Option<Duration>,
}

impl Admission {
    /// Nothing is open, and nothing was measured yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            leaving: None,
            open: 0,
            logging_in: 0,
            by_client: HashMap::new(),
            memory: None,
            empty: None,
            cost: COST_FIRST,
            since: 0,
            ended_at: None,
            halted: None,
        }
    }

    /// Other limits; who is in stays.
    pub const fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Nobody is let in any more.
    pub const fn leave(&mut self, leaving: Leaving) {
        self.leaving = Some(leaving);
    }

    /// Connections that are open, and those of them nobody is logged in on.
    #[must_use]
    pub const fn open(&self) -> (usize, usize) {
        (self.open, self.logging_in)
    }

    /// Whether the next one would be refused for want of memory.
    #[must_use]
    pub fn is_short(&self) -> bool {
        !self.has_memory()
    }

    /// Whether nothing more may be read from clients and servers: between the two marks what is on the way already must find room.
    #[must_use]
    pub const fn is_halted(&self) -> bool {
        self.halted.is_some()
    }

    /// Bytes that may be read from clients and servers until the next measurement: what they become must find room.
    #[must_use]
    pub fn may_read(&self) -> u64 {
        match &self.memory {
            None => u64::MAX,
            Some(_) if self.is_halted() => 0,
            Some(memory) => {
                let (refuse, end) = self.marks(memory);
                (memory.available.saturating_sub(u64::midpoint(refuse, end)) / BECOMES).max(1)
            }
        }
    }

    /// The window of a channel, bytes.
    #[must_use]
    pub fn window(&self) -> u32 {
        if self.memory.is_some_and(|memory| memory.total < LARGE) {
            WINDOW_SMALL
        } else {
            WINDOW_LARGE
        }
    }

    /// What a session costs, bytes, as far as is known.
    #[must_use]
    pub const fn cost(&self) -> u64 {
        self.cost
    }

    /// A client comes.
    ///
    /// # Errors
    /// Why it may not.
    pub fn admit(&mut self, client: Client) -> Result<(), Refusal> {
        if let Some(leaving) = self.leaving {
            return Err(Refusal::Leaving(leaving));
        }
        if self.open >= self.limits.sessions {
            return Err(Refusal::Sessions);
        }
        let own = self.by_client.get(&client).copied().unwrap_or_default();
        // One client that never logs in keeps nobody else out.
        let most = self.limits.logging_in.div_ceil(LOGGING_IN_SHARE);
        if self.logging_in >= self.limits.logging_in || own.logging_in >= most {
            return Err(Refusal::LoggingIn);
        }
        if own.open >= self.limits.of_one_client {
            return Err(Refusal::OfOneClient);
        }
        if !self.has_memory() {
            return Err(Refusal::Memory);
        }
        self.open += 1;
        self.logging_in += 1;
        self.since += 1;
        let own = self.by_client.entry(client).or_default();
        own.open += 1;
        own.logging_in += 1;
        Ok(())
    }

    /// Somebody is logged in on a connection.
    pub fn logged_in(&mut self, client: Client) {
        self.logging_in = self.logging_in.saturating_sub(1);
        if let Some(own) = self.by_client.get_mut(&client) {
            own.logging_in = own.logging_in.saturating_sub(1);
        }
    }

    /// A connection is gone; whether somebody was logged in.
    pub fn left(&mut self, client: Client, was_logged_in: bool) {
        self.open = self.open.saturating_sub(1);
        if !was_logged_in {
            self.logged_in(client);
        }
        if let Some(own) = self.by_client.get_mut(&client) {
            own.open -= 1;
            if own.open == 0 {
                self.by_client.remove(&client);
            }
        }
    }

    /// Takes a measurement. The answer is how many connections must be ended now, the youngest first.
    pub fn measured(&mut self, memory: Memory, now: Duration) -> usize {
        self.memory = Some(memory);
        self.since = 0;
        if self.open == 0 {
            self.empty = Some(memory.resident);
        }
        if self.open >= COST_KNOWN_FROM {
            let used = memory.resident.saturating_sub(self.empty.unwrap_or_default());
            self.cost = (used / self.open as u64).clamp(COST_LEAST, COST_MOST);
        }
        let (refuse, end) = self.marks(&memory);
        let is_halted = memory.available < u64::midpoint(refuse, end);
        self.halted = is_halted.then(|| self.halted.unwrap_or(now));
        let count = self.to_end(&memory, now);
        let settle = if memory.available < end / 2 {
            SETTLE_URGENT
        } else {
            SETTLE
        };
        let settled = self
            .ended_at
            .is_none_or(|ended| now.saturating_sub(ended) >= settle);
        if count == 0 || !settled {
            return 0;
        }
        self.ended_at = Some(now);
        count
    }

    /// What must stay free for another session, and below what sessions end.
    fn marks(&self, memory: &Memory) -> (u64, u64) {
        let part = |percent: u32| memory.total / 100 * u64::from(percent);
        (
            part(self.limits.refuse_below_percent),
            part(self.limits.end_below_percent),
        )
    }

    /// Whether there is memory for one more. Those that came since the measurement have not taken theirs, nor have those who log in.
    fn has_memory(&self) -> bool {
        let Some(memory) = &self.memory else {
            return true;
        };
        let (refuse, _) = self.marks(memory);
        let coming = self.since.max(self.logging_in as u64) + 1;
        memory.stalled < STALLED && memory.available >= refuse + coming * self.cost
    }

    fn to_end(&self, memory: &Memory, now: Duration) -> usize {
        let (refuse, end) = self.marks(memory);
        let gone = memory.available < end || (memory.stalled >= STALLED && memory.available < refuse);
        let waits = self
            .halted
            .is_some_and(|halted| now.saturating_sub(halted) >= PATIENCE);
        if !(gone || waits) || self.open == 0 {
            return 0;
        }
        // Half of the way back to where sessions are let in, so that the next one does not bring it here again.
        let wanted = u64::midpoint(refuse, end).saturating_sub(memory.available);
        let count = usize::try_from(wanted.div_ceil(self.cost)).unwrap_or(usize::MAX);
        count.clamp(1, self.open.div_ceil(AT_ONCE))
    }
}

#[cfg(test)]
mod tests;
