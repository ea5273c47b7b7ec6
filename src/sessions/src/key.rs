//! The number of a row: sessions in the order of their start, newest first.
//!
//! 42 bits of milliseconds counted backwards from [`LAST`], 21 bits that tell apart sessions of one millisecond. A list of numbers
//! is so a list in the order in which people look at sessions, and an import that goes from new to old appends.

use sha2::{Digest as _, Sha256};

/// The last moment that is told apart, milliseconds since 1970: in May 2109. What begins later, or before 1970, is sorted and found
/// as if it began at that edge; the record keeps its own time.
pub const LAST: i64 = (1 << 42) - 1;
/// Bits for sessions of one millisecond: two million.
const SPREAD: u32 = 21;

/// Numbers drawn from an identifier, for ever the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digits {
    /// 32 bits: the key of the index of identifiers.
    pub(crate) hash: i64,
    /// Where in its millisecond it is put.
    spread: i64,
}

impl Digits {
    pub(crate) fn of(id: &str) -> Self {
        let digest = Sha256::digest(id.as_bytes());
        let mut number = [0; 8];
        number.copy_from_slice(&digest[..8]);
        let number = u64::from_be_bytes(number);
        Self {
            hash: (number >> 32).cast_signed(),
            spread: (number & ((1 << SPREAD) - 1)).cast_signed(),
        }
    }

    /// The place for a session that began at `start`; when it is taken, `tries` places further, round within the millisecond.
    pub(crate) fn key(self, start: i64, tries: i64) -> i64 {
        first(start) + ((self.spread + tries) & ((1 << SPREAD) - 1))
    }
}

/// Places in one millisecond.
pub(crate) const PLACES: i64 = 1 << SPREAD;

/// The lowest number of a session that began at `start`.
pub(crate) fn first(start: i64) -> i64 {
    (LAST - start.clamp(0, LAST)) << SPREAD
}

/// The highest number of a session that began at `start`.
pub(crate) fn last(start: i64) -> i64 {
    first(start) + (PLACES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_is_lower_and_edges_hold() {
        let digits = Digits::of("a");
        let keys = [i64::MAX, LAST, 1_715_933_730_000, 1, 0].map(|start| digits.key(start, 0));
        assert!(keys.is_sorted() && keys[0] >= 0, "{keys:?}");
        assert_eq!(digits.key(i64::MIN, 0), digits.key(0, 0));
        assert!(last(5) < first(4));
    }

    #[test]
    fn the_digits_of_an_identifier_never_change() {
        assert_eq!(Digits::of("ssh-20240517-081530-7f3a").hash, 2_795_300_453);
    }
}
