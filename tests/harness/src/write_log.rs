//! The record of a disk's writes, and images as a power cut would have left them.
//!
//! The format is the kernel's dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst), written
//! by QEMU's `blklogwrites` driver: a superblock, then a header sector for every request, each followed by its
//! data. QEMU counts requests in the superblock at every flush only; a record whose QEMU was killed therefore
//! goes on past that count, and is read until the file ends.
//!
//! A disk keeps what a completed flush covers and what was written through (FUA). Of the writes after the last
//! flush a power cut keeps any subset: [`WriteLog::at_risk`] names them, [`WriteLog::replay_losing`] drops some.
//! QEMU records a write when it is issued, so a write still under way when a flush was issued counts as covered.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FallocateFlags, fallocate};

/// The superblock's first eight bytes (`WRITE_LOG_MAGIC` of drivers/md/dm-log-writes.c).
const MAGIC: u64 = 0x006a_7366_7773_6872;
/// `WRITE_LOG_VERSION`.
const VERSION: u64 = 1;
const FLAG_FLUSH: u64 = 1;
const FLAG_FUA: u64 = 2;
const FLAG_DISCARD: u64 = 4;
const FLAG_MARK: u64 = 8;
/// Bytes in a sector unless QEMU is told otherwise.
const DEFAULT_SECTOR: u64 = 512;
/// Bytes copied at once while replaying.
const CHUNK: u64 = 1 << 20;

/// What a request did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Wrote; may be lost until the next flush.
    Write,
    /// Wrote through the disk's cache (FUA): kept once completed.
    WriteThrough,
    /// Made everything before it permanent.
    Flush,
    /// Gave a range back; it reads as zeros here.
    Discard,
    /// A mark of the recorder.
    Mark,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// What it did.
    pub kind: Kind,
    /// First byte on the disk.
    pub offset: u64,
    /// Bytes on the disk.
    pub length: u64,
    /// Where its data starts in the record.
    data: u64,
}

/// The record of one disk.
#[derive(Debug)]
pub struct WriteLog {
    path: PathBuf,
    file: File,
    entries: Vec<LogEntry>,
}

impl WriteLog {
    /// Reads the record `path`.
    ///
    /// # Errors
    /// When it cannot be read, is no such record, or has fewer requests than its superblock counts.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("open the record {}", path.display()))?;
        let entries = scan(&file).with_context(|| format!("the record {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            entries,
        })
    }

    /// The requests in order.
    #[must_use]
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// Numbers of the requests that a power cut after the first `issued` requests may undo: written or
    /// discarded after the last flush, and not written through.
    #[must_use]
    pub fn at_risk(&self, issued: usize) -> Vec<usize> {
        let flushed = self.entries[..issued]
            .iter()
            .rposition(|entry| entry.kind == Kind::Flush);
        let after = flushed.map_or(0, |flush| flush + 1);
        (after..issued)
            .filter(|&n| matches!(self.entries[n].kind, Kind::Write | Kind::Discard))
            .collect()
    }

    /// Applies `requests` to `image`, which must hold what the disk held before the first of them.
    ///
    /// # Errors
    /// When the image or the record cannot be read or written.
    pub fn replay(&self, image: &Path, requests: Range<usize>) -> Result<()> {
        self.replay_losing(image, requests, &BTreeSet::new())
    }

    /// As [`Self::replay`], without the requests in `lost`.
    ///
    /// # Errors
    /// As [`Self::replay`]; and when a request in `lost` cannot be lost by a power cut after `requests`.
    pub fn replay_losing(&self, image: &Path, requests: Range<usize>, lost: &BTreeSet<usize>) -> Result<()> {
        let at_risk: BTreeSet<_> = self.at_risk(requests.end).into_iter().collect();
        if let Some(kept) = lost.difference(&at_risk).next() {
            bail!("request {kept} is permanent after {} requests", requests.end);
        }
        self.apply_kept(image, requests, lost)
    }

    /// Applies `requests` without those in `lost`, whatever a flush says about them.
    pub(crate) fn apply_kept(
        &self,
        image: &Path,
        requests: Range<usize>,
        lost: &BTreeSet<usize>,
    ) -> Result<()> {
        let target = OpenOptions::new().read(true).write(true).open(image);
        let target = target.with_context(|| format!("open the image {}", image.display()))?;
        for number in requests.filter(|number| !lost.contains(number)) {
            let entry = &self.entries[number];
            self.apply(entry, &target).with_context(|| {
                format!(
                    "replay request {number} of {} on {}",
                    self.path.display(),
                    image.display()
                )
            })?;
        }
        Ok(())
    }

    fn apply(&self, entry: &LogEntry, image: &File) -> Result<()> {
        match entry.kind {
            Kind::Flush | Kind::Mark => Ok(()),
            Kind::Discard => {
                let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                fallocate(image, hole, entry.offset, entry.length).context("punch a hole")
            }
            Kind::Write | Kind::WriteThrough => self.copy(entry, image).context("copy the data"),
        }
    }

    fn copy(&self, entry: &LogEntry, image: &File) -> io::Result<()> {
        let mut done = 0;
        let mut chunk = Vec::new();
        while done < entry.length {
            chunk.resize(
                usize::try_from(CHUNK.min(entry.length - done)).map_err(io::Error::other)?,
                0,
            );
            self.file.read_exact_at(&mut chunk, entry.data + done)?;
            image.write_all_at(&chunk, entry.offset + done)?;
            done += chunk.len() as u64;
        }
        Ok(())
    }
}

fn scan(file: &File) -> Result<Vec<LogEntry>> {
    let mut superblock = [0; 28];
    file.read_exact_at(&mut superblock, 0)
        .context("read the superblock")?;
    let (counted, sector) = geometry(&superblock)?;
    let size = file.metadata().context("read its size")?.len();
    let mut entries = Vec::new();
    let mut place = sector;
    while place < size {
        let counts = (entries.len() as u64) < counted;
        let Some(entry) = header(file, place, sector, size)? else {
            ensure!(
                !counts,
                "ends after {} requests, its superblock counts {counted}",
                entries.len()
            );
            break;
        };
        place = entry.data + if has_data(entry.kind) { entry.length } else { 0 };
        entries.push(entry);
    }
    ensure!(
        entries.len() as u64 >= counted,
        "holds {} requests, counts {counted}",
        entries.len()
    );
    Ok(entries)
}

/// Requests counted and bytes in a sector. A QEMU killed before the first flush leaves no superblock: nothing
/// is counted then, and sectors have their default size.
fn geometry(superblock: &[u8]) -> Result<(u64, u64)> {
    if superblock.iter().all(|&byte| byte == 0) {
        return Ok((0, DEFAULT_SECTOR));
    }
    ensure!(word(superblock, 0) == MAGIC, "is no dm-log-writes record");
    ensure!(
        word(superblock, 1) == VERSION,
        "has version {}, known is {VERSION}",
        word(superblock, 1)
    );
    let sector = word(superblock, 3);
    ensure!(
        sector.is_power_of_two() && (512..=4096).contains(&sector),
        "has sectors of {sector} bytes"
    );
    Ok((word(superblock, 2), sector))
}

/// The header at `place`, or nothing when a killed QEMU had not finished it or its data.
fn header(file: &File, place: u64, sector: u64, size: u64) -> Result<Option<LogEntry>> {
    let mut bytes = [0; 32];
    if place + sector > size {
        return Ok(None);
    }
    file.read_exact_at(&mut bytes, place)
        .with_context(|| format!("read the header at {place}"))?;
    let (first, count, flags) = (word(&bytes, 0), word(&bytes, 1), word(&bytes, 2));
    let kind = match flags {
        0 => Kind::Write,
        flags if flags & FLAG_FLUSH != 0 => Kind::Flush,
        flags if flags & FLAG_DISCARD != 0 => Kind::Discard,
        flags if flags & FLAG_MARK != 0 => Kind::Mark,
        FLAG_FUA => Kind::WriteThrough,
        _ => bail!("has unknown flags {flags:#x} at {place}"),
    };
    let in_bytes = |sectors: u64| {
        sectors
            .checked_mul(sector)
            .with_context(|| format!("overflows at {place}"))
    };
    let entry = LogEntry {
        kind,
        offset: in_bytes(first)?,
        length: in_bytes(count)?,
        data: place + sector,
    };
    let torn = kind == Kind::Write && entry.length == 0;
    let cut = has_data(kind) && entry.data.saturating_add(entry.length) > size;
    Ok((!torn && !cut).then_some(entry))
}

fn has_data(kind: Kind) -> bool {
    matches!(kind, Kind::Write | Kind::WriteThrough)
}

/// The little-endian word `index` of `bytes`; past the end, its missing bytes are zero.
fn word(bytes: &[u8], index: usize) -> u64 {
    bytes[index * 8..]
        .iter()
        .take(8)
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Records made up for tests.
#[cfg(test)]
pub(crate) mod testing {
    use super::{FLAG_DISCARD, MAGIC, VERSION};

    /// A record in memory: (flags, sector, data sectors, fill byte).
    pub(crate) fn record(requests: &[(u64, u64, u64, u8)], counted: u64) -> Vec<u8> {
        let mut bytes = vec![0; 512];
        for (place, value) in [MAGIC, VERSION, counted, 512].into_iter().enumerate() {
            bytes[place * 8..][..8].copy_from_slice(&value.to_le_bytes());
        }
        for &(flags, first, count, fill) in requests {
            let start = bytes.len();
            bytes.resize(start + 512, 0);
            for (place, value) in [first, count, flags, 0].into_iter().enumerate() {
                bytes[start + place * 8..][..8].copy_from_slice(&value.to_le_bytes());
            }
            let data = if flags & FLAG_DISCARD == 0 { count * 512 } else { 0 };
            bytes.resize(bytes.len() + usize::try_from(data).unwrap(), fill);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::testing::record;
    use super::*;

    fn open(bytes: &[u8]) -> (Result<WriteLog>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log"), bytes).unwrap();
        std::fs::write(folder.path().join("image"), [0xff; 4 * 512]).unwrap();
        (WriteLog::open(&folder.path().join("log")), folder)
    }

    const STORY: [(u64, u64, u64, u8); 6] = [
        (0, 0, 1, 1),
        (FLAG_FLUSH, 0, 0, 0),
        (0, 1, 1, 2),
        (FLAG_FUA, 2, 1, 3),
        (FLAG_DISCARD, 0, 1, 0),
        (0, 3, 1, 4),
    ];

    #[test]
    fn only_what_no_flush_covers_is_at_risk() {
        let (log, _folder) = open(&record(&STORY, 6));
        let log = log.unwrap();
        assert_eq!(log.at_risk(1), [0]);
        assert_eq!(log.at_risk(2), [0; 0]);
        assert_eq!(log.at_risk(4), [2]);
        assert_eq!(log.at_risk(6), [2, 4, 5]);
    }

    #[test]
    fn a_subset_is_replayed_and_permanent_writes_cannot_be_lost() {
        let (log, folder) = open(&record(&STORY, 6));
        let (log, image) = (log.unwrap(), folder.path().join("image"));
        log.replay_losing(&image, 0..6, &BTreeSet::from([2, 5])).unwrap();
        let bytes = std::fs::read(&image).unwrap();
        let first: Vec<_> = bytes.chunks(512).map(|sector| sector[0]).collect();
        assert_eq!(first, [0, 0xff, 3, 0xff]);
        let error = log.replay_losing(&image, 0..6, &BTreeSet::from([3])).unwrap_err();
        assert!(error.to_string().contains("request 3 is permanent"), "{error}");
    }

    #[test]
    fn a_record_cut_short_is_read_as_far_as_it_goes() {
        let whole = record(&STORY, 2);
        let (log, _folder) = open(&whole[..whole.len() - 1]);
        assert_eq!(log.unwrap().entries().len(), 5);
        let (log, _folder) = open(&record(&STORY, 7));
        assert!(format!("{:#}", log.unwrap_err()).contains("counts 7"));
        let (log, _folder) = open(&[0x55; 4096]);
        assert!(format!("{:#}", log.unwrap_err()).contains("no dm-log-writes record"));
    }
}
