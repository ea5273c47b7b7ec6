//! The table of sessions. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::token::TokenHash;

/// Sessions at once: far above a team, far below what would fill a memory.
pub const MOST_SESSIONS: usize = 512;
/// Sessions of one user: a script that logs in for every call does not push the others out.
const MOST_OF_ONE: usize = 128;
/// A session ends after so long, however busy it is.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// A browser is logged out after so long without a request of its person.
const WEB_IDLE: Duration = Duration::from_secs(10 * 60);
/// A program is.
const API_IDLE: Duration = Duration::from_secs(20 * 60);

/// The clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Seconds since 1970; may be set at any time.
    pub wall: u64,
    /// Time since the kernel started; never goes back.
    pub uptime: Duration,
}

/// What the session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A person's browser.
    Web,
    /// A program.
    Api,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Who.
    pub user: String,
    /// What for.
    pub kind: Kind,
    /// From where they logged in.
    pub address: IpAddr,
    /// When they logged in, seconds since 1970.
    pub since: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    session: Session,
    /// Uptime of its last request; of the start of this boot when there was none yet.
    seen: Duration,
    /// Idle time before `seen` that counts: from before a reboot.
    idle_before: Duration,
    /// Uptime when this boot took it up.
    from: Duration,
    /// Life before that.
    life_before: Duration,
}

/// One session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    token: TokenHash,
    session: Session,
    idle_seconds: u64,
    life_seconds: u64,
}

/// Every session; a lookup by the hash of its token.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    entries: BTreeMap<TokenHash, Entry>,
}

impl Kind {
    /// Time without a request after which it ends.
    #[must_use]
    pub const fn idle(self) -> Duration {
        match self {
            Self::Web => WEB_IDLE,
            Self::Api => API_IDLE,
        }
    }
}

impl Entry {
    fn idle(&self, now: Now) -> Duration {
        self.idle_before + now.uptime.saturating_sub(self.seen)
    }

    fn life(&self, now: Now) -> Duration {
        self.life_before + now.uptime.saturating_sub(self.from)
    }

    fn is_over(&self, now: Now) -> bool {
        self.idle(now) >= self.session.kind.idle() || self.life(now) >= LONGEST
    }

    fn left(&self, now: Now) -> Duration {
        let idle = self.session.kind.idle().saturating_sub(self.idle(now));
        idle.min(LONGEST.saturating_sub(self.life(now)))
    }
}

impl Sessions {
    /// Takes a new session up. When there are too many, the one that was idle longest ends, of the same user first.
    pub fn open(&mut self, token: TokenHash, session: Session, now: Now) {
        self.forget_ended(now);
        let of_one = |entry: &Entry| entry.session.user == session.user;
        if self.entries.values().filter(|entry| of_one(entry)).count() >= MOST_OF_ONE {
            self.end_idlest(now, of_one);
        }
        if self.entries.len() >= MOST_SESSIONS {
            self.end_idlest(now, |_| true);
        }
        let entry = Entry {
            session,
            seen: now.uptime,
            idle_before: Duration::ZERO,
            from: now.uptime,
            life_before: Duration::ZERO,
        };
        self.entries.insert(token, entry);
    }

    /// The session of a request, which counts as a sign of life when `active`: pages that refresh themselves are none.
    pub fn find(&mut self, token: &TokenHash, active: bool, now: Now) -> Option<Session> {
        let entry = self.entries.get_mut(token)?;
        if entry.is_over(now) {
            self.entries.remove(token);
            return None;
        }
        if active {
            entry.seen = now.uptime;
            entry.idle_before = Duration::ZERO;
        }
        Some(entry.session.clone())
    }

    /// Time until the session ends when nothing more is heard of it.
    #[must_use]
    pub fn left(&self, token: &TokenHash, now: Now) -> Option<Duration> {
        let entry = self.entries.get(token)?;
        (!entry.is_over(now)).then(|| entry.left(now))
    }

    /// Ends a session.
    pub fn close(&mut self, token: &TokenHash) -> Option<Session> {
        self.entries.remove(token).map(|entry| entry.session)
    }

    /// Ends every session of a user but `but`: the password has changed.
    pub fn close_all(&mut self, user: &str, but: Option<&TokenHash>) {
        self.entries
            .retain(|token, entry| entry.session.user != user || Some(token) == but);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn forget_ended(&mut self, now: Now) {
        self.entries.retain(|_, entry| !entry.is_over(now));
    }

    fn end_idlest(&mut self, now: Now, among: impl Fn(&Entry) -> bool) {
        let idlest = self
            .entries
            .iter()
            .filter(|(_, entry)| among(entry))
            .max_by_key(|(_, entry)| entry.idle(now))
            .map(|(token, _)| *token);
        if let Some(token) = idlest {
            self.entries.remove(&token);
        }
    }

    /// What is kept of them.
    pub(crate) fn kept(&self, now: Now) -> Vec<Kept> {
        let alive = self.entries.iter().filter(|(_, entry)| !entry.is_over(now));
        alive
            .map(|(token, entry)| Kept {
                token: *token,
                session: entry.session.clone(),
                idle_seconds: entry.idle(now).as_secs(),
                life_seconds: entry.life(now).as_secs(),
            })
            .collect()
    }

    /// Takes up what was kept at `saved` (seconds since 1970). The time the appliance was away counts as life, by the
    /// wall clock, and not as idle: whoever waits for a reboot cannot do anything.
    pub(crate) fn restore(kept: Vec<Kept>, saved: u64, now: Now) -> Self {
        let away = Duration::from_secs(now.wall.saturating_sub(saved));
        let entries = kept.into_iter().take(MOST_SESSIONS).map(|kept| {
            let entry = Entry {
                session: kept.session,
                seen: now.uptime,
                idle_before: Duration::from_secs(kept.idle_seconds),
                from: now.uptime,
                life_before: Duration::from_secs(kept.life_seconds).saturating_add(away),
            };
            (kept.token, entry)
        });
        let mut restored = Self {
            entries: entries.collect(),
        };
        restored.forget_ended(now);
        restored
    }
}

#[cfg(test)]
mod tests;
