//! What happens when the disk of `data` fills up.
//!
//! At the limit clients are disconnected and new sessions refused, and archiving starts where that is wanted. Below the limit by
//! [`HYSTERESIS`] sessions are taken again. Nothing is deleted for room.

/// Percent below the limit at which sessions are taken again: what a few sessions bring must not end them all a moment later.
pub const HYSTERESIS: u32 = 2;
/// Seconds after which archiving is started again while the disk is full.
pub const ARCHIVE_AGAIN: u64 = 15 * 60;

/// What the administrator set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether anything happens.
    pub enabled: bool,
    /// Percent used at which it does, 50 to 98.
    pub percent: u32,
    /// Whether archiving is started.
    pub archiving: bool,
}

/// Whether the limit is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It is not: sessions are taken.
    #[default]
    Room,
    /// It is: no session goes on.
    Full {
        /// Since when, seconds since 1970.
        since: u64,
        /// When archiving was started last.
        archiving: Option<u64>,
    },
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Disconnect clients, refuse new ones, and alert.
    Disconnect,
    /// Take clients again.
    Admit,
    /// Start archiving now.
    Archive,
}

/// The prevention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filling {
    state: State,
}

/// Thousandths of a disk that are used, rounded up; all of it when it has no size.
#[must_use]
pub fn permille(used: u64, free: u64) -> u32 {
    let all = u128::from(used) + u128::from(free);
    if all == 0 {
        return 1000;
    }
    u32::try_from((u128::from(used) * 1000).div_ceil(all)).unwrap_or(1000)
}

impl Filling {
    /// The state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// So much of the disk is used (thousandths): what is to be done, in order.
    pub fn observe(&mut self, limits: Limits, used: u32, now: u64) -> Vec<Action> {
        let limit = limits.percent.saturating_mul(10);
        match self.state {
            State::Room if limits.enabled && used >= limit => {
                let archiving = limits.archiving.then_some(now);
                self.state = State::Full {
                    since: now,
                    archiving,
                };
                let archive = limits.archiving.then_some(Action::Archive);
                [Action::Disconnect].into_iter().chain(archive).collect()
            }
            State::Full { .. } if !limits.enabled || used < limit.saturating_sub(HYSTERESIS * 10) => {
                self.state = State::Room;
                vec![Action::Admit]
            }
            State::Full { since, archiving } if limits.archiving => {
                let due = archiving.is_none_or(|last| now < last || now - last >= ARCHIVE_AGAIN);
                if !due {
                    return Vec::new();
                }
                self.state = State::Full {
                    since,
                    archiving: Some(now),
                };
                vec![Action::Archive]
            }
            State::Room | State::Full { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Admit, Archive, Disconnect};

    const LIMITS: Limits = Limits {
        enabled: true,
        percent: 80,
        archiving: false,
    };
    const ARCHIVING: Limits = Limits {
        archiving: true,
        ..LIMITS
    };

    #[test]
    fn at_the_limit_clients_go_and_below_it_by_two_percent_they_come_back() {
        let mut filling = Filling::default();
        let seen = [
            (799, 0),
            (800, 10),
            (850, 20),
            (799, 30),
            (780, 40),
            (779, 50),
            (799, 60),
        ];
        let done: Vec<Vec<Action>> = seen
            .iter()
            .map(|(used, now)| filling.observe(LIMITS, *used, *now))
            .collect();
        assert_eq!(
            done,
            [
                vec![],
                vec![Disconnect],
                vec![],
                vec![],
                vec![],
                vec![Admit],
                vec![]
            ]
        );
        assert_eq!(filling.state(), State::Room);
    }

    #[test]
    fn archiving_starts_at_once_and_again_while_it_is_full() {
        let mut filling = Filling::default();
        assert_eq!(filling.observe(ARCHIVING, 900, 100), [Disconnect, Archive]);
        assert_eq!(filling.observe(ARCHIVING, 900, 100 + ARCHIVE_AGAIN - 1), []);
        assert_eq!(filling.observe(ARCHIVING, 900, 100 + ARCHIVE_AGAIN), [Archive]);
        assert_eq!(
            filling.observe(ARCHIVING, 900, 50),
            [Archive],
            "the clock went back"
        );
        assert_eq!(
            filling.state(),
            State::Full {
                since: 100,
                archiving: Some(50)
            }
        );
    }

    #[test]
    fn what_is_switched_on_or_off_meanwhile_counts() {
        let mut filling = Filling::default();
        let off = Limits {
            enabled: false,
            ..ARCHIVING
        };
        assert_eq!(filling.observe(off, 1000, 1), []);
        assert_eq!(filling.observe(LIMITS, 1000, 2), [Disconnect]);
        assert_eq!(filling.observe(ARCHIVING, 1000, 3), [Archive]);
        assert_eq!(filling.observe(off, 1000, 4), [Admit]);
        let higher = Limits {
            percent: 98,
            ..LIMITS
        };
        assert_eq!(filling.observe(higher, 979, 5), []);
        assert_eq!(filling.observe(higher, 980, 6), [Disconnect]);
    }

    #[test]
    fn shares_are_rounded_up_and_never_overflow() {
        assert_eq!(
            [permille(0, 10), permille(1, 1000), permille(1, 0), permille(0, 0)],
            [0, 1, 1000, 1000]
        );
        assert_eq!(permille(u64::MAX, u64::MAX), 500);
    }
}
