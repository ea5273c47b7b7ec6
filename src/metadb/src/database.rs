//! The database: its files, its tables, opening it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::error::MetadbError;

/// The one file of layout 1.
pub const SINGLE: &str = "metadb.db";
/// The files of layouts 2 to 4: sessions, channels, events.
pub const SPLIT: [&str; 3] = ["metadb-sessions.db", "metadb-channels.db", "metadb-events.db"];

/// How many files it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One.
    Single,
    /// Three.
    Split,
}

/// Tables, as each form has them; `{c}` and `{e}` are where channels and events are.
const TABLES: &str = "
CREATE TABLE sessions(
    id INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, protocol TEXT NOT NULL, connection TEXT NOT NULL,
    started INTEGER NOT NULL, ended INTEGER, client_address TEXT NOT NULL, client_port INTEGER NOT NULL,
    server_address TEXT, server_port INTEGER, target TEXT, gateway_user TEXT, server_user TEXT, verdict TEXT NOT NULL,
    trail TEXT, trail_size INTEGER, index_state TEXT NOT NULL, index_version INTEGER NOT NULL);
CREATE INDEX sessions_by_start ON sessions(started);
CREATE TABLE {c}.channels(
    session INTEGER NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, opened INTEGER NOT NULL, closed INTEGER,
    verdict TEXT NOT NULL, PRIMARY KEY(session, number)) WITHOUT ROWID;
CREATE TABLE {e}.events(
    session INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY(session, number)) WITHOUT ROWID;
";

/// A database of metadata that is open.
#[derive(Debug)]
pub struct Metadb {
    pub(crate) connection: Connection,
    pub(crate) folder: PathBuf,
    form: Form,
}

impl Metadb {
    /// Makes an empty one in a folder that has none.
    ///
    /// # Errors
    /// The files cannot be made.
    pub fn create(folder: &Path, form: Form) -> Result<Self, MetadbError> {
        let made = Self::connect(
            folder,
            form,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        )?;
        let (channels, events) = match form {
            Form::Single => ("main", "main"),
            Form::Split => ("channels", "events"),
        };
        let tables = TABLES.replace("{c}", channels).replace("{e}", events);
        made.connection
            .execute_batch(&tables)
            .map_err(MetadbError::write(folder))?;
        Ok(made)
    }

    /// Opens the one in a folder, whichever form it has.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, MetadbError> {
        let form = Self::form_in(folder).ok_or_else(|| MetadbError::Missing {
            folder: folder.into(),
        })?;
        Self::connect(folder, form, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// Which form lies in a folder; nothing when there is none.
    #[must_use]
    pub fn form_in(folder: &Path) -> Option<Form> {
        if folder.join(SPLIT[0]).is_file() {
            Some(Form::Split)
        } else if folder.join(SINGLE).is_file() {
            Some(Form::Single)
        } else {
            None
        }
    }

    /// Which form it has.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    fn connect(folder: &Path, form: Form, flags: OpenFlags) -> Result<Self, MetadbError> {
        let first = match form {
            Form::Single => SINGLE,
            Form::Split => SPLIT[0],
        };
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = folder.join(first);
        let connection = Connection::open_with_flags(&path, flags).map_err(MetadbError::read(&path))?;
        let failed = MetadbError::read(folder);
        let prepare = || -> rusqlite::Result<()> {
            // One journal for all files: a session is in all of them or in none. Without EXTRA the end of the journal is not
            // synced, and a power cut undoes what was committed.
            connection.pragma_update(None, "journal_mode", "DELETE")?;
            connection.pragma_update(None, "synchronous", "EXTRA")?;
            if form == Form::Split {
                for (file, name) in SPLIT[1..].iter().zip(["channels", "events"]) {
                    let path = folder.join(file);
                    let statement = format!("ATTACH ?1 AS {name}");
                    connection.execute(&statement, [path.to_string_lossy()])?;
                    connection.pragma_update(Some(name), "synchronous", "EXTRA")?;
                }
            }
            Ok(())
        };
        prepare().map_err(failed)?;
        Ok(Self {
            connection,
            folder: folder.into(),
            form,
        })
    }
}
