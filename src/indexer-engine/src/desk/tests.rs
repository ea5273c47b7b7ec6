//! Who gets which session, and what becomes of it when a host goes, fails or lies.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::frame::{FORMAT, Hello};

const ME: Key = [1; 32];
const HOST: Key = [2; 32];
const OTHER: Key = [3; 32];

fn hello(version: &str, worker: u16, keys: &[Key]) -> Hello {
    Hello {
        format: FORMAT,
        product: "sps".into(),
        version: version.into(),
        extract: 1,
        host_name: "somewhere".into(),
        worker,
        workers: 2,
        keys: keys.to_vec(),
    }
}

fn item(id: &str, needs: &[Key]) -> Item {
    Item {
        id: id.into(),
        trail: format!("{id}.zat"),
        size: 1000,
        needs: needs.to_vec(),
    }
}

fn desk() -> Desk {
    let mut desk = Desk::new("7.1.0");
    desk.set_own_keys([ME]);
    desk
}

fn arrive(desk: &mut Desk, name: &str, worker: u16, keys: &[Key]) -> WorkerId {
    desk.arrive(name, "192.0.2.1:5000", &hello("7.1.0", worker, keys), 100)
        .unwrap()
}

/// The session a worker gets.
fn next(desk: &mut Desk, worker: WorkerId) -> Option<String> {
    match desk.next(worker, 100) {
        Job::Read(item) => Some(item.id),
        Job::Nothing | Job::Gone => None,
    }
}

fn own(desk: &mut Desk) -> Option<String> {
    desk.own(100).map(|item| item.id)
}

#[test]
fn without_hosts_nothing_is_set_apart() {
    let mut desk = desk();
    assert!(desk.is_alone() && !desk.offer(item("a", &[])));
}

#[test]
fn a_host_gets_what_it_opens_and_before_all_what_nobody_else_does() {
    let mut desk = desk();
    let host = arrive(&mut desk, "one", 0, &[HOST]);
    for (id, needs) in [("plain", &[][..]), ("other", &[OTHER]), ("hers", &[OTHER, HOST])] {
        assert!(desk.offer(item(id, needs)));
    }
    assert!(!desk.offer(item("plain", &[])), "it is there already");
    assert_eq!(next(&mut desk, host).as_deref(), Some("hers"));
    assert_eq!(next(&mut desk, host), None, "it has work");
    // Nobody opens it: the appliance says so. What the busy host could open, the appliance reads.
    assert_eq!(own(&mut desk).as_deref(), Some("plain"));
    assert_eq!(own(&mut desk).as_deref(), Some("other"));
    assert_eq!(own(&mut desk), None);
    assert!(desk.has("hers"));
    desk.done(host);
    assert!(desk.has("hers"), "it is not in the index yet");
    desk.settled("hers", true);
    assert!(!desk.has("hers"));
}

#[test]
fn the_appliance_leaves_to_idle_hosts_what_they_open() {
    let mut desk = desk();
    let host = arrive(&mut desk, "one", 0, &[HOST]);
    desk.offer(item("plain", &[]));
    desk.offer(item("mine", &[ME]));
    assert_eq!(own(&mut desk).as_deref(), Some("mine"));
    assert_eq!(own(&mut desk), None);
    assert_eq!(next(&mut desk, host).as_deref(), Some("plain"));
}

#[test]
fn a_host_that_goes_gives_its_session_back_and_it_is_no_failure() {
    let mut desk = desk();
    for turn in 0..10 {
        let host = arrive(&mut desk, "one", 0, &[HOST]);
        desk.offer(item("a", &[HOST]));
        assert_eq!(next(&mut desk, host).as_deref(), Some("a"), "{turn}");
        desk.leave(host, Some("it was gone"), 100);
        assert_eq!(desk.next(host, 100), Job::Gone);
    }
    // Nobody is left who opens it.
    assert_eq!((own(&mut desk).as_deref(), desk.is_alone()), (Some("a"), true));
}

#[test]
fn a_session_that_fails_is_tried_by_others_and_then_counts_as_failed() {
    let mut desk = desk();
    let (one, two) = (
        arrive(&mut desk, "one", 0, &[HOST]),
        arrive(&mut desk, "two", 0, &[HOST]),
    );
    desk.offer(item("bad", &[HOST]));
    assert!(next(&mut desk, one).is_some());
    assert_eq!(desk.failed(one, "it fell over", 100), Outcome::Again);
    assert_eq!(next(&mut desk, one), None, "the other one is to try");
    assert!(next(&mut desk, two).is_some());
    assert_eq!(desk.failed(two, "it fell over", 100), Outcome::Again);
    assert!(next(&mut desk, one).is_some(), "both have tried");
    assert_eq!(desk.failed(one, "it fell over", 100), Outcome::Failed);
    assert!(!desk.has("bad"));
    assert_eq!(desk.failed(one, "again", 100), Outcome::None);
    assert_eq!(desk.report(100).hosts[0].last_error, Some((100, "again".into())));
}

#[test]
fn what_is_no_fault_of_the_session_makes_the_worker_rest() {
    let mut desk = desk();
    let host = arrive(&mut desk, "one", 0, &[HOST]);
    desk.offer(item("a", &[HOST]));
    for _ in 0..5 {
        assert!(matches!(desk.next(host, 100), Job::Read(_)));
        desk.elsewhere(host, "no memory", 70);
    }
    desk.elsewhere(host, "no memory", 100);
    assert_eq!(desk.next(host, 129), Job::Nothing);
    assert!(matches!(desk.next(host, 130), Job::Read(_)));
}

#[test]
fn who_may_not_index_is_told_why_and_remembered() {
    let mut desk = desk();
    let mut try_it = |hello: &Hello| desk.arrive("one", "192.0.2.1:5000", hello, 7).unwrap_err();
    let older = try_it(&hello("7.0.9", 0, &[]));
    assert_eq!(
        older,
        "the indexer is version 7.0.9, older than the appliance's 7.1.0: give the host the appliance's version of sps, or a later one"
    );
    try_it(&hello("7.0.9", 0, &[]));
    let mut other = hello("7.1.0", 0, &[]);
    other.format = 9;
    assert!(try_it(&other).contains("form 9"));
    other.format = FORMAT;
    other.workers = MOST_WORKERS + 1;
    assert!(try_it(&other).contains("at the most"));
    assert!(try_it(&hello("new", 0, &[])).contains("is none"));
    let refused = desk.report(7).refused;
    assert_eq!(
        (refused.len(), refused[3].times, &refused[3].reason),
        (4, 2, &older)
    );
    for version in ["7.1.0", "7.1.1", "8.0.0"] {
        let worker = desk.arrive("one", "x", &hello(version, 0, &[]), 7).unwrap();
        let twice = desk.arrive("one", "x", &hello(version, 0, &[]), 7).unwrap_err();
        assert!(twice.contains("connected already"), "{twice}");
        desk.leave(worker, None, 7);
    }
    for number in 0..100 {
        desk.refuse(&number.to_string(), None, "x", 8);
    }
    assert_eq!(desk.report(7).refused.len(), MOST_REFUSALS);
}

#[test]
fn who_was_removed_goes() {
    let mut desk = desk();
    let (one, two) = (arrive(&mut desk, "one", 0, &[]), arrive(&mut desk, "two", 0, &[]));
    assert_eq!(desk.keep_hosts(&["two".to_owned()].into()), [one]);
    desk.leave(one, None, 100);
    let report = desk.report(100);
    assert_eq!((report.hosts.len(), report.hosts[0].name.as_str()), (1, "two"));
    assert_eq!(desk.next(two, 100), Job::Nothing);
}

#[test]
fn people_see_what_each_does() {
    let mut desk = desk();
    let host = arrive(&mut desk, "one", 1, &[HOST]);
    for id in ["a", "b"] {
        desk.offer(item(id, &[]));
        next(&mut desk, host).unwrap();
        desk.gave(host, 512);
        if id == "a" {
            desk.done(host);
            desk.settled("a", true);
        }
    }
    desk.own_reads(Some("c"));
    desk.own_reads(None);
    desk.own_reads(Some("d"));
    let report = desk.report(1900);
    let line = &report.hosts[0];
    assert_eq!(
        (line.since, line.done, line.per_hour, line.keys),
        (Some(100), 1, 2, 1)
    );
    let worker = &line.connected[0];
    assert_eq!(
        (
            worker.number,
            worker.session.as_deref(),
            worker.given,
            worker.size
        ),
        (1, Some("b"), 512, 1000)
    );
    assert_eq!((report.own.done, report.own.session.as_deref()), (1, Some("d")));
}

proptest! {
    /// Whatever happens, a session is in one place, and comes to an end or is still there.
    #[test]
    fn no_session_is_lost_or_doubled(steps in prop::collection::vec((0_u8..8, 0_usize..4), 0..200)) {
        let mut desk = desk();
        let mut workers: Vec<(WorkerId, Option<String>)> = Vec::new();
        let mut ended: BTreeMap<String, u32> = BTreeMap::new();
        let mut offered = 0;
        let mut telling: Vec<String> = Vec::new();
        for (what, which) in steps {
            let at = which.min(workers.len().saturating_sub(1));
            match (what, workers.is_empty()) {
                (0, _) => {
                    let keys: &[Key] = if which % 2 == 0 { &[HOST] } else { &[OTHER] };
                    let free = (0..4).find(|number| desk.workers.values().all(|worker| worker.number != *number));
                    if let Some(number) = free {
                        workers.push((arrive(&mut desk, "one", number, keys), None));
                    }
                }
                (1, _) => {
                    let needs = [&[][..], &[ME], &[HOST], &[OTHER]][which];
                    if desk.offer(item(&offered.to_string(), needs)) {
                        offered += 1;
                    }
                }
                (2, _) => ended.extend(own(&mut desk).map(|id| (id, 1))),
                (3, _) => if let Some(id) = telling.pop() {
                    desk.settled(&id, true);
                    prop_assert!(ended.insert(id, 1).is_none());
                },
                (_, true) => {}
                (4, _) => if let Some(id) = next(&mut desk, workers[at].0) {
                    prop_assert!(workers.iter().all(|(_, has)| has.as_ref() != Some(&id)));
                    workers[at].1 = Some(id);
                },
                (5, _) => {
                    desk.done(workers[at].0);
                    telling.extend(workers[at].1.take());
                }
                (6, _) => {
                    let outcome = desk.failed(workers[at].0, "x", 100);
                    let id = workers[at].1.take();
                    if outcome == Outcome::Failed {
                        ended.extend(id.map(|id| (id, 1)));
                    }
                }
                (_, _) => desk.leave(workers.remove(at).0, None, 100),
            }
            for number in 0..offered {
                let id = number.to_string();
                prop_assert_ne!(desk.has(&id), ended.contains_key(&id), "{}", id);
            }
        }
    }
}
