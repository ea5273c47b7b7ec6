//! Small facts beside the sessions: the cursors of importers, and down to when the database is complete.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::{Damage, Doing as _, Fault, Faulty};

/// The mark of completeness.
const INCOMPLETE: &str = "incomplete-until";

/// Name of an importer's mark.
pub(crate) fn importer(name: &str) -> String {
    format!("importer {name}")
}

/// Writes a mark.
pub(crate) fn save(db: &Connection, name: &str, content: &[u8]) -> Faulty<()> {
    db.prepare_cached("REPLACE INTO mark(name, content) VALUES(?1, ?2)")
        .and_then(|mut save| save.execute(params![name, content]))
        .doing("write a mark")?;
    Ok(())
}

/// Reads a mark.
pub(crate) fn load(db: &Connection, name: &str) -> Faulty<Option<Vec<u8>>> {
    db.prepare_cached("SELECT content FROM mark WHERE name=?1")
        .and_then(|mut load| load.query_row([name], |row| row.get(0)).optional())
        .doing("read a mark")
}

/// Start down to which sessions are imported, milliseconds since 1970.
pub(crate) fn save_incomplete(db: &Connection, until: Option<i64>) -> Faulty<()> {
    let content = until.map_or(Vec::new(), |until| until.to_be_bytes().to_vec());
    save(db, INCOMPLETE, &content)
}

/// What [`save_incomplete`] wrote; complete when nothing was.
pub(crate) fn load_incomplete(db: &Connection) -> Faulty<Option<i64>> {
    let content = load(db, INCOMPLETE)?.unwrap_or_default();
    if content.is_empty() {
        return Ok(None);
    }
    let bytes = content.try_into();
    let number = bytes.map_err(|_| {
        Fault::Row(Damage::Missing {
            what: "readable mark",
        })
    })?;
    Ok(Some(i64::from_be_bytes(number)))
}
