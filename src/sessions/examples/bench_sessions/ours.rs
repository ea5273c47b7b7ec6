//! The session database under measurement.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use sps_session_record::{Event, Word};
use sps_sessions::{Batch, Change, Count, Filter, MAX_BATCH, Search, Sessions, Sort, SortBy};

use crate::figures::{Imports, Timed, memory};
use crate::made;

/// How long a query may take before it says that it was cut: more than any bar, so that a slow one shows its time.
const LIMIT: Duration = Duration::from_secs(30);
/// Sessions of a page.
pub(crate) const PAGE: usize = 50;

/// Imports `rows` sessions, newest first.
pub(crate) fn import(folder: &Path, rows: u64) -> Result<(Sessions, Imports), Box<dyn Error>> {
    let sessions = Sessions::open(&folder.join("sessions.db"))?;
    let mut imports = Imports::new(rows);
    let mut next = 0;
    while next < rows {
        let end = rows.min(next + MAX_BATCH as u64);
        let records = (next..end).map(made::session).collect();
        let batch = Batch {
            records,
            importer: "bench".into(),
            cursor: end.to_be_bytes().to_vec(),
            incomplete_until: (end < rows).then_some(0),
        };
        let began = Instant::now();
        let imported = sessions.import(batch)?;
        imports.add(end - next, began.elapsed(), memory()?);
        if imported.added as u64 != end - next {
            return Err(format!("{imported:?} of a batch").into());
        }
        next = end;
    }
    Ok((sessions, imports))
}

/// The slowest variant of every query.
pub(crate) fn queries(sessions: &Sessions, rows: u64) -> Result<Vec<Timed>, Box<dyn Error>> {
    let mut timed = Vec::new();
    for (name, filter, sort) in crate::queries::all(rows) {
        let mut slowest = Duration::ZERO;
        for variant in 0..crate::queries::VARIANTS {
            let search = Search {
                filter: filter(variant),
                sort,
                limit: PAGE,
                cursor: None,
                time_limit: LIMIT,
            };
            // The median of three: on a machine that others use, one is an accident.
            let mut times = [Duration::ZERO; 3];
            for time in &mut times {
                let began = Instant::now();
                let page = sessions.page(&search)?;
                *time = began.elapsed();
                if page.cut {
                    return Err(format!("{name} was cut").into());
                }
            }
            times.sort_unstable();
            slowest = slowest.max(times[1]);
        }
        timed.push(Timed::new(name, slowest));
    }
    Ok(timed)
}

/// Deep pages, both ways, and counts.
pub(crate) fn walks(sessions: &Sessions) -> Result<Vec<Timed>, Box<dyn Error>> {
    let ssh = Filter {
        protocol: Some(Word::SSH),
        ..Filter::default()
    };
    let mut search = Search {
        filter: ssh.clone(),
        sort: Sort::default(),
        limit: PAGE,
        cursor: None,
        time_limit: LIMIT,
    };
    let mut slowest = Duration::ZERO;
    for _ in 0..2000 {
        let began = Instant::now();
        let page = sessions.page(&search)?;
        slowest = slowest.max(began.elapsed());
        search.cursor = page.next.or(search.cursor);
    }
    let began = Instant::now();
    let counted = sessions.count(&ssh, LIMIT)?;
    let count = began.elapsed();
    if matches!(counted, Count::AtLeast(_)) {
        return Err("the count was cut".into());
    }
    let by_user = Sort {
        by: SortBy::GatewayUser,
        descending: false,
    };
    let sorted = Search {
        sort: by_user,
        cursor: None,
        ..search
    };
    let began = Instant::now();
    sessions.page(&sorted)?;
    let by_user = began.elapsed();
    Ok(vec![
        Timed::new("slowest of 2000 pages one after the other", slowest),
        Timed::new("count that ends at 10,000", count),
        Timed::new("page sorted by user", by_user),
    ])
}

/// How late changes of a session are on the disk while an import runs: the worst of those tried.
pub(crate) fn lateness(sessions: &Sessions, rows: u64) -> Result<Timed, Box<dyn Error>> {
    let mut live = made::session(u64::MAX >> 24);
    live.id = "live".into();
    live.start = made::NEWEST;
    sessions.begin(live)?;
    let worst = std::thread::scope(|scope| -> Result<Duration, Box<dyn Error>> {
        let importer = scope.spawn(|| {
            for batch in 0..20 {
                let first = rows + batch * MAX_BATCH as u64;
                let records = (first..first + MAX_BATCH as u64).map(made::session).collect();
                let batch = Batch {
                    records,
                    importer: "bench".into(),
                    ..Batch::default()
                };
                if sessions.import(batch).is_err() {
                    return false;
                }
            }
            true
        });
        let mut worst = Duration::ZERO;
        while !importer.is_finished() {
            let event = Event {
                at: 0,
                kind: Word::COMMAND,
                text: "ls".into(),
            };
            let began = Instant::now();
            sessions.update("live", Change::Event(event))?;
            // No hurry: what is measured is when it happens by itself.
            while sessions.health().waiting > 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
            worst = worst.max(began.elapsed());
        }
        match importer.join() {
            Ok(true) => Ok(worst),
            _ => Err("the import beside live sessions failed".into()),
        }
    })?;
    Ok(Timed::new("live", worst))
}

/// A whole check, a copy, a walk over records and a deletion, each with its time.
pub(crate) fn upkeep(sessions: &Sessions, folder: &Path, rows: u64) -> Result<Vec<Timed>, Box<dyn Error>> {
    let hour = Duration::from_secs(3600);
    let began = Instant::now();
    sessions.check(hour)?;
    let check = began.elapsed();
    let began = Instant::now();
    let copy = folder.join("copy.db");
    sessions.copy(&copy, hour)?;
    let copied = began.elapsed();
    std::fs::remove_file(copy)?;
    let began = Instant::now();
    let taken = sessions.records().take(100_000).filter(Result::is_ok).count();
    let walked = began.elapsed().mul_f64(1e6 / taken.max(1) as f64);
    let began = Instant::now();
    let before = made::NEWEST - made::APART * (rows as i64 - 100_000.min(rows as i64 / 10));
    let mut deleted = 0;
    loop {
        let step = sessions.delete_before(before, usize::MAX)?;
        deleted += step.sessions;
        if !step.more {
            break;
        }
    }
    let deletion = began.elapsed().mul_f64(1e6 / deleted.max(1) as f64);
    Ok(vec![
        Timed::new("check", check),
        Timed::new("copy", copied),
        Timed::new("records, a million", walked),
        Timed::new("deletion, a million", deletion),
    ])
}
