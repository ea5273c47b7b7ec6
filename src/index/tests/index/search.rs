//! What is added is found, as it is asked for, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Cut, KEY, add, find, moment};
use sps_durable::simulation::CrashDisk;
use sps_index::{Index, Progress};
use sps_index_engine::Query;

fn index() -> Index {
    let index = Index::open(Arc::new(Cut(CrashDisk::default())), &KEY).unwrap();
    add(
        &index,
        "a",
        10,
        &["$ systemctl restart postgresql", "Failed: permission denied"],
    );
    add(
        &index,
        "b",
        20,
        &["$ cat /etc/passwd", "root:x:0:0:root:/root:/bin/bash"],
    );
    add(
        &index,
        "c",
        30,
        &["permission was not denied", "Größe 日本語 192.0.2.7"],
    );
    index.commit().unwrap();
    index
}

#[test]
fn words_phrases_and_operators_find_the_sessions() {
    let index = index();
    for (query, found) in [
        ("restart", &[10][..]),
        ("RESTART", &[10]),
        ("permission denied", &[10, 30]),
        ("\"permission denied\"", &[10]),
        ("systemctl denied", &[10]),
        ("restart OR passwd", &[10, 20]),
        ("denied -restart", &[30]),
        ("(restart OR root) -\"bin bash\"", &[10]),
        ("post*", &[10]),
        ("pass* OR perm*", &[10, 20, 30]),
        ("\"systemctl rest\"*", &[10]),
        ("/etc/passwd", &[20]),
        ("passwd/etc", &[]),
        ("größe", &[30]),
        ("日本", &[30]),
        ("本日", &[]),
        ("192.0.2.7", &[30]),
        ("0.192", &[]),
        ("absent", &[]),
    ] {
        assert_eq!(find(&index, query), found, "{query}");
    }
}

#[test]
fn moments_of_a_session_are_in_order_and_of_it_alone() {
    let index = index();
    let query = Query::parse("denied OR systemctl").unwrap();
    let hits = index.moments(&query, "a", 10).unwrap();
    let shown: Vec<_> = hits.iter().map(|hit| hit.moment.clone()).collect();
    assert_eq!(
        shown,
        [
            moment(0, "$ systemctl restart postgresql"),
            moment(1000, "Failed: permission denied")
        ]
    );
    assert_eq!(index.moments(&query, "a", 1).unwrap().len(), 1);
    assert_eq!(index.moments(&query, "b", 10).unwrap(), []);
}

#[test]
fn a_session_that_is_removed_is_found_no_more_and_one_added_again_once() {
    let index = index();
    index.remove("a");
    add(&index, "b", 20, &["$ cat /etc/shadow"]);
    assert_eq!(find(&index, "restart"), [10], "before the commit");
    index.commit().unwrap();
    assert_eq!(find(&index, "restart"), Vec::<i64>::new());
    assert_eq!(find(&index, "passwd"), Vec::<i64>::new());
    assert_eq!(find(&index, "shadow"), [20]);
    assert_eq!(index.size().moments, 3);
}

#[test]
fn a_search_ends_at_its_time_and_says_so() {
    let index = Index::open(Arc::new(Cut(CrashDisk::default())), &KEY).unwrap();
    for number in 0..10_000 {
        index
            .add(&number.to_string(), number, &moment(0, "same"))
            .unwrap();
    }
    index.commit().unwrap();
    let query = Query::parse("same").unwrap();
    let cut = index.sessions(&query, Duration::ZERO).unwrap();
    assert!(cut.cut && cut.numbers.len() < 10_000);
    let whole = index.sessions(&query, Duration::from_secs(60)).unwrap();
    assert_eq!((whole.cut, whole.numbers.len()), (false, 10_000));
}

#[test]
fn complete_is_what_was_said_to_be() {
    let disk = CrashDisk::default();
    let index = Index::open(Arc::new(Cut(disk.clone())), &KEY).unwrap();
    assert_eq!(index.progress().unwrap(), Progress::Nothing);
    index.set_progress(Progress::Complete).unwrap();
    drop(index);
    let index = Index::open(Arc::new(Cut(disk)), &KEY).unwrap();
    assert_eq!(index.progress().unwrap(), Progress::Complete);
}
