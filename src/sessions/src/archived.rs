//! Audit trails that are no longer on the appliance, or are about to go: where they are, and what proves that they are whole.
//!
//! A row is written before anything is removed, and says so until somebody has told that the local file is gone: a power cut between
//! the two leaves work, never a trail that nobody knows of.

use rusqlite::{Connection, OptionalExtension as _, params};
use sps_session_record::TrailFile;

use crate::error::{Damage, Doing as _, Fault, Faulty};
use crate::key;
use crate::retention::MAX_STEP;
use crate::write;

/// Most rows that one look walks over: some 20 ms, and a search waits for no lock meanwhile.
const LOOK: usize = 10_000;

/// What became of an audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// The session.
    pub id: String,
    /// Name of the policy that did it.
    pub policy: String,
    /// Where it is, for people; none when it was deleted by a clean-up policy.
    pub target: Option<String>,
    /// Its name there; empty when it was deleted.
    pub object: String,
    /// When, seconds since 1970.
    pub at: u64,
    /// SHA-256 of the trail, hexadecimal; empty when it was deleted.
    pub sha256: String,
}

/// A session whose trail may be archived or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The session.
    pub id: String,
    /// When it began, milliseconds since 1970.
    pub start: i64,
    /// When it ended.
    pub end: i64,
    /// Its trail.
    pub trail: TrailFile,
}

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueStep {
    /// Sessions, the oldest first.
    pub due: Vec<Due>,
    /// Where the next look goes on; none when there is nothing more.
    pub next: Option<i64>,
}

/// Sessions that began and ended before `before` (milliseconds), have a trail, and whose trail nobody archived; those after `from`.
pub(crate) fn due(db: &Connection, before: i64, from: Option<i64>) -> Faulty<DueStep> {
    let what = "look for trails to archive";
    let mut step = DueStep::default();
    let mut rows = db
        .prepare_cached(
            "SELECT s.key, s.id, s.start, s.end, s.trail, s.trail_size,
                    EXISTS(SELECT 1 FROM archived a WHERE a.key=s.key) FROM session s
             WHERE s.key>=?1 AND s.key<?2 ORDER BY s.key DESC LIMIT ?3",
        )
        .doing(what)?;
    let lowest = key::first(before.saturating_sub(1));
    let mut rows = rows
        .query(params![lowest, from.unwrap_or(i64::MAX), LOOK as i64])
        .doing(what)?;
    let mut seen = 0;
    while let Some(row) = rows.next().doing(what)? {
        seen += 1;
        let found = (|| {
            let (trail, end): (Option<String>, Option<i64>) = (row.get(4)?, row.get(3)?);
            let archived: bool = row.get(6)?;
            let size: i64 = row.get(5)?;
            step.next = Some(row.get(0)?);
            let due = match (trail, end) {
                (Some(name), Some(end)) if end < before && !archived => Some(Due {
                    id: row.get(1)?,
                    start: row.get(2)?,
                    end,
                    trail: TrailFile {
                        name,
                        size: size.cast_unsigned(),
                    },
                }),
                _ => None,
            };
            Ok::<_, rusqlite::Error>(due)
        })();
        step.due.extend(found.doing(what)?);
    }
    if seen < LOOK {
        step.next = None;
    }
    Ok(step)
}

/// Writes what became of a trail, whose local file is still there. What was written before stays. False when there is no such
/// session.
pub(crate) fn put(db: &Connection, archived: &Archived) -> Faulty<bool> {
    let Some(key) = write::key_of(db, &archived.id)? else {
        return Ok(false);
    };
    let Archived {
        policy,
        target,
        object,
        at,
        sha256,
        ..
    } = archived;
    db.prepare_cached("INSERT OR IGNORE INTO archived VALUES(?1, ?2, ?3, ?4, ?5, ?6, 1)")
        .and_then(|mut put| put.execute(params![key, policy, target, object, at.cast_signed(), sha256]))
        .doing("write where a trail is")?;
    Ok(true)
}

/// What became of the trail of a session; nothing when it is where it was recorded.
pub(crate) fn get(db: &Connection, id: &str) -> Faulty<Option<Archived>> {
    let Some(key) = write::key_of(db, id)? else {
        return Ok(None);
    };
    db.prepare_cached("SELECT policy, target, object, at, sha256 FROM archived WHERE key=?1")
        .and_then(|mut get| {
            let read = get.query_row([key], |row| {
                Ok(Archived {
                    id: id.to_owned(),
                    policy: row.get(0)?,
                    target: row.get(1)?,
                    object: row.get(2)?,
                    at: row.get::<_, i64>(3)?.cast_unsigned(),
                    sha256: row.get(4)?,
                })
            });
            read.optional()
        })
        .doing("read where a trail is")
}

/// At most [`MAX_STEP`] sessions whose trails are archived and whose local files nobody has told to be gone.
pub(crate) fn still_here(db: &Connection) -> Faulty<Vec<(String, TrailFile)>> {
    let what = "read the trails to remove";
    db.prepare_cached(
        "SELECT s.id, s.trail, s.trail_size FROM archived a JOIN session s ON s.key=a.key
         WHERE a.here=1 AND s.trail IS NOT NULL ORDER BY a.key DESC LIMIT ?1",
    )
    .and_then(|mut here| {
        let rows = here.query_map([MAX_STEP as i64], |row| {
            let size: i64 = row.get(2)?;
            let trail = TrailFile {
                name: row.get(1)?,
                size: size.cast_unsigned(),
            };
            Ok((row.get(0)?, trail))
        })?;
        rows.collect()
    })
    .doing(what)
}

/// The local files of the trails of these sessions are gone.
pub(crate) fn gone(db: &Connection, ids: &[String]) -> Faulty<()> {
    let what = "note that a trail is gone";
    let mut gone = db
        .prepare_cached("UPDATE archived SET here=0 WHERE key=?1")
        .doing(what)?;
    for id in ids {
        let Some(key) = write::key_of(db, id)? else {
            continue;
        };
        gone.execute([key]).doing(what)?;
    }
    Ok(())
}

/// How many trails are archived, and how many were deleted by a clean-up policy.
pub(crate) fn count(db: &Connection) -> Faulty<(u64, u64)> {
    let what = "count the archived trails";
    let counted: (i64, i64) = db
        .prepare_cached("SELECT count(target), count(*) FROM archived")
        .and_then(|mut count| count.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .doing(what)?;
    let number = |count: i64| u64::try_from(count).map_err(|_| Fault::Row(Damage::Missing { what: "count" }));
    Ok((number(counted.0)?, number(counted.1 - counted.0)?))
}

/// When the newest session began.
pub(crate) fn newest(db: &Connection) -> Faulty<Option<i64>> {
    db.prepare_cached("SELECT start FROM session ORDER BY key LIMIT 1")
        .and_then(|mut newest| newest.query_row([], |row| row.get(0)).optional())
        .doing("look for the newest session")
}
