//! What can still be read of a damaged session database, the newest first.
//!
//! The sessions are walked along their own tree. Where a page of it is damaged the walk leaps, doubling, until it finds a page that is
//! whole, comes back from there to the damage, and goes on behind. A session whose channels and events cannot be read comes without
//! them; one whose row cannot be read is counted.
//!
//! Invariant: the damaged file is only read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};
use sps_session_record::SessionRecord;

use crate::error::{Doing as _, Faulty, SessionsError};
use crate::summary::{self, Names, Summary};

/// Rows looked at in one step.
const STEP: usize = 2_000;
/// Longest wait for a lock: nobody else has it open.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// A walk over a damaged database.
#[derive(Debug)]
pub struct Salvage {
    db: Connection,
    path: PathBuf,
    place: Place,
    lost: u64,
    partly: u64,
}

/// Where the walk is. Numbers of rows rise from new to old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Everything above `after` is to come.
    Rising { after: i64 },
    /// Back towards a damaged page that ends below `below`; then on above `resume`.
    Falling { below: i64, floor: i64, resume: i64 },
    /// There is nothing more.
    Ended,
}

/// What a step brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Sessions that could be read.
    pub records: Vec<SessionRecord>,
    /// Whether there is nothing more.
    pub ended: bool,
    /// Sessions so far whose rows are there and cannot be read. Those of a damaged page are not counted: nobody knows how many they are.
    pub lost: u64,
    /// Sessions so far that come without their channels and events.
    pub partly: u64,
}

impl Salvage {
    /// Opens the damaged file, with the log beside it.
    ///
    /// # Errors
    /// It cannot even be opened: its first page is damaged.
    pub fn open(path: &Path) -> Result<Self, SessionsError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(|source| SessionsError::Open {
            path: path.to_owned(),
            source,
        })?;
        prepare(&db).map_err(|fault| fault.of(path))?;
        Ok(Self {
            db,
            path: path.to_owned(),
            place: Place::Rising { after: i64::MIN },
            lost: 0,
            partly: 0,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// About how many sessions there are; nothing when that cannot be read either.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        let count = |table| {
            let sql = format!("SELECT count(*) FROM {table}");
            self.db.query_row(&sql, [], |row| row.get::<_, i64>(0)).ok()
        };
        u64::try_from(count("identifier")? + count("new_identifier")?).ok()
    }

    /// The next sessions.
    pub fn step(&mut self) -> Salvaged {
        let keys = self.keys();
        let mut records = Vec::with_capacity(keys.len());
        let mut names = Names::default();
        for key in keys {
            match self.read(&mut names, key) {
                Some(record) => records.push(record),
                None => self.lost += 1,
            }
        }
        Salvaged {
            records,
            ended: self.place == Place::Ended,
            lost: self.lost,
            partly: self.partly,
        }
    }

    fn read(&mut self, names: &mut Names, key: i64) -> Option<SessionRecord> {
        if let Ok(record) = summary::record(&self.db, names, key) {
            return Some(record);
        }
        let record = Summary::read(&self.db, names, key).ok()?.with_pack(&[]).ok()?;
        self.partly += 1;
        Some(record)
    }

    /// Numbers of the next rows.
    fn keys(&mut self) -> Vec<i64> {
        match self.place {
            Place::Ended => Vec::new(),
            Place::Rising { after } => {
                let (keys, whole) = self.walk(
                    "SELECT key FROM session WHERE key>?1 AND key<?2 ORDER BY key LIMIT ?3",
                    (after, i64::MAX),
                );
                let last = keys.last().copied().unwrap_or(after);
                self.place = match (whole, keys.len()) {
                    (true, 0) => Place::Ended,
                    (false, 0) => self.leap(after),
                    _ => Place::Rising { after: last },
                };
                keys
            }
            Place::Falling { below, floor, resume } => {
                let (keys, _) = self.walk(
                    "SELECT key FROM session WHERE key>?1 AND key<?2 ORDER BY key DESC LIMIT ?3",
                    (floor, below),
                );
                self.place = keys
                    .last()
                    .map_or(Place::Rising { after: resume }, |last| Place::Falling {
                        below: *last,
                        floor,
                        resume,
                    });
                keys
            }
        }
    }

    /// Numbers between `ends` as far as they can be read, and whether that was not stopped by damage.
    fn walk(&self, sql: &str, (above, below): (i64, i64)) -> (Vec<i64>, bool) {
        let mut keys = Vec::new();
        let Ok(mut statement) = self.db.prepare_cached(sql) else {
            return (keys, false);
        };
        let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
        let Ok(mut rows) = statement.query(params![above, below, limit]) else {
            return (keys, false);
        };
        loop {
            match rows.next().map(|row| row.map(|row| row.get(0))) {
                Ok(Some(Ok(key))) => keys.push(key),
                Ok(None) => return (keys, true),
                Ok(Some(Err(_))) | Err(_) => return (keys, false),
            }
        }
    }

    /// Behind the damaged page that begins after `after`.
    fn leap(&self, after: i64) -> Place {
        for power in 0..i64::BITS {
            let probe = after.saturating_add(
                1_i64
                    .checked_shl(power)
                    .filter(|leap| *leap > 0)
                    .unwrap_or(i64::MAX),
            );
            let found = self.walk(
                "SELECT key FROM session WHERE key>?1 AND key<=?2 ORDER BY key LIMIT min(?3, 1)",
                (probe, i64::MAX),
            );
            match found {
                (keys, true) => {
                    return keys.first().map_or(Place::Ended, |found| Place::Falling {
                        below: found.saturating_add(1),
                        floor: after,
                        resume: *found,
                    });
                }
                (_, false) if probe == i64::MAX => break,
                (_, false) => {}
            }
        }
        Place::Ended
    }
}

/// What is damaged is read all the same; nothing is written.
fn prepare(db: &Connection) -> Faulty<()> {
    db.busy_timeout(LOCK_WAIT).doing("set the wait for locks")?;
    db.execute_batch(
        "PRAGMA query_only=1; PRAGMA mmap_size=0; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;",
    )
    .doing("set up the connection")?;
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
        row.get::<_, i64>(0)
    })
    .doing("read the list of tables")?;
    Ok(())
}
