//! The thread that writes for all sessions, in rounds: take, write, sync, answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sps_trail::Ending;

use crate::error::RecordError;
use crate::files::{Folder, TrailFile, disk, sync_folder};
use crate::notice::{Answer, Work};
use crate::session::{Finished, HURRY, Session, Totals};
use crate::store::Pace;

/// With more files than this that wait for a sync the file system is synced as a whole: `DECISION-writing.md`.
const ONE_BY_ONE: usize = 16;

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Which session: where it is in memory, since its file may have any name.
fn key(session: &Arc<Session>) -> usize {
    Arc::as_ptr(session).addr()
}

/// A trail that is being written.
#[derive(Debug)]
struct Open {
    session: Arc<Session>,
    file: TrailFile,
    /// Something is to be taken, or to be sealed in time.
    unsettled: bool,
}

/// Somebody who waits for the end of a round.
#[derive(Debug)]
enum Waiting {
    Synced(usize, Arc<Session>, Answer<()>),
    Finished(Arc<Session>, Result<u64, RecordError>, Option<Answer<Finished>>),
}

/// A trail that is to end, how, and who waits for it.
type End = (Arc<Session>, Ending, Option<Answer<Finished>>);

/// Writes.
#[derive(Debug)]
pub(crate) struct Pen {
    all: Arc<Totals>,
    folder: Folder,
    pace: Pace,
    open: HashMap<usize, Open>,
    /// Files that ended in this round, still to be synced.
    ended: Vec<(Arc<Session>, TrailFile)>,
    waiting: Vec<Waiting>,
    last_sync: Instant,
}

impl Pen {
    pub(crate) fn new(all: Arc<Totals>, folder: Folder, pace: Pace) -> Self {
        Self {
            all,
            folder,
            pace,
            open: HashMap::new(),
            ended: Vec::new(),
            waiting: Vec::new(),
            last_sync: Instant::now(),
        }
    }

    pub(crate) fn run(mut self) {
        loop {
            let busy = self.open.values().any(|open| open.unsettled || open.file.dirty);
            let tick = busy.then(|| self.last_sync + self.pace.round);
            let woken = self.all.notices.wait(tick);
            let mut ends = Vec::new();
            for work in woken.works {
                self.work(work, &mut ends);
            }
            let due = self.last_sync.elapsed() >= self.pace.round || woken.closed;
            let round = due || !self.waiting.is_empty();
            self.write(if round { 0 } else { HURRY });
            for (session, ending, answer) in ends {
                self.finish(&session, &ending, answer);
            }
            if round || !self.waiting.is_empty() {
                self.sync_timed();
                self.answer();
                self.last_sync = Instant::now();
            }
            if woken.closed {
                return self.close();
            }
        }
    }

    fn work(&mut self, work: Work, ends: &mut Vec<End>) {
        match work {
            Work::Begin(session, head, answer) => self.begin(session, &head, answer),
            Work::Touched(session) => {
                if let Some(open) = self.open.get_mut(&key(&session)) {
                    open.unsettled = true;
                }
            }
            Work::Flush(session, answer) => {
                let key = key(&session);
                self.waiting.push(Waiting::Synced(key, session, answer));
            }
            Work::Finish(session, ending, answer) => ends.push((session, ending, answer)),
        }
    }

    fn begin(&mut self, session: Arc<Session>, head: &[u8], answer: Answer<()>) {
        let path = &session.path;
        let made = self
            .folder
            .make_way(path)
            .and_then(|()| TrailFile::create(path))
            .map_err(disk("make", path))
            .and_then(|mut file| {
                file.append(head).map_err(disk("write", path))?;
                Ok(file)
            });
        match made {
            Ok(file) => {
                let key = key(&session);
                self.waiting
                    .push(Waiting::Synced(key, Arc::clone(&session), answer));
                let open = Open {
                    session,
                    file,
                    unsettled: false,
                };
                self.open.insert(key, open);
            }
            Err(error) => {
                session.fail(error.clone());
                // Whoever asked may have gone.
                let _gone = answer.send(Err(error));
            }
        }
    }

    /// Takes and writes what has gathered in sessions with at least so many bytes: between rounds the many with few keep theirs.
    fn write(&mut self, least: usize) {
        let now = now();
        self.open.retain(|_, open| {
            if !open.unsettled || (least > 0 && open.session.lock().counted() < least) {
                return true;
            }
            let taken = take(&open.session, now);
            let written = taken.and_then(|(bytes, settled)| {
                open.unsettled = !settled;
                match bytes {
                    Some(bytes) => open
                        .file
                        .append(&bytes)
                        .map_err(disk("write", &open.session.path)),
                    None => Ok(()),
                }
            });
            open.session.make_way();
            let failed = written.err();
            if let Some(error) = failed {
                open.session.fail(error);
                return false;
            }
            true
        });
    }

    fn finish(&mut self, session: &Arc<Session>, ending: &Ending, answer: Option<Answer<Finished>>) {
        let Some(mut open) = self.open.remove(&key(session)) else {
            let error = session.lock().error.clone().unwrap_or(RecordError::Ended);
            self.waiting
                .push(Waiting::Finished(Arc::clone(session), Err(error), answer));
            return;
        };
        let mut hand = session.lock();
        let writer = hand.writer.take();
        session.count(&mut hand);
        drop(hand);
        let written = writer
            .ok_or(RecordError::Ended)
            .and_then(|writer| Ok(writer.finish(ending, now())?))
            .and_then(|bytes| {
                self.all.tally.wrote(bytes.len());
                open.file.append(&bytes).map_err(disk("write", &session.path))
            })
            .map(|()| open.file.size);
        self.waiting
            .push(Waiting::Finished(Arc::clone(session), written, answer));
        self.ended.push((open.session, open.file));
    }

    /// The same as [`Self::sync`], and how long it took.
    fn sync_timed(&mut self) {
        self.all.tally.open(self.open.len());
        let has_work = !self.ended.is_empty() || self.open.values().any(|open| open.file.dirty);
        let since = Instant::now();
        self.sync();
        if has_work {
            self.all.tally.synced(since.elapsed());
        }
    }

    /// Makes durable what was written, and the names of new files.
    fn sync(&mut self) {
        let dirty = self.open.values().filter(|open| open.file.dirty).count() + self.ended.len();
        if dirty > ONE_BY_ONE && self.folder.sync_all().is_ok() {
            self.open.values_mut().for_each(|open| open.file.synced());
            self.ended.clear();
            return;
        }
        // Each by itself, also to learn whose error it was.
        let new: Vec<usize> = self
            .waiting
            .iter()
            .filter_map(|waiting| match waiting {
                Waiting::Synced(key, ..) => Some(*key),
                Waiting::Finished(..) => None,
            })
            .collect();
        self.open.retain(|key, open| {
            let path = &open.session.path;
            let name = || {
                if new.contains(key) {
                    sync_folder(path)
                } else {
                    Ok(())
                }
            };
            let synced = if open.file.dirty {
                open.file.sync().and_then(|()| name())
            } else {
                Ok(())
            };
            let failed = synced.map_err(disk("sync", path)).err();
            if let Some(error) = failed {
                open.session.fail(error);
                return false;
            }
            true
        });
        for (session, mut file) in self.ended.drain(..) {
            let synced = file.sync().and_then(|()| sync_folder(&session.path));
            if let Err(error) = synced.map_err(disk("sync", &session.path)) {
                session.fail(error);
            }
        }
    }

    /// Tells those who waited for the round.
    fn answer(&mut self) {
        for waiting in self.waiting.drain(..) {
            // Whoever asked may have gone.
            match waiting {
                Waiting::Synced(_, session, answer) => {
                    let error = session.lock().error.clone();
                    let _gone = answer.send(error.map_or(Ok(()), Err));
                }
                Waiting::Finished(session, written, answer) => {
                    let error = session.lock().error.clone();
                    let finished = match (written, error) {
                        (Ok(size), None) => Ok(Finished { size }),
                        (Err(error), _) | (Ok(_), Some(error)) => Err(error),
                    };
                    if let Some(answer) = answer {
                        let _gone = answer.send(finished);
                    }
                }
            }
        }
    }

    /// Nobody is left waiting.
    fn close(self) {
        for open in self.open.into_values() {
            open.session.fail(RecordError::Closed);
        }
    }
}

/// What is to be appended, and whether nothing is left to be taken or sealed.
fn take(session: &Session, now: i64) -> Result<(Option<Vec<u8>>, bool), RecordError> {
    // First, so that what comes from now on tells the thread again.
    session.untouch();
    let mut hand = session.lock();
    let Some(writer) = &mut hand.writer else {
        return Err(hand.error.clone().unwrap_or(RecordError::Ended));
    };
    let bytes = writer.take(now)?;
    let settled = writer.is_settled();
    session.count(&mut hand);
    Ok((bytes, settled))
}
