//! Searches while the writer writes, at their time limit, of many sessions; imports and retention as their callers see them.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::Dice;
use sps_session_record::{SessionRecord, Word};
use sps_sessions::{
    Batch, Change, Count, Filter, FilterError, MAX_BATCH, MAX_COUNT, Page, Search, Sessions, SessionsError,
    Sort, SortBy,
};

const LIMIT: Duration = Duration::from_secs(60);

fn opened() -> (tempfile::TempDir, Sessions) {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&folder.path().join("sessions.db")).unwrap();
    (folder, sessions)
}

fn session(number: u64) -> SessionRecord {
    let mut record = common::session(&mut Dice(number), &format!("s{number}"));
    record.start = 1_700_000_000_000 - number as i64;
    record
}

fn batch(numbers: std::ops::Range<u64>) -> Batch {
    Batch {
        records: numbers.map(session).collect(),
        importer: "test".into(),
        ..Batch::default()
    }
}

fn newest(limit: usize) -> Search {
    Search {
        filter: Filter::default(),
        sort: Sort::default(),
        limit,
        cursor: None,
        time_limit: LIMIT,
    }
}

fn ids(page: &Page) -> Vec<&str> {
    page.sessions.iter().map(|session| session.id.as_str()).collect()
}

#[test]
fn counts_end_at_ten_thousand() {
    let (_folder, sessions) = opened();
    sessions.import(batch(0..10_000)).unwrap();
    assert_eq!(
        sessions.count(&Filter::default(), LIMIT).unwrap(),
        Count::Exactly(10_000)
    );
    sessions.import(batch(10_000..10_001)).unwrap();
    let count = sessions.count(&Filter::default(), LIMIT).unwrap();
    assert_eq!(count, Count::MoreThan(MAX_COUNT));
}

#[test]
fn a_search_whose_time_is_over_says_so_and_goes_on_where_it_was() {
    let (_folder, sessions) = opened();
    sessions.import(batch(0..8000)).unwrap();
    let filter = Filter {
        text: Some("no event holds this".into()),
        ..Filter::default()
    };
    let limit = Duration::from_millis(5);
    let counted = sessions.count(&filter, limit).unwrap();
    assert_eq!(counted, Count::AtLeast(0));
    let mut search = Search {
        filter,
        time_limit: limit,
        ..newest(10)
    };
    let mut pages = 0;
    loop {
        let page = sessions.page(&search).unwrap();
        assert_eq!(page.sessions, []);
        pages += 1;
        if !page.cut {
            assert_eq!(page.next, None);
            break;
        }
        assert_ne!(page.next, search.cursor, "every page gets further");
        search.cursor = page.next;
    }
    assert!(pages > 1, "one page of 5 ms looked at everything");
}

#[test]
fn a_place_of_another_search_is_refused() {
    let (_folder, sessions) = opened();
    sessions.import(batch(0..50)).unwrap();
    let page = sessions.page(&newest(10)).unwrap();
    let other = Search {
        cursor: page.next,
        sort: Sort {
            descending: false,
            ..Sort::default()
        },
        ..newest(10)
    };
    let error = sessions.page(&other).unwrap_err();
    assert!(
        matches!(error, SessionsError::Filter(FilterError::OtherSearch)),
        "{error}"
    );
    for limit in [0, 1001] {
        assert!(matches!(
            sessions.page(&newest(limit)),
            Err(SessionsError::Filter(FilterError::Limit { .. }))
        ));
    }
}

#[test]
fn pages_do_not_shift_while_sessions_come_and_go() {
    let (_folder, sessions) = opened();
    sessions.import(batch(100..200)).unwrap();
    let first = sessions.page(&newest(30)).unwrap();
    // Newer sessions come, the oldest go.
    sessions.import(batch(0..100)).unwrap();
    sessions.delete_before(session(180).start, 100).unwrap();
    let second = Search {
        cursor: first.next.clone(),
        ..newest(30)
    };
    let second = sessions.page(&second).unwrap();
    let wanted: Vec<String> = (100..160).map(|number| format!("s{number}")).collect();
    assert_eq!([ids(&first), ids(&second)].concat(), wanted);
}

#[test]
fn readers_see_whole_batches_while_the_writer_writes() {
    let (_folder, sessions) = opened();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = 0;
                    while !ended.load(Ordering::Relaxed) {
                        let Count::Exactly(count) = sessions.count(&Filter::default(), LIMIT).unwrap() else {
                            panic!("not that many");
                        };
                        assert_eq!(count % 50, 0);
                        assert!(count >= seen);
                        seen = count;
                        let page = sessions.page(&newest(60)).unwrap();
                        assert!(
                            page.sessions
                                .is_sorted_by_key(|session| std::cmp::Reverse(session.start))
                        );
                    }
                    seen
                })
            })
            .collect();
        for part in 0..100 {
            sessions.import(batch(part * 50..(part + 1) * 50)).unwrap();
        }
        ended.store(true, Ordering::Relaxed);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() > 0));
    });
}

#[test]
fn what_the_appliance_wrote_wins_over_what_is_imported() {
    let (_folder, sessions) = opened();
    let imported = session(1);
    let own = SessionRecord {
        verdict: Word::CONNECTION_FAILED,
        target: Some("own".into()),
        ..session(1)
    };
    sessions.import(batch(1..2)).unwrap();
    assert_eq!(sessions.get("s1").unwrap(), Some(imported));
    sessions.begin(own.clone()).unwrap();
    sessions.flush(LIMIT).unwrap();
    assert_eq!(sessions.import(batch(1..2)).unwrap().known, 1);
    assert_eq!(sessions.get("s1").unwrap(), Some(own));
    assert_eq!(sessions.page(&newest(10)).unwrap().sessions.len(), 1);
}

#[test]
fn a_batch_tells_what_it_could_not_keep_and_how_far_it_is() {
    let (_folder, sessions) = opened();
    let mut batch = batch(0..3);
    batch.records[1].client.address = "somewhere".into();
    batch.cursor = b"here".to_vec();
    batch.incomplete_until = Some(77);
    let imported = sessions.import(batch.clone()).unwrap();
    assert_eq!((imported.added, imported.refused.len()), (2, 1));
    assert!(imported.refused[0].why.contains("client"), "{imported:?}");
    assert_eq!(sessions.importer("test").unwrap().as_deref(), Some(&b"here"[..]));
    assert_eq!(sessions.importer("other").unwrap(), None);
    assert_eq!(sessions.page(&newest(10)).unwrap().incomplete_until, Some(77));
    batch.incomplete_until = None;
    batch.records.clear();
    sessions.import(batch).unwrap();
    assert_eq!(sessions.page(&newest(10)).unwrap().incomplete_until, None);
    let large = Batch {
        records: vec![session(0); MAX_BATCH + 1],
        ..Batch::default()
    };
    assert!(matches!(sessions.import(large), Err(SessionsError::Batch { .. })));
}

#[test]
fn trails_are_remembered_until_their_files_are_gone() {
    let (folder, sessions) = opened();
    sessions.import(batch(0..100)).unwrap();
    let mut trails = Vec::new();
    loop {
        let step = sessions.delete_before(session(49).start, 7).unwrap();
        assert!(step.sessions <= 7);
        trails.extend(step.trails);
        if !step.more {
            break;
        }
    }
    let left: Vec<SessionRecord> = sessions.records().map(Result::unwrap).collect();
    assert_eq!(left.len(), 50);
    let wanted = (50..100)
        .filter(|number| session(*number).trail.is_some())
        .count();
    assert_eq!(trails.len(), wanted);
    sessions.close(LIMIT).unwrap();
    let sessions = Sessions::open(&folder.path().join("sessions.db")).unwrap();
    trails.sort_unstable();
    let doomed = sessions.trails_to_remove().unwrap();
    let names: Vec<String> = doomed.into_iter().map(|doomed| doomed.trail).collect();
    assert_eq!(names, trails);
    sessions.trails_removed(trails).unwrap();
    assert_eq!(sessions.trails_to_remove().unwrap(), []);
    let gone = Filter {
        from: None,
        until: Some(session(49).start),
        ..Filter::default()
    };
    assert_eq!(sessions.count(&gone, LIMIT).unwrap(), Count::Exactly(0));
}

#[test]
fn a_closed_database_takes_nothing_and_says_so() {
    let (_folder, sessions) = opened();
    sessions.begin(session(1)).unwrap();
    sessions.close(LIMIT).unwrap();
    assert!(matches!(sessions.begin(session(2)), Err(SessionsError::Closed)));
    assert!(matches!(
        sessions.update("s1", Change::ServerUser("x".into())),
        Err(SessionsError::Closed)
    ));
    assert!(matches!(
        sessions.import(Batch::default()),
        Err(SessionsError::Closed)
    ));
    assert!(matches!(sessions.page(&newest(1)), Err(SessionsError::Closed)));
    sessions.close(LIMIT).unwrap();
}

/// The identifiers on all pages, in order.
fn all_pages(sessions: &Sessions, filter: &Filter, sort: Sort) -> Vec<String> {
    let mut search = Search {
        filter: filter.clone(),
        sort,
        ..newest(7)
    };
    let mut all = Vec::new();
    loop {
        let page = sessions.page(&search).unwrap();
        all.extend(ids(&page).into_iter().map(ToOwned::to_owned));
        search.cursor = page.next;
        if search.cursor.is_none() {
            return all;
        }
    }
}

#[test]
fn sessions_that_somebody_else_found_are_met_in_every_order_and_with_every_condition() {
    let (_folder, sessions) = opened();
    sessions.import(batch(0..700)).unwrap();
    let found = |record: &SessionRecord| record.id.ends_with('3');
    let mut among: Vec<i64> = (0..700)
        .map(session)
        .filter(found)
        .map(|record| sessions.number(&record.id).unwrap().unwrap())
        .collect();
    among.sort_unstable();
    assert_eq!(sessions.number("s700").unwrap(), None);
    let filters = [
        Filter::default(),
        Filter {
            has_trail: Some(true),
            ..Filter::default()
        },
        Filter {
            protocol: Some(Word::SSH),
            from: Some(session(600).start),
            until: Some(session(100).start),
            ..Filter::default()
        },
    ];
    for plain in filters {
        let filter = Filter {
            content: Some("a word".into()),
            among: Some(among.clone().into()),
            ..plain.clone()
        };
        let wanted = (0..700)
            .map(session)
            .filter(|record| found(record) && plain.matches(record));
        let mut wanted: Vec<String> = wanted.map(|record| record.id).collect();
        wanted.sort();
        assert!(!wanted.is_empty());
        for by in [SortBy::Start, SortBy::GatewayUser, SortBy::Client] {
            for descending in [false, true] {
                let mut all = all_pages(&sessions, &filter, Sort { by, descending });
                all.sort();
                assert_eq!(all, wanted, "{by:?} {descending}");
            }
        }
        let counted = sessions.count(&filter, LIMIT).unwrap();
        assert_eq!(counted, Count::Exactly(wanted.len() as u64));
    }
    let nothing = Filter {
        among: Some(Vec::new().into()),
        ..Filter::default()
    };
    assert_eq!(sessions.count(&nothing, LIMIT).unwrap(), Count::Exactly(0));
    let unread = Filter {
        content: Some("a word".into()),
        ..Filter::default()
    };
    let error = sessions.count(&unread, LIMIT).unwrap_err();
    assert!(
        matches!(error, SessionsError::Filter(FilterError::Content)),
        "{error}"
    );
}
