//! Trails go to the shelf and come back, and no power cut loses one or removes one twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sps_archive::{ArchiveError, Archived, Run, Shelf, archive, fetch};
use tokio::runtime::Runtime;

use crate::lab::{Faulty, Keeping, Kept, Power, runtime, scratch, trails};

const NOW: u64 = 1_800_000_000;

fn run(
    shelf: Option<&Shelf>,
    kept: &mut Kept,
    folder: &Path,
    power: &Power,
) -> Result<Archived, ArchiveError> {
    let run = Run {
        policy: "old",
        shelf,
        appliance: "sps-1",
        now: NOW,
    };
    let mut keeper = Keeping {
        kept,
        folder: folder.into(),
        power: power.clone(),
    };
    archive(&run, &mut keeper, &mut |_| true)
}

/// Each trail is here or whole on the shelf, and what was removed is.
fn nothing_is_lost(shelf: &Shelf, kept: &Kept, folder: &Path, contents: &BTreeMap<String, Vec<u8>>) {
    for trail in &kept.trails {
        let here = fs::read(folder.join(&trail.name)).ok();
        let there = kept.notes.get(&trail.id).map(|note| {
            let mut bytes = Vec::new();
            fetch(shelf, &note.object, &note.sha256, &mut bytes).unwrap();
            bytes
        });
        let content = &contents[&trail.id];
        assert!(here.is_some() || there.is_some(), "{} is lost", trail.id);
        assert!(here.is_none_or(|here| here == *content), "{}", trail.id);
        assert!(there.is_none_or(|there| there == *content), "{}", trail.id);
        assert!(kept.removed.get(&trail.id).copied().unwrap_or(0) <= 1);
    }
}

#[test]
fn the_oldest_go_first_verified_noted_and_come_back() {
    let (runtime, here, there) = (runtime(), scratch(), scratch());
    let (mut kept, contents) = trails(here.path(), true);
    let power = Power::cut_before(usize::MAX);
    let shelf = Faulty::shelf(there.path(), &power, &runtime);
    let done = run(Some(&shelf), &mut kept, here.path(), &power).unwrap();
    assert_eq!((done.trails, done.skipped, done.bytes), (3, 0, (9 << 20) + 600));
    nothing_is_lost(&shelf, &kept, here.path(), &contents);
    assert!(
        kept.trails
            .iter()
            .all(|trail| !here.path().join(&trail.name).exists())
    );
    let note = &kept.notes["ssh-20260511-1"];
    assert_eq!((note.at, note.target.as_deref()), (NOW, Some("the disk backup")));
    assert!(
        note.object
            .starts_with("archive/sps-1/2026/05/11/ssh-20260511-1-"),
        "{}",
        note.object
    );
    let beside = there.path().join(format!("{}.json", note.object));
    assert_eq!(fs::read(beside).unwrap(), br#"{"id":"ssh-20260511-1"}"#);
    let again = run(Some(&shelf), &mut kept, here.path(), &power).unwrap();
    assert_eq!(again, Archived::default());
}

fn cut_everywhere(runtime: &Runtime, to_shelf: bool) -> usize {
    for step in 0.. {
        let (here, there) = (scratch(), scratch());
        let (mut kept, contents) = trails(here.path(), false);
        let power = Power::cut_before(step);
        let shelf = Faulty::shelf(there.path(), &power, runtime);
        let cut = run(to_shelf.then_some(&shelf), &mut kept, here.path(), &power);
        if power.steps() <= step {
            cut.unwrap();
            return step;
        }
        assert!(cut.is_err(), "step {step} failed and nobody noticed");
        let whole = Power::cut_before(usize::MAX);
        let shelf = Faulty::shelf(there.path(), &whole, runtime);
        if to_shelf {
            nothing_is_lost(&shelf, &kept, here.path(), &contents);
        }
        run(to_shelf.then_some(&shelf), &mut kept, here.path(), &whole).unwrap();
        if to_shelf {
            nothing_is_lost(&shelf, &kept, here.path(), &contents);
        }
        assert_eq!((kept.notes.len(), kept.gone.len()), (3, 3), "after step {step}");
        assert!(
            kept.trails
                .iter()
                .all(|trail| !here.path().join(&trail.name).exists())
        );
        assert!(
            kept.removed.values().all(|times| *times == 1),
            "after step {step}"
        );
    }
    0
}

#[test]
fn cut_at_every_step_nothing_is_lost_and_the_next_run_goes_on() {
    let runtime = runtime();
    assert!(cut_everywhere(&runtime, true) > 20);
}

#[test]
fn a_clean_up_cut_at_every_step_goes_on_and_removes_once() {
    let runtime = runtime();
    assert!(cut_everywhere(&runtime, false) > 8);
}

#[test]
fn what_is_not_whole_or_missing_is_passed_over_and_stays() {
    let (runtime, here, there) = (runtime(), scratch(), scratch());
    let (mut kept, _) = trails(here.path(), false);
    fs::write(here.path().join(&kept.trails[0].name), "still being written").unwrap();
    fs::remove_file(here.path().join(&kept.trails[1].name)).unwrap();
    let power = Power::cut_before(usize::MAX);
    let shelf = Faulty::shelf(there.path(), &power, &runtime);
    let done = run(Some(&shelf), &mut kept, here.path(), &power).unwrap();
    assert_eq!((done.trails, done.skipped), (1, 2));
    assert!(
        done.told[0].why.contains("has 19 bytes and should have 300"),
        "{:?}",
        done.told
    );
    assert!(done.told[1].why.contains("is missing"), "{:?}", done.told);
    assert!(here.path().join(&kept.trails[0].name).exists());
}

#[test]
fn what_is_damaged_on_the_shelf_is_found_when_it_is_fetched() {
    let (runtime, here, there) = (runtime(), scratch(), scratch());
    let (mut kept, _) = trails(here.path(), false);
    let power = Power::cut_before(usize::MAX);
    let shelf = Faulty::shelf(there.path(), &power, &runtime);
    run(Some(&shelf), &mut kept, here.path(), &power).unwrap();
    let note = &kept.notes["ssh-20260511-1"];
    let path = there.path().join(&note.object);
    let mut bytes = fs::read(&path).unwrap();
    bytes[7] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = fetch(&shelf, &note.object, &note.sha256, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("is damaged there"), "{error}");
}

#[test]
fn a_run_that_is_called_off_stops_between_two_trails() {
    let (runtime, here, there) = (runtime(), scratch(), scratch());
    let (mut kept, _) = trails(here.path(), false);
    let power = Power::cut_before(usize::MAX);
    let shelf = Faulty::shelf(there.path(), &power, &runtime);
    let run = Run {
        policy: "old",
        shelf: Some(&shelf),
        appliance: "sps-1",
        now: NOW,
    };
    let mut keeper = Keeping {
        kept: &mut kept,
        folder: here.path().into(),
        power,
    };
    let done = archive(&run, &mut keeper, &mut |done| done.trails < 1).unwrap();
    assert_eq!((done.trails, done.stopped), (1, true));
}
