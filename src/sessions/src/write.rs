//! What a transaction of the writer does to rows: put in, change, take out.

use rusqlite::{Connection, OptionalExtension as _, Params, params};
use sps_session_record::SessionRecord;

use crate::error::{Damage, Doing as _, Fault, Faulty};
use crate::key::{Digits, PLACES};
use crate::pack;
use crate::row::{Origin, Posting, Row};
use crate::schema::is_taken;
use crate::values::Known;

/// Postings and identifiers of rows that were put in: written together, sorted, so that each page of the file is visited once.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    postings: Vec<Posting>,
    identifiers: Vec<(i64, i64)>,
}

impl Pending {
    fn add(&mut self, row: &Row) {
        let lists = row.lists();
        self.postings.extend(lists.map(|list| (list, row.key, row.class)));
        self.identifiers.push((Digits::of(&row.id).hash, row.key));
    }

    /// Writes them to the places they stay at: for a few.
    pub(crate) fn write(self, db: &Connection) -> Faulty<()> {
        add_postings(db, POSTING, &self.postings)?;
        add_identifiers(
            db,
            "INSERT INTO identifier(hash, key) VALUES(?1, ?2)",
            self.identifiers,
        )
    }

    /// Writes them to the small tables from which they move on, but those of lists that have many: for thousands. Returns how many
    /// postings have to move.
    pub(crate) fn write_new(mut self, db: &Connection) -> Faulty<usize> {
        self.postings.sort_unstable();
        let mut moving = 0;
        for list in self.postings.chunk_by(|a, b| a.0 == b.0) {
            if list.len() >= MANY {
                add_postings(db, POSTING, list)?;
            } else {
                add_postings(
                    db,
                    "INSERT INTO new_posting(list, key, class) VALUES(?1, ?2, ?3)",
                    list,
                )?;
                moving += list.len();
            }
        }
        self.identifiers.sort_unstable();
        add_identifiers(
            db,
            "INSERT INTO new_identifier(hash, key) VALUES(?1, ?2)",
            self.identifiers,
        )?;
        Ok(moving)
    }
}

/// Postings of one list in a batch that are worth a page of their own.
const MANY: usize = 8;
const POSTING: &str = "INSERT INTO posting(list, key, class) VALUES(?1, ?2, ?3)";

fn add_postings(db: &Connection, sql: &str, postings: &[Posting]) -> Faulty<()> {
    let what = "write a posting";
    let mut insert = db.prepare_cached(sql).doing(what)?;
    for posting in postings {
        insert.execute(*posting).doing(what)?;
    }
    Ok(())
}

fn add_identifiers(db: &Connection, sql: &str, identifiers: Vec<(i64, i64)>) -> Faulty<()> {
    let what = "write an identifier";
    let mut insert = db.prepare_cached(sql).doing(what)?;
    for identifier in identifiers {
        insert.execute(identifier).doing(what)?;
    }
    Ok(())
}

/// Looks for the session with hash ?1 and identifier ?2.
pub(crate) const FIND: &str = "
SELECT s.key FROM identifier i JOIN session s ON s.key=i.key WHERE i.hash=?1 AND s.id=?2 UNION ALL
SELECT s.key FROM new_identifier i JOIN session s ON s.key=i.key WHERE i.hash=?1 AND s.id=?2";

/// The key of the session `id`, when there is one.
pub(crate) fn key_of(db: &Connection, id: &str) -> Faulty<Option<i64>> {
    db.prepare_cached(FIND)
        .and_then(|mut found| {
            found
                .query_row(params![Digits::of(id).hash, id], |row| row.get(0))
                .optional()
        })
        .doing("look for an identifier")
}

/// Puts a record in. Its identifier must not be there. False when its millisecond has no place left.
pub(crate) fn insert(
    db: &Connection,
    known: &mut Known,
    record: &SessionRecord,
    origin: Origin,
    pending: &mut Pending,
) -> Faulty<bool> {
    let mut row = Row::of(db, known, record, origin)?;
    let body = pack::pack(&record.channels, &record.events);
    row.size = u32::try_from(body.len()).unwrap_or(u32::MAX);
    if !place(db, &mut row)? {
        return Ok(false);
    }
    if !body.is_empty() {
        db.prepare_cached("INSERT INTO detail(key, body) VALUES(?1, ?2)")
            .and_then(|mut detail| detail.execute(params![row.key, body]))
            .doing("write channels and events")?;
    }
    pending.add(&row);
    Ok(true)
}

/// Writes the row at the first free place of its millisecond.
fn place(db: &Connection, row: &mut Row) -> Faulty<bool> {
    let digits = Digits::of(&row.id);
    for tries in 0..PLACES {
        row.key = digits.key(row.start, tries);
        match put(db, row, false) {
            Ok(()) => return Ok(true),
            Err(error) if is_taken(&error) => {}
            Err(error) => return Err(Fault::Sql("write a session", error)),
        }
    }
    Ok(false)
}

/// Writes the row, over the one with its key when `again`.
fn put(db: &Connection, row: &Row, again: bool) -> rusqlite::Result<()> {
    const NEW: &str =
        "INSERT INTO session VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)";
    const AGAIN: &str =
        "REPLACE INTO session VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)";
    let trail = row.trail.as_ref();
    let values = params![
        row.key,
        row.id,
        row.start,
        row.end,
        row.class,
        row.gateway_user,
        row.server_user,
        row.target,
        row.client,
        row.client_port,
        row.server,
        row.server_port,
        row.index_version,
        trail.map(|trail| &trail.name),
        trail.map_or(0, |trail| trail.size.cast_signed()),
        row.channels,
        row.events,
        row.size,
        row.live,
    ];
    db.prepare_cached(if again { AGAIN } else { NEW })?
        .execute(values)?;
    Ok(())
}

/// Writes a row that was changed; `before` is as it lies in the file. Key and identifier stay.
pub(crate) fn change(db: &Connection, before: &Row, after: &Row) -> Faulty<()> {
    if before == after {
        return Ok(());
    }
    put(db, after, true).doing("write a session")?;
    for (old, new) in before.lists().into_iter().zip(after.lists()) {
        if old != new {
            remove_posting(db, old, before.key)?;
            add_postings(db, POSTING, &[(new, after.key, after.class)])?;
        } else if before.class != after.class {
            let statements = [
                "UPDATE posting SET class=?3 WHERE list=?1 AND key=?2",
                "UPDATE new_posting SET class=?3 WHERE list=?1 AND key=?2",
            ];
            in_either(db, statements, (new, after.key, after.class))?;
        }
    }
    Ok(())
}

fn remove_posting(db: &Connection, list: i64, key: i64) -> Faulty<()> {
    let statements = [
        "DELETE FROM posting WHERE list=?1 AND key=?2",
        "DELETE FROM new_posting WHERE list=?1 AND key=?2",
    ];
    in_either(db, statements, (list, key))
}

/// Changes a row that stands in one of two tables.
fn in_either(db: &Connection, statements: [&str; 2], row: impl Params + Copy) -> Faulty<()> {
    for statement in statements {
        let changed = db
            .prepare_cached(statement)
            .and_then(|mut change| change.execute(row))
            .doing("change an index")?;
        if changed > 0 {
            break;
        }
    }
    Ok(())
}

/// Takes a session out, and its values that no other session has. The writer must forget the numbers it knows.
pub(crate) fn remove(db: &Connection, key: i64) -> Faulty<Row> {
    let row = Row::read(db, key)?;
    for list in row.lists() {
        remove_posting(db, list, key)?;
        db.prepare_cached(
            "DELETE FROM value WHERE id=?1 AND NOT EXISTS(SELECT 1 FROM posting WHERE list=?1)
             AND NOT EXISTS(SELECT 1 FROM new_posting WHERE list=?1)",
        )
        .and_then(|mut delete| delete.execute([list]))
        .doing("remove a value")?;
    }
    let statements = [
        "DELETE FROM detail WHERE key=?1",
        "DELETE FROM more WHERE key=?1",
        "DELETE FROM archived WHERE key=?1",
        "DELETE FROM session WHERE key=?1",
    ];
    for statement in statements {
        db.prepare_cached(statement)
            .and_then(|mut delete| delete.execute([key]))
            .doing("remove a session")?;
    }
    let statements = [
        "DELETE FROM identifier WHERE hash=?1 AND key=?2",
        "DELETE FROM new_identifier WHERE hash=?1 AND key=?2",
    ];
    in_either(db, statements, (Digits::of(&row.id).hash, key))?;
    Ok(row)
}

/// The packs of a session, one after the other.
pub(crate) fn body_of(db: &Connection, key: i64) -> Faulty<Vec<u8>> {
    let what = "read channels and events";
    let mut body: Vec<u8> = db
        .prepare_cached("SELECT body FROM detail WHERE key=?1")
        .and_then(|mut found| found.query_row([key], |row| row.get(0)).optional())
        .doing(what)?
        .unwrap_or_default();
    let mut more = db
        .prepare_cached("SELECT body FROM more WHERE key=?1 ORDER BY n")
        .doing(what)?;
    let mut rows = more.query([key]).doing(what)?;
    while let Some(row) = rows.next().doing(what)? {
        let part = row.get_ref(0).doing(what)?;
        body.extend_from_slice(
            part.as_blob()
                .map_err(|_| Fault::Row(Damage::Missing { what: "pack" }))?,
        );
    }
    Ok(body)
}
