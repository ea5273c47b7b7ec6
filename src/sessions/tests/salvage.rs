//! What is read of a damaged database: every page damaged in turn, and several at once.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use common::Dice;
use sps_session_record::SessionRecord;
use sps_sessions::{Batch, Salvage, Sessions};

const LIMIT: Duration = Duration::from_secs(60);
const PAGE: usize = 4096;
const COUNT: usize = 1_500;

/// A database, closed, and what it holds by identifier.
fn made(file: &Path) -> BTreeMap<String, SessionRecord> {
    let sessions = Sessions::open(file).unwrap();
    let mut dice = Dice(7);
    let records: Vec<_> = (0..COUNT)
        .map(|n| SessionRecord {
            start: 1_700_000_000_000 - 60_000 * i64::try_from(n).unwrap(),
            ..common::session(&mut dice, &format!("s{n}"))
        })
        .collect();
    let batch = Batch {
        records: records.clone(),
        ..Batch::default()
    };
    assert_eq!(sessions.import(batch).unwrap().added, COUNT);
    sessions.close(LIMIT).unwrap();
    records
        .into_iter()
        .map(|record| (record.id.clone(), record))
        .collect()
}

/// Everything that can be read, and how many of it have lost what happened in them.
fn salvaged(file: &Path, known: &BTreeMap<String, SessionRecord>) -> Option<(usize, usize)> {
    let mut salvage = Salvage::open(file).ok()?;
    let (mut found, mut partly) = (BTreeMap::new(), 0);
    loop {
        let step = salvage.step();
        for record in step.records {
            let known = &known[&record.id];
            if record != *known {
                let bare = SessionRecord {
                    channels: Vec::new(),
                    events: Vec::new(),
                    ..known.clone()
                };
                assert_eq!(record, bare, "what is read is what was written");
                partly += 1;
            }
            found.insert(record.id.clone(), record);
        }
        if step.ended {
            return Some((found.len(), partly));
        }
    }
}

#[test]
fn a_whole_database_is_read_to_the_last_session() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    let known = made(&file);
    let before = fs::read(&file).unwrap();
    assert_eq!(Salvage::open(&file).unwrap().count(), Some(COUNT as u64));
    assert_eq!(salvaged(&file, &known), Some((COUNT, 0)));
    assert!(fs::read(&file).unwrap() == before, "it is only read");
}

#[test]
fn one_damaged_page_costs_what_stood_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    let known = made(&file);
    let whole = fs::read(&file).unwrap();
    let pages = whole.len() / PAGE;
    let (mut unreadable, mut costly, mut most) = (0, 0, 0);
    for page in 0..pages {
        let mut damaged = whole.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0xff);
        fs::write(&file, &damaged).unwrap();
        match salvaged(&file, &known) {
            None => unreadable += 1,
            Some((found, partly)) if found - partly < COUNT - 100 => costly += 1,
            Some((found, partly)) => most = most.max(COUNT - found + partly),
        }
    }
    println!(
        "{pages} pages: {unreadable} make the file unreadable, {costly} cost more than 100 sessions, the others {most} at most"
    );
    // The first page is the file's head; the roots of the trees and the values that all sessions share are few.
    assert_eq!(unreadable, 1);
    assert!(costly <= 6, "{costly}");
    assert!(most <= 100, "{most}");
}

#[test]
fn several_damaged_pages_are_leapt_over_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    let known = made(&file);
    let whole = fs::read(&file).unwrap();
    let pages = whole.len() / PAGE;
    let mut dice = Dice(11);
    let mut kept = Vec::new();
    for _ in 0..40 {
        let mut damaged = whole.clone();
        for _ in 0..5 {
            // Behind the head and the first pages of the trees.
            let page = 16 + usize::try_from(dice.below(pages as u64 - 16)).unwrap();
            damaged[page * PAGE..(page + 1) * PAGE].fill(0xff);
        }
        fs::write(&file, &damaged).unwrap();
        kept.extend(salvaged(&file, &known).map(|(found, _)| found));
    }
    kept.sort_unstable();
    println!("kept of {COUNT}, five pages of {pages} damaged: {kept:?}");
    assert_eq!(kept.len(), 40);
    assert!(kept[20] >= COUNT - 300, "half of the time");
}

#[test]
fn the_log_beside_it_is_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    let mut known = made(&file);
    let sessions = Sessions::open(&file).unwrap();
    let record = common::session(&mut Dice(3), "late");
    sessions.begin(record.clone()).unwrap();
    sessions.flush(LIMIT).unwrap();
    known.insert("late".into(), record);
    // As a power cut leaves it.
    let copy = folder.path().join("copy.db");
    for end in ["", "-wal"] {
        let name = format!("sessions.db{end}");
        fs::copy(
            folder.path().join(name),
            folder.path().join(format!("copy.db{end}")),
        )
        .unwrap();
    }
    assert_eq!(salvaged(&copy, &known), Some((COUNT + 1, 0)));
}
