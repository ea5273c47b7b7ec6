//! What may happen in a run, and the draws that decide what does.

use std::time::Duration;

/// One way through an undisturbed wire.
pub(crate) const QUIET_DELAY: Duration = Duration::from_millis(5);
/// What may happen in a run; odds are in a hundred.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) cards: u32,
    pub(crate) server: bool,
    pub(crate) loss: u64,
    pub(crate) duplicates: u64,
    pub(crate) longest_delay: Duration,
    /// Odds that an address of a cable is in use by a host there.
    pub(crate) squatters: u64,
    pub(crate) refusals: u64,
    pub(crate) nonsense: u64,
    /// Disturbances a minute: links going and coming, hosts claiming addresses, people connecting.
    pub(crate) disturbances: u64,
    /// Odds that a disturbance is a change of settings.
    pub(crate) changes: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            cards: 1,
            server: true,
            loss: 20,
            duplicates: 10,
            longest_delay: Duration::from_secs(3),
            squatters: 10,
            refusals: 5,
            nonsense: 5,
            disturbances: 6,
            changes: 0,
        }
    }
}

impl Plan {
    pub(crate) fn quiet() -> Self {
        let none = Self {
            loss: 0,
            duplicates: 0,
            longest_delay: QUIET_DELAY,
            squatters: 0,
            ..Self::default()
        };
        Self {
            refusals: 0,
            nonsense: 0,
            disturbances: 0,
            ..none
        }
    }
}

/// Draws for the world, apart from the engine's own.
pub(crate) struct Dice(u64);

impl Dice {
    /// The seeds of neighbouring runs are spread; xorshift needs one that is not 0.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64* (Vigna, 2016).
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % sides
    }

    pub(crate) fn odds(&mut self, hundredths: u64) -> bool {
        self.roll(100) < hundredths
    }
}
