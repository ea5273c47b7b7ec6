//! What was measured, as one JSON document.

use std::error::Error;
use std::time::Duration;

use serde::Serialize;
use sps_sessions::MAX_BATCH;

/// How an import went.
#[derive(Debug, Serialize)]
pub(crate) struct Imports {
    /// Seconds for each million sessions (or the tenth of fewer).
    pub(crate) seconds: Vec<f64>,
    /// Of these, seconds of the processor, for the whole process: what is left of it when others use the machine too.
    pub(crate) processor: Vec<f64>,
    /// Sessions of one such part.
    pub(crate) part: u64,
    /// MiB resident after the second part and at most afterwards.
    pub(crate) memory_early: f64,
    pub(crate) memory_most: f64,
    #[serde(skip)]
    done: u64,
    #[serde(skip)]
    ticks: f64,
}

impl Imports {
    pub(crate) fn new(rows: u64) -> Self {
        Self {
            seconds: Vec::new(),
            processor: Vec::new(),
            ticks: ticks(),
            part: (rows / 10).clamp(MAX_BATCH as u64, 1_000_000),
            memory_early: 0.0,
            memory_most: 0.0,
            done: 0,
        }
    }

    pub(crate) fn add(&mut self, sessions: u64, time: Duration, memory: f64) {
        let place = (self.done / self.part) as usize;
        self.done += sessions;
        if place == self.seconds.len() {
            if let (Some(seconds), Some(processor)) = (self.seconds.last(), self.processor.last()) {
                let (rate, part) = (self.part as f64 / seconds, self.part as f64);
                let each = processor / part * 1e6;
                eprintln!(
                    "part {place}: {rate:.0} a second, {each:.1} us of a processor each, {memory:.0} MiB"
                );
            }
            self.seconds.push(0.0);
            self.processor.push(0.0);
        }
        let now = ticks();
        self.processor[place] += now - self.ticks;
        self.ticks = now;
        self.seconds[place] += time.as_secs_f64();
        if place < 2 {
            self.memory_early = memory;
        }
        self.memory_most = self.memory_most.max(memory);
    }
}

/// A thing and how long it took, milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Timed {
    pub(crate) name: String,
    pub(crate) ms: f64,
}

impl Timed {
    pub(crate) fn new(name: &str, time: Duration) -> Self {
        let ms = time.as_secs_f64() * 1e3;
        eprintln!("{name}: {ms:.1} ms");
        Self {
            name: name.to_owned(),
            ms,
        }
    }
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) rows: u64,
    pub(crate) import: Imports,
    pub(crate) queries: Vec<Timed>,
    pub(crate) walks: Vec<Timed>,
    pub(crate) lateness: Timed,
    pub(crate) upkeep: Vec<Timed>,
    /// MB of the file.
    pub(crate) size: f64,
    pub(crate) peer: Option<Peer>,
}

/// The comparison.
#[derive(Debug, Serialize)]
pub(crate) struct Peer {
    /// Sessions it has: fewer when they took too long.
    pub(crate) rows: u64,
    pub(crate) import: Imports,
    pub(crate) queries: Vec<Timed>,
    pub(crate) size: f64,
}

/// MiB of this process that are in memory.
pub(crate) fn memory() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no RssAnon")?;
    Ok(number.parse::<f64>()? / 1024.0)
}

/// Seconds of a processor that this process used; without that the curve has none.
fn ticks() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}
