//! Which identifiers are certainly new: a Bloom filter, so that an import does not look for each session on a page of its own.
//!
//! Without it ten thousand sessions visit ten thousand pages of a large index to find nothing, and drive everything else out of the
//! cache. It is made when an import begins and dropped when it rests.

use rusqlite::{Connection, params};

use crate::error::{Doing as _, Faulty};

/// Bits: 16 MiB. With 10 million sessions one new identifier in 200 is looked for in vain, with 50 million one in 3.
const BITS: u64 = 1 << 27;
/// Bits for one identifier.
const EACH: u32 = 4;
/// Identifiers read at once, some 30 ms.
const STEP: i64 = 100_000;

/// Statements that read the tables in order.
const TABLES: [&str; 2] = [
    "SELECT hash, key FROM identifier WHERE (hash, key)>(?1, ?2) ORDER BY hash, key LIMIT ?3",
    "SELECT hash, key FROM new_identifier WHERE (hash, key)>(?1, ?2) ORDER BY hash, key LIMIT ?3",
];
const START: (i64, i64) = (i64::MIN, i64::MIN);

#[derive(Debug)]
pub(crate) struct Seen {
    bits: Vec<u64>,
    /// The table that is read, and how far it was.
    table: usize,
    last: (i64, i64),
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self {
            bits: vec![0; (BITS / 64) as usize],
            table: 0,
            last: START,
        }
    }

    /// Whether all identifiers that were there are in it.
    pub(crate) fn is_ready(&self) -> bool {
        self.table == TABLES.len()
    }

    /// Reads some of the identifiers that are there. What comes meanwhile must be added by [`Seen::add`].
    pub(crate) fn read_some(&mut self, db: &Connection) -> Faulty<()> {
        let what = "read the identifiers";
        let Some(sql) = TABLES.get(self.table) else {
            return Ok(());
        };
        let mut statement = db.prepare_cached(sql).doing(what)?;
        let mut rows = statement
            .query(params![self.last.0, self.last.1, STEP])
            .doing(what)?;
        let mut count = 0;
        while let Some(row) = rows.next().doing(what)? {
            self.last = (row.get(0).doing(what)?, row.get(1).doing(what)?);
            self.add(self.last.0);
            count += 1;
        }
        if count < STEP {
            self.table += 1;
            self.last = START;
        }
        Ok(())
    }

    /// Remembers an identifier by its hash.
    pub(crate) fn add(&mut self, hash: i64) {
        for (word, bit) in places(hash) {
            self.bits[word] |= bit;
        }
    }

    /// Whether an identifier with this hash may be there.
    pub(crate) fn may_hold(&self, hash: i64) -> bool {
        places(hash).all(|(word, bit)| self.bits[word] & bit != 0)
    }
}

/// Words and bits of a hash: runs of 27 bits of products with odd numbers.
fn places(hash: i64) -> impl Iterator<Item = (usize, u64)> {
    (0..EACH).map(move |turn| {
        let mixed = hash
            .cast_unsigned()
            .wrapping_add(1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = mixed.rotate_left(turn * 16).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> (64 - BITS.ilog2());
        ((place / 64) as usize, 1 << (place % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_held_and_little_else() {
        let mut seen = Seen::new();
        let hash = |n: i64| n.wrapping_mul(0x9e37_79b9) & 0xffff_ffff;
        (0..1_000_000).map(hash).for_each(|hash| seen.add(hash));
        assert!((0..1_000_000).all(|n| seen.may_hold(hash(n))));
        let wrong = (1_000_000..1_100_000).filter(|n| seen.may_hold(hash(*n))).count();
        assert!(wrong < 100, "{wrong} of 100,000");
    }
}
