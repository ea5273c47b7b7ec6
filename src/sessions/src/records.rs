//! All sessions, one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use rusqlite::params;
use sps_session_record::SessionRecord;

use crate::error::{Doing as _, SessionsError};
use crate::readers::Readers;
use crate::summary::{self, Names};

/// Rows whose numbers are read at once.
const CHUNK: i64 = 1024;
/// How long one read may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The records from the oldest on. No view is held between two of them, so that the log can be brought to its place: a session that
/// is taken out meanwhile is passed over, one that begins meanwhile comes.
#[derive(Debug)]
pub struct Records<'s> {
    readers: &'s Readers,
    /// Numbers to read, highest first.
    keys: VecDeque<i64>,
    /// All that follow are below this.
    below: Option<i64>,
    ended: bool,
}

impl<'s> Records<'s> {
    pub(crate) fn new(readers: &'s Readers) -> Self {
        Self {
            readers,
            keys: VecDeque::new(),
            below: None,
            ended: false,
        }
    }

    fn refill(&mut self) -> Result<(), SessionsError> {
        let below = self.below.unwrap_or(i64::MAX);
        let keys = self.readers.read(LIMIT, |db| {
            db.prepare_cached("SELECT key FROM session WHERE key<?1 ORDER BY key DESC LIMIT ?2")
                .and_then(|mut keys| {
                    let rows = keys.query_map(params![below, CHUNK], |row| row.get(0))?;
                    rows.collect::<rusqlite::Result<VecDeque<i64>>>()
                })
                .doing("read the sessions in order")
        })?;
        self.below = keys.back().copied();
        self.ended = keys.is_empty();
        self.keys = keys;
        Ok(())
    }

    fn read(&mut self, key: i64) -> Result<Option<SessionRecord>, SessionsError> {
        self.readers.read(LIMIT, |db| {
            let there = db
                .prepare_cached("SELECT 1 FROM session WHERE key=?1")
                .and_then(|mut there| there.exists([key]))
                .doing("read a session")?;
            if there {
                summary::record(db, &mut Names::default(), key).map(Some)
            } else {
                Ok(None)
            }
        })
    }
}

impl Iterator for Records<'_> {
    type Item = Result<SessionRecord, SessionsError>;

    /// After an error the walk goes on with the next session.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(key) = self.keys.pop_front() {
                match self.read(key) {
                    Ok(None) => continue,
                    Ok(Some(record)) => return Some(Ok(record)),
                    Err(error) => return Some(Err(error)),
                }
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.refill() {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }
}
