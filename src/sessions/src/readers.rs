//! Connections that read: a few, kept open.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::error::{Doing as _, Faulty, SessionsError};
use crate::schema::{self, Purpose};

/// Connections at once: more searches than the machine has processors do not end sooner.
const READERS: usize = 4;
/// Page cache of one, bytes. The kernel's cache holds the file as well; this saves the way there.
const CACHE: usize = 8 * 1024 * 1024;
/// Longest wait for one.
const WAIT: Duration = Duration::from_secs(10);
/// Steps of SQLite's machine between two looks at the clock, some 20 µs.
const STEPS: i32 = 1000;

#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    busy: usize,
    closed: bool,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Reads on one view of the database: what is written meanwhile does not show. No statement goes on after `limit`.
    pub(crate) fn read<T>(
        &self,
        limit: Duration,
        read: impl FnOnce(&Connection) -> Faulty<T>,
    ) -> Result<T, SessionsError> {
        self.lend(|connection| limited(connection, limit, read))
    }

    fn lend<T>(&self, use_it: impl FnOnce(&mut Connection) -> Faulty<T>) -> Result<T, SessionsError> {
        let connection = self.take()?;
        let mut returned = Returned {
            readers: self,
            connection: Some(connection),
        };
        let Some(connection) = &mut returned.connection else {
            return Err(SessionsError::Closed);
        };
        use_it(connection).map_err(|fault| fault.of(&self.path))
    }

    /// Copies the database as it is at one moment.
    pub(crate) fn copy(&self, to: &Path, limit: Duration) -> Result<(), SessionsError> {
        self.lend(|connection| {
            let end = Instant::now() + limit;
            connection
                .progress_handler(STEPS, Some(move || Instant::now() > end))
                .doing("set the time limit")?;
            let name = to.to_string_lossy();
            let copied = connection
                .execute_batch("PRAGMA query_only=0")
                .and_then(|()| connection.execute("VACUUM INTO ?1", [name.as_ref()]))
                .doing("copy the database");
            connection
                .execute_batch("PRAGMA query_only=1")
                .doing("set up the connection")?;
            copied.map(|_| ())
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Connection, SessionsError> {
        let end = Instant::now() + WAIT;
        let mut state = self.lock();
        while !state.closed && state.idle.is_empty() && state.busy >= READERS {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(SessionsError::Readers);
            }
            let waited = self.freed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.closed {
            return Err(SessionsError::Closed);
        }
        state.busy += 1;
        let idle = state.idle.pop();
        drop(state);
        let opened = idle.map_or_else(|| schema::open(&self.path, Purpose::Read, CACHE), Ok);
        if opened.is_err() {
            self.lock().busy -= 1;
            self.freed.notify_one();
        }
        opened
    }

    /// Closes all, those that are busy when they are done.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.idle.clear();
        let end = Instant::now() + WAIT;
        while state.busy > 0 && Instant::now() < end {
            let waited = self.freed.wait_timeout(state, WAIT);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Gives the connection back, also when the reader panicked.
struct Returned<'r> {
    readers: &'r Readers,
    connection: Option<Connection>,
}

impl Drop for Returned<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.lock();
        state.busy -= 1;
        if !state.closed {
            state.idle.extend(self.connection.take());
        }
        self.connection = None;
        drop(state);
        self.readers.freed.notify_all();
    }
}

/// Runs `read` in a transaction, whose statements SQLite ends at the limit.
fn limited<T>(
    connection: &mut Connection,
    limit: Duration,
    read: impl FnOnce(&Connection) -> Faulty<T>,
) -> Faulty<T> {
    let end = Instant::now() + limit;
    connection
        .progress_handler(STEPS, Some(move || Instant::now() > end))
        .doing("set the time limit")?;
    let view = connection.unchecked_transaction().doing("begin to read")?;
    read(&view)
}

/// Looks at every page of a file that nobody has open.
pub(crate) fn look(path: &Path, limit: Duration) -> Result<(), SessionsError> {
    let mut connection = schema::open(path, Purpose::Read, CACHE)?;
    let looked = connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .doing("leave the log as it is")
        .and_then(|_| limited(&mut connection, limit, schema::quick_check));
    looked.map_err(|fault| fault.of(path))
}
