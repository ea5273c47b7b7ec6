//! What a reorganization costs: room and time.

use std::iter::Sum;
use std::time::Duration;

/// Blocks of the file system, bytes.
const BLOCK: u64 = 4096;
/// Bytes a name takes in a folder of ext4 beside its own: inode, lengths, type (`struct ext4_dir_entry_2`), rounded up to 4.
const ENTRY: u64 = 8 + 3;
/// Blocks of folders are at least half full after a split (fs/ext4/namei.c, `do_split`).
const HALF_FULL: u64 = 2;
/// Room for a link whose name has 32 bytes, for rules of thumb.
pub const SPACE_PER_LINK: u64 = (32 + ENTRY) * HALF_FULL;
/// Journal, records and what the file system keeps for itself.
const FIXED: u64 = 4 * 1024 * 1024;

/// What steps cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Hard links to be made.
    pub links: u64,
    /// Files to be copied.
    pub copies: u64,
    /// Bytes to be copied.
    pub bytes: u64,
    /// Folders to be made, at most.
    pub folders: u64,
    /// Bytes needed on the disk, at most.
    pub space: u64,
}

/// How fast a disk is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Hard links a second.
    pub links: f64,
    /// Files copied a second, when they are empty.
    pub copies: f64,
    /// Bytes copied a second, with the hash of both ends.
    pub bytes: f64,
}

/// What is told before anything was measured: a third of what two slow cores with a virtual disk reached.
pub const DEFAULT_RATES: Rates = Rates {
    links: 20_000.0,
    copies: 2_000.0,
    bytes: 60_000_000.0,
};

/// What an upgrade will take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Files that find a new place.
    pub files: u64,
    /// Bytes that are copied; the others are not touched.
    pub bytes: u64,
    /// Bytes that must be free.
    pub space: u64,
    /// How long it takes.
    pub time: Duration,
}

impl Cost {
    /// Links to `files` files with `names` bytes of names in all, in `folders` folders and at most `spread` more.
    #[must_use]
    pub(crate) const fn of_links(files: u64, folders: u64, spread: u64, names: u64) -> Self {
        Self {
            links: files,
            copies: 0,
            bytes: 0,
            folders: folders + spread,
            space: entries(files, names) + (folders + spread) * BLOCK,
        }
    }

    /// Copies of `files` files with `bytes` bytes in all.
    #[must_use]
    pub(crate) const fn of_copies(files: u64, folders: u64, bytes: u64, names: u64) -> Self {
        Self {
            links: 0,
            copies: files,
            bytes,
            folders,
            // The last block of a file is half empty on average, and whole at worst; twice, since a database in WAL mode
            // is changed through a second file.
            space: entries(files, names) + (folders + files) * BLOCK + bytes,
        }
    }

    /// The same as one number, for a bar that moves evenly: a link counts 1.
    #[must_use]
    pub const fn work(&self) -> u64 {
        self.links + work(self.copies, self.bytes)
    }

    /// How long it takes at these rates.
    #[must_use]
    pub fn time(&self, rates: &Rates) -> Duration {
        let share = |amount: u64, rate: f64| {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let amount = amount as f64;
            if rate > 0.0 { amount / rate } else { 0.0 }
        };
        let seconds = share(self.links + self.folders, rates.links)
            + share(self.copies, rates.copies)
            + share(self.bytes, rates.bytes);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// What is told to people.
    #[must_use]
    pub fn estimate(&self, rates: &Rates) -> Estimate {
        Estimate {
            files: self.links + self.copies,
            bytes: self.bytes,
            space: self.space + FIXED,
            time: self.time(rates),
        }
    }
}

/// What copying so many files with so many bytes counts, where a link counts 1: as many links could be made meanwhile
/// ([`DEFAULT_RATES`]).
#[must_use]
pub const fn work(copies: u64, bytes: u64) -> u64 {
    copies * 10 + bytes / 3_000
}

const fn entries(files: u64, names: u64) -> u64 {
    (names + files * ENTRY) * HALF_FULL
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |sum, cost| Self {
            links: sum.links + cost.links,
            copies: sum.copies + cost.copies,
            bytes: sum.bytes + cost.bytes,
            folders: sum.folders + cost.folders,
            space: sum.space + cost.space,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_cost_by_number_and_copies_by_size() {
        let rates = Rates {
            links: 10_000.0,
            copies: 100.0,
            bytes: 1_000.0,
        };
        let links = Cost::of_links(20_000, 0, 0, 600_000);
        assert_eq!(links.time(&rates), Duration::from_secs(2));
        assert!(links.space < 20_000 * 128, "{}", links.space);
        let copies = Cost::of_copies(100, 0, 5_000, 3_000);
        assert_eq!(copies.time(&rates), Duration::from_secs(6));
        let both: Cost = [links, copies].into_iter().sum();
        assert_eq!(both.time(&rates), Duration::from_secs(8));
        assert_eq!(both.estimate(&rates).files, 20_100);
        assert!(both.estimate(&rates).space > both.space);
    }

    #[test]
    fn work_is_what_could_be_linked_meanwhile() {
        let links = DEFAULT_RATES.links;
        assert_eq!(links / DEFAULT_RATES.copies, 10.0);
        assert_eq!(DEFAULT_RATES.bytes / links, 3_000.0);
        assert_eq!(Cost::of_links(7, 0, 0, 0).work(), 7);
        assert_eq!(Cost::of_copies(2, 0, 9_000, 0).work(), 23);
    }

    #[test]
    fn no_rate_is_no_panic() {
        let rates = Rates {
            links: 0.0,
            copies: f64::NAN,
            bytes: 1e-300,
        };
        let cost = Cost::of_copies(u64::MAX / 8192, 0, 10, 0);
        assert_eq!(cost.time(&rates), Duration::MAX);
    }
}
