//! What was measured, as one JSON document.

use std::error::Error;
use std::time::Duration;

use serde::Serialize;

/// How an import went.
#[derive(Debug, Serialize)]
pub(crate) struct Imports {
    /// Seconds for each million sessions (or the tenth of fewer).
    pub(crate) seconds: Vec<f64>,
    /// Sessions of one such part.
    pub(crate) part: u64,
    /// MiB resident after the second part and at most afterwards.
    pub(crate) memory_early: f64,
    pub(crate) memory_most: f64,
    #[serde(skip)]
    done: u64,
}

impl Imports {
    pub(crate) fn new(rows: u64) -> Self {
        Self {
            seconds: Vec::new(),
            part: (rows / 10).clamp(1, 1_000_000),
            memory_early: 0.0,
            memory_most: 0.0,
            done: 0,
        }
    }

    pub(crate) fn add(&mut self, sessions: u64, time: Duration, memory: f64) {
        let place = (self.done / self.part) as usize;
        self.done += sessions;
        if place == self.seconds.len() {
            if let Some(seconds) = self.seconds.last() {
                eprintln!("part {place}: {:.0} sessions a second, {memory:.0} MiB", self.part as f64 / seconds);
            }
            self.seconds.push(0.0);
        }
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
        Self {
            name: name.to_owned(),
            ms: time.as_secs_f64() * 1e3,
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
    pub(crate) import: Imports,
    pub(crate) queries: Vec<Timed>,
    pub(crate) size: f64,
}

/// MiB of this process that are in memory.
pub(crate) fn memory() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next()).ok_or("no RssAnon")?;
    Ok(number.parse::<f64>()? / 1024.0)
}
