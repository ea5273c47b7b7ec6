//! The comparison: SQLite's own full-text index (FTS5), not encrypted, a row for each moment.

use std::error::Error;
use std::path::Path;

use rusqlite::{Connection, params};
use sps_index_engine::Moment;

/// Its index.
pub(crate) struct Peer(Connection);

impl Peer {
    pub(crate) fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        let db = Connection::open(path)?;
        db.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;
             CREATE VIRTUAL TABLE moment USING fts5(text, session UNINDEXED, at UNINDEXED); BEGIN",
        )?;
        Ok(Self(db))
    }

    pub(crate) fn add(&self, session: i64, moments: &[Moment]) -> Result<(), Box<dyn Error>> {
        let mut insert = self
            .0
            .prepare_cached("INSERT INTO moment(text, session, at) VALUES(?1, ?2, ?3)")?;
        for moment in moments {
            insert.execute(params![moment.text, session, moment.at.cast_signed()])?;
        }
        Ok(())
    }

    pub(crate) fn commit(&self) -> Result<(), Box<dyn Error>> {
        self.0.execute_batch("COMMIT; BEGIN")?;
        Ok(())
    }

    /// The fifty newest sessions in which this stands.
    pub(crate) fn page(&self, query: &str) -> Result<Vec<i64>, Box<dyn Error>> {
        let mut search = self.0.prepare_cached(
            "SELECT DISTINCT CAST(session AS INTEGER) AS number FROM moment WHERE moment MATCH ?1 ORDER BY number LIMIT 50",
        )?;
        let rows = search.query_map([query], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
