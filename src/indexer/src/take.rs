//! One trail into the index.

use std::error::Error;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use sps_bootlog::causes;
use sps_index::{Index, IndexError};
use sps_index_engine::{Content, Decoder, Part};
use tracing::debug;
use zeroize::Zeroizing;

use crate::feed::Feed;

/// Why a process did not read a trail to its end.
pub type ReaderError = Box<dyn Error + Send + Sync>;

/// Runs [`answer`](crate::answer) where it can harm nobody.
pub trait Reader: Send + Sync {
    /// Gives it `input`, and `take` what it writes as it comes, until `take` says no.
    ///
    /// # Errors
    /// When it did not end in order; what was taken is not to be believed then.
    fn read(
        &self,
        input: &mut (dyn Read + Send),
        take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), ReaderError>;

    /// Whether the trail has nothing to do with this error: no process could be started, or the appliance stops. It is read again later.
    fn is_elsewhere(&self, _error: &ReaderError) -> bool {
        false
    }
}

/// What became of a trail.
#[derive(Debug)]
pub(crate) enum Taken {
    /// All that it told is in the index, to be committed.
    Told(Content),
    /// Nothing of it is.
    Failed(String),
    /// Nothing of it is, which says nothing of the trail.
    Elsewhere(String),
}

/// Reads a trail anew into the index.
pub(crate) fn take(
    index: &Index,
    reader: &dyn Reader,
    (id, number): (&str, i64),
    keys: &[Zeroizing<String>],
    trail: impl Read + Send,
) -> Result<Taken, IndexError> {
    // Of an earlier try, or an earlier version.
    index.remove(id);
    let taking = Mutex::new(Taking {
        index,
        id,
        number,
        decoder: Decoder::default(),
        content: None,
        problem: None,
        error: None,
    });
    let read = reader.read(&mut Feed::new(keys, trail), &mut |bytes| {
        let mut taking = taking.lock().unwrap_or_else(PoisonError::into_inner);
        taking.take(bytes)
    });
    let taking = taking.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = taking.error {
        return Err(error);
    }
    if let (None, Err(error)) = (&taking.problem, &read)
        && reader.is_elsewhere(error)
    {
        index.remove(id);
        return Ok(Taken::Elsewhere(causes(error.as_ref())));
    }
    let told = match (taking.problem, read) {
        (Some(problem), _) => Err(problem),
        (None, Err(error)) => Err(causes(error.as_ref())),
        (None, Ok(())) => taking.decoder.finish().map_err(|error| error.to_string()),
    };
    match (told, taking.content) {
        (Ok(()), Some(content)) => {
            debug!("session {id}: {content:?} read for the index");
            Ok(Taken::Told(content))
        }
        (told, _) => {
            index.remove(id);
            let problem = told.err().unwrap_or_else(|| "it told nothing".into());
            Ok(Taken::Failed(problem))
        }
    }
}

struct Taking<'a> {
    index: &'a Index,
    id: &'a str,
    number: i64,
    decoder: Decoder,
    content: Option<Content>,
    problem: Option<String>,
    error: Option<IndexError>,
}

impl Taking<'_> {
    /// Whether to go on.
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.decoder.push(bytes);
        loop {
            match self.decoder.next() {
                Ok(None) => return true,
                Ok(Some(Part::End(summary))) => self.content = Some(summary.content),
                Ok(Some(Part::Moment(moment))) => {
                    if let Err(error) = self.index.add(self.id, self.number, &moment) {
                        self.error = Some(error);
                        return false;
                    }
                }
                Err(error) => {
                    self.problem = Some(error.to_string());
                    return false;
                }
            }
        }
    }
}
