//! Moving what was imported from the small tables to the large ones.
//!
//! Ten thousand sessions have identifiers on ten thousand pages of a large index, and postings on nearly as many. Written there at
//! once, each is a page of 4 KiB in the log and another at its place. So they come into small tables that stay in the cache, and
//! when these are full, as much as came moves on with every batch: a run of neighbours, all round the index and again from its
//! beginning, so that a page is written once for what many batches have for it, and no batch waits for a large one.

use rusqlite::{Connection, params};

use crate::error::{Doing as _, Faulty};

/// Postings that stay: 20 MB. `DECISION-schema.md` has the measurement.
const POSTINGS: usize = 700_000;
/// Identifiers that stay: 8 MB.
const IDENTIFIERS: usize = 400_000;
/// Most rows of one step when nothing else is to do.
const STEP: usize = 50_000;

/// How much is in the small tables, and how far the moving is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moving {
    postings: Run,
    identifiers: Run,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    rows: usize,
    /// All up to this row moved last.
    last: (i64, i64),
}

const START: (i64, i64) = (i64::MIN, i64::MIN);

impl Default for Run {
    fn default() -> Self {
        Self { rows: 0, last: START }
    }
}

/// Statements that move the rows of one table.
struct Table {
    count: &'static str,
    end: &'static str,
    copy: &'static str,
    delete: &'static str,
}

const POSTING: Table = Table {
    count: "SELECT count(*) FROM new_posting",
    end: "SELECT list, key FROM new_posting WHERE (list, key)>(?1, ?2) ORDER BY list, key LIMIT 1 OFFSET ?3",
    copy: "INSERT INTO posting SELECT list, key, class FROM new_posting
           WHERE (list, key)>(?1, ?2) AND (list, key)<=(?3, ?4) ORDER BY list, key",
    delete: "DELETE FROM new_posting WHERE (list, key)>(?1, ?2) AND (list, key)<=(?3, ?4)",
};

const IDENTIFIER: Table = Table {
    count: "SELECT count(*) FROM new_identifier",
    end: "SELECT hash, key FROM new_identifier WHERE (hash, key)>(?1, ?2) ORDER BY hash, key LIMIT 1 OFFSET ?3",
    copy: "INSERT INTO identifier SELECT hash, key FROM new_identifier
           WHERE (hash, key)>(?1, ?2) AND (hash, key)<=(?3, ?4) ORDER BY hash, key",
    delete: "DELETE FROM new_identifier WHERE (hash, key)>(?1, ?2) AND (hash, key)<=(?3, ?4)",
};

impl Moving {
    /// Looks how much there is.
    pub(crate) fn open(db: &Connection) -> Faulty<Self> {
        let run = |table: &Table| -> Faulty<Run> {
            let rows: i64 = db
                .query_row(table.count, [], |row| row.get(0))
                .doing("count what was imported last")?;
            Ok(Run {
                rows: usize::try_from(rows).unwrap_or(0),
                last: START,
            })
        };
        Ok(Self {
            postings: run(&POSTING)?,
            identifiers: run(&IDENTIFIER)?,
        })
    }

    /// A batch came into the small tables: what is too much moves on.
    pub(crate) fn came(&mut self, db: &Connection, sessions: usize, postings: usize) -> Faulty<()> {
        self.postings.rows += postings;
        self.identifiers.rows += sessions;
        let excess = self.postings.rows.saturating_sub(POSTINGS);
        self.postings.shift(db, &POSTING, excess)?;
        let excess = self.identifiers.rows.saturating_sub(IDENTIFIERS);
        self.identifiers.shift(db, &IDENTIFIER, excess)
    }

    /// Whether the small tables are empty.
    pub(crate) fn is_done(&self) -> bool {
        self.postings.rows == 0 && self.identifiers.rows == 0
    }

    /// Moves some of what is left.
    pub(crate) fn step(&mut self, db: &Connection) -> Faulty<()> {
        self.postings.shift(db, &POSTING, STEP)?;
        self.identifiers.shift(db, &IDENTIFIER, STEP)?;
        Ok(())
    }
}

impl Run {
    /// Moves `count` rows, or those up to the end of the table: the next time it begins anew.
    fn shift(&mut self, db: &Connection, table: &Table, count: usize) -> Faulty<()> {
        let what = "move what was imported to its place";
        if count == 0 || self.rows == 0 {
            return Ok(());
        }
        let from = self.last;
        let offset = count as i64 - 1;
        let mut end = db.prepare_cached(table.end).doing(what)?;
        let mut rows = end.query(params![from.0, from.1, offset]).doing(what)?;
        let whole = match rows.next().doing(what)? {
            Some(row) => Some((row.get(0).doing(what)?, row.get(1).doing(what)?)),
            None => None,
        };
        drop(rows);
        let to = whole.unwrap_or((i64::MAX, i64::MAX));
        let bounds = params![from.0, from.1, to.0, to.1];
        db.prepare_cached(table.copy)
            .and_then(|mut copy| copy.execute(bounds))
            .doing(what)?;
        let moved = db
            .prepare_cached(table.delete)
            .and_then(|mut delete| delete.execute(bounds))
            .doing(what)?;
        self.rows = self.rows.saturating_sub(moved);
        self.last = whole.unwrap_or(START);
        if whole.is_none() && from == START {
            self.rows = 0;
        }
        Ok(())
    }
}
