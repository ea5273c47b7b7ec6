//! Deterministic spread of delays and transaction ids from a seed that comes in once.
//!
//! Not for secrets: it spreads retries so that a room full of machines does not ask in one voice, and makes
//! transaction ids that a host off the link cannot guess when the seed is random (RFC 2131 section 4.1).

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood: *Fast splittable pseudorandom number generators*, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A transaction id.
    pub(crate) fn id(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    /// A delay from `low` up to `high`, both included, in whole milliseconds.
    pub(crate) fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let span = high.saturating_sub(low).as_millis();
        let span = u64::try_from(span).unwrap_or(u64::MAX - 1);
        low + Duration::from_millis(self.next() % (span + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_stays_in_its_range_and_varies() {
        let mut random = Random::new(7);
        let (low, high) = (Duration::from_secs(1), Duration::from_secs(2));
        let drawn: Vec<_> = (0..100).map(|_| random.between(low, high)).collect();
        assert!(drawn.iter().all(|d| (low..=high).contains(d)), "{drawn:?}");
        assert!(drawn.windows(2).any(|w| w[0] != w[1]), "all delays are equal");
    }

    #[test]
    fn the_same_seed_gives_the_same_draws() {
        assert_eq!(Random::new(3).id(), Random::new(3).id());
        assert_ne!(Random::new(3).id(), Random::new(4).id());
    }
}
