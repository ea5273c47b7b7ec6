//! Sessions as a busy company has them, made from a number: newest first, the same at every run.
//!
//! 2000 users of the gateway, 500 of servers, 5000 servers, 20,000 clients, 40 policies, in skewed shares; identifiers are random, the
//! worst case for an index; 1 or 2 channels and 2 to 8 events (5 on average) of 30 to 40 bytes.

use sps_session_record::{Channel, Endpoint, Event, FORMAT, Indexing, SessionRecord, TrailFile, Word};

/// When the newest began, milliseconds since 1970.
pub(crate) const NEWEST: i64 = 1_790_000_000_000;
/// Milliseconds between two sessions: 10 million take three years.
pub(crate) const APART: i64 = 9_500;

/// SplitMix64: numbers that look random.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    /// Below `limit`, the low ones more often.
    fn skewed(&mut self, limit: u64) -> u64 {
        let even = self.below(1 << 20) as f64 / f64::from(1 << 20);
        (even * even * limit as f64) as u64
    }
}

/// The session of this number, counted from the newest.
pub(crate) fn session(number: u64) -> SessionRecord {
    let mut dice = Dice::new(number);
    let start = NEWEST - number as i64 * APART - dice.below(APART as u64) as i64;
    let (protocol, kind) = match dice.below(1000) {
        0..700 => (Word::SSH, "session-shell"),
        700..980 => (Word::RDP, "drawing"),
        980..999 => (Word::TELNET, "telnet"),
        _ => (Word::VNC, "vnc"),
    };
    let verdict = match dice.below(1000) {
        0..950 => Word::ACCEPT,
        950..970 => Word::DENY,
        970..999 => Word::AUTH_FAIL,
        _ => Word::TERMINATED,
    };
    let host = dice.skewed(5000);
    let id = format!("{:016x}{:016x}", dice.roll(), dice.roll());
    let client = dice.skewed(20_000);
    SessionRecord {
        format: FORMAT,
        protocol,
        connection: format!("policy-{}", dice.skewed(40)),
        start,
        end: Some(start + 600_000),
        client: Endpoint {
            address: client_address(client),
            port: 1024 + dice.below(60_000) as u16,
        },
        server: (verdict != Word::DENY).then(|| Endpoint {
            address: format!("172.16.{}.{}", host / 250, host % 250 + 1),
            port: 22,
        }),
        target: Some(format!("db{host}.example.com")),
        gateway_user: Some(format!("user{}", dice.skewed(2000))),
        server_user: Some(format!("account{}", dice.skewed(500))),
        trail: (verdict == Word::ACCEPT).then(|| TrailFile {
            name: format!("2026/{:02}/{:02}/{id}.zat", number % 12 + 1, number % 28 + 1),
            size: dice.below(10_000_000),
        }),
        verdict,
        channels: (0..1 + dice.below(2)).map(|_| channel(kind, start)).collect(),
        events: (0..2 + dice.below(7))
            .map(|at| event(&mut dice, start + at as i64 * 1000))
            .collect(),
        indexing: Indexing::default(),
        id,
    }
}

/// The address of a client.
pub(crate) fn client_address(client: u64) -> String {
    format!("10.{}.{}.{}", client / 5000, client / 250 % 20, client % 250 + 1)
}

fn channel(kind: &str, start: i64) -> Channel {
    Channel {
        kind: kind.try_into().unwrap_or(Word::SSH),
        start,
        end: Some(start + 500_000),
        verdict: Word::ACCEPT,
    }
}

fn event(dice: &mut Dice, at: i64) -> Event {
    let text = match dice.below(100_000) {
        0 => format!("shred /var/lib/secret/{:08}", dice.below(100_000_000)),
        1..40_000 => format!("less /var/log/service-{:08}", dice.below(100_000_000)),
        40_000..70_000 => format!("systemctl restart unit-{:08}", dice.below(100_000_000)),
        _ => format!(
            "SELECT * FROM t{} WHERE a={:06}",
            dice.below(1000),
            dice.below(1_000_000)
        ),
    };
    Event {
        at,
        kind: Word::COMMAND,
        text,
    }
}
