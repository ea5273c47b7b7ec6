//! Indexers on other hosts, over TLS: who may index, what comes into the index, and what becomes of a session whose host goes, fails or lies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod common;
mod door;

use std::fs;
use std::io::{Read, Write as _};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use common::{Inside, Lab, START, queued, somebody};
use door::{Door, Relay, VERSION, from};
use sps_indexer::{HostKeys, Identity, Reader, ReaderError};
use sps_session_record::Word;
use sps_trail::{Recipient, Recipients};

/// An encrypted session that showed "permission denied", and the keys of the host that opens it.
fn encrypted(lab: &Lab, id: &str) -> HostKeys {
    let folder = lab.folder.path();
    if !folder.join("auditor.key").exists() {
        somebody(folder, "auditor");
    }
    let recipient = Recipient::from_pem(&fs::read(folder.join("auditor.pem")).unwrap()).unwrap();
    let recipients = Recipients {
        downstream: vec![recipient],
        upstream: vec![],
        ..Recipients::default()
    };
    lab.trail(id, "permission denied\r\n", &recipients);
    lab.session(id, START, Some(START + 1), queued());
    fs::write(folder.join("indexer-keys.cfg"), "# of the auditor\nauditor.key\n").unwrap();
    HostKeys::read(&folder.join("indexer-keys.cfg")).unwrap()
}

#[test]
fn what_only_the_key_of_a_host_opens_is_found() {
    let lab = Lab::new();
    let index = lab.index();
    let keys = encrypted(&lab, "closed");
    lab.waiting("plain", "all is well\r\n");
    let door = Door::new(&lab, &["one"]);
    let mut worker = lab.worker(&index, Inside).with_hub(door.hub.clone());
    // Without the host nobody opens it.
    lab.work(&mut worker);
    assert_eq!(lab.state("closed").state, Word::NO_KEY);
    assert_eq!(lab.state("plain").state, Word::INDEXED);
    let host = door.host("one", keys, VERSION, Inside);
    door.until(&lab, &mut worker, || lab.state("closed").state == Word::INDEXED);
    assert_eq!(lab.found(&index, "denied", &["closed", "plain"]), ["closed"]);
    assert_eq!(lab.found(&index, "typed", &["closed"]), Vec::<String>::new());
    let report = door.hub.report();
    let line = &report.hosts[0];
    assert_eq!(
        (line.name.as_str(), line.version.as_str(), line.done, line.keys),
        ("one", VERSION, 1, 1)
    );
    assert!(line.since.is_some() && report.refused.is_empty(), "{report:?}");
    // What ends while it is connected comes to it at once.
    encrypted(&lab, "later");
    lab.queue.ended("later");
    door.until(&lab, &mut worker, || lab.state("later").state == Word::INDEXED);
    assert_eq!(
        lab.found(&index, "denied", &["closed", "later"]),
        ["closed", "later"]
    );
    host.stop();
    door.until(&lab, &mut worker, || door.hub.report().hosts[0].since.is_none());
}

#[test]
fn many_sessions_are_shared_and_each_stands_in_the_index_once() {
    let lab = Lab::new();
    let index = lab.index();
    let door = Door::new(&lab, &["one", "two"]);
    let ids: Vec<String> = (0..40).map(|number| format!("s{number}")).collect();
    let hosts = ["one", "two"].map(|name| door.host(name, HostKeys::default(), VERSION, Inside));
    let mut worker = lab.worker(&index, Inside).with_hub(door.hub.clone());
    let connected = || {
        door.hub
            .report()
            .hosts
            .iter()
            .map(|host| host.connected.len())
            .sum::<usize>()
    };
    door.until(&lab, &mut worker, || connected() == 4);
    for id in &ids {
        lab.waiting(id, "permission denied\r\n");
        lab.queue.ended(id);
    }
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let done = || all.iter().all(|id| lab.state(id).state == Word::INDEXED);
    door.until(&lab, &mut worker, done);
    assert_eq!(lab.found(&index, "denied", &all), all);
    assert_eq!(
        index.size().moments,
        40 * (index.size().moments / 40),
        "each once"
    );
    let report = door.hub.report();
    let told: u64 = report.hosts.iter().map(|host| host.done).sum();
    assert_eq!(told + report.own.done, 40, "{report:?}");
    assert!(told > 0, "{report:?}");
    hosts.into_iter().for_each(door::Running::stop);
}

#[test]
fn who_is_not_known_or_was_removed_is_refused_and_told() {
    let lab = Lab::new();
    let index = lab.index();
    let door = Door::new(&lab, &["one", "two"]);
    let mut worker = lab.worker(&index, Inside).with_hub(door.hub.clone());
    // A certificate of nobody.
    let mut settings = door.settings("one");
    settings.identity = Identity::make().unwrap();
    let stranger = door.host_with(&settings, HostKeys::default(), VERSION, Inside);
    door.until(&lab, &mut worker, || !door.hub.report().refused.is_empty());
    let refused = door.hub.report().refused;
    assert!(
        refused[0].reason.contains("of no host of this appliance"),
        "{refused:?}"
    );
    stranger.stop();
    // One that is removed while it is connected.
    let removed = door.host("two", HostKeys::default(), VERSION, Inside);
    door.until(&lab, &mut worker, || door.is_connected("two"));
    door.trust(&["one"]);
    door.until(&lab, &mut worker, || {
        let report = door.hub.report();
        report.hosts.is_empty() && report.refused[0].reason.contains("was the host removed?")
    });
    removed.stop();
    // Another appliance is none of the host's.
    let other = Door::new(&lab, &["one"]);
    let mut settings = door.settings("one");
    settings.port = other.address.port();
    let lost = other.host_with(&settings, HostKeys::default(), VERSION, Inside);
    door.until(&lab, &mut worker, || !other.hub.report().refused.is_empty());
    lost.stop();
    assert!(other.hub.report().hosts.is_empty());
}

#[test]
fn an_indexer_older_than_the_appliance_is_refused_with_the_mend() {
    let lab = Lab::new();
    let index = lab.index();
    let door = Door::new(&lab, &["one"]);
    let mut worker = lab.worker(&index, Inside).with_hub(door.hub.clone());
    let older = door.host("one", HostKeys::default(), "7.0.9", Inside);
    door.until(&lab, &mut worker, || !door.hub.report().refused.is_empty());
    let report = door.hub.report();
    assert_eq!(
        (
            report.refused[0].reason.as_str(),
            report.refused[0].host.as_deref()
        ),
        (
            "the indexer is version 7.0.9, older than the appliance's 7.1.0: give the host the appliance's version of sps, or a later one",
            Some("one")
        )
    );
    assert!(!door.is_connected("one"));
    older.stop();
    for version in ["7.1.0", "7.2.0"] {
        let fits = door.host("one", HostKeys::default(), version, Inside);
        door.until(&lab, &mut worker, || door.is_connected("one"));
        fits.stop();
        door.until(&lab, &mut worker, || !door.is_connected("one"));
    }
}

/// Tells what is no moment.
struct Garbage;

impl Reader for Garbage {
    fn read(
        &self,
        input: &mut (dyn Read + Send),
        take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), ReaderError> {
        input.read_to_end(&mut Vec::new())?;
        take(b"\x07what is this");
        Ok(())
    }
}

#[test]
fn a_host_that_tells_garbage_is_cut_off_and_the_session_fails_only_after_three_times() {
    let lab = Lab::new();
    let index = lab.index();
    let door = Door::new(&lab, &["one"]);
    let keys = || encrypted(&lab, "closed");
    let mut worker = lab.worker(&index, Inside).with_hub(door.hub.clone());
    for turn in 1..=3 {
        let liar = door.host("one", keys(), VERSION, Garbage);
        let times = || {
            door.hub
                .report()
                .refused
                .first()
                .map_or(0, |refusal| refusal.times)
        };
        door.until(&lab, &mut worker, || times() == turn);
        liar.stop();
        door.until(&lab, &mut worker, || !door.is_connected("one"));
        if turn < 3 {
            assert_ne!(lab.state("closed").state, Word::INDEXING_FAILED, "{turn}");
        }
    }
    door.until(&lab, &mut worker, || {
        lab.state("closed").state == Word::INDEXING_FAILED
    });
    let refused = &door.hub.report().refused[0];
    assert_eq!(
        refused.reason,
        "cut off: the indexer told something that is no moment"
    );
    assert_eq!(index.size().moments, 0);
}

/// Reads a piece, says so, and waits until it may go on.
struct Halting {
    begun: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

impl Halting {
    fn new() -> (Self, Receiver<()>, Sender<()>) {
        let ((begun, has_begun), (let_go, go_on)) = (mpsc::channel(), mpsc::channel());
        let halting = Self {
            begun: Mutex::new(begun),
            go_on: Mutex::new(go_on),
        };
        (halting, has_begun, let_go)
    }
}

impl Reader for Halting {
    fn read(
        &self,
        input: &mut (dyn Read + Send),
        take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), ReaderError> {
        let mut head = [0; 2000];
        let count = input.read(&mut head)?;
        self.begun.lock().unwrap().send(())?;
        // Nobody is left who lets it go on: it goes on.
        let _let_go = self.go_on.lock().unwrap().recv();
        Inside.read(&mut (&head[..count]).chain(input), take)
    }
}

#[test]
fn a_host_that_is_killed_in_the_middle_gives_its_session_back() {
    let lab = Lab::new();
    let index = lab.index();
    let door = Door::new(&lab, &["one", "two"]);
    let keys = encrypted(&lab, "closed");
    let mut worker = lab.worker(&index, Inside).with_hub(door.hub.clone());
    let relay = Relay::new(door.address);
    let mut settings = door.settings("one");
    settings.port = relay.port;
    settings.workers = Some(1);
    let (halting, begun, let_go) = Halting::new();
    let killed = door.host_with(&settings, keys, VERSION, halting);
    let mut reads = false;
    door.until(&lab, &mut worker, || {
        reads |= begun.try_recv().is_ok();
        reads
    });
    let report = door.hub.report();
    assert_eq!(
        report.hosts[0].connected[0].session.as_deref(),
        Some("closed"),
        "{report:?}"
    );
    relay.cut();
    door.until(&lab, &mut worker, || !door.is_connected("one"));
    // As nobody opens it now, that is what it says; never that it failed.
    let state = lab.state("closed").state;
    assert!(state == Word::QUEUED || state == Word::NO_KEY, "{state:?}");
    killed.ask();
    drop(let_go);
    killed.stop();
    let two = door.host("two", encrypted_keys(&lab), VERSION, Inside);
    door.until(&lab, &mut worker, || lab.state("closed").state == Word::INDEXED);
    assert_eq!(lab.found(&index, "denied", &["closed"]), ["closed"]);
    two.stop();
}

fn encrypted_keys(lab: &Lab) -> HostKeys {
    HostKeys::read(&lab.folder.path().join("indexer-keys.cfg")).unwrap()
}

#[test]
fn a_host_that_stops_ends_its_session_or_gives_it_back() {
    let lab = Lab::new();
    let index = lab.index();
    let door = Door::new(&lab, &["one"]);
    let mut worker = lab.worker(&index, Inside).with_hub(door.hub.clone());
    for (id, within) in [("ended", 60), ("back", 0)] {
        let keys = encrypted(&lab, id);
        lab.queue.ended(id);
        let mut settings = door.settings("one");
        settings.workers = Some(1);
        let (halting, begun, let_go) = Halting::new();
        let host = door.host_with(&settings, keys, VERSION, halting);
        let mut reads = false;
        door.until(&lab, &mut worker, || {
            reads |= begun.try_recv().is_ok();
            reads
        });
        host.within(Duration::from_secs(within));
        drop(let_go);
        host.stop();
        door.until(&lab, &mut worker, || !door.is_connected("one"));
        if within > 0 {
            door.until(&lab, &mut worker, || lab.state(id).state == Word::INDEXED);
        } else {
            lab.work(&mut worker);
            assert_ne!(lab.state(id).state, Word::INDEXED);
            assert_ne!(lab.state(id).state, Word::INDEXING_FAILED);
        }
    }
}

#[test]
fn strangers_that_dawdle_are_cut_off_and_keep_no_host_out() {
    let lab = Lab::new();
    let index = lab.index();
    let door = Door::new(&lab, &["one"]);
    let mut worker = lab.worker(&index, Inside).with_hub(door.hub.clone());
    // More than one address may have, each a byte of TLS and no more.
    let mut dawdling: Vec<_> = (0..12).map(|_| from([127, 0, 0, 9], door.address)).collect();
    for socket in &mut dawdling {
        drop(socket.write_all(&[0x16]));
    }
    let mut plain = from([127, 0, 0, 8], door.address);
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let host = door.host("one", HostKeys::default(), VERSION, Inside);
    let begun = Instant::now();
    door.until(&lab, &mut worker, || door.is_connected("one"));
    assert!(begun.elapsed() < Duration::from_secs(8), "nobody waits for them");
    let said = |what: &str| {
        let refused = door.hub.report().refused;
        refused.iter().any(|refusal| refusal.reason.contains(what))
    };
    // However it trickles.
    let mut last = Instant::now();
    door.until(&lab, &mut worker, || {
        if last.elapsed() > Duration::from_secs(1) {
            last = Instant::now();
            dawdling
                .iter_mut()
                .for_each(|socket| drop(socket.write_all(&[3])));
        }
        said("within 10 s") && said("too many connections") && said("no secure connection")
    });
    assert!(door.is_connected("one"));
    host.stop();
}
