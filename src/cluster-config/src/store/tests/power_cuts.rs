//! The power fails before every step of a change, and everything that may survive is tried.

use sps_durable::simulation::{CrashDisk, Unsynced};

use crate::key::ClusterKey;
use crate::store::{Found, Store};
use crate::testing::{by, named};

const SURVIVALS: [Unsynced; 3] = [Unsynced::Lost, Unsynced::Half, Unsynced::Kept];

thread_local! {
    static KEY: ClusterKey = ClusterKey::generate().unwrap();
}

fn open(disk: &CrashDisk) -> (Store, Found) {
    let (store, found) = Store::on(Box::new(disk.clone()), Some(KEY.with(Clone::clone))).unwrap();
    assert_eq!(store.lost(), []);
    (store, found)
}

/// A disk on which revision 1 was acknowledged.
fn first_revision() -> CrashDisk {
    let disk = CrashDisk::default();
    open(&disk).0.commit(0, &named("one"), by("a")).unwrap();
    disk
}

/// Cuts the power before each step of the change from "one" to "two", and judges every disk that may be left.
fn cut_everywhere(disk: &CrashDisk, judge: impl Fn(&CrashDisk, bool)) -> usize {
    let undisturbed = disk.copy();
    open(&undisturbed).0.commit(1, &named("two"), by("b")).unwrap();
    let steps = undisturbed.steps();
    let mut tried = 0;
    for cut in 0..=steps {
        let disk = disk.copy();
        let mut store = open(&disk).0;
        disk.fail_after(cut);
        let acknowledged = store.commit(1, &named("two"), by("b")).is_ok();
        for names in 0..disk.journal_length().max(1) {
            for unsynced in SURVIVALS {
                judge(&disk.after_cut(names, unsynced), acknowledged);
                tried += 1;
            }
        }
    }
    tried
}

#[test]
fn the_old_document_or_the_new_one_is_there_and_an_acknowledged_one_stays() {
    let tried = cut_everywhere(&first_revision(), |disk, acknowledged| {
        let (mut store, found) = open(disk);
        assert!(matches!(found, Found::Good), "{found:?}");
        let name = store.document().network.host_name.clone();
        assert!(
            name == "two" || name == "one" && !acknowledged,
            "{name}, acknowledged: {acknowledged}"
        );
        let revision = store.revision();
        assert_eq!(revision, if name == "two" { 2 } else { 1 });
        let next = store.commit(revision, &named("three"), by("c")).unwrap();
        assert_eq!(next, revision + 1);
        let after = open(&disk.after_cut(usize::MAX, Unsynced::Lost)).0;
        assert_eq!(after.document(), &named("three"));
        assert_eq!(after.history(usize::MAX).unwrap().len() as u64, next);
    });
    println!("{tried} disks were tried");
    assert!(tried > 30, "only {tried} disks were tried");
}

#[test]
fn the_first_change_ever_is_there_or_not() {
    let disk = CrashDisk::default();
    for cut in 0..20 {
        let disk = disk.copy();
        let mut store = open(&disk).0;
        disk.fail_after(cut);
        let acknowledged = store.commit(0, &named("one"), by("a")).is_ok();
        for names in 0..disk.journal_length().max(1) {
            for unsynced in SURVIVALS {
                let (store, found) = open(&disk.after_cut(names, unsynced));
                assert!(!matches!(found, Found::Lost { .. }), "{found:?}");
                let there = store.document() == &named("one");
                assert!(
                    there || store.revision() == 0 && !acknowledged,
                    "cut {cut}, {found:?}"
                );
            }
        }
    }
}

#[test]
fn a_failed_change_leaves_the_store_with_what_is_on_disk() {
    let disk = first_revision();
    let mut store = open(&disk).0;
    disk.fail_after(3);
    assert!(store.commit(1, &named("two"), by("b")).is_err());
    assert_eq!((store.revision(), store.document()), (1, &named("one")));
}
