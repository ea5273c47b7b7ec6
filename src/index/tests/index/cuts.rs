//! The power is cut at every step: the index opens, at worst without what came after its last commit, and goes on.

use std::sync::Arc;

use crate::common::{Cut, KEY, add, find};
use sps_durable::simulation::{CrashDisk, Unsynced};
use sps_index::{Index, IndexError, Progress};

const BATCHES: i64 = 2;

fn open(disk: &CrashDisk) -> Result<Index, IndexError> {
    Index::open(Arc::new(Cut(disk.clone())), &KEY)
}

/// Adds batch after batch, each with a session of its own and one that is written anew; returns how many were committed.
fn work(disk: &CrashDisk, from: i64) -> i64 {
    let Ok(index) = open(disk) else { return from };
    for batch in from..BATCHES {
        index.remove("always");
        let (own, always) = (format!("s{batch}"), format!("generation{batch}"));
        let session = |id: &str, number, text: &str| index.add(id, number, &crate::common::moment(0, text));
        if session(&own, batch, "common words").is_err()
            || session("always", 100, &always).is_err()
            || index.commit().is_err()
        {
            return batch;
        }
    }
    BATCHES
}

/// Whether exactly the first `batches` batches are in the index.
fn judge(index: &Index, batches: i64, told: &str) {
    assert_eq!(find(index, "common"), (0..batches).collect::<Vec<_>>(), "{told}");
    for batch in 0..BATCHES {
        let expected: &[i64] = if batch + 1 == batches { &[100] } else { &[] };
        assert_eq!(find(index, &format!("generation{batch}")), expected, "{told}");
    }
}

#[test]
fn a_power_cut_at_any_step_costs_at_worst_the_last_batch() {
    let whole = CrashDisk::default();
    assert_eq!(work(&whole, 0), BATCHES);
    let steps = whole.steps();
    assert!(steps > 50, "{steps}");
    std::thread::scope(|scope| {
        for first in 0..2 {
            scope.spawn(move || (first..steps).step_by(2).for_each(cut_after));
        }
    });
}

/// Every state that a power cut after so many steps may leave.
fn cut_after(step: usize) {
    let disk = CrashDisk::default();
    disk.fail_after(step);
    let committed = work(&disk, 0);
    for unsynced in [Unsynced::Lost, Unsynced::Half, Unsynced::Kept] {
        for names in 0..disk.journal_length().max(1) {
            let told = format!("step {step}, names {names}, {unsynced:?}, {committed} committed");
            let after = disk.after_cut(names, unsynced);
            let index = open(&after).unwrap_or_else(|error| panic!("{told}: {error}: {error:?}"));
            let found = find(&index, "common").len() as i64;
            assert!(
                found == committed || found == committed + 1,
                "{told}: {found} found"
            );
            judge(&index, found, &told);
            drop(index);
            assert_eq!(work(&after, found), BATCHES, "{told}");
            judge(&open(&after).unwrap(), BATCHES, &told);
        }
    }
}

#[test]
fn what_is_said_to_be_complete_is_whole_or_not_there() {
    let whole = CrashDisk::default();
    let index = open(&whole).unwrap();
    add(&index, "a", 1, &["word"]);
    index.commit().unwrap();
    drop(index);
    for step in 0..20 {
        let disk = whole.copy();
        let index = open(&disk).unwrap();
        disk.fail_after(step);
        let done = index.set_progress(Progress::Complete).is_ok();
        drop(index);
        for unsynced in [Unsynced::Lost, Unsynced::Half, Unsynced::Kept] {
            for names in 0..disk.journal_length().max(1) {
                let index = open(&disk.after_cut(names, unsynced)).unwrap();
                let complete = index.progress().unwrap() == Progress::Complete;
                assert!(complete || !done, "step {step}, names {names}, {unsynced:?}");
            }
        }
    }
}
