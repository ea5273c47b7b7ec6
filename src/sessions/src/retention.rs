//! Taking out sessions whose time is over.

use rusqlite::{Connection, params};

use crate::error::{Doing as _, Faulty};
use crate::key;
use crate::values::Known;
use crate::write;

/// Most sessions of one step: some 100 ms, for which what is recorded meanwhile waits.
pub const MAX_STEP: usize = 2000;
/// Most rows that one step of [`expire`] looks at.
const LOOK: usize = 10_000;

/// What a step took out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Sessions.
    pub sessions: usize,
    /// The audit trails of these. They are remembered until [`crate::Sessions::trails_removed`] tells that the files are gone, so
    /// that a power cut leaves no trail without anybody who knows of it.
    pub trails: Vec<String>,
    /// Whether there are more to take out.
    pub more: bool,
    /// Where [`crate::Sessions::expire`] goes on; none when there is nothing more.
    pub next: Option<i64>,
}

/// Which sessions expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Those that began and ended before then, milliseconds since 1970.
    pub before: i64,
    /// Only those whose trail is archived, or that have none.
    pub archived_only: bool,
    /// Where to go on.
    pub from: Option<i64>,
}

/// A trail whose session was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doomed {
    /// Its name.
    pub trail: String,
    /// The session's identifier.
    pub id: String,
}

/// Takes out at most `limit` sessions that began before `before`, the oldest first.
pub(crate) fn delete_before(
    db: &Connection,
    known: &mut Known,
    before: i64,
    limit: usize,
) -> Faulty<Deleted> {
    let what = "read old sessions";
    let limit = limit.clamp(1, MAX_STEP);
    let mut deleted = Deleted::default();
    if before == i64::MIN {
        return Ok(deleted);
    }
    let keys = db
        .prepare_cached("SELECT key FROM session WHERE key>=?1 ORDER BY key DESC LIMIT ?2")
        .and_then(|mut old| {
            let rows = old.query_map(params![key::first(before - 1), limit as i64 + 1], |row| {
                row.get(0)
            })?;
            rows.collect::<rusqlite::Result<Vec<i64>>>()
        })
        .doing(what)?;
    deleted.more = keys.len() > limit;
    for key in keys.into_iter().take(limit) {
        take_out(db, key, &mut deleted)?;
    }
    known.forget();
    Ok(deleted)
}

fn take_out(db: &Connection, key: i64, deleted: &mut Deleted) -> Faulty<()> {
    let row = write::remove(db, key)?;
    deleted.sessions += 1;
    let Some(trail) = row.trail else { return Ok(()) };
    db.prepare_cached("INSERT OR IGNORE INTO doomed(trail, id) VALUES(?1, ?2)")
        .and_then(|mut doom| doom.execute([&trail.name, &row.id]))
        .doing("remember a trail")?;
    deleted.trails.push(trail.name);
    Ok(())
}

/// Takes out sessions that began and ended before `expiry.before`, the oldest first; looks at no more than [`LOOK`] of them. One that
/// goes on, or whose end nobody knows, stays.
pub(crate) fn expire(db: &Connection, known: &mut Known, expiry: Expiry) -> Faulty<Deleted> {
    let what = "read old sessions";
    let mut deleted = Deleted::default();
    let lowest = key::first(expiry.before.saturating_sub(1));
    if expiry.before <= 0 {
        return Ok(deleted);
    }
    let rows = db
        .prepare_cached(
            "SELECT s.key, s.end IS NOT NULL AND s.end<?1 AND (?2=0 OR s.trail IS NULL
                    OR EXISTS(SELECT 1 FROM archived a WHERE a.key=s.key)) FROM session s
             WHERE s.key>=?3 AND s.key<?4 ORDER BY s.key DESC LIMIT ?5",
        )
        .and_then(|mut old| {
            let from = expiry.from.unwrap_or(i64::MAX);
            let asked = params![expiry.before, expiry.archived_only, lowest, from, LOOK as i64];
            let rows = old.query_map(asked, |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<(i64, bool)>>>()
        })
        .doing(what)?;
    deleted.more = rows.len() == LOOK;
    for (key, is_over) in rows {
        if deleted.sessions == MAX_STEP {
            deleted.more = true;
            break;
        }
        deleted.next = Some(key);
        if is_over {
            take_out(db, key, &mut deleted)?;
        }
    }
    if !deleted.more {
        deleted.next = None;
    }
    known.forget();
    Ok(deleted)
}

/// At most [`MAX_STEP`] trails whose sessions were taken out and whose files nobody has told to be gone.
pub(crate) fn doomed(db: &Connection) -> Faulty<Vec<Doomed>> {
    db.prepare_cached("SELECT trail, id FROM doomed ORDER BY trail LIMIT ?1")
        .and_then(|mut doomed| {
            let rows = doomed.query_map([MAX_STEP as i64], |row| {
                Ok(Doomed {
                    trail: row.get(0)?,
                    id: row.get(1)?,
                })
            })?;
            rows.collect()
        })
        .doing("read the trails to remove")
}

/// The files of these trails are gone.
pub(crate) fn removed(db: &Connection, trails: &[String]) -> Faulty<()> {
    let what = "forget a removed trail";
    let mut forget = db
        .prepare_cached("DELETE FROM doomed WHERE trail=?1")
        .doing(what)?;
    for trail in trails {
        forget.execute([trail]).doing(what)?;
    }
    Ok(())
}
