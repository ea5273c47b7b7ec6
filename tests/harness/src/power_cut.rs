//! Power cuts without a guest: what a disk may hold after the plug was pulled, one state after the other.
//!
//! A recorded run (see [`WriteLog`]) is cut into windows by its flushes. Within a window a disk may have kept any
//! part of what was written since the last flush. For each window these states are made: each prefix; each write
//! lost alone; each write kept alone; and 20 subsets drawn by seed. A judge looks at the image in each.
//!
//! When there are more states than time, every n-th is tried, n being set anew as the time left shrinks, and all of the
//! windows that matter most ([`PowerCuts::in_whole`]); the report says how many there were and how many were tried.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};
use rustix::io::Errno;

use crate::write_log::{Kind, WriteLog};

/// Subsets drawn for each window beside those that are always made.
const SUBSETS: usize = 20;
/// States judged before the pace is known, and before it is looked at again: not all take the same time.
const PACE: usize = 20;

/// Which writes of a window the disk kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The first so many, in order.
    Prefix(usize),
    /// All but this one.
    AllBut(usize),
    /// This one alone.
    Only(usize),
    /// A subset drawn by the seed and this number.
    Subset(u64),
}

/// One state of the disk after a power cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Requests of the window, numbered as in the record.
    pub window: Range<usize>,
    /// What was kept of it; everything before it is on the disk.
    pub kept: Kept,
}

/// How a round of power cuts went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Windows between flushes that held writes.
    pub windows: usize,
    /// Writes in them.
    pub writes: usize,
    /// States there are.
    pub states: usize,
    /// States judged.
    pub tried: usize,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            windows,
            writes,
            states,
            tried,
        } = self;
        write!(
            f,
            "{tried} of {states} states after a power cut tried ({writes} writes in {windows} flush windows)"
        )
    }
}

/// A round of power cuts over one recorded run.
#[derive(Debug)]
pub struct PowerCuts<'a> {
    log: &'a WriteLog,
    /// Requests already in the image when the recording began to matter.
    from: usize,
    /// Requests whose windows are tried in whole.
    whole: BTreeSet<usize>,
    seed: u64,
    time: Duration,
}

impl<'a> PowerCuts<'a> {
    /// Cuts through the whole of `log`, within about `time`; `seed` draws the subsets and the sample.
    #[must_use]
    pub fn new(log: &'a WriteLog, seed: u64, time: Duration) -> Self {
        Self {
            log,
            from: 0,
            whole: BTreeSet::new(),
            seed,
            time,
        }
    }

    /// Judges only what happens from request `from` on.
    #[must_use]
    pub fn from(mut self, from: usize) -> Self {
        self.from = from;
        self
    }

    /// Tries every state of the windows with one of `requests`, however long that takes; only the others are thinned out.
    #[must_use]
    pub fn in_whole(mut self, requests: impl IntoIterator<Item = usize>) -> Self {
        self.whole.extend(requests);
        self
    }

    /// The windows that hold writes.
    #[must_use]
    pub fn windows(&self) -> Vec<Range<usize>> {
        let entries = self.log.entries();
        let mut windows = Vec::new();
        let mut start = self.from;
        for number in self.from..=entries.len() {
            let ends = number == entries.len() || entries[number].kind == Kind::Flush;
            if ends {
                if (start..number).any(|n| is_write(entries[n].kind)) {
                    windows.push(start..number);
                }
                start = number + 1;
            }
        }
        windows
    }

    /// Brings `image` through the run and calls `judge` with each state. `image` must hold what the disk held before
    /// the recording; afterwards it holds what the disk held at its end.
    ///
    /// # Errors
    /// What the judge finds wrong, with the state and how to come back to it; or when the image cannot be written.
    pub fn run(&self, image: &Path, mut judge: impl FnMut(&State) -> Result<()>) -> Result<Report> {
        let windows = self.windows();
        let mut report = self.count(&windows);
        let (mut stride, mut place) = (1, 0);
        let mut next = 0;
        let mut done = 0;
        let begun = Instant::now();
        for window in windows {
            self.log.replay(image, done..window.start)?;
            let whole = self.whole.range(window.clone()).next().is_some();
            for state in self.states(&window) {
                if whole || place >= next {
                    self.judge(image, &state, &mut judge)?;
                    report.tried += 1;
                    if report.tried.is_multiple_of(PACE) {
                        let left = report.states - place;
                        stride = self.stride(begun.elapsed(), report.tried, left);
                    }
                    next = place + stride;
                }
                place += 1;
            }
            done = window.start;
        }
        self.log.replay(image, done..self.log.entries().len())?;
        Ok(report)
    }

    fn count(&self, windows: &[Range<usize>]) -> Report {
        Report {
            windows: windows.len(),
            writes: windows.iter().map(|window| self.writes(window).len()).sum(),
            states: windows.iter().map(|window| self.states(window).len()).sum(),
            tried: 0,
        }
    }

    /// Every how many of the `left` states one is tried, after `tried` of them took `spent`.
    fn stride(&self, spent: Duration, tried: usize, left: usize) -> usize {
        let each = spent.as_secs_f64() / tried as f64;
        let rest = self.time.saturating_sub(spent).as_secs_f64();
        let affordable = (rest / each.max(1e-6)) as usize;
        left.div_ceil(affordable.max(1)).max(1)
    }

    fn writes(&self, window: &Range<usize>) -> Vec<usize> {
        let entries = self.log.entries();
        window.clone().filter(|&n| is_write(entries[n].kind)).collect()
    }

    fn states(&self, window: &Range<usize>) -> Vec<State> {
        let count = self.writes(window).len();
        let prefixes = (0..=count).map(Kept::Prefix);
        // With two writes or fewer these are prefixes already, or the same as each other.
        let alone = (0..count).filter(|_| count > 1);
        let lost = alone.clone().map(Kept::AllBut);
        let only = alone.filter(|_| count > 2).map(Kept::Only);
        let drawn = (0..SUBSETS as u64).filter(|_| count > 3).map(Kept::Subset);
        let state = |kept| State {
            window: window.clone(),
            kept,
        };
        prefixes.chain(lost).chain(only).chain(drawn).map(state).collect()
    }

    /// The requests of a state, in order; those that pass no cache are always kept.
    #[must_use]
    pub fn kept(&self, state: &State) -> BTreeSet<usize> {
        let writes = self.writes(&state.window);
        let mut random = Random::new(self.seed ^ state.window.start as u64);
        let (last, keep): (usize, Box<dyn FnMut(usize) -> bool>) = match state.kept {
            Kept::Prefix(count) => (count, Box::new(move |place| place < count)),
            Kept::AllBut(lost) => (writes.len(), Box::new(move |place| place != lost)),
            Kept::Only(only) => (writes.len(), Box::new(move |place| place == only)),
            Kept::Subset(number) => {
                random.mix(number);
                (writes.len(), Box::new(move |_| random.coin()))
            }
        };
        let mut keep = keep;
        let through = |n: usize| self.log.entries()[n].kind == Kind::WriteThrough;
        let chosen = writes.iter().enumerate();
        chosen
            .filter(|&(place, &n)| keep(place) || (place < last && through(n)))
            .map(|(_, &n)| n)
            .collect()
    }

    fn judge(&self, image: &Path, state: &State, judge: &mut impl FnMut(&State) -> Result<()>) -> Result<()> {
        let kept = self.kept(state);
        let undo = Undo::take(self.log, image, &kept).context("save what the state overwrites")?;
        let lost: BTreeSet<_> = self.writes(&state.window).into_iter().collect();
        let lost = lost.difference(&kept).copied().collect();
        self.log.apply_kept(image, state.window.clone(), &lost)?;
        let verdict = judge(state);
        undo.put_back(image)
            .context("put back what the state overwrote")?;
        verdict.with_context(|| {
            let Range { start, end } = state.window;
            anyhow!(
                "after a power cut within requests {start}..{end}, kept {:?}, seed {}",
                state.kept,
                self.seed
            )
        })
    }
}

fn is_write(kind: Kind) -> bool {
    matches!(kind, Kind::Write | Kind::WriteThrough | Kind::Discard)
}

/// What an image held where a state writes.
struct Undo {
    /// Every place, in bytes.
    places: Vec<Range<u64>>,
    /// What was there; between the pieces of a place there was nothing but zeros.
    pieces: Vec<(u64, Vec<u8>)>,
}

impl Undo {
    fn take(log: &WriteLog, image: &Path, requests: &BTreeSet<usize>) -> Result<Self> {
        let file = File::open(image).with_context(|| format!("open {}", image.display()))?;
        let end = file.metadata().context("read its size")?.len();
        let entries = requests.iter().map(|&number| &log.entries()[number]);
        let places: Vec<_> = entries
            .map(|entry| entry.offset..entry.offset + entry.length)
            .collect();
        let mut pieces = Vec::new();
        for place in &places {
            // A discard may span gigabytes, almost all of them holes.
            for data in data(&file, place.start..place.end.min(end))? {
                let size = usize::try_from(data.end - data.start).context("a piece's length")?;
                let mut bytes = vec![0; size];
                file.read_exact_at(&mut bytes, data.start)?;
                pieces.push((data.start, bytes));
            }
        }
        Ok(Self { places, pieces })
    }

    fn put_back(self, image: &Path) -> Result<()> {
        let file = OpenOptions::new().write(true).open(image)?;
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        for place in self.places {
            fallocate(&file, hole, place.start, place.end - place.start).context("punch a hole")?;
        }
        // Later requests may overlap earlier ones: all pieces were taken before any was written.
        for (offset, bytes) in self.pieces {
            file.write_all_at(&bytes, offset)?;
        }
        Ok(())
    }
}

/// The parts of `place` that are no holes.
fn data(file: &File, place: Range<u64>) -> Result<Vec<Range<u64>>> {
    let mut parts = Vec::new();
    let mut at = place.start;
    while at < place.end {
        let start = match seek(file, SeekFrom::Data(at)) {
            Ok(start) if start < place.end => start,
            // No data behind `at`.
            Ok(_) | Err(Errno::NXIO) => break,
            Err(error) => return Err(error).context("look for data"),
        };
        let end = seek(file, SeekFrom::Hole(start)).context("look for a hole")?;
        parts.push(start..end.min(place.end));
        at = end;
    }
    Ok(parts)
}

/// SplitMix64: small, fast, the same everywhere.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn mix(&mut self, number: u64) {
        self.0 = self.0.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_log::testing::record;

    /// Two windows: sectors 0 and 1, then 2 alone; sector n is filled with n + 1.
    const RUN: [(u64, u64, u64, u8); 5] = [
        (0, 0, 1, 1),
        (0, 1, 1, 2),
        (1, 0, 0, 0),
        (0, 2, 1, 3),
        (1, 0, 0, 0),
    ];

    fn open(requests: &[(u64, u64, u64, u8)]) -> (WriteLog, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log"), record(requests, requests.len() as u64)).unwrap();
        std::fs::write(folder.path().join("image"), [0; 4 * 512]).unwrap();
        (WriteLog::open(&folder.path().join("log")).unwrap(), folder)
    }

    fn first_bytes(image: &Path) -> Vec<u8> {
        let bytes = std::fs::read(image).unwrap();
        bytes.chunks(512).map(|sector| sector[0]).collect()
    }

    #[test]
    fn every_part_of_a_window_is_tried_and_nothing_else() {
        let (log, folder) = open(&RUN);
        let image = folder.path().join("image");
        let mut seen = Vec::new();
        let cuts = PowerCuts::new(&log, 1, Duration::from_secs(60));
        let report = cuts
            .run(&image, |_| {
                seen.push(first_bytes(&image));
                Ok(())
            })
            .unwrap();
        let expected: [[u8; 4]; 7] = [
            [0, 0, 0, 0],
            [1, 0, 0, 0],
            [1, 2, 0, 0],
            [0, 2, 0, 0],
            [1, 0, 0, 0],
            [1, 2, 0, 0],
            [1, 2, 3, 0],
        ];
        assert_eq!(seen, expected);
        assert_eq!(
            (report.windows, report.writes, report.states, report.tried),
            (2, 3, 7, 7)
        );
        assert_eq!(first_bytes(&image), [1, 2, 3, 0]);
    }

    #[test]
    fn without_time_only_the_windows_that_matter_are_tried_in_whole() {
        let many: Vec<_> = (0..100).flat_map(|_| [(0, 0, 1, 1), (1, 0, 0, 0)]).collect();
        let (log, folder) = open(&many);
        let image = folder.path().join("image");
        let mut tried = Vec::new();
        let cuts = PowerCuts::new(&log, 1, Duration::ZERO).in_whole([150, 180]);
        let report = cuts
            .run(&image, |state| {
                tried.push((state.window.start, state.kept));
                Ok(())
            })
            .unwrap();
        for window in [150, 180] {
            assert!(
                [0, 1]
                    .iter()
                    .all(|&count| tried.contains(&(window, Kept::Prefix(count))))
            );
        }
        assert_eq!((report.states, report.tried), (200, PACE + 4));
    }

    #[test]
    fn a_verdict_names_the_state() {
        let (log, folder) = open(&RUN);
        let image = folder.path().join("image");
        let cuts = PowerCuts::new(&log, 7, Duration::from_secs(60));
        let error = cuts
            .run(&image, |_| {
                anyhow::ensure!(
                    first_bytes(&image) != [0, 2, 0, 0],
                    "the second without the first"
                );
                Ok(())
            })
            .unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("0..2") && text.contains("AllBut(0)") && text.contains("seed 7"),
            "{text}"
        );
        // The image is usable after a verdict, for whoever looks for the reason.
        assert_eq!(first_bytes(&image), [0, 0, 0, 0]);
    }

    #[test]
    fn overlapping_writes_are_put_back() {
        let (log, folder) = open(&[(0, 0, 2, 1), (0, 1, 1, 2), (0, 0, 1, 3), (1, 0, 0, 0)]);
        let image = folder.path().join("image");
        let cuts = PowerCuts::new(&log, 3, Duration::from_secs(60));
        let mut states = 0;
        cuts.run(&image, |state| {
            if state.kept == Kept::Prefix(0) {
                assert_eq!(first_bytes(&image), [0, 0, 0, 0]);
            }
            states += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(states, 4 + 3 + 3);
        assert_eq!(first_bytes(&image), [3, 2, 0, 0]);
    }
}
