//! Sessions that are indexed anew, from the newest to the oldest: at a new version of the indexer, and when the index was lost.

use std::collections::VecDeque;
use std::time::Duration;

use sps_index::{Index, IndexError, Progress};
use sps_session_record::Word;
use sps_sessions::{Count, Filter, Search, Sessions, SessionsError, Sort};

use crate::error::IndexerError;

/// Sessions of a page.
const PAGE: usize = 100;
/// Longest time for a page, and for counting.
const LOOK: Duration = Duration::from_secs(30);

/// How far it is.
#[derive(Debug)]
pub struct Walk {
    until: Option<i64>,
    /// What is walked through in this start.
    filter: Filter,
    cursor: Option<String>,
    page: VecDeque<(String, i64)>,
    /// What is left once the page is done: where the next begins, or nothing.
    last: bool,
    /// To be written with the next commit.
    passed: Option<Progress>,
    done: u64,
    total: u64,
}

impl Walk {
    pub(crate) fn new(index: &Index, sessions: &Sessions) -> Result<Self, IndexerError> {
        let until = match index.progress()? {
            Progress::Complete => None,
            Progress::Until(until) => Some(until),
            Progress::Nothing => Some(i64::MAX),
        };
        let mut walk = Self {
            until,
            filter: Filter {
                until: until.filter(|until| *until != i64::MAX),
                indexing: Some(Word::INDEXED),
                ..Filter::default()
            },
            cursor: None,
            page: VecDeque::new(),
            last: false,
            passed: None,
            done: 0,
            total: 0,
        };
        if until.is_some() {
            walk.total = match sessions.count(&walk.filter, LOOK)? {
                Count::Exactly(count) | Count::MoreThan(count) | Count::AtLeast(count) => count,
            };
        }
        Ok(walk)
    }

    /// Sessions that began before that, milliseconds since 1970, may not be found by their content; none when all are.
    #[must_use]
    pub const fn until(&self) -> Option<i64> {
        self.until
    }

    /// Sessions that were done since the start.
    #[must_use]
    pub const fn done(&self) -> u64 {
        self.done
    }

    /// Sessions that there were to do at the start.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The next session.
    pub(crate) fn next(&mut self, sessions: &Sessions) -> Result<Option<String>, SessionsError> {
        if self.until.is_none() {
            return Ok(None);
        }
        while self.page.is_empty() && !self.last {
            let page = sessions.page(&Search {
                filter: self.filter.clone(),
                sort: Sort::default(),
                limit: PAGE,
                cursor: self.cursor.take(),
                time_limit: LOOK,
            })?;
            self.page = page
                .sessions
                .into_iter()
                .map(|session| (session.id, session.start))
                .collect();
            self.last = page.next.is_none();
            self.cursor = page.next;
        }
        let Some((id, start)) = self.page.pop_front() else {
            self.passed = Some(Progress::Complete);
            self.until = None;
            return Ok(None);
        };
        self.done += 1;
        // Others may have begun in the same moment: those are passed when an earlier one is.
        self.until = Some(start + 1);
        self.passed = Some(Progress::Until(start + 1));
        Ok(Some(id))
    }

    /// What was passed is committed.
    pub(crate) fn write(&mut self, index: &Index) -> Result<(), IndexError> {
        let Some(passed) = self.passed.take() else {
            return Ok(());
        };
        index.set_progress(passed)
    }
}
