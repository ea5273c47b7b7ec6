//! The index as others use it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sps_index_engine::{Moment, Query, VERSION};
use tantivy::{IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};

use crate::cipher::KEY;
use crate::directory::Encrypted;
use crate::disk::Disk;
use crate::error::IndexError;
use crate::schema::{self, Fields};
use crate::search::{Hit, Matches, Numbers, Search};

/// Memory of what is not written yet, bytes: what comes after it is written, though not found before a commit.
const PENDING: usize = 32 * 1024 * 1024;
/// Answers that are remembered between two commits, so that the next page costs nothing.
const REMEMBERED: usize = 8;
/// Most sessions of an answer that is remembered: 8 bytes each.
const MOST_REMEMBERED: usize = 1_000_000;
/// File with the state.
const STATE: &str = "state";
/// First byte of the state: its form.
const FORM: u8 = 1;

/// An index that was opened. All calls block. One process at a time opens it.
pub struct Index {
    directory: Encrypted,
    fields: Fields,
    writer: Mutex<IndexWriter>,
    reader: IndexReader,
    numbers: Numbers,
    answers: Mutex<VecDeque<(Query, Matches)>>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

/// How large it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Moments.
    pub moments: u64,
    /// Files they are in, merged from time to time.
    pub segments: usize,
}

impl Index {
    /// Opens the index on `disk`; makes it when it is not there.
    ///
    /// # Errors
    /// It cannot be read, or is of another key.
    pub fn open(disk: Arc<dyn Disk>, key: &[u8; KEY]) -> Result<Self, IndexError> {
        let folder = disk.folder().display().to_string();
        let failed = |source: TantivyError| IndexError::Open {
            folder: folder.clone(),
            source,
        };
        let directory = Encrypted::new(disk, key);
        let (schema, fields) = schema::schema();
        let index = tantivy::IndexBuilder::new()
            .schema(schema)
            .settings(IndexSettings::default())
            .open_or_create(directory.clone())
            .map_err(failed)?;
        schema::register(&index);
        let writer = index.writer_with_num_threads(1, PENDING).map_err(failed)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        Ok(Self {
            directory,
            fields,
            writer: Mutex::new(writer),
            reader: reader.try_into().map_err(failed)?,
            numbers: Numbers::default(),
            answers: Mutex::default(),
        })
    }

    /// How far everything that there was to index is in it.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn progress(&self) -> Result<Progress, IndexError> {
        let state = self
            .directory
            .load(STATE)
            .map_err(|source| IndexError::State { what: "read", source })?;
        Ok(state.map_or(Progress::Nothing, |state| Progress::of(&state)))
    }

    /// So far it is now, and this is on the disk when this returns. What is before it was committed.
    ///
    /// # Errors
    /// It could not be written.
    pub fn set_progress(&self, progress: Progress) -> Result<(), IndexError> {
        self.directory
            .replace(STATE, &progress.bytes())
            .map_err(|source| IndexError::State {
                what: "write",
                source,
            })
    }

    /// Adds a moment of a session; [`Index::remove`] before the first, since an earlier try may have left some.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn add(&self, session: &str, number: i64, moment: &Moment) -> Result<(), IndexError> {
        let mut document = TantivyDocument::new();
        document.add_text(self.fields.text, &moment.text);
        document.add_text(self.fields.session, session);
        document.add_i64(self.fields.number, number);
        document.add_u64(self.fields.at, moment.at);
        document.add_u64(self.fields.channel, u64::from(moment.channel));
        document.add_u64(self.fields.source, u64::from(moment.source.number()));
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.add_document(document).map(drop).map_err(IndexError::Add)
    }

    /// Takes out all moments of a session that were added before.
    pub fn remove(&self, session: &str) {
        let term = Term::from_field_text(self.fields.session, session);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.delete_term(term);
    }

    /// Everything that was added and removed is on the disk, and found, when this returns.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn commit(&self) -> Result<(), IndexError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.commit().map_err(IndexError::Commit)?;
        drop(writer);
        self.reader.reload().map_err(IndexError::Commit)?;
        self.numbers.keep(&self.reader.searcher());
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.clear();
        Ok(())
    }

    /// The sessions whose content is as asked; within `limit` what was found until then.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn sessions(&self, asked: &Query, limit: Duration) -> Result<Matches, IndexError> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = answers.iter().find(|(query, _)| query == asked) {
            return Ok(known.clone());
        }
        drop(answers);
        let searcher = self.reader.searcher();
        let mut search = Search {
            searcher: &searcher,
            fields: self.fields,
            numbers: &self.numbers,
            deadline: Instant::now() + limit,
            cut: false,
        };
        let numbers = search.sessions(asked).map_err(IndexError::Search)?;
        let matches = Matches {
            numbers: numbers.into(),
            cut: search.cut,
        };
        // What was found while a commit was made may be of before it.
        let is_of_now =
            searcher.generation().generation_id() == self.reader.searcher().generation().generation_id();
        if !matches.cut && matches.numbers.len() <= MOST_REMEMBERED && is_of_now {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.push_back((asked.clone(), matches.clone()));
            if answers.len() > REMEMBERED {
                answers.pop_front();
            }
        }
        Ok(matches)
    }

    /// The first `most` moments of a session that show any of the words that are wanted.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn moments(&self, asked: &Query, session: &str, most: usize) -> Result<Vec<Hit>, IndexError> {
        let searcher = self.reader.searcher();
        let search = Search {
            searcher: &searcher,
            fields: self.fields,
            numbers: &self.numbers,
            deadline: Instant::now(),
            cut: false,
        };
        search.moments(asked, session, most).map_err(IndexError::Search)
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> Size {
        let searcher = self.reader.searcher();
        Size {
            moments: searcher.num_docs(),
            segments: searcher.segment_readers().len(),
        }
    }
}

/// How far the sessions there are were indexed by this version, from the newest to the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// None: the index is new, or of another version.
    Nothing,
    /// Those that began then, milliseconds since 1970, or later.
    Until(i64),
    /// All.
    Complete,
}

impl Progress {
    /// `FORM`, the version, and the moment; for all the earliest there is.
    fn bytes(self) -> Vec<u8> {
        let until = match self {
            Self::Nothing => i64::MAX,
            Self::Until(until) => until,
            Self::Complete => i64::MIN,
        };
        [&[FORM][..], &VERSION.to_le_bytes(), &until.to_le_bytes()].concat()
    }

    fn of(bytes: &[u8]) -> Self {
        let head = [&[FORM][..], &VERSION.to_le_bytes()].concat();
        let until = bytes.strip_prefix(&head[..]).and_then(<[u8]>::as_array);
        match until.map(|until| i64::from_le_bytes(*until)) {
            None | Some(i64::MAX) => Self::Nothing,
            Some(i64::MIN) => Self::Complete,
            Some(until) => Self::Until(until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_read_as_it_was_written() {
        for progress in [
            Progress::Nothing,
            Progress::Until(0),
            Progress::Until(1 << 41),
            Progress::Complete,
        ] {
            assert_eq!(Progress::of(&progress.bytes()), progress);
        }
        let mut of_another_version = Progress::Complete.bytes();
        of_another_version[1] ^= 1;
        for bytes in [&b""[..], &[FORM], &of_another_version] {
            assert_eq!(Progress::of(bytes), Progress::Nothing);
        }
    }
}
