//! Records from elsewhere: audit trails, an earlier layout, an archive.

use std::collections::HashSet;

use rusqlite::{Connection, params};
use sps_session_record::SessionRecord;

use crate::error::{Doing as _, Faulty};
use crate::key::Digits;
use crate::mark;
use crate::moving::Moving;
use crate::row::Origin;
use crate::seen::Seen;
use crate::values::Known;
use crate::write::{self, Pending};

/// Most sessions of a batch: larger ones are faster by little (`DECISION-schema.md`) and keep what is recorded meanwhile waiting.
pub const MAX_BATCH: usize = 10_000;

/// A batch to import. All of it is committed at once, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The sessions, newest first.
    pub records: Vec<SessionRecord>,
    /// Name of the importer whose cursor it is.
    pub importer: String,
    /// Where the importer goes on after this batch; [`crate::Sessions::importer`] returns it.
    pub cursor: Vec<u8>,
    /// Start down to which all sessions are imported; none when all are. See [`crate::Page::incomplete_until`].
    pub incomplete_until: Option<i64>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Sessions that are new.
    pub added: usize,
    /// Sessions that were there already; as they were, they stay.
    pub known: usize,
    /// Sessions that cannot be kept, each with the reason. The importer puts them aside and tells.
    pub refused: Vec<Refused>,
}

/// A record that is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its identifier, as it came.
    pub id: String,
    /// Why.
    pub why: String,
}

/// Imports within the transaction of the writer.
pub(crate) fn import(
    db: &Connection,
    known: &mut Known,
    (moving, seen): (&mut Moving, &Seen),
    batch: &Batch,
) -> Faulty<Imported> {
    let mut result = Imported::default();
    let there = already_there(db, seen, &batch.records)?;
    let mut seen = HashSet::new();
    let mut pending = Pending::default();
    for record in &batch.records {
        if let Err(error) = record.check() {
            result.refused.push(refused(record, error.to_string()));
        } else if there.contains(record.id.as_str()) || !seen.insert(record.id.as_str()) {
            result.known += 1;
        } else if write::insert(db, known, record, Origin::Imported, &mut pending)? {
            result.added += 1;
        } else {
            let why = "its millisecond has more sessions than can be told apart";
            result.refused.push(refused(record, why.to_owned()));
        }
    }
    let (sessions, postings) = (result.added, pending.write_new(db)?);
    moving.came(db, sessions, postings)?;
    mark::save(db, &mark::importer(&batch.importer), &batch.cursor)?;
    mark::save_incomplete(db, batch.incomplete_until)?;
    Ok(result)
}

fn refused(record: &SessionRecord, why: String) -> Refused {
    Refused {
        id: record.id.clone(),
        why,
    }
}

/// Which of the records are there: looked for in the order of the index.
fn already_there<'a>(db: &Connection, seen: &Seen, records: &'a [SessionRecord]) -> Faulty<HashSet<&'a str>> {
    let what = "look for identifiers";
    let ids = records.iter().map(|record| record.id.as_str());
    let mut wanted: Vec<(i64, &str)> = ids.map(|id| (Digits::of(id).hash, id)).collect();
    wanted.retain(|(hash, _)| seen.may_hold(*hash));
    wanted.sort_unstable();
    let mut found = HashSet::new();
    let mut look = db.prepare_cached(write::FIND).doing(what)?;
    for (hash, id) in wanted {
        if look.exists(params![hash, id]).doing(what)? {
            found.insert(id);
        }
    }
    Ok(found)
}
