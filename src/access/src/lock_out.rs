//! Wrong passwords cost time: for the user they were tried for, and for the address they came from. Pure.
//!
//! A user is never locked out altogether, which would be a way to keep administrators away from their appliance: the wait
//! ends at half a minute, and an address that has logged this user in before is not made to wait for what others do.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Wrong passwords that cost nothing: people mistype.
const FREE: u32 = 3;
/// Wait after the first that costs; doubled by each further one.
const FIRST: Duration = Duration::from_secs(1);
/// Longest wait: a person who comes back with the right password is not kept away.
const LONGEST: Duration = Duration::from_secs(30);
/// Wrong passwords are forgotten after so long without another.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);
/// Users and addresses remembered. An IPv6 attacker has any number of addresses, so networks of 64 bits count as one.
const MOST: usize = 4096;

/// Who is made to wait.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The user who was tried.
    User(String),
    /// Where from; one IPv4 address or one IPv6 network of 64 bits.
    Network([u8; 8]),
}

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    failures: u32,
    last: Duration,
    until: Duration,
}

/// Wrong passwords by user and by address; times are uptimes.
#[derive(Clone, Debug, Default)]
pub struct LockOut {
    records: BTreeMap<Subject, Record>,
    /// Networks from which this user logged in, newest last.
    known: Vec<(String, Subject)>,
}

/// Pairs of user and network that are remembered as known.
const MOST_KNOWN: usize = 256;
/// Longest user name that is remembered, bytes.
const NAME_BYTES: usize = 64;

impl Subject {
    /// A user, by a name that a stranger typed.
    #[must_use]
    pub fn user(name: &str) -> Self {
        Self::User(name[..name.floor_char_boundary(NAME_BYTES)].to_owned())
    }

    /// Where a connection comes from.
    #[must_use]
    pub fn network(address: IpAddr) -> Self {
        let mut network = [0; 8];
        match address.to_canonical() {
            IpAddr::V4(address) => {
                network[..4].copy_from_slice(&address.octets());
                // No IPv6 network begins with these.
                network[4..].copy_from_slice(&[0xff; 4]);
            }
            IpAddr::V6(address) => network.copy_from_slice(&address.octets()[..8]),
        }
        Self::Network(network)
    }
}

impl LockOut {
    /// How long `user` from `address` has to wait; zero when a password may be tried now.
    #[must_use]
    pub fn wait(&self, user: &str, address: IpAddr, now: Duration) -> Duration {
        let (user, network) = (Subject::user(user), Subject::network(address));
        let of = |subject: &Subject| {
            let until = self.records.get(subject).map(|record| record.until);
            until.unwrap_or_default().saturating_sub(now)
        };
        match self.is_known(&user, &network) {
            true => of(&network),
            false => of(&network).max(of(&user)),
        }
    }

    /// A password was judged.
    pub fn judged(&mut self, user: &str, address: IpAddr, accepted: bool, now: Duration) {
        let (user, network) = (Subject::user(user), Subject::network(address));
        if accepted {
            self.records.remove(&network);
            self.remember(&user, network);
            return;
        }
        for subject in [user, network] {
            self.make_room(&subject, now);
            let record = self.records.entry(subject).or_default();
            if now.saturating_sub(record.last) > FORGOTTEN {
                *record = Record::default();
            }
            record.failures = record.failures.saturating_add(1);
            record.last = now;
            record.until = now.saturating_add(penalty(record.failures));
        }
    }

    fn is_known(&self, user: &Subject, network: &Subject) -> bool {
        let Subject::User(name) = user else {
            return false;
        };
        self.known
            .iter()
            .any(|(known, from)| known == name && from == network)
    }

    fn remember(&mut self, user: &Subject, network: Subject) {
        let Subject::User(name) = user else {
            return;
        };
        self.known
            .retain(|(known, from)| known != name || *from != network);
        if self.known.len() >= MOST_KNOWN {
            self.known.remove(0);
        }
        self.known.push((name.clone(), network));
    }

    fn make_room(&mut self, subject: &Subject, now: Duration) {
        if self.records.len() < MOST || self.records.contains_key(subject) {
            return;
        }
        self.records
            .retain(|_, record| now.saturating_sub(record.last) <= FORGOTTEN);
        if self.records.len() >= MOST
            && let Some(oldest) = self
                .records
                .iter()
                .min_by_key(|(_, record)| record.last)
                .map(|(subject, _)| subject.clone())
        {
            self.records.remove(&oldest);
        }
    }
}

fn penalty(failures: u32) -> Duration {
    match failures.checked_sub(FREE + 1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST.saturating_mul(1 << doublings.min(10)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn mistyping_is_free_and_guessing_is_not() {
        let mut lock_out = LockOut::default();
        let mut waits = Vec::new();
        for _ in 0..10 {
            lock_out.judged("admin", HERE, false, at(100));
            waits.push(lock_out.wait("admin", HERE, at(100)).as_secs());
        }
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(lock_out.wait("admin", HERE, at(131)), Duration::ZERO);
        lock_out.judged("admin", HERE, false, at(100 + 16 * 60));
        assert_eq!(lock_out.wait("admin", HERE, at(100 + 16 * 60)), Duration::ZERO);
    }

    #[test]
    fn guessing_from_many_places_is_slowed_for_the_user_and_many_users_for_the_place() {
        let mut lock_out = LockOut::default();
        for last in 0..20 {
            let from = Ipv4Addr::new(203, 0, 113, last).into();
            lock_out.judged("admin", from, false, at(5));
        }
        assert_eq!(lock_out.wait("admin", THERE, at(5)), LONGEST);
        for n in 0..20 {
            lock_out.judged(&format!("user{n}"), HERE, false, at(5));
        }
        assert_eq!(lock_out.wait("somebody", HERE, at(5)), LONGEST);
        assert_eq!(lock_out.wait("somebody", THERE, at(5)), Duration::ZERO);
    }

    #[test]
    fn strangers_cannot_lock_out_whoever_has_logged_in_before() {
        let mut lock_out = LockOut::default();
        lock_out.judged("admin", HERE, true, at(1));
        for _ in 0..100 {
            lock_out.judged("admin", THERE, false, at(2));
        }
        assert_eq!(lock_out.wait("admin", HERE, at(2)), Duration::ZERO);
        assert_eq!(lock_out.wait("admin", THERE, at(2)), LONGEST);
        for _ in 0..10 {
            lock_out.judged("admin", HERE, false, at(3));
        }
        assert_eq!(lock_out.wait("admin", HERE, at(3)), LONGEST);
    }

    #[test]
    fn one_ipv6_network_is_one_place() {
        let mut lock_out = LockOut::default();
        for n in 0..10 {
            let from = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, n, n, n, n));
            lock_out.judged(&format!("user{n}"), from, false, at(1));
        }
        let same = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 9, 9, 9, 9));
        let other = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 9, 9, 9, 9));
        assert!(lock_out.wait("admin", same, at(1)) > Duration::ZERO);
        assert_eq!(lock_out.wait("admin", other, at(1)), Duration::ZERO);
        assert_eq!(
            Subject::network(HERE),
            Subject::network(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().into())
        );
    }

    #[test]
    fn memory_is_bounded_whatever_is_tried() {
        let mut lock_out = LockOut::default();
        for n in 0..3 * u32::try_from(MOST).unwrap() {
            let from = IpAddr::V4(Ipv4Addr::from_bits(n));
            lock_out.judged(
                &format!("{n}{}", "x".repeat(1000)),
                from,
                false,
                at(u64::from(n / 100)),
            );
            lock_out.judged(&format!("{n}"), from, true, at(u64::from(n / 100)));
        }
        assert!(lock_out.records.len() <= MOST && lock_out.known.len() <= MOST_KNOWN);
    }
}
