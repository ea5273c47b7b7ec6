//! Phase two of an upgrade to layout 5: metadata of earlier layouts comes into the session database, the newest first.
//!
//! Each batch is committed with the place where the next one begins: whatever ends it, the next start, another firmware of this layout
//! or the other node goes on. What cannot be understood is put aside with the reason, never dropped.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sps_datastore::ContentError;
use sps_datastore_engine::{Arrangement, arranged};
use sps_metadb::{Metadb, Position, Row};
use sps_session_record::SessionRecord;
use sps_sessions::{Batch, Sessions};

/// The importer's name in the session database.
const IMPORTER: &str = "metadb";
/// Sessions of a batch: the database is busy with one for some tens of milliseconds.
const BATCH: usize = 2_000;
/// File of what was put aside, below the damaged records.
const ASIDE: &str = "metadata.jsonl";

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Importing {
    /// Sessions looked at by this start.
    pub done: u64,
    /// Sessions that were to be looked at when this start began.
    pub total: u64,
    /// Of those done, the ones that were put aside.
    pub aside: u64,
    /// Whether nothing is left.
    pub finished: bool,
}

/// The import into one session database.
pub struct Import {
    source: Metadb,
    position: Position,
    aside: PathBuf,
    state: Importing,
}

impl Import {
    /// What is left to import into `sessions` from the metadata in `folder`; nothing when all is there. What cannot be understood goes to
    /// the folder `quarantine`.
    ///
    /// # Errors
    /// Either database cannot be read.
    pub fn open(folder: &Path, quarantine: &Path, sessions: &Sessions) -> Result<Option<Self>, ContentError> {
        let Some(position) = incomplete(sessions)? else {
            return Ok(None);
        };
        let source = Metadb::open(folder)?;
        let total = source.count_older_than(position)?;
        Ok(Some(Self {
            source,
            position,
            aside: quarantine.join(ASIDE),
            state: Importing {
                total,
                ..Importing::default()
            },
        }))
    }

    /// How far it is.
    #[must_use]
    pub const fn state(&self) -> Importing {
        self.state
    }

    /// Imports the next sessions and says how far it is then.
    ///
    /// # Errors
    /// Nothing of this step is there; it can be taken again.
    pub fn step(&mut self, sessions: &Sessions) -> Result<Importing, ContentError> {
        let rows = self.source.older_than(self.position, BATCH)?;
        let finished = rows.len() < BATCH;
        let (done, position) = (rows.len(), rows.last().map_or(self.position, |row| row.position));
        let (records, mut damaged) = sorted(rows);
        let imported = sessions.import(Batch {
            records,
            importer: IMPORTER.into(),
            cursor: encode(if finished { None } else { Some(position) }),
            incomplete_until: (!finished).then_some(position.start),
        })?;
        damaged.extend(
            imported
                .refused
                .into_iter()
                .map(|refused| (refused.id, refused.why)),
        );
        // Told again after a power cut rather than not at all: the batch is there already.
        self.put_aside(&damaged)?;
        self.position = position;
        self.state.done += done as u64;
        self.state.aside += damaged.len() as u64;
        self.state.finished = finished;
        Ok(self.state)
    }

    fn put_aside(&self, damaged: &[(String, String)]) -> io::Result<()> {
        if damaged.is_empty() {
            return Ok(());
        }
        if let Some(folder) = self.aside.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.aside)?;
        for (what, why) in damaged {
            writeln!(file, "{}", serde_json::json!({ "session": what, "problem": why }))?;
        }
        file.sync_all()
    }
}

/// Marks a session database into which the metadata beside it is still to come.
pub(crate) fn begin(sessions: &Sessions) -> Result<(), ContentError> {
    if sessions.importer(IMPORTER)?.is_none() {
        sessions.import(Batch {
            records: Vec::new(),
            importer: IMPORTER.into(),
            cursor: encode(Some(Position::NEWEST)),
            incomplete_until: Some(i64::MAX),
        })?;
    }
    Ok(())
}

/// Where the import goes on; nothing when it is finished, or there was nothing to import.
pub(crate) fn incomplete(sessions: &Sessions) -> Result<Option<Position>, ContentError> {
    let cursor = sessions.importer(IMPORTER)?;
    Ok(cursor.and_then(|cursor| decode(&cursor)))
}

/// The records, and what is wrong with the rows that are none.
fn sorted(rows: Vec<Row>) -> (Vec<SessionRecord>, Vec<(String, String)>) {
    let (mut records, mut damaged) = (Vec::new(), Vec::new());
    for row in rows {
        match row.session {
            Ok(record) => records.push(in_place(record)),
            Err(why) => damaged.push((format!("row {}", row.position.number), why)),
        }
    }
    (records, damaged)
}

/// Trails were in one folder once; by now they lie by day.
pub(crate) fn in_place(mut record: SessionRecord) -> SessionRecord {
    if let Some(trail) = record.trail.as_mut().filter(|trail| !trail.name.contains('/')) {
        let name = arranged(trail.name.as_bytes(), Arrangement::Free, Arrangement::ByDay);
        trail.name = String::from_utf8_lossy(&name).into_owned();
    }
    record
}

/// Two numbers, or nothing when all is imported.
fn encode(position: Option<Position>) -> Vec<u8> {
    position.map_or_else(Vec::new, |position| {
        [position.start.to_be_bytes(), position.number.to_be_bytes()].concat()
    })
}

fn decode(cursor: &[u8]) -> Option<Position> {
    let (start, number) = cursor.split_at_checked(8)?;
    Some(Position {
        start: i64::from_be_bytes(start.try_into().ok()?),
        number: i64::from_be_bytes(number.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests;
