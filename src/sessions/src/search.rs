//! Pages and counts.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::cursor::{self, Cursor};
use crate::error::{Doing as _, Fault, Faulty};
use crate::filter::{Filter, FilterError, Sort};
use crate::lists::{BEGIN, List, Source, Walk, meet};
use crate::mark;
use crate::plan::{self, Plan};
use crate::summary::{Names, Summary};
use crate::values::Field;

/// Most sessions of a page.
pub const MAX_PAGE: usize = 1000;
/// Sessions that are counted; beyond that it is "more than".
pub const MAX_COUNT: u64 = 10_000;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// Which sessions.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// How many at most, 1 to [`MAX_PAGE`].
    pub limit: usize,
    /// [`Page::next`] or [`Page::previous`] of another page of this filter and order; none for the first page.
    pub cursor: Option<String>,
    /// How long it may take. What was found until then is the answer, and it says so.
    pub time_limit: Duration,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The sessions, in order.
    pub sessions: Vec<Summary>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<String>,
    /// Where the page before ends; none when this is the first.
    pub previous: Option<String>,
    /// Time was over before the page was full. The page that follows goes on where this one ended.
    pub cut: bool,
    /// Sessions that began before that, milliseconds since 1970, are still being imported; none when the database is complete.
    pub incomplete_until: Option<i64>,
}

/// How many sessions match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// This many.
    Exactly(u64),
    /// More than this many, which is [`MAX_COUNT`].
    MoreThan(u64),
    /// Time was over when this many were found.
    AtLeast(u64),
}

/// A place in a list: the value by which it is sorted (empty when by start) and the number of the row.
type Place = (Vec<u8>, i64);

/// One search that runs: how far it is.
struct Run<'c> {
    walk: Walk<'c>,
    plan: Plan,
    /// Value of the list that is walked, when the list is sorted by values.
    value: Vec<u8>,
    /// No session before this place is left to find.
    reached: i64,
}

impl<'c> Run<'c> {
    /// None when nothing can match.
    fn new(
        db: &'c Connection,
        filter: &Filter,
        sort: Sort,
        rising: bool,
        deadline: Instant,
    ) -> Faulty<Option<Self>> {
        let walk = Walk {
            db,
            rising,
            keys: plan::keys(filter),
            deadline,
            both: db
                .prepare_cached("SELECT 1 FROM new_posting LIMIT 1")
                .and_then(|mut one| one.exists([]))
                .doing("look for what was imported last")?,
            looked: Cell::new(0),
        };
        let plan = Plan::new(&walk, filter, sort)?;
        Ok(plan.map(|plan| Self {
            walk,
            plan,
            value: Vec::new(),
            reached: BEGIN,
        }))
    }

    /// Calls `found` for each session from `from` on; it says whether to go on. False when it did not want to.
    fn each(&mut self, from: i64, found: &mut impl FnMut(&[u8], i64) -> bool) -> Faulty<bool> {
        let mut from = from;
        while let Some(stop) = meet(&mut self.plan.sources, &self.walk, from, &mut self.reached)? {
            let wanted = self.plan.wants(&self.walk, stop)?;
            if wanted && !found(&self.value, self.walk.key(stop.0)) {
                return Ok(false);
            }
            from = stop.0.saturating_add(1);
            self.reached = from;
            self.walk.check_time_sometimes()?;
        }
        Ok(true)
    }

    /// The same for each value of `field` in order.
    fn each_value(
        &mut self,
        field: Field,
        from: Option<Place>,
        found: &mut impl FnMut(&[u8], i64) -> bool,
    ) -> Faulty<()> {
        let (mut after, mut begin) = from.map_or((None, BEGIN), |(value, at)| (Some(value), at));
        let mut inclusive = true;
        while let Some((bytes, list)) = self.value_from(field, after.as_deref(), inclusive)? {
            if after.as_ref() != Some(&bytes) {
                begin = BEGIN;
            }
            self.value.clone_from(&bytes);
            self.reached = begin;
            self.walk.check_time()?;
            self.plan.restart();
            self.plan.sources.push(Source::List(List::new(Some(list))));
            let goes_on = self.each(begin, found);
            self.plan.sources.pop();
            if !goes_on? {
                return Ok(());
            }
            (after, inclusive) = (Some(bytes), false);
        }
        Ok(())
    }

    /// The first value of `field` after `after` (or it itself) in the order of the walk.
    fn value_from(
        &self,
        field: Field,
        after: Option<&[u8]>,
        inclusive: bool,
    ) -> Faulty<Option<(Vec<u8>, i64)>> {
        let sql = match (self.walk.rising, inclusive) {
            (true, true) => "SELECT bytes, id FROM value WHERE field=?1 AND bytes>=?2 ORDER BY bytes LIMIT 1",
            (true, false) => "SELECT bytes, id FROM value WHERE field=?1 AND bytes>?2 ORDER BY bytes LIMIT 1",
            (false, true) => {
                "SELECT bytes, id FROM value WHERE field=?1 AND bytes<=?2 ORDER BY bytes DESC LIMIT 1"
            }
            (false, false) => {
                "SELECT bytes, id FROM value WHERE field=?1 AND bytes<?2 ORDER BY bytes DESC LIMIT 1"
            }
        };
        // No value begins with the byte 255.
        let edge: &[u8] = if self.walk.rising { &[] } else { &[0xff] };
        self.walk
            .db
            .prepare_cached(sql)
            .and_then(|mut found| {
                let values = params![field.number(), after.unwrap_or(edge)];
                found
                    .query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .doing("walk along the values")
    }

    /// Where it was when its time was over; none when it had come to no value yet.
    fn place(&self, sort: Sort) -> Option<Place> {
        let before = self.walk.key(self.reached.max(BEGIN + 2) - 1);
        let begun = sort.by.field().is_none() || !self.value.is_empty();
        begun.then(|| (self.value.clone(), before))
    }

    /// Runs until `found` has enough. False when time was over before.
    fn run(
        &mut self,
        sort: Sort,
        from: Option<Place>,
        found: &mut impl FnMut(&[u8], i64) -> bool,
    ) -> Faulty<bool> {
        let from = from.map(|(value, key)| (value, self.walk.at(key).saturating_add(1)));
        let ended = match sort.by.field() {
            Some(field) => self.each_value(field, from, found),
            None => self.each(from.map_or(BEGIN, |(_, at)| at), found).map(|_| ()),
        };
        match ended {
            Ok(()) => Ok(true),
            Err(fault) if fault.is_time() => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}

/// One page.
pub(crate) fn page(db: &Connection, search: &Search) -> Faulty<Page> {
    let deadline = Instant::now() + search.time_limit;
    if !(1..=MAX_PAGE).contains(&search.limit) {
        return Err(Fault::Asked(FilterError::Limit { limit: MAX_PAGE }));
    }
    judge(&search.filter)?;
    let digest = cursor::digest(&search.filter, search.sort);
    let cursor = cursor_of(search, digest)?;
    let backward = cursor.as_ref().is_some_and(|cursor| cursor.backward);
    let mut page = Page {
        sessions: Vec::new(),
        next: None,
        previous: None,
        cut: false,
        incomplete_until: mark::load_incomplete(db)?,
    };
    let rising = search.sort.keys_rise() != backward;
    let run = Run::new(db, &search.filter, search.sort, rising, deadline);
    let Some(mut run) = run? else { return Ok(page) };
    let from = cursor.map(|cursor| (cursor.value, cursor.key));
    let mut places: Vec<Place> = Vec::new();
    page.cut = !run.run(search.sort, from.clone(), &mut |value, key| {
        places.push((value.to_vec(), key));
        places.len() <= search.limit
    })?;
    let more = places.len() > search.limit;
    places.truncate(search.limit);
    // Where the walk goes on: after the last session shown, or, cut, where it was.
    let onward = if page.cut {
        run.place(search.sort).or_else(|| from.clone())
    } else {
        places.last().filter(|_| more).cloned()
    };
    let back = places.first().cloned().filter(|_| from.is_some());
    let text = |backward| move |(value, key): Place| Cursor::new(digest, backward, key, value).text();
    (page.next, page.previous) = if backward {
        (back.map(text(false)), onward.map(text(true)))
    } else {
        (onward.map(text(false)), back.map(text(true)))
    };
    if backward {
        places.reverse();
    }
    let mut names = Names::default();
    let rows = places
        .into_iter()
        .map(|(_, key)| Summary::read(db, &mut names, key));
    page.sessions = rows.collect::<Faulty<_>>()?;
    Ok(page)
}

fn judge(filter: &Filter) -> Faulty<()> {
    filter.check().map_err(Fault::Asked)?;
    if filter.content.is_some() && filter.among.is_none() {
        return Err(Fault::Asked(FilterError::Content));
    }
    Ok(())
}

fn cursor_of(search: &Search, digest: [u8; 8]) -> Faulty<Option<Cursor>> {
    let Some(text) = &search.cursor else {
        return Ok(None);
    };
    let read = || {
        let cursor = Cursor::parse(text)?;
        cursor.belongs(digest, search.sort.by.field().is_some())?;
        Ok(cursor)
    };
    read().map(Some).map_err(Fault::Asked)
}

/// How many sessions match.
pub(crate) fn count(db: &Connection, filter: &Filter, time_limit: Duration) -> Faulty<Count> {
    judge(filter)?;
    let deadline = Instant::now() + time_limit;
    let sort = Sort::default();
    let Some(mut run) = Run::new(db, filter, sort, true, deadline)? else {
        return Ok(Count::Exactly(0));
    };
    let mut found = 0;
    let whole = run.run(sort, None, &mut |_, _| {
        found += 1;
        found <= MAX_COUNT
    })?;
    Ok(match (found > MAX_COUNT, whole) {
        (true, _) => Count::MoreThan(MAX_COUNT),
        (false, true) => Count::Exactly(found),
        (false, false) => Count::AtLeast(found),
    })
}
