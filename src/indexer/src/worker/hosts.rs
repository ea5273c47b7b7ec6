//! What the worker shares with indexers on other hosts: it sets sessions apart for them, and takes what they told into the index.

use std::fs::File;
use std::io::{self, Read as _};

use sps_index_engine::Content;
use sps_indexer_engine::{Item, Key};
use sps_session_record::{TrailFile, Word};
use sps_trail::{Reader as TrailReader, Stream};
use tracing::warn;

use super::{WAITING, Worker};
use crate::error::IndexerError;
use crate::queue::Queue;
use crate::remote::{Answer, Found};
use crate::take::{Taken, take};

/// Sessions that are looked at in one step: of most only the head of the trail is read.
const MOST_LOOKED: usize = 1000;
/// Most bytes of a trail in which its head ends.
const HEAD: u64 = 512 * 1024;

impl Worker {
    /// The next session for the appliance's own worker.
    pub(super) fn next_fresh(&mut self, queue: &Queue) -> Result<Option<String>, IndexerError> {
        let Some(hub) = self.hub.clone().filter(|hub| !hub.is_alone()) else {
            return match queue.next() {
                Some(id) => Ok(Some(id)),
                None => self.next_waiting(queue),
            };
        };
        // A step ends: the appliance may stop.
        for _ in 0..MOST_LOOKED {
            if !hub.has_room() {
                break;
            }
            let next = match queue.next() {
                Some(id) => Some(id),
                None => self.next_waiting(queue)?,
            };
            let Some(id) = next else { break };
            if hub.has(&id) {
                continue;
            }
            match self.apart(&id)? {
                Apart::Set(item) => {
                    hub.offer(item);
                }
                Apart::Nothing => {}
                // What needs no reading.
                Apart::Own => return Ok(Some(id)),
            }
        }
        Ok(hub.own().map(|item| item.id))
    }

    /// A session that waits, as one to be read by whoever opens it.
    fn apart(&self, id: &str) -> Result<Apart, IndexerError> {
        let Some(record) = self.sessions.get(id)? else {
            return Ok(Apart::Nothing);
        };
        let Some(trail) = record.trail.filter(|_| record.end.is_some()) else {
            return Ok(Apart::Own);
        };
        if !WAITING.contains(&record.indexing.state) {
            return Ok(Apart::Nothing);
        }
        let Some(item) = self.item(id, &trail) else {
            return Ok(Apart::Own);
        };
        let known = record.indexing.state == Word::NO_KEY;
        let opened = self.hub.as_ref().is_some_and(|hub| hub.is_for_somebody(&item));
        // Nobody opens it still.
        Ok(if known && !opened {
            Apart::Nothing
        } else {
            Apart::Set(item)
        })
    }

    /// Whose keys open a trail; none when it cannot be read.
    fn item(&self, id: &str, trail: &TrailFile) -> Option<Item> {
        let file = File::open(self.trails.join(&trail.name)).ok()?;
        let size = file.metadata().ok()?.len();
        Some(Item {
            id: id.to_owned(),
            trail: trail.name.clone(),
            size,
            needs: readers(file).ok()?,
        })
    }

    /// Whether hosts alone open this one, and have it now.
    pub(super) fn left_to_hosts(&self, id: &str, trail: &TrailFile) -> bool {
        let Some(hub) = self.hub.as_ref().filter(|hub| hub.has_room()) else {
            return false;
        };
        let item = self.item(id, trail);
        item.is_some_and(|item| hub.is_for_hosts(&item) && hub.offer(item))
    }

    /// Takes the first that came back from a host; whether there was one.
    pub(super) fn settle(&mut self) -> Result<bool, IndexerError> {
        let Some(answer) = self.hub.as_ref().and_then(|hub| hub.back()) else {
            return Ok(false);
        };
        let id = answer.item.id.clone();
        match self.settled(answer)? {
            Some(state) => self.tell(&id, state),
            None => self.hub.iter().for_each(|hub| hub.settled(&id, false)),
        }
        Ok(true)
    }

    /// What a session is now; none: it is not there any more, or read again.
    fn settled(&self, answer: Answer) -> Result<Option<Word>, IndexerError> {
        let Answer { item, host, found } = answer;
        let waits = self
            .sessions
            .get(&item.id)?
            .is_some_and(|record| record.end.is_some());
        let Some(number) = self.sessions.number(&item.id)?.filter(|_| waits) else {
            return Ok(None);
        };
        let told = match found {
            Found::Told(told) => told,
            Found::NoTrail | Found::Failed => return Ok(Some(Word::INDEXING_FAILED)),
        };
        let taken = take(&self.index, &told, (&item.id, number), &[], io::empty())?;
        let problem = match taken {
            Taken::Told(Content::Whole | Content::Part | Content::TooMuch) => {
                return Ok(Some(Word::INDEXED));
            }
            Taken::Told(Content::Encrypted) => "none of its keys opens the trail, as it said".to_owned(),
            Taken::Told(Content::None) => "it is no trail of a form that is known".to_owned(),
            Taken::Failed(problem) | Taken::Elsewhere(problem) => problem,
        };
        warn!("session {} could not be indexed by {host}: {problem}", item.id);
        let failed = self
            .hub
            .as_ref()
            .is_none_or(|hub| hub.refuted(item, &host, &problem));
        Ok(failed.then_some(Word::INDEXING_FAILED))
    }

    pub(super) fn own_reads(&self, id: Option<&str>) {
        self.hub.iter().for_each(|hub| hub.own_reads(id));
    }

    pub(super) fn own_failed(&self, why: &str) {
        self.hub.iter().for_each(|hub| hub.own_failed(why));
    }
}

/// What is done with a session that waits.
enum Apart {
    /// It is set apart.
    Set(Item),
    /// It does not wait.
    Nothing,
    /// It is judged here, at once.
    Own,
}

/// Fingerprints of the keys that open what a trail showed; none: it is not encrypted, or no trail.
fn readers(file: File) -> io::Result<Vec<Key>> {
    let mut reader = TrailReader::new(None);
    let mut piece = vec![0; 16 * 1024];
    let mut file = file.take(HEAD);
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        reader.push(piece.get(..count).unwrap_or_default());
        if reader.next().is_some() {
            return Ok(reader.readers(Stream::Downstream).unwrap_or_default());
        }
    }
}
