//! Walking sorted lists of sessions.
//!
//! A list is read a chunk at a time with one prepared statement, so that thousands of lists need no thousand open statements. A
//! place `at` is the number of the row, negative when the walk goes down: it rises along the walk either way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, params};

use crate::error::{Doing as _, Fault, Faulty};

/// Rows of the first chunk of a list; every further one is twice as long.
const FIRST_CHUNK: usize = 16;
/// Rows of the longest chunk.
const LONGEST_CHUNK: usize = 2048;
/// Place before all others.
pub(crate) const BEGIN: i64 = i64::MIN;

/// One walk: which way, between which rows, until when.
pub(crate) struct Walk<'c> {
    pub(crate) db: &'c Connection,
    /// Whether numbers of rows rise.
    pub(crate) rising: bool,
    /// Lowest and highest number of a row, both included.
    pub(crate) keys: (i64, i64),
    /// When it has to end.
    pub(crate) deadline: Instant,
    /// Whether there are postings that have not moved to their place yet.
    pub(crate) both: bool,
    /// Sessions looked at.
    pub(crate) looked: std::cell::Cell<u32>,
}

/// A session on a list: its place, its class.
pub(crate) type Stop = (i64, i64);
/// The class of a stop on a list that knows none.
const NO_CLASS: i64 = -1;

impl Walk<'_> {
    /// The place of a row.
    pub(crate) fn at(&self, key: i64) -> i64 {
        if self.rising { key } else { -key }
    }

    /// The row of a place.
    pub(crate) fn key(&self, at: i64) -> i64 {
        self.at(at)
    }

    /// Ends the walk when its time is over.
    pub(crate) fn check_time(&self) -> Faulty<()> {
        if Instant::now() > self.deadline {
            Err(Fault::Time)
        } else {
            Ok(())
        }
    }

    /// The same at one session of many: a look at the clock is not free.
    pub(crate) fn check_time_sometimes(&self) -> Faulty<()> {
        self.looked.set(self.looked.get().wrapping_add(1));
        if self.looked.get().is_multiple_of(16) {
            self.check_time()
        } else {
            Ok(())
        }
    }

    /// Appends at most `count` stops of `list` (none: of all sessions) from the place `from` on.
    fn fetch(&self, list: Option<i64>, from: i64, count: usize, out: &mut Vec<Stop>) -> Faulty<()> {
        let (mut low, mut high) = self.keys;
        match (from, self.rising) {
            (BEGIN, _) => {}
            (from, true) => low = low.max(from),
            (from, false) => high = high.min(-from),
        }
        let what = "walk along a list";
        let sql = match (list, self.rising, self.both) {
            (Some(_), true, false) => {
                "SELECT key, class FROM posting WHERE list=?4 AND key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3"
            }
            (Some(_), false, false) => {
                "SELECT key, class FROM posting WHERE list=?4 AND key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT ?3"
            }
            (Some(_), true, true) => {
                "SELECT key, class FROM posting WHERE list=?4 AND key BETWEEN ?1 AND ?2 UNION ALL
                 SELECT key, class FROM new_posting WHERE list=?4 AND key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3"
            }
            (Some(_), false, true) => {
                "SELECT key, class FROM posting WHERE list=?4 AND key BETWEEN ?1 AND ?2 UNION ALL
                 SELECT key, class FROM new_posting WHERE list=?4 AND key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT ?3"
            }
            (None, true, _) => "SELECT key, class FROM session WHERE key BETWEEN ?1 AND ?2 ORDER BY key LIMIT ?3",
            (None, false, _) => {
                "SELECT key, class FROM session WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT ?3"
            }
        };
        let mut statement = self.db.prepare_cached(sql).doing(what)?;
        let count = count as i64;
        let mut rows = match list {
            Some(list) => statement.query(params![low, high, count, list]),
            None => statement.query(params![low, high, count]),
        }
        .doing(what)?;
        while let Some(row) = rows.next().doing(what)? {
            let key: i64 = row.get(0).doing(what)?;
            out.push((self.at(key), row.get(1).doing(what)?));
        }
        Ok(())
    }
}

/// The sessions with one value, or all.
#[derive(Debug)]
pub(crate) struct List {
    list: Option<i64>,
    chunk: Vec<Stop>,
    next: usize,
    /// Stops of the chunk that were looked at.
    used: usize,
    size: usize,
    ended: bool,
}

impl List {
    pub(crate) fn new(list: Option<i64>) -> Self {
        Self {
            list,
            chunk: Vec::new(),
            next: 0,
            used: 0,
            size: FIRST_CHUNK / 2,
            ended: false,
        }
    }

    /// The first stop at `from` or after it. `from` never falls.
    fn seek(&mut self, walk: &Walk<'_>, from: i64) -> Faulty<Option<Stop>> {
        let ahead = &self.chunk[self.next..];
        // Mostly it is the next one or the one after: a search by halves costs more.
        let near = ahead.iter().take(4).position(|stop| stop.0 >= from);
        self.next += near.unwrap_or_else(|| ahead.partition_point(|stop| stop.0 < from));
        if self.next == self.chunk.len() && !self.ended {
            // Where most of a chunk was passed over a long one is wasted.
            self.size = if self.used * 8 >= self.chunk.len() {
                (self.size * 2).min(LONGEST_CHUNK)
            } else {
                FIRST_CHUNK
            };
            self.chunk.clear();
            (self.next, self.used) = (0, 0);
            walk.fetch(self.list, from, self.size, &mut self.chunk)?;
            self.ended = self.chunk.len() < self.size;
        }
        self.used += 1;
        Ok(self.chunk.get(self.next).copied())
    }
}

/// The sessions with any of several values of one field; no session has two.
#[derive(Debug)]
pub(crate) struct Union {
    lists: Vec<List>,
    heads: BinaryHeap<Reverse<(i64, i64, usize)>>,
    begun: bool,
}

impl Union {
    pub(crate) fn new(lists: &[i64]) -> Self {
        Self {
            lists: lists.iter().map(|list| List::new(Some(*list))).collect(),
            heads: BinaryHeap::new(),
            begun: false,
        }
    }

    fn seek(&mut self, walk: &Walk<'_>, from: i64) -> Faulty<Option<Stop>> {
        if !self.begun {
            for (list, place) in self.lists.iter_mut().zip(0..) {
                walk.check_time()?;
                let head = list.seek(walk, from)?;
                self.heads
                    .extend(head.map(|(at, class)| Reverse((at, class, place))));
            }
            self.begun = true;
        }
        while let Some(Reverse((at, class, place))) = self.heads.peek().copied() {
            if at >= from {
                return Ok(Some((at, class)));
            }
            self.heads.pop();
            let head = self.lists[place].seek(walk, from)?;
            self.heads
                .extend(head.map(|(at, class)| Reverse((at, class, place))));
        }
        Ok(None)
    }

    /// All its stops, sorted, when there are at most `limit`.
    pub(crate) fn collect(lists: &[i64], walk: &Walk<'_>, limit: usize) -> Faulty<Option<Vec<Stop>>> {
        let mut stops = Vec::new();
        for list in lists {
            walk.check_time()?;
            walk.fetch(Some(*list), BEGIN, limit + 1 - stops.len(), &mut stops)?;
            if stops.len() > limit {
                return Ok(None);
            }
        }
        stops.sort_unstable();
        Ok(Some(stops))
    }
}

/// Where sessions come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// One list.
    List(List),
    /// Several lists of one field.
    Union(Union),
    /// What was read before.
    Fixed(Vec<Stop>),
    /// Numbers of rows, rising, that somebody else found: beside another source, which knows the classes.
    Among(Arc<[i64]>),
}

impl Source {
    /// Goes back to the beginning.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::List(list) => *list = List::new(list.list),
            Self::Union(union) => {
                *union = Union {
                    lists: union.lists.iter().map(|list| List::new(list.list)).collect(),
                    heads: BinaryHeap::new(),
                    begun: false,
                };
            }
            Self::Fixed(_) | Self::Among(_) => {}
        }
    }

    /// The first stop at `from` or after it.
    fn seek(&mut self, walk: &Walk<'_>, from: i64) -> Faulty<Option<Stop>> {
        match self {
            Self::List(list) => list.seek(walk, from),
            Self::Union(union) => union.seek(walk, from),
            Self::Fixed(stops) => {
                let place = stops.partition_point(|stop| stop.0 < from);
                Ok(stops.get(place).copied())
            }
            Self::Among(numbers) => {
                let place = if walk.rising {
                    numbers.partition_point(|number| *number < from)
                } else {
                    // Numbers fall along the walk: the last one that is not behind its place.
                    let most = from.checked_neg().unwrap_or(i64::MAX);
                    numbers.partition_point(|number| *number <= most).wrapping_sub(1)
                };
                Ok(numbers.get(place).map(|number| (walk.at(*number), NO_CLASS)))
            }
        }
    }
}

/// The first stop at `from` or after it that is in every source. Before `reached` there is none, also when time is over.
pub(crate) fn meet(
    sources: &mut [Source],
    walk: &Walk<'_>,
    from: i64,
    reached: &mut i64,
) -> Faulty<Option<Stop>> {
    *reached = from;
    loop {
        walk.check_time_sometimes()?;
        let mut first = None;
        let mut class = NO_CLASS;
        for source in sources.iter_mut() {
            let Some(stop) = source.seek(walk, *reached)? else {
                return Ok(None);
            };
            first.get_or_insert(stop.0);
            class = class.max(stop.1);
            *reached = stop.0;
        }
        if first.is_none_or(|first| first == *reached) {
            return Ok(first.map(|at| (at, class)));
        }
    }
}
