//! Taking out sessions whose time is over.

use rusqlite::{Connection, params};

use crate::error::{Doing as _, Faulty};
use crate::key;
use crate::values::Known;
use crate::write;

/// Most sessions of one step: some 100 ms, for which what is recorded meanwhile waits.
pub const MAX_STEP: usize = 2000;

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
        let row = write::remove(db, key)?;
        deleted.sessions += 1;
        let Some(trail) = row.trail else { continue };
        db.prepare_cached("INSERT OR IGNORE INTO doomed(trail) VALUES(?1)")
            .and_then(|mut doom| doom.execute([&trail.name]))
            .doing("remember a trail")?;
        deleted.trails.push(trail.name);
    }
    known.forget();
    Ok(deleted)
}

/// At most [`MAX_STEP`] trails whose sessions were taken out and whose files nobody has told to be gone.
pub(crate) fn doomed(db: &Connection) -> Faulty<Vec<String>> {
    db.prepare_cached("SELECT trail FROM doomed ORDER BY trail LIMIT ?1")
        .and_then(|mut doomed| {
            let rows = doomed.query_map([MAX_STEP as i64], |row| row.get(0))?;
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
