//! The file: tables, version, settings of a connection.
//!
//! Why it has this shape: `DECISION-schema.md`.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{Damage, Doing as _, Fault, Faulty, SessionsError};

/// Version of the tables, kept in the file's `user_version`. Another schema is another version, and another layout of the data store.
pub const VERSION: i64 = 1;
/// `application_id` of the file: "SPSs".
const APPLICATION: i64 = 0x5350_5373;
/// Bytes of a page. `DECISION-schema.md` has the measurement.
const PAGE: u32 = 4096;
/// Longest wait for a lock: only an orderly start or stop can hold one.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// Statements that stay prepared: all there are.
const STATEMENTS: usize = 64;

/// `value` numbers every user, address, target and class; `posting` lists for each the sessions that have it, newest first, each with
/// its class, so that a search over several is a walk over sorted lists that never touches the sessions it does not show.
const TABLES: &str = "
CREATE TABLE session(
  key INTEGER PRIMARY KEY, id TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER, class INTEGER NOT NULL,
  gateway_user INTEGER NOT NULL, server_user INTEGER NOT NULL, target INTEGER NOT NULL,
  client INTEGER NOT NULL, client_port INTEGER NOT NULL, server INTEGER NOT NULL, server_port INTEGER NOT NULL,
  index_version INTEGER NOT NULL, trail TEXT, trail_size INTEGER NOT NULL,
  channels INTEGER NOT NULL, events INTEGER NOT NULL, size INTEGER NOT NULL, live INTEGER NOT NULL);
CREATE INDEX session_open ON session(key) WHERE end IS NULL AND live=1;
CREATE TABLE detail(key INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE more(n INTEGER PRIMARY KEY, key INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX more_of ON more(key);
CREATE TABLE identifier(hash INTEGER, key INTEGER, PRIMARY KEY(hash, key)) WITHOUT ROWID;
CREATE TABLE value(id INTEGER PRIMARY KEY, field INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE(field, bytes));
CREATE TABLE posting(list INTEGER, key INTEGER, class INTEGER NOT NULL, PRIMARY KEY(list, key)) WITHOUT ROWID;
CREATE TABLE new_posting(list INTEGER, key INTEGER, class INTEGER NOT NULL, PRIMARY KEY(list, key)) WITHOUT ROWID;
CREATE TABLE new_identifier(hash INTEGER, key INTEGER, PRIMARY KEY(hash, key)) WITHOUT ROWID;
CREATE TABLE mark(name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE doomed(trail TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE archived(key INTEGER PRIMARY KEY, policy TEXT NOT NULL, target TEXT, object TEXT NOT NULL, at INTEGER NOT NULL,
  sha256 TEXT NOT NULL, here INTEGER NOT NULL);
CREATE INDEX archived_here ON archived(key) WHERE here=1;
";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The one that writes; makes the file when it is not there.
    Write,
    /// One of those that read.
    Read,
}

/// Opens the file and judges whether it is a session database of this version.
pub(crate) fn open(path: &Path, purpose: Purpose, cache: usize) -> Result<Connection, SessionsError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if purpose == Purpose::Write {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let opened = Connection::open_with_flags(path, flags).map_err(|source| SessionsError::Open {
        path: path.to_owned(),
        source,
    })?;
    opened.set_prepared_statement_cache_capacity(STATEMENTS);
    prepare(&opened, path, purpose, cache)?;
    Ok(opened)
}

fn prepare(opened: &Connection, path: &Path, purpose: Purpose, cache: usize) -> Result<(), SessionsError> {
    let fault = |fault: Fault| fault.of(path);
    opened
        .busy_timeout(LOCK_WAIT)
        .doing("set the wait for locks")
        .map_err(fault)?;
    let found = pragma(opened, "user_version").map_err(fault)?;
    let application = pragma(opened, "application_id").map_err(fault)?;
    let tables = count_tables(opened).map_err(fault)?;
    let empty = tables == 0 && found == 0 && application == 0;
    if !empty && application != APPLICATION {
        return Err(SessionsError::Stranger {
            path: path.to_owned(),
        });
    }
    if !empty && found != VERSION {
        return Err(SessionsError::Version {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    if empty && purpose == Purpose::Write {
        create(opened).map_err(fault)?;
    }
    settings(opened, purpose, cache).map_err(fault)
}

fn create(opened: &Connection) -> Faulty<()> {
    let sql = format!(
        "PRAGMA page_size={PAGE}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE; {TABLES}
         PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION}; COMMIT;"
    );
    opened.execute_batch(&sql).doing("make the tables")
}

/// FULL: a commit is on the disk when it returns (`DECISION-commits.md`). No mapping of the file: a read error or a file cut short
/// would be a signal, which ends the whole appliance.
fn settings(opened: &Connection, purpose: Purpose, cache: usize) -> Faulty<()> {
    let query_only = u8::from(purpose == Purpose::Read);
    let sql = format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0;
         PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;
         PRAGMA query_only={query_only};"
    );
    opened.execute_batch(&sql).doing("set up the connection")?;
    set_cache(opened, cache)
}

/// Gives the connection `bytes` of page cache.
pub(crate) fn set_cache(opened: &Connection, bytes: usize) -> Faulty<()> {
    let sql = format!("PRAGMA cache_size=-{};", bytes / 1024);
    opened.execute_batch(&sql).doing("set the size of the cache")
}

fn pragma(opened: &Connection, name: &'static str) -> Faulty<i64> {
    opened
        .pragma_query_value(None, name, |row| row.get(0))
        .doing("read the head of the file")
}

fn count_tables(opened: &Connection) -> Faulty<i64> {
    opened
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .doing("read the list of tables")
}

/// What SQLite's own check says: whether every page is in order.
///
/// Ends with an interrupt when the connection's time limit is over.
pub(crate) fn quick_check(opened: &Connection) -> Faulty<()> {
    let found: String = opened
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .doing("check the file")?;
    if found == "ok" {
        Ok(())
    } else {
        Err(Fault::Row(Damage::Check { found }))
    }
}

/// Whether the error says that a row is there already.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_on_the_disk_when_it_returns() {
        let folder = tempfile::tempdir().unwrap();
        let opened = open(&folder.path().join("a.db"), Purpose::Write, 1 << 20).unwrap();
        let number = |name| {
            opened
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .unwrap()
        };
        let journal: String = opened
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(
            (journal.as_str(), number("synchronous"), number("mmap_size")),
            ("wal", 2, 0)
        );
        assert_eq!(number("page_size"), i64::from(PAGE));
    }
}
