//! The session database as others use it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use sps_session_record::{SessionRecord, TrailFile, Word};

use crate::error::SessionsError;
use crate::filter::Filter;
use crate::import::{Batch, Imported, MAX_BATCH};
use crate::live::{Change, Step};
use crate::mark;
use crate::queue::Queue;
use crate::readers::{self, Readers};
use crate::records::Records;
use crate::retention::{self, Deleted, Doomed, Expiry};
use crate::schema;
use crate::search::{self, Count, Page, Search};
use crate::summary::{self, Names};
use crate::write;
use crate::writer::Writer;

/// How long a single row may take to read.
pub(crate) const ROW_LIMIT: Duration = Duration::from_secs(10);
/// How long work of the writer may take: the longest is a batch of an import on a slow disk.
const WORK_LIMIT: Duration = Duration::from_secs(120);

/// The session database, opened. All calls block: an asynchronous caller makes them on a thread for that.
///
/// One process at a time opens it.
#[derive(Debug)]
pub struct Sessions {
    path: PathBuf,
    queue: Arc<Queue>,
    pub(crate) readers: Readers,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// How the writer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Changes that wait to be committed.
    pub waiting: usize,
    /// How long the first of them has waited.
    pub late: Duration,
    /// Changes that were committed since the start.
    pub committed: u64,
    /// Why they are not committed; none when all is well.
    pub error: Option<String>,
}

impl Sessions {
    /// Opens the database; makes it when it is not there.
    ///
    /// # Errors
    /// It is damaged, of another version, or no session database; the error says what to do.
    pub fn open(path: &Path) -> Result<Self, SessionsError> {
        let queue = Arc::default();
        let writer = Writer::start(path, &queue)?;
        Ok(Self {
            path: path.to_owned(),
            queue,
            readers: Readers::new(path),
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Looks at the pages of the file before anything is done with it; one that is not there is in order. Changes nothing.
    ///
    /// # Errors
    /// As [`Sessions::open`] and [`Sessions::check`].
    pub fn look(path: &Path, limit: Duration) -> Result<(), SessionsError> {
        if path.exists() {
            readers::look(path, limit)
        } else {
            Ok(())
        }
    }

    /// A session begins. It is on the disk within a second; see [`Sessions::flush`].
    ///
    /// # Errors
    /// It breaks a bound, or the writer takes nothing more.
    pub fn begin(&self, record: SessionRecord) -> Result<(), SessionsError> {
        record.check()?;
        self.queue.push(Step::Begin(Box::new(record)))
    }

    /// Something new about a session. A session that is not there is passed over, with a line in the log.
    ///
    /// # Errors
    /// It breaks a bound, or the writer takes nothing more.
    pub fn update(&self, id: &str, change: Change) -> Result<(), SessionsError> {
        change.check()?;
        let id = id.to_owned();
        self.queue.push(Step::Change { id, change })
    }

    /// A session ends at `end`, milliseconds since 1970.
    ///
    /// # Errors
    /// The writer takes nothing more.
    pub fn end(
        &self,
        id: &str,
        end: i64,
        verdict: Word,
        trail: Option<TrailFile>,
    ) -> Result<(), SessionsError> {
        self.update(id, Change::Closed { end, verdict, trail })
    }

    /// Returns when all that was begun, updated and ended before is on the disk.
    ///
    /// # Errors
    /// It is not within `limit`.
    pub fn flush(&self, limit: Duration) -> Result<(), SessionsError> {
        self.queue.flush(limit)
    }

    /// How the writer is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.queue.health()
    }

    /// Imports a batch: sessions that are there stay as they are. Batch, cursor and mark of completeness are on the disk when this
    /// returns, or nothing of them.
    ///
    /// # Errors
    /// The batch is too large, or the disk does not take it. The same batch can be given again.
    pub fn import(&self, batch: Batch) -> Result<Imported, SessionsError> {
        let size = batch.records.len();
        if size > MAX_BATCH {
            return Err(SessionsError::Batch {
                size,
                limit: MAX_BATCH,
            });
        }
        let batch = Arc::new(batch);
        loop {
            let given = Arc::clone(&batch);
            let imported = self.work(move |writer| {
                let imported = writer.import(&given);
                writer.checkpoint_when_long();
                writer.told(imported)
            })?;
            if let Some(imported) = imported {
                return Ok(imported);
            }
            while !self.work(|writer| {
                let ready = writer.make_ready();
                writer.told(ready)
            })? {}
        }
    }

    /// Where the importer of this name goes on: the cursor of its last batch.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn importer(&self, name: &str) -> Result<Option<Vec<u8>>, SessionsError> {
        let name = mark::importer(name);
        self.readers.read(ROW_LIMIT, |db| mark::load(db, &name))
    }

    /// Sessions that began before that, milliseconds since 1970, are still being imported; none when all are there.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn incomplete_until(&self) -> Result<Option<i64>, SessionsError> {
        self.readers.read(ROW_LIMIT, mark::load_incomplete)
    }

    /// The whole record of a session, when there is one.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn get(&self, id: &str) -> Result<Option<SessionRecord>, SessionsError> {
        self.readers.read(ROW_LIMIT, |db| match write::key_of(db, id)? {
            Some(key) => summary::record(db, &mut Names::default(), key).map(Some),
            None => Ok(None),
        })
    }

    /// Sessions that were recorded live and have no end, at most `limit`: when nothing is recorded yet, those that a
    /// power cut or a crash left so.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn unfinished(&self, limit: usize) -> Result<Vec<String>, SessionsError> {
        self.readers.read(WORK_LIMIT, |db| summary::unfinished(db, limit))
    }

    /// The number of a session, by which [`Filter::among`] names it; none when it is not there.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn number(&self, id: &str) -> Result<Option<i64>, SessionsError> {
        self.readers.read(ROW_LIMIT, |db| write::key_of(db, id))
    }

    /// A page of sessions.
    ///
    /// # Errors
    /// The search is refused, or the database cannot be read.
    pub fn page(&self, search: &Search) -> Result<Page, SessionsError> {
        self.readers
            .read(search.time_limit + ROW_LIMIT, |db| search::page(db, search))
    }

    /// How many sessions match, at most [`search::MAX_COUNT`].
    ///
    /// # Errors
    /// The search is refused, or the database cannot be read.
    pub fn count(&self, filter: &Filter, time_limit: Duration) -> Result<Count, SessionsError> {
        self.readers
            .read(time_limit + ROW_LIMIT, |db| search::count(db, filter, time_limit))
    }

    /// All records from the oldest on, for checks and exports: one at a time in memory, whatever is written meanwhile.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records::new(&self.readers)
    }

    /// Takes out at most `limit` sessions (and at most [`retention::MAX_STEP`]) that began before `before`, the oldest first.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn delete_before(&self, before: i64, limit: usize) -> Result<Deleted, SessionsError> {
        self.work(move |writer| {
            let deleted = writer.transaction(|db, known| retention::delete_before(db, known, before, limit));
            writer.checkpoint_when_long();
            writer.told(deleted)
        })
    }

    /// Takes out sessions whose time is over, the oldest first, some at a time. One that goes on, or whose end nobody knows, stays.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn expire(&self, expiry: Expiry) -> Result<Deleted, SessionsError> {
        self.work(move |writer| {
            let deleted = writer.transaction(|db, known| retention::expire(db, known, expiry));
            writer.checkpoint_when_long();
            writer.told(deleted)
        })
    }

    /// Trails of sessions that were taken out whose files may still be there.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn trails_to_remove(&self) -> Result<Vec<Doomed>, SessionsError> {
        self.readers.read(ROW_LIMIT, retention::doomed)
    }

    /// The files of these trails are gone.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn trails_removed(&self, trails: Vec<String>) -> Result<(), SessionsError> {
        self.work(move |writer| {
            let forgotten = writer.transaction(|db, _| retention::removed(db, &trails));
            writer.told(forgotten)
        })
    }

    /// Whether the structure of the file is in order. It reads all of it: 43 s for 6.2 GB.
    ///
    /// # Errors
    /// [`SessionsError::Damaged`] with what was found; [`SessionsError::Time`] when `limit` was not enough, which says nothing
    /// about the file.
    pub fn check(&self, limit: Duration) -> Result<(), SessionsError> {
        self.readers.read(limit, schema::quick_check)
    }

    /// Copies the database as it is at one moment into the file `to`, which must not be there: for a backup or another layout. What
    /// is written meanwhile is not in it. Synced when this returns; a copy that failed is to be removed.
    ///
    /// # Errors
    /// The file is there, the disk is full, or `limit` was not enough.
    pub fn copy(&self, to: &Path, limit: Duration) -> Result<(), SessionsError> {
        if to.exists() {
            return Err(SessionsError::CopyExists { path: to.to_owned() });
        }
        self.readers.copy(to, limit)?;
        File::open(to)
            .and_then(|copy| copy.sync_all())
            .map_err(|source| SessionsError::SyncCopy {
                path: to.to_owned(),
                source,
            })
    }

    /// Closes the database: what waits is committed, the log is brought to its place and is gone.
    ///
    /// # Errors
    /// Something was not committed.
    pub fn close(&self, limit: Duration) -> Result<(), SessionsError> {
        let flushed = self.flush(limit);
        self.readers.close();
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = writer.is_none_or(|writer| writer.join().is_ok());
        if ended {
            flushed
        } else {
            Err(SessionsError::Closed)
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, SessionsError> + Send + 'static,
    ) -> Result<T, SessionsError> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.queue.work(Box::new(move |writer| {
            // Nobody waits any more: the work is done all the same.
            let _ = answer.send(work(writer));
        }))?;
        answered
            .recv_timeout(WORK_LIMIT)
            .map_err(|_| self.queue.closed())?
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.readers.close();
        self.queue.close();
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic of the writer was told when it happened.
            let _ = writer.join();
        }
    }
}
