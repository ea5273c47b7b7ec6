//! Damaged, foreign and later files: an error that names the file and says what to do, never a panic, and the file stays as it is.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::Dice;
use sps_sessions::{Batch, Filter, Search, Sessions, SessionsError, Sort, VERSION};

const LIMIT: Duration = Duration::from_secs(60);
const PAGE: usize = 4096;

/// A database with some hundred sessions, closed.
fn made(folder: &Path) -> PathBuf {
    let file = folder.join("sessions.db");
    let sessions = Sessions::open(&file).unwrap();
    let mut dice = Dice(1);
    let records = (0..400)
        .map(|n| common::session(&mut dice, &format!("s{n}")))
        .collect();
    let batch = Batch {
        records,
        ..Batch::default()
    };
    assert_eq!(sessions.import(batch).unwrap().added, 400);
    sessions.close(LIMIT).unwrap();
    assert!(
        !folder.join("sessions.db-wal").exists(),
        "closing brings the log to its place"
    );
    file
}

fn told(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(told).unwrap_or_default();
    format!("{error}: {cause}")
}

/// Everything that reads and writes, up to the first error.
fn use_all(file: &Path) -> Result<(), SessionsError> {
    let sessions = Sessions::open(file)?;
    let mut search = Search {
        filter: Filter::default(),
        sort: Sort::default(),
        limit: 100,
        cursor: None,
        time_limit: LIMIT,
    };
    loop {
        let page = sessions.page(&search)?;
        let Some(next) = page.next else { break };
        search.cursor = Some(next);
    }
    for (user, text) in [("alice", "ls"), ("bob", "größer")] {
        let filter = Filter {
            gateway_user: Some(user.into()),
            text: Some(text.into()),
            client: Some("192.0.2.0/24".parse().unwrap()),
            ..Filter::default()
        };
        sessions.count(&filter, LIMIT)?;
    }
    for record in sessions.records() {
        sessions.get(&record?.id)?;
    }
    let mut dice = Dice(2);
    let records = (0..50)
        .map(|n| common::session(&mut dice, &format!("t{n}")))
        .collect();
    sessions.import(Batch {
        records,
        ..Batch::default()
    })?;
    sessions.delete_before(1_700_000_000_020, 100)?;
    sessions.check(LIMIT)
}

#[test]
fn a_file_that_is_no_session_database_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(made(folder.path())).unwrap();
    let cases: [(&str, Vec<u8>); 4] = [
        ("text.db", b"this is a letter, not a database\n".repeat(300)),
        ("short.db", whole[..60].to_vec()),
        ("zero.db", vec![0; 2 * PAGE]),
        ("head.db", whole[..PAGE].to_vec()),
    ];
    for (name, bytes) in cases {
        let file = folder.path().join(name);
        fs::write(&file, &bytes).unwrap();
        let error = use_all(&file).map(|()| name).unwrap_err();
        let text = told(&error);
        assert!(text.contains(name) && text.contains("rebuild"), "{name}: {text}");
        assert!(matches!(error, SessionsError::Damaged { .. }), "{name}: {text}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "{name}");
    }
}

#[test]
fn another_version_and_another_database_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = made(folder.path());
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let error = Sessions::open(&file).unwrap_err();
    assert!(
        matches!(
            error,
            SessionsError::Version {
                found: 99,
                known: VERSION,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("99"), "{error}");

    let other = folder.path().join("other.db");
    let raw = rusqlite::Connection::open(&other).unwrap();
    raw.execute_batch("CREATE TABLE letter(text TEXT)").unwrap();
    drop(raw);
    assert!(matches!(
        Sessions::open(&other),
        Err(SessionsError::Stranger { .. })
    ));
    assert!(matches!(
        Sessions::open(folder.path()),
        Err(SessionsError::Open { .. })
    ));
}

#[test]
fn every_damaged_page_is_an_error_and_none_is_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(made(folder.path())).unwrap();
    let pages = whole.len() / PAGE;
    assert!(pages > 20);
    let (mut found, file) = (0, folder.path().join("damaged.db"));
    for page in 1..pages {
        for (pattern, from) in [(0xff_u8, 0), (0x00, 0), (0x5a, PAGE / 2)] {
            let mut bytes = whole.clone();
            bytes[page * PAGE + from..(page + 1) * PAGE].fill(pattern);
            fs::write(&file, &bytes).unwrap();
            match use_all(&file) {
                Ok(()) => {}
                Err(SessionsError::Damaged { path, .. }) => {
                    assert_eq!(path, file);
                    found += 1;
                }
                // The writer found it first.
                Err(SessionsError::Ended { error }) if error.contains("is damaged") => found += 1,
                Err(other) => panic!("page {page} filled with {pattern}: {}", told(&other)),
            }
            for ending in ["-wal", "-shm"] {
                let _ = fs::remove_file(folder.path().join(format!("damaged.db{ending}")));
            }
        }
    }
    // What fills the unused middle of a page, or a free page, nobody reads.
    assert!(found * 3 > pages * 3 * 2, "{found} of {} were found", pages * 3);
}

#[test]
fn a_file_cut_short_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(made(folder.path())).unwrap();
    let file = folder.path().join("cut.db");
    for pages in (2..whole.len() / PAGE).step_by(5) {
        fs::write(&file, &whole[..pages * PAGE - 100]).unwrap();
        let error = use_all(&file).unwrap_err();
        assert!(
            matches!(error, SessionsError::Damaged { .. }),
            "{pages}: {}",
            told(&error)
        );
    }
}

#[test]
fn a_copy_holds_what_was_there_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::open(&made(folder.path())).unwrap();
    let copy = folder.path().join("copy.db");
    sessions.copy(&copy, LIMIT).unwrap();
    assert!(matches!(
        sessions.copy(&copy, LIMIT),
        Err(SessionsError::CopyExists { .. })
    ));
    let copied = Sessions::open(&copy).unwrap();
    let all = |sessions: &Sessions| sessions.records().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(all(&copied), all(&sessions));
    assert_eq!(all(&copied).len(), 400);
    copied.check(LIMIT).unwrap();
    let late = folder.path().join("late.db");
    assert!(matches!(
        sessions.copy(&late, Duration::ZERO),
        Err(SessionsError::Time)
    ));
}
