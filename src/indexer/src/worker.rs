//! Who indexes what, and when it counts as done.

mod hosts;

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sps_bootlog::causes;
use sps_index::Index;
use sps_index_engine::{Content, VERSION};
use sps_session_record::{Indexing, TrailFile, Word};
use sps_sessions::{Change, Filter, Search, Sessions, Sort};
use sps_trail::PrivateKey;
use tracing::warn;
use zeroize::Zeroizing;

use crate::error::IndexerError;
use crate::queue::Queue;
use crate::remote::Hub;
use crate::take::{Reader, Taken, take};
use crate::walk::Walk;

/// Sessions that are written together at the most.
const TOGETHER: usize = 64;
/// Longest time until what was indexed is written, and found.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// Sessions of a look into the database.
const LOOK: usize = 100;
/// Longest time of such a look.
const LOOK_TIME: Duration = Duration::from_secs(30);
/// Bytes that a trail of a session that goes on has grown by at least before it is read again; and by half, so that all reading together is three
/// times the trail at the most.
const GROWN: u64 = 4 * 1024;

/// Sessions that wait in the database.
const WAITING: [Word; 2] = [Word::QUEUED, Word::NO_KEY];

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// There was nothing to do.
    Nothing,
    /// What ended lately, or waited.
    Fresh,
    /// An earlier session, anew.
    Again,
}

/// A session that goes on and is to be found meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growing {
    /// Its identifier.
    pub id: String,
}

/// Takes sessions into the index. All calls block.
pub struct Worker {
    sessions: Arc<Sessions>,
    index: Arc<Index>,
    reader: Box<dyn Reader>,
    trails: PathBuf,
    keys: Vec<Zeroizing<String>>,
    /// What a look into the database found.
    waiting: VecDeque<String>,
    look: Option<Look>,
    walk: Walk,
    /// In the index, and not written yet.
    unwritten: Vec<(String, Indexing)>,
    since: Option<Instant>,
    /// Bytes of trails of sessions that go on, when they were read last.
    read: HashMap<String, u64>,
    /// Where indexers on other hosts get theirs, and tell what they found.
    hub: Option<Arc<Hub>>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(hub) = &self.hub {
            hub.detach();
        }
    }
}

/// How far a look through the database is.
struct Look {
    word: usize,
    cursor: Option<String>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

impl Worker {
    /// For the trails below `trails`.
    ///
    /// # Errors
    /// The state of the index cannot be read.
    pub fn new(
        sessions: Arc<Sessions>,
        index: Arc<Index>,
        reader: Box<dyn Reader>,
        trails: PathBuf,
    ) -> Result<Self, IndexerError> {
        Ok(Self {
            walk: Walk::new(&index, &sessions)?,
            sessions,
            index,
            reader,
            trails,
            keys: Vec::new(),
            waiting: VecDeque::new(),
            look: None,
            unwritten: Vec::new(),
            since: None,
            read: HashMap::new(),
            hub: None,
        })
    }

    /// Shares the work with indexers on other hosts.
    #[must_use]
    pub fn with_hub(mut self, hub: Arc<Hub>) -> Self {
        hub.attach(self.trails.clone());
        self.hub = Some(hub);
        self
    }

    /// Private keys of indexers, PEM, for trails that are encrypted.
    pub fn set_keys(&mut self, keys: Vec<Zeroizing<String>>) {
        if let Some(hub) = &self.hub {
            let own = keys
                .iter()
                .filter_map(|key| PrivateKey::from_pem(key.as_bytes()).ok());
            hub.set_own_keys(own.map(|key| key.fingerprint()));
        }
        self.keys = keys;
    }

    /// How far the indexing of earlier sessions is.
    #[must_use]
    pub const fn walk(&self) -> &Walk {
        &self.walk
    }

    /// Sessions that are known to wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.hub.as_ref().map_or(0, |hub| hub.waiting())
    }

    /// Indexes one session, whichever is next.
    ///
    /// # Errors
    /// Index or database fail; what was not written is indexed again after they are opened anew.
    pub fn step(&mut self, queue: &Queue) -> Result<Done, IndexerError> {
        let mut done = Done::Nothing;
        if self.settle()? {
            done = Done::Fresh;
        } else if let Some(id) = self.next_fresh(queue)? {
            self.fresh(&id)?;
            done = Done::Fresh;
        } else if let Some(id) = self.walk.next(&self.sessions)? {
            self.again(&id)?;
            done = Done::Again;
        }
        let overdue = self.since.is_some_and(|since| since.elapsed() >= WRITTEN_WITHIN);
        if overdue || self.unwritten.len() >= TOGETHER || done == Done::Nothing {
            self.write()?;
        }
        Ok(done)
    }

    /// Reads what has grown of sessions that go on.
    ///
    /// # Errors
    /// As [`Worker::step`].
    pub fn growing(&mut self, sessions: &[Growing]) -> Result<(), IndexerError> {
        self.read
            .retain(|id, _| sessions.iter().any(|growing| growing.id == *id));
        for Growing { id } in sessions {
            let Some(record) = self.sessions.get(id)? else {
                continue;
            };
            let Some(trail) = record.trail.filter(|_| record.end.is_none()) else {
                continue;
            };
            let Ok(file) = File::open(self.trails.join(&trail.name)) else {
                continue;
            };
            let size = file.metadata().map_or(0, |about| about.len());
            let before = self.read.get(id).copied().unwrap_or_default();
            if size < (before + before / 2).max(before + GROWN) {
                continue;
            }
            self.read.insert(id.clone(), size);
            let Some(number) = self.sessions.number(id)? else {
                continue;
            };
            if let Taken::Failed(problem) = self.take(id, number, file)? {
                warn!("session {id} could not be indexed while it goes on: {problem}");
            }
            self.since.get_or_insert_with(Instant::now);
        }
        self.write()
    }

    /// Writes what is not written, and says so in the database.
    ///
    /// # Errors
    /// As [`Worker::step`].
    pub fn write(&mut self) -> Result<(), IndexerError> {
        if self.since.take().is_some() {
            for (id, _) in &self.unwritten {
                // Whoever took it out of the database meanwhile may have looked into the index before it was there.
                if self.sessions.number(id)?.is_none() {
                    self.index.remove(id);
                }
            }
            self.index.commit()?;
        }
        for (id, indexing) in self.unwritten.drain(..) {
            let is_indexed = indexing.state == Word::INDEXED;
            self.sessions.update(&id, Change::Indexing(indexing))?;
            if let Some(hub) = &self.hub {
                hub.settled(&id, is_indexed);
            }
        }
        self.walk.write(&self.index)?;
        Ok(())
    }

    fn next_waiting(&mut self, queue: &Queue) -> Result<Option<String>, IndexerError> {
        if queue.take_look() {
            self.look = Some(Look {
                word: 0,
                cursor: None,
            });
        }
        while self.waiting.is_empty()
            && let Some(look) = &mut self.look
        {
            let Some(word) = WAITING.get(look.word) else {
                self.look = None;
                break;
            };
            let page = self.sessions.page(&Search {
                filter: Filter {
                    indexing: Some(word.clone()),
                    ..Filter::default()
                },
                sort: Sort {
                    descending: false,
                    ..Sort::default()
                },
                limit: LOOK,
                cursor: look.cursor.take(),
                time_limit: LOOK_TIME,
            })?;
            // What goes on is indexed when it ends.
            let ended = page.sessions.into_iter().filter(|session| session.end.is_some());
            self.waiting.extend(ended.map(|session| session.id));
            match page.next {
                Some(next) => look.cursor = Some(next),
                None => look.word += 1,
            }
        }
        Ok(self.waiting.pop_front())
    }

    /// A session that waits.
    fn fresh(&mut self, id: &str) -> Result<(), IndexerError> {
        let Some(record) = self.sessions.get(id)? else {
            return Ok(());
        };
        if record.end.is_none() || !WAITING.contains(&record.indexing.state) {
            return Ok(());
        }
        let state = match &record.trail {
            None => Word::NOT_INDEXED,
            Some(trail) => self.session(id, trail)?.unwrap_or(Word::INDEXING_FAILED),
        };
        self.tell(id, state);
        Ok(())
    }

    /// A session of which the database says that it was indexed once. What cannot be read any more stays as it is: its content is not found.
    fn again(&mut self, id: &str) -> Result<(), IndexerError> {
        let Some(record) = self.sessions.get(id)? else {
            return Ok(());
        };
        let Some(trail) = &record.trail else {
            return Ok(());
        };
        if self.left_to_hosts(id, trail) {
            // Until then it is not found, and after a restart it is looked for.
            self.tell(id, Word::QUEUED);
        } else if let Some(state) = self.session(id, trail)? {
            self.tell(id, state);
        }
        Ok(())
    }

    fn tell(&mut self, id: &str, state: Word) {
        let version = if state == Word::INDEXED { VERSION } else { 0 };
        self.unwritten.push((id.to_owned(), Indexing { state, version }));
        self.since.get_or_insert_with(Instant::now);
    }

    /// The state of a session whose trail was read; none when there is nothing to be read.
    fn session(&mut self, id: &str, trail: &TrailFile) -> Result<Option<Word>, IndexerError> {
        let file = match File::open(self.trails.join(&trail.name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                warn!("session {id} could not be indexed: {}", causes(&error));
                return Ok(None);
            }
        };
        let Some(number) = self.sessions.number(id)? else {
            return Ok(None);
        };
        self.own_reads(Some(id));
        let taken = self.take(id, number, file);
        self.own_reads(None);
        Ok(match taken? {
            Taken::Told(Content::Whole | Content::Part | Content::TooMuch) => Some(Word::INDEXED),
            Taken::Told(Content::Encrypted) => Some(Word::NO_KEY),
            Taken::Told(Content::None) => None,
            Taken::Failed(problem) | Taken::Elsewhere(problem) => {
                warn!("session {id} could not be indexed: {problem}");
                self.own_failed(&format!("session {id}: {problem}"));
                None
            }
        })
    }

    fn take(&self, id: &str, number: i64, file: File) -> Result<Taken, IndexerError> {
        match take(&self.index, &*self.reader, (id, number), &self.keys, file)? {
            Taken::Elsewhere(why) => Err(IndexerError::Reader(why)),
            taken => Ok(taken),
        }
    }
}
