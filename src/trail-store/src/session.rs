//! One session's side: takes events, waits for room.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sps_trail::{Ending, Event, TrailError, Writer};
use tokio::sync::{Notify, oneshot};

use crate::error::RecordError;
use crate::notice::{Notices, Work};
use crate::tally::Tally;
use crate::thread::now;

/// Bytes of one session that wait before the thread is hurried: waking it costs as much as writing a chunk.
pub(crate) const HURRY: usize = 256 * 1024;
/// Bytes of one session that may wait; beyond, the session waits.
const MOST: usize = 1024 * 1024;
/// Bytes of all sessions that may wait; beyond, those wait that have more than [`HURRY`].
const MOST_TOGETHER: usize = 64 * 1024 * 1024;

/// What session and thread share.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) path: PathBuf,
    writer: Mutex<Hand>,
    /// The thread knows that there is something.
    touched: AtomicBool,
    /// Room was made, or the trail failed.
    moved: Notify,
    all: Arc<Totals>,
}

/// What is common to all sessions.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) notices: Notices,
    pub(crate) tally: Tally,
    waiting: AtomicUsize,
}

impl Totals {
    /// Bytes of all sessions that wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// The writer, while it is good.
#[derive(Debug)]
pub(crate) struct Hand {
    /// Large, and gone when the trail has ended.
    pub(crate) writer: Option<Box<Writer>>,
    pub(crate) error: Option<RecordError>,
    /// Its part of [`Totals::waiting`].
    counted: usize,
}

impl Hand {
    /// Bytes that wait.
    pub(crate) const fn counted(&self) -> usize {
        self.counted
    }

    /// Why nothing is taken any more.
    fn closed(&self) -> RecordError {
        self.error.clone().unwrap_or(RecordError::Ended)
    }
}

impl Session {
    pub(crate) fn new(path: PathBuf, writer: Writer, all: Arc<Totals>) -> Self {
        let hand = Hand {
            writer: Some(Box::new(writer)),
            error: None,
            counted: 0,
        };
        Self {
            path,
            writer: Mutex::new(hand),
            touched: AtomicBool::new(false),
            moved: Notify::new(),
            all,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Hand> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the next event tells the thread again.
    pub(crate) fn untouch(&self) {
        self.touched.store(false, Ordering::SeqCst);
    }

    /// Counts what waits now.
    pub(crate) fn count(&self, hand: &mut Hand) {
        let waits = hand.writer.as_ref().map_or(0, |writer| writer.waiting());
        let total = &self.all.waiting;
        if waits >= hand.counted {
            total.fetch_add(waits - hand.counted, Ordering::SeqCst);
        } else {
            total.fetch_sub(hand.counted - waits, Ordering::SeqCst);
        }
        hand.counted = waits;
    }

    /// The trail takes nothing more.
    pub(crate) fn fail(&self, error: RecordError) {
        let mut hand = self.lock();
        hand.writer = None;
        hand.error.get_or_insert(error);
        self.count(&mut hand);
        drop(hand);
        self.make_way();
    }

    /// Whoever waits looks again.
    pub(crate) fn make_way(&self) {
        self.moved.notify_waiters();
    }

    /// Whether another event may come now.
    fn has_room(&self, hand: &Hand) -> bool {
        let together = self.all.waiting.load(Ordering::SeqCst);
        hand.counted <= MOST && (hand.counted <= HURRY || together <= MOST_TOGETHER)
    }

    fn record(&self, own: &Arc<Self>, event: &Event<'_>) -> Result<bool, RecordError> {
        let mut hand = self.lock();
        let Some(writer) = &mut hand.writer else {
            return Err(hand.closed());
        };
        if let Err(error) = writer.event(event) {
            let error = RecordError::from(error);
            if !error.is_passing() {
                drop(hand);
                self.fail(error.clone());
            }
            return Err(error);
        }
        self.count(&mut hand);
        let (much, room) = (hand.counted >= HURRY, self.has_room(&hand));
        drop(hand);
        self.touch(own)?;
        if much {
            self.all.notices.hurry();
        }
        Ok(room)
    }

    /// Tells the thread that there is something.
    fn touch(&self, own: &Arc<Self>) -> Result<(), RecordError> {
        if self.touched.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let told = self.all.notices.add(Work::Touched(Arc::clone(own)));
        told.ok_or(RecordError::Closed)
    }

    /// Does something with the writer other than recording events.
    fn write<T>(
        &self,
        own: &Arc<Self>,
        work: impl FnOnce(&mut Writer) -> Result<T, TrailError>,
    ) -> Result<T, RecordError> {
        let mut hand = self.lock();
        let Some(writer) = &mut hand.writer else {
            return Err(hand.closed());
        };
        let done = work(writer).map_err(RecordError::from);
        self.count(&mut hand);
        drop(hand);
        match &done {
            Ok(_) => self.touch(own)?,
            Err(error) if error.is_passing() => {}
            Err(error) => self.fail(error.clone()),
        }
        done
    }

    async fn room(&self) -> Result<(), RecordError> {
        loop {
            let moved = self.moved.notified();
            {
                let hand = self.lock();
                if hand.writer.is_none() {
                    return Err(hand.closed());
                }
                if self.has_room(&hand) {
                    return Ok(());
                }
            }
            self.all.notices.hurry();
            moved.await;
        }
    }

    async fn failure(&self) -> RecordError {
        loop {
            let moved = self.moved.notified();
            if let Some(error) = &self.lock().error {
                return error.clone();
            }
            moved.await;
        }
    }
}

/// The trail of one session. Dropped without [`Trail::finish`] it ends with the verdict `terminated`.
#[derive(Debug)]
pub struct Trail {
    session: Arc<Session>,
    finished: bool,
}

/// A session is faster than the disk: it waits until this is over.
#[derive(Debug)]
#[must_use = "the session has to wait"]
pub struct Backpressure(Arc<Session>);

impl Backpressure {
    /// Waits.
    ///
    /// # Errors
    /// The trail takes nothing more: what was given may be lost, and the session has to end.
    pub async fn over(self) -> Result<(), RecordError> {
        self.0.room().await
    }
}

/// The file of a trail that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its bytes.
    pub size: u64,
}

impl Trail {
    pub(crate) const fn new(session: Arc<Session>) -> Self {
        Self {
            session,
            finished: false,
        }
    }

    /// Takes an event at once; it is on the disk within a second. With an answer, nothing more may come before that is over.
    ///
    /// # Errors
    /// It was not taken; unless [`RecordError::is_passing`], nothing more is, and the session has to end.
    pub fn record(&self, event: &Event<'_>) -> Result<Option<Backpressure>, RecordError> {
        let room = self.session.record(&self.session, event)?;
        Ok((!room).then(|| Backpressure(Arc::clone(&self.session))))
    }

    /// Takes an event and waits for room for the next.
    ///
    /// # Errors
    /// As [`Trail::record`], and as [`Backpressure::over`].
    pub async fn append(&self, event: &Event<'_>) -> Result<(), RecordError> {
        match self.record(event)? {
            Some(wait) => wait.over().await,
            None => Ok(()),
        }
    }

    /// Seals what was recorded, for a timestamp: what an authority is to be asked about ([`Writer::seal_to_stamp`]); nothing where
    /// there is nothing new.
    ///
    /// # Errors
    /// The trail takes nothing more.
    pub fn seal_to_stamp(&self) -> Result<Option<[u8; 32]>, RecordError> {
        self.session
            .write(&self.session, |writer| writer.seal_to_stamp(now()))
    }

    /// Records the token of an authority and what it is about.
    ///
    /// # Errors
    /// It is too long; or the trail takes nothing more.
    pub fn timestamp(&self, about: &[u8; 32], token: &[u8]) -> Result<(), RecordError> {
        self.session
            .write(&self.session, |writer| writer.timestamp(about, token))
    }

    /// Waits until the trail takes nothing more since its disk failed: for sessions in which nothing happens.
    pub async fn failure(&self) -> RecordError {
        self.session.failure().await
    }

    /// Waits until everything that was taken is on the disk.
    ///
    /// # Errors
    /// It will never be.
    pub async fn flush(&self) -> Result<(), RecordError> {
        let (answer, answered) = oneshot::channel();
        let work = Work::Flush(Arc::clone(&self.session), answer);
        self.session.all.notices.add(work).ok_or(RecordError::Closed)?;
        answered.await.unwrap_or(Err(RecordError::Closed))
    }

    /// Ends the trail; when this returns the whole file and its name are on the disk.
    ///
    /// # Errors
    /// They are not, and never will be.
    pub async fn finish(mut self, ending: Ending) -> Result<Finished, RecordError> {
        self.finished = true;
        let (answer, answered) = oneshot::channel();
        let work = Work::Finish(Arc::clone(&self.session), ending, Some(answer));
        self.session.all.notices.add(work).ok_or(RecordError::Closed)?;
        answered.await.unwrap_or(Err(RecordError::Closed))
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if !self.finished {
            let ending = Ending {
                verdict: sps_trail::Word::TERMINATED,
                reason: "its recorder was given up".into(),
            };
            // Without a thread the trail stays cut, and says so.
            let _gone = self
                .session
                .all
                .notices
                .add(Work::Finish(Arc::clone(&self.session), ending, None));
        }
    }
}
