//! The one thread that writes.
//!
//! Changes of sessions that are being recorded are committed together, [`COMMIT_EVERY`](crate::queue::COMMIT_EVERY) after the first
//! of them at the latest; a batch of an import and a step of a deletion are a transaction each, between those commits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Doing as _, Faulty, SessionsError};
use crate::import::{self, Batch, Imported};
use crate::key::Digits;
use crate::live::{self, Step};
use crate::moving::Moving;
use crate::queue::{Next, Queue};
use crate::schema::{self, Purpose};
use crate::seen::Seen;
use crate::values::Known;

/// Page cache while sessions are imported, bytes: the hot pages of 10 million sessions, on an appliance of 4 GB.
pub const IMPORT_CACHE: usize = 256 * 1024 * 1024;
/// Page cache otherwise, bytes.
pub const CACHE: usize = 64 * 1024 * 1024;
/// Pages in the log before they are brought to their places: 128 MiB. Longer is faster to write and slower to read and to recover.
const LOG_PAGES: i64 = 32_768;

/// Work beside the changes; it answers by itself.
pub(crate) type Work = Box<dyn FnOnce(&mut Writer) + Send>;

pub(crate) struct Writer {
    db: Connection,
    known: Known,
    path: PathBuf,
    queue: Arc<Queue>,
    /// While an import goes on.
    seen: Option<Seen>,
    moving: Moving,
}

impl Writer {
    /// Opens the file and starts the thread.
    pub(crate) fn start(path: &Path, queue: &Arc<Queue>) -> Result<JoinHandle<()>, SessionsError> {
        let db = schema::open(path, Purpose::Write, CACHE)?;
        let moving = Moving::open(&db).map_err(|fault| fault.of(path))?;
        let writer = Self {
            db,
            moving,
            known: Known::default(),
            path: path.to_owned(),
            queue: Arc::clone(queue),
            seen: None,
        };
        thread::Builder::new()
            .name("sessions".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| SessionsError::Thread {
                path: path.to_owned(),
                source,
            })
    }

    fn run(mut self) {
        // A panic ends the writer: nobody may wait for it.
        let _closed = CloseOnDrop(Arc::clone(&self.queue));
        loop {
            match self.queue.next(!self.moving.is_done()) {
                Next::Steps(steps) => self.commit(&steps),
                Next::Work(work) => work(&mut self),
                Next::Pause => self.move_some(),
                Next::Idle => self.tidy(),
                Next::End => break,
            }
        }
        if let Err(fault) = self.checkpoint("TRUNCATE") {
            tracing::warn!(error = ?fault, "could not bring the log of the session database to its place");
        }
    }

    fn commit(&mut self, steps: &[Step]) {
        let began = Instant::now();
        if let Some(seen) = &mut self.seen {
            steps.iter().for_each(|step| seen.add(Digits::of(step.id()).hash));
        }
        let all =
            self.transaction(|db, known| steps.iter().try_for_each(|step| live::apply(db, known, step)));
        match all {
            Ok(()) => self.queue.committed(steps.len(), began.elapsed()),
            Err(fault) if fault.passes() => self.queue.failed(fault.of(&self.path).told()),
            Err(fault) if fault.is_damage() => self.queue.abandon(fault.of(&self.path).told()),
            Err(_) => self.commit_each(steps),
        }
        self.checkpoint_when_long();
    }

    /// One of them cannot be written: the others must not suffer.
    fn commit_each(&mut self, steps: &[Step]) {
        for step in steps {
            let began = Instant::now();
            match self.transaction(|db, known| live::apply(db, known, step)) {
                Ok(()) => self.queue.committed(1, began.elapsed()),
                Err(fault) if fault.passes() => return self.queue.failed(fault.of(&self.path).told()),
                Err(fault) => {
                    let error = fault.of(&self.path).told();
                    tracing::error!(%error, session = %step.id(), "a change of a session was not written");
                    self.queue.committed(1, began.elapsed());
                }
            }
        }
    }

    /// All of `change` or nothing of it, on the disk when this returns.
    pub(crate) fn transaction<T>(
        &mut self,
        change: impl FnOnce(&Connection, &mut Known) -> Faulty<T>,
    ) -> Faulty<T> {
        let whole = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing("begin to write")
            .and_then(|transaction| {
                let changed = change(&transaction, &mut self.known)?;
                transaction.commit().doing("commit")?;
                Ok(changed)
            });
        if whole.is_err() {
            // They may be numbers of values that are not there.
            self.known.forget();
        }
        whole
    }

    /// Makes ready for batches, a little at a time: between two calls changes are committed. False while there is more to do.
    pub(crate) fn make_ready(&mut self) -> Faulty<bool> {
        if self.seen.is_none() {
            schema::set_cache(&self.db, IMPORT_CACHE)?;
        }
        let seen = self.seen.get_or_insert_with(Seen::new);
        seen.read_some(&self.db)?;
        Ok(seen.is_ready())
    }

    /// Imports a batch; none when it is not ready.
    pub(crate) fn import(&mut self, batch: &Batch) -> Faulty<Option<Imported>> {
        let Some(mut seen) = self.seen.take_if(|seen| seen.is_ready()) else {
            return Ok(None);
        };
        let mut moving = self.moving.clone();
        let imported = self.transaction(|db, known| import::import(db, known, (&mut moving, &seen), batch));
        for record in &batch.records {
            seen.add(Digits::of(&record.id).hash);
        }
        self.seen = Some(seen);
        let imported = imported?;
        self.moving = moving;
        Ok(Some(imported))
    }

    /// What of the file an error is about.
    pub(crate) fn told<T>(&self, result: Faulty<T>) -> Result<T, SessionsError> {
        result.map_err(|fault| fault.of(&self.path))
    }

    /// Brings the log to its place when it is long.
    pub(crate) fn checkpoint_when_long(&mut self) {
        let long = self
            .db
            .query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get::<_, i64>(1))
            .is_ok_and(|pages| pages >= LOG_PAGES);
        if long && let Err(fault) = self.checkpoint("PASSIVE") {
            tracing::warn!(error = ?fault, "could not bring the log of the session database to its place");
        }
    }

    fn checkpoint(&mut self, how: &str) -> Faulty<()> {
        self.db
            .query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))
            .doing("bring the log to its place")
    }

    /// Nothing else is to do at the moment.
    fn move_some(&mut self) {
        let mut moving = self.moving.clone();
        match self.transaction(|db, _| moving.step(db)) {
            Ok(()) => self.moving = moving,
            Err(fault) if fault.is_damage() => self.queue.abandon(fault.of(&self.path).told()),
            Err(fault) => self.queue.failed(fault.of(&self.path).told()),
        }
        self.checkpoint_when_long();
    }

    /// Nothing was to do for a while: the log is brought to its place, memory goes back.
    fn tidy(&mut self) {
        if self.seen.take().is_some() {
            self.known.forget();
        }
        let tidied = schema::set_cache(&self.db, CACHE)
            .and_then(|()| self.checkpoint("PASSIVE"))
            .and_then(|()| {
                self.db
                    .execute_batch("PRAGMA shrink_memory")
                    .doing("give memory back")
            });
        if let Err(fault) = tidied {
            tracing::warn!(error = ?fault, "could not tidy up the session database");
        }
    }
}

struct CloseOnDrop(Arc<Queue>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}
