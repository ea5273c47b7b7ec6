//! What the tests share: random sessions from a seed.

use sps_session_record::{Channel, Endpoint, Event, FORMAT, Indexing, SessionRecord, TrailFile, Word};

/// SplitMix64: numbers that look random.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    pub(crate) fn may(&mut self) -> bool {
        self.below(2) == 0
    }
}

pub(crate) const USERS: [&str; 4] = ["alice", "bob", "Älice", ""];
pub(crate) const TARGETS: [&str; 3] = ["db1.example.com", "db2", "web"];
pub(crate) const CLIENTS: [&str; 5] = [
    "192.0.2.7",
    "192.0.2.8",
    "192.0.3.7",
    "2001:db8::7",
    "2001:db8:1::7",
];
pub(crate) const PROTOCOLS: [Word; 3] = [Word::SSH, Word::RDP, Word::VNC];
pub(crate) const VERDICTS: [Word; 3] = [Word::ACCEPT, Word::DENY, Word::TERMINATED];
pub(crate) const TEXTS: [&str; 5] = ["ls -la", "systemctl restart x", "LS", "größer", "%_'\0"];

fn some(dice: &mut Dice, of: &[&str]) -> Option<String> {
    let chosen = dice.one(of).to_string();
    (dice.below(4) > 0).then_some(chosen)
}

/// A session; many begin in the same millisecond.
pub(crate) fn session(dice: &mut Dice, id: &str) -> SessionRecord {
    let start = match dice.below(20) {
        0 => i64::MIN,
        1 => i64::MAX,
        2 => -5,
        _ => 1_700_000_000_000 + dice.below(40) as i64,
    };
    let end = |dice: &mut Dice| dice.may().then_some(5);
    let channels = (0..dice.below(3)).map(|_| Channel {
        kind: "session-shell".try_into().unwrap(),
        start: 1,
        end: end(dice),
        verdict: Word::ACCEPT,
    });
    let channels = channels.collect();
    let events = (0..dice.below(4)).map(|at| event(dice, at as i64)).collect();
    SessionRecord {
        format: FORMAT,
        id: id.into(),
        protocol: dice.one(&PROTOCOLS).clone(),
        connection: dice.one(&["linux", "windows servers"]).to_string(),
        start,
        end: end(dice),
        client: endpoint(dice),
        server: dice.may().then(|| endpoint(dice)),
        target: some(dice, &TARGETS),
        gateway_user: some(dice, &USERS),
        server_user: some(dice, &USERS),
        verdict: dice.one(&VERDICTS).clone(),
        channels,
        events,
        trail: dice.may().then(|| trail(id)),
        indexing: Indexing {
            state: dice.one(&[Word::INDEXED, Word::QUEUED]).clone(),
            version: dice.below(3) as u32,
        },
    }
}

pub(crate) fn trail(id: &str) -> TrailFile {
    TrailFile {
        name: format!("2024/{id}.zat"),
        size: u64::MAX,
    }
}

pub(crate) fn endpoint(dice: &mut Dice) -> Endpoint {
    Endpoint {
        address: dice.one(&CLIENTS).to_string(),
        port: dice.below(65_536) as u16,
    }
}

pub(crate) fn event(dice: &mut Dice, at: i64) -> Event {
    Event {
        at,
        kind: dice.one(&[Word::COMMAND, Word::ALERT]).clone(),
        text: dice.one(&TEXTS).to_string(),
    }
}
