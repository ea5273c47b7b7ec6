//! Reading sessions, the newest first.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row as SqlRow, params};
use sps_session_record::{Channel, Endpoint, Event, FORMAT, Indexing, SessionRecord, TrailFile, Word};

use crate::Metadb;
use crate::error::MetadbError;

/// Where reading goes on: the start of a session and its number in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Milliseconds since 1970.
    pub start: i64,
    /// Number of the row.
    pub number: i64,
}

impl Position {
    /// Before the newest.
    pub const NEWEST: Self = Self {
        start: i64::MAX,
        number: i64::MAX,
    };
}

/// A row of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub position: Position,
    /// The session, or what is wrong with the row.
    pub session: Result<SessionRecord, String>,
}

const SESSION: &str = "SELECT id, session_id, protocol, connection, started, ended, client_address, client_port, server_address,
    server_port, target, gateway_user, server_user, verdict, trail, trail_size, index_state, index_version FROM sessions";

impl Metadb {
    /// How many sessions there are.
    ///
    /// # Errors
    /// They cannot be counted.
    pub fn count(&self) -> Result<u64, MetadbError> {
        let count = self
            .connection
            .query_row("SELECT count(*) FROM sessions", [], |row| row.get::<_, i64>(0));
        let count = count.map_err(MetadbError::read(&self.folder))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// How many sessions began before `position`.
    ///
    /// # Errors
    /// They cannot be counted.
    pub fn count_older_than(&self, position: Position) -> Result<u64, MetadbError> {
        let query = "SELECT count(*) FROM sessions WHERE started <= ?1 AND (started < ?1 OR id < ?2)";
        let count = self
            .connection
            .query_row(query, params![position.start, position.number], |row| {
                row.get::<_, i64>(0)
            });
        let count = count.map_err(MetadbError::read(&self.folder))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Whether a session is there.
    ///
    /// # Errors
    /// It cannot be looked up.
    pub fn has(&self, id: &str) -> Result<bool, MetadbError> {
        let found = self
            .connection
            .query_row("SELECT 1 FROM sessions WHERE session_id = ?1", [id], |_| Ok(()))
            .optional();
        Ok(found.map_err(MetadbError::read(&self.folder))?.is_some())
    }

    /// One session, when it is there and can be understood.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn get(&self, id: &str) -> Result<Option<SessionRecord>, MetadbError> {
        let failed = MetadbError::read(&self.folder);
        let query = format!("{SESSION} WHERE session_id = ?1");
        let mut statement = self.connection.prepare_cached(&query).map_err(&failed)?;
        let mut rows = statement.query([id]).map_err(&failed)?;
        let Some(row) = rows.next().map_err(&failed)? else {
            return Ok(None);
        };
        let number = row.get(0).map_err(&failed)?;
        Ok(self.session(row, number).ok())
    }

    /// Up to `limit` sessions that began before `position`, the newest first.
    ///
    /// # Errors
    /// The database cannot be read. A row that cannot be understood is no error: it says what is wrong.
    pub fn older_than(&self, position: Position, limit: usize) -> Result<Vec<Row>, MetadbError> {
        let failed = MetadbError::read(&self.folder);
        let query = format!(
            "{SESSION} WHERE started <= ?1 AND (started < ?1 OR id < ?2) ORDER BY started DESC, id DESC LIMIT ?3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(&query).map_err(&failed)?;
        let mut rows = statement
            .query(params![position.start, position.number, limit])
            .map_err(&failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(&failed)? {
            let position = Position {
                start: whole(row, 4).unwrap_or(i64::MIN),
                number: row.get(0).map_err(&failed)?,
            };
            let session = self.session(row, position.number);
            found.push(Row { position, session });
        }
        Ok(found)
    }

    fn session(&self, row: &SqlRow<'_>, number: i64) -> Result<SessionRecord, String> {
        let trail = maybe_text(row, 14)?.map(|name| -> Result<_, String> {
            let size = whole(row, 15)?;
            Ok(TrailFile {
                name,
                size: u64::try_from(size).map_err(|_| "the trail has a negative size".to_owned())?,
            })
        });
        let server = maybe_text(row, 8)?.map(|address| -> Result<_, String> {
            Ok(Endpoint {
                address,
                port: port(row, 9)?,
            })
        });
        let record = SessionRecord {
            format: FORMAT,
            id: text(row, 1)?,
            protocol: word(text(row, 2)?)?,
            connection: text(row, 3)?,
            start: whole(row, 4)?,
            end: maybe_whole(row, 5)?,
            client: Endpoint {
                address: text(row, 6)?,
                port: port(row, 7)?,
            },
            server: server.transpose()?,
            target: maybe_text(row, 10)?,
            gateway_user: maybe_text(row, 11)?,
            server_user: maybe_text(row, 12)?,
            verdict: word(text(row, 13)?)?,
            channels: self.channels(number)?,
            events: self.events(number)?,
            trail: trail.transpose()?,
            indexing: Indexing {
                state: word(text(row, 16)?)?,
                version: u32::try_from(whole(row, 17)?).unwrap_or(0),
            },
        };
        record.check().map_err(|error| error.to_string())?;
        Ok(record)
    }

    fn channels(&self, session: i64) -> Result<Vec<Channel>, String> {
        let query = "SELECT kind, opened, closed, verdict FROM channels WHERE session = ?1 ORDER BY number";
        self.each(query, session, |row| {
            Ok(Channel {
                kind: word(text(row, 0)?)?,
                start: whole(row, 1)?,
                end: maybe_whole(row, 2)?,
                verdict: word(text(row, 3)?)?,
            })
        })
    }

    fn events(&self, session: i64) -> Result<Vec<Event>, String> {
        let query = "SELECT at, kind, content FROM events WHERE session = ?1 ORDER BY number";
        self.each(query, session, |row| {
            Ok(Event {
                at: whole(row, 0)?,
                kind: word(text(row, 1)?)?,
                text: text(row, 2)?,
            })
        })
    }

    fn each<T>(
        &self,
        query: &str,
        session: i64,
        read: impl Fn(&SqlRow<'_>) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let told = |error: rusqlite::Error| error.to_string();
        let mut statement = self.connection.prepare_cached(query).map_err(told)?;
        let mut rows = statement.query([session]).map_err(told)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(told)? {
            found.push(read(row)?);
        }
        Ok(found)
    }
}

/// Columns hold whatever was written: SQLite keeps no types.
fn value<'a>(row: &'a SqlRow<'_>, column: usize) -> Result<ValueRef<'a>, String> {
    row.get_ref(column).map_err(|error| error.to_string())
}

fn maybe_text(row: &SqlRow<'_>, column: usize) -> Result<Option<String>, String> {
    match value(row, column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(format!("column {column} is no text in UTF-8")),
        },
        other => Err(format!("column {column} is {}, no text", other.data_type())),
    }
}

fn text(row: &SqlRow<'_>, column: usize) -> Result<String, String> {
    maybe_text(row, column)?.ok_or_else(|| format!("column {column} is empty"))
}

fn maybe_whole(row: &SqlRow<'_>, column: usize) -> Result<Option<i64>, String> {
    match value(row, column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number)),
        other => Err(format!(
            "column {column} is {}, no whole number",
            other.data_type()
        )),
    }
}

fn whole(row: &SqlRow<'_>, column: usize) -> Result<i64, String> {
    maybe_whole(row, column)?.ok_or_else(|| format!("column {column} is empty"))
}

fn port(row: &SqlRow<'_>, column: usize) -> Result<u16, String> {
    u16::try_from(whole(row, column)?).map_err(|_| format!("column {column} is no port"))
}

fn word(text: String) -> Result<Word, String> {
    Word::try_from(text).map_err(|error| error.to_string())
}
