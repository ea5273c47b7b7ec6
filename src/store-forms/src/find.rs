//! A search while earlier sessions are still being imported: sorted by time, newest first, it goes on in the metadata they come from, so
//! that nothing is missing. In any other order it says what is.

use std::path::Path;
use std::time::Instant;

use sps_datastore::ContentError;
use sps_metadb::{Metadb, Position};
use sps_session_record::SessionRecord;
use sps_sessions::{Page, Search, Sessions, SessionsError, Sort, Summary};

use crate::import::{in_place, incomplete};

/// Begin of a place in the metadata; no place of the session database has a point.
const PREFIX: &str = "m.";
/// Rows looked at between two looks at the clock.
const CHUNK: usize = 500;

/// Why a search has no answer.
#[derive(Debug)]
pub enum FindError {
    /// The session database says so.
    Sessions(SessionsError),
    /// The metadata says so.
    Metadata(ContentError),
}

/// A page of sessions; the metadata that is still to be imported lies in `folder`.
///
/// # Errors
/// The search is refused, or something cannot be read.
pub fn find(sessions: &Sessions, folder: &Path, search: &Search) -> Result<Page, FindError> {
    let rest = rest(sessions, folder, search.sort).map_err(FindError::Metadata)?;
    let place = search.cursor.as_deref().and_then(position);
    let Some((metadata, begin)) = rest else {
        // A place in metadata that has been imported meanwhile is one in the database.
        let search = match place {
            Some(place) => imported(search, place),
            None => search.clone(),
        };
        return sessions.page(&search).map_err(FindError::Sessions);
    };
    let mut page = match place {
        Some(_) => Page {
            sessions: Vec::new(),
            next: None,
            previous: None,
            cut: false,
            incomplete_until: None,
        },
        None => sessions.page(search).map_err(FindError::Sessions)?,
    };
    if page.next.is_none() && !page.cut {
        let from = place.map_or(begin, |place| place.min(begin));
        go_on(sessions, &metadata, from, search, &mut page).map_err(FindError::Metadata)?;
    }
    page.incomplete_until = None;
    Ok(page)
}

/// What is still to be imported, where a search in this order can go on in it.
fn rest(sessions: &Sessions, folder: &Path, sort: Sort) -> Result<Option<(Metadb, Position)>, ContentError> {
    if sort != Sort::default() || Metadb::form_in(folder).is_none() {
        return Ok(None);
    }
    match incomplete(sessions)? {
        Some(begin) => Ok(Some((Metadb::open(folder)?, begin))),
        None => Ok(None),
    }
}

/// The same search where the metadata has come into the database: what began before the place.
fn imported(search: &Search, place: Position) -> Search {
    let mut search = search.clone();
    search.cursor = None;
    let until = place.start.saturating_add(1);
    search.filter.until = Some(search.filter.until.map_or(until, |wanted| wanted.min(until)));
    search
}

fn go_on(
    sessions: &Sessions,
    metadata: &Metadb,
    from: Position,
    search: &Search,
    page: &mut Page,
) -> Result<(), ContentError> {
    let deadline = Instant::now() + search.time_limit;
    let mut at = from;
    while page.sessions.len() < search.limit {
        let rows = metadata.older_than(at, CHUNK)?;
        let last = rows.len() < CHUNK;
        for row in rows {
            if page.sessions.len() == search.limit {
                page.next = Some(told(at));
                return Ok(());
            }
            at = row.position;
            let record = row.session.ok().filter(|record| search.filter.matches(record));
            if let Some(record) = record
                && sessions.get(&record.id)?.is_none()
            {
                page.sessions.push(summary(in_place(record)));
            }
        }
        if last {
            return Ok(());
        }
        if Instant::now() >= deadline {
            page.cut = true;
            break;
        }
    }
    page.next = Some(told(at));
    Ok(())
}

fn told(position: Position) -> String {
    format!("{PREFIX}{}.{}", position.start, position.number)
}

fn position(cursor: &str) -> Option<Position> {
    let (start, number) = cursor.strip_prefix(PREFIX)?.split_once('.')?;
    Some(Position {
        start: start.parse().ok()?,
        number: number.parse().ok()?,
    })
}

fn summary(record: SessionRecord) -> Summary {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Summary {
        id: record.id,
        protocol: record.protocol,
        connection: record.connection,
        start: record.start,
        end: record.end,
        client: record.client,
        server: record.server,
        target: record.target,
        gateway_user: record.gateway_user,
        server_user: record.server_user,
        verdict: record.verdict,
        channels: count(record.channels.len()),
        events: count(record.events.len()),
        trail: record.trail,
        indexing: record.indexing,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sps_datastore::Content as _;
    use sps_sample_store::{Random, session};
    use sps_sessions::{Filter, SortBy};

    use super::*;
    use crate::{Filling, Forms, Opening};

    const LIMIT: Duration = Duration::from_secs(60);

    fn all(sessions: &Sessions, folder: &Path, filter: &Filter) -> Vec<String> {
        let mut search = Search {
            filter: filter.clone(),
            sort: Sort::default(),
            limit: 300,
            cursor: None,
            time_limit: LIMIT,
        };
        let mut found = Vec::new();
        loop {
            let page = find(sessions, folder, &search).unwrap();
            assert!(page.sessions.len() <= 300 && page.incomplete_until.is_none());
            found.extend(page.sessions.into_iter().map(|session| session.id));
            let Some(next) = page.next else { return found };
            search.cursor = Some(next);
        }
    }

    #[test]
    fn every_search_by_time_is_complete_before_while_and_after_the_import() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut random = Random::new(3);
        let mut records: Vec<_> = (0..5_000).map(|n| session(n, 5_000, &mut random)).collect();
        let mut metadata = Metadb::create(folder, sps_metadb::Form::Split).unwrap();
        metadata.insert(&records).unwrap();
        drop(metadata);
        Forms.adapt(folder, 4, 5).unwrap();
        records.sort_by_key(|record| std::cmp::Reverse(record.start));
        let user = records[7].gateway_user.clone();
        let filters = [
            Filter::default(),
            Filter {
                gateway_user: user,
                ..Filter::default()
            },
            Filter {
                client: Some("10.0.0.0/8".parse().unwrap()),
                protocol: Some(records[0].protocol.clone()),
                until: Some(records[1_000].start),
                ..Filter::default()
            },
            Filter {
                text: Some("SYSTEMCTL".into()),
                ..Filter::default()
            },
        ];
        let opening = Opening::of(folder, 1).unwrap();
        let sessions = &opening.sessions;
        let mut steps = 0;
        loop {
            for filter in &filters {
                let wanted = records.iter().filter(|record| filter.matches(record));
                let wanted: Vec<_> = wanted.map(|record| record.id.clone()).collect();
                let mut found = all(sessions, folder, filter);
                assert_eq!(found.len(), wanted.len(), "after {steps}: {filter:?}");
                found.sort_unstable();
                let mut wanted = wanted;
                wanted.sort_unstable();
                assert_eq!(found, wanted, "after {steps}");
            }
            let Some(mut filling) = Filling::next(folder, &folder.join("q"), sessions).unwrap() else {
                break;
            };
            filling.step(sessions).unwrap();
            steps += 1;
        }
        assert_eq!(steps, 3);
        opening.sessions.close(LIMIT).unwrap();
    }

    #[test]
    fn in_another_order_it_says_what_is_missing_and_a_place_outlives_the_import() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut random = Random::new(3);
        let records: Vec<_> = (0..3_000).map(|n| session(n, 3_000, &mut random)).collect();
        let mut metadata = Metadb::create(folder, sps_metadb::Form::Split).unwrap();
        metadata.insert(&records).unwrap();
        drop(metadata);
        Forms.adapt(folder, 4, 5).unwrap();
        let opening = Opening::of(folder, 1).unwrap();
        let sessions = &opening.sessions;
        let mut search = Search {
            filter: Filter::default(),
            sort: Sort {
                by: SortBy::Target,
                descending: false,
            },
            limit: 50,
            cursor: None,
            time_limit: LIMIT,
        };
        let page = find(sessions, folder, &search).unwrap();
        assert_eq!(page.incomplete_until, Some(i64::MAX));
        search.sort = Sort::default();
        let first = find(sessions, folder, &search).unwrap();
        search.cursor = first.next;
        assert!(
            search
                .cursor
                .as_ref()
                .is_some_and(|place| place.starts_with(PREFIX))
        );
        while let Some(mut filling) = Filling::next(folder, &folder.join("q"), sessions).unwrap() {
            filling.step(sessions).unwrap();
        }
        let second = find(sessions, folder, &search).unwrap();
        let oldest = first.sessions.last().unwrap().start;
        assert!(second.sessions.iter().all(|session| session.start <= oldest));
        assert_eq!(second.sessions.len(), 50);
        opening.sessions.close(LIMIT).unwrap();
    }
}
