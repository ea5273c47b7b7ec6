//! Which sessions come into the index, and what becomes of those that do not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod common;

use std::fs;
use std::io::Read;

use common::{Inside, Lab, START, queued, somebody};
use sps_index::{Index, Progress};
use sps_index_engine::{Query, VERSION};
use sps_indexer::{Done, Growing, Reader, ReaderError};
use sps_session_record::{Indexing, Word};
use sps_trail::{Recipient, Recipients};
use zeroize::Zeroizing;

fn indexed() -> Indexing {
    Indexing {
        state: Word::INDEXED,
        version: VERSION,
    }
}

fn moments(index: &Index, query: &str, id: &str) -> usize {
    index
        .moments(&Query::parse(query).unwrap(), id, 100)
        .unwrap()
        .len()
}

#[test]
fn sessions_that_ended_are_found_by_what_was_shown_and_not_by_what_was_typed() {
    let lab = Lab::new();
    let index = lab.index();
    let mut worker = lab.worker(&index, Inside);
    // One waits since before this start, one ends now, one goes on, and of one nothing is to be indexed.
    lab.waiting("before", "permission denied\r\n");
    assert_eq!(lab.work(&mut worker), [Done::Fresh]);
    lab.waiting("now", "all is well\r\n");
    lab.trail("goes-on", "denied as well\r\n", &Recipients::default());
    lab.session("goes-on", START, None, queued());
    lab.trail("other", "denied too\r\n", &Recipients::default());
    lab.session("other", START, Some(START + 1), Indexing::default());
    for id in ["now", "goes-on", "other", "not there"] {
        lab.queue.ended(id);
    }
    lab.work(&mut worker);
    let all = ["before", "now", "goes-on", "other"];
    assert_eq!(lab.found(&index, "denied", &all), ["before"]);
    assert_eq!(lab.found(&index, "well", &all), ["now"]);
    assert_eq!(lab.found(&index, "typed", &all), Vec::<String>::new());
    assert_eq!((lab.state("before"), lab.state("now")), (indexed(), indexed()));
    assert_eq!(
        (lab.state("goes-on"), lab.state("other")),
        (queued(), Indexing::default())
    );
}

#[test]
fn an_encrypted_trail_waits_for_the_key_that_opens_it() {
    let lab = Lab::new();
    let (folder, index) = (lab.folder.path(), lab.index());
    for name in ["auditor", "other"] {
        somebody(folder, name);
    }
    let recipient = Recipient::from_pem(&fs::read(folder.join("auditor.pem")).unwrap()).unwrap();
    let recipients = Recipients {
        downstream: vec![recipient.clone()],
        upstream: vec![recipient],
        ..Recipients::default()
    };
    lab.trail("closed", "permission denied\r\n", &recipients);
    lab.session("closed", START, Some(START + 1), queued());
    let key = |name: &str| Zeroizing::new(fs::read_to_string(folder.join(format!("{name}.key"))).unwrap());
    let mut worker = lab.worker(&index, Inside);
    for keys in [
        vec![],
        vec![key("other")],
        vec![Zeroizing::new("no key".to_owned())],
    ] {
        worker.set_keys(keys);
        lab.queue.look_again();
        assert_eq!(lab.work(&mut worker), [Done::Fresh]);
        assert_eq!(lab.state("closed").state, Word::NO_KEY);
        assert_eq!(index.size().moments, 0);
    }
    worker.set_keys(vec![key("other"), key("auditor")]);
    lab.queue.look_again();
    lab.work(&mut worker);
    assert_eq!(lab.found(&index, "denied", &["closed"]), ["closed"]);
    // Even with a key that opens what was typed.
    assert_eq!(lab.found(&index, "typed", &["closed"]), Vec::<String>::new());
    assert_eq!(lab.state("closed"), indexed());
}

/// Ends in the middle for sessions that show `bad`, in the way that its number says.
struct Faulty(u8);

impl Reader for Faulty {
    fn read(
        &self,
        input: &mut (dyn Read + Send),
        take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), ReaderError> {
        let mut told = Vec::new();
        let mut all = Vec::new();
        input.read_to_end(&mut all)?;
        Inside.read(&mut &all[..], &mut |bytes| {
            told.extend_from_slice(bytes);
            true
        })?;
        if !told.windows(3).any(|text| text == b"bad") {
            take(&told);
            return Ok(());
        }
        match self.0 {
            // Without its end.
            0 => drop(take(&told[..told.len() - 2])),
            // With something after it.
            1 => drop(take(&[&told[..], b"x"].concat())),
            // Something else.
            2 => drop(take(b"\x07what is this")),
            // It fails after all was told.
            3 => {
                take(&told);
                return Err("it was ended by signal 11".into());
            }
            _ => {}
        }
        Ok(())
    }
}

#[test]
fn a_reader_that_fails_leaves_nothing_and_stops_no_other_session() {
    for fault in 0..5 {
        let lab = Lab::new();
        let index = lab.index();
        let mut worker = lab.worker(&index, Faulty(fault));
        for (id, shown) in [("one", "good"), ("two", "bad and good"), ("three", "good")] {
            lab.waiting(id, shown);
            lab.queue.ended(id);
        }
        lab.work(&mut worker);
        let all = ["one", "two", "three"];
        assert_eq!(lab.found(&index, "good", &all), ["one", "three"], "{fault}");
        assert_eq!(lab.state("two").state, Word::INDEXING_FAILED, "{fault}");
        assert_eq!(lab.state("three"), indexed());
    }
}

#[test]
fn trails_that_are_not_there_or_are_damaged_are_told() {
    let lab = Lab::new();
    let index = lab.index();
    let mut worker = lab.worker(&index, Inside);
    lab.session("gone", START, Some(START + 1), queued());
    lab.session("foreign", START, Some(START + 1), queued());
    fs::write(lab.path("foreign"), b"of another product").unwrap();
    lab.waiting("cut", "permission denied\r\n");
    let whole = fs::read(lab.path("cut")).unwrap();
    fs::write(lab.path("cut"), &whole[..whole.len() - 1]).unwrap();
    assert_eq!(lab.work(&mut worker).len(), 3);
    assert_eq!(lab.state("gone").state, Word::INDEXING_FAILED);
    assert_eq!(lab.state("foreign").state, Word::INDEXING_FAILED);
    // What stands before the place where it was cut is found.
    assert_eq!(lab.found(&index, "denied", &["cut", "gone"]), ["cut"]);
}

#[test]
fn after_a_stop_a_session_stands_in_the_index_once() {
    let lab = Lab::new();
    lab.waiting("one", "permission denied\r\n");
    {
        let index = lab.index();
        let mut worker = lab.worker(&index, Inside);
        assert_eq!(worker.step(&lab.queue).unwrap(), Done::Fresh);
        // It is neither written nor told.
        assert_eq!(lab.state("one"), queued());
    }
    for _ in 0..2 {
        let index = lab.index();
        let mut worker = lab.worker(&index, Inside);
        lab.queue.look_again();
        lab.work(&mut worker);
        assert_eq!(
            (moments(&index, "denied", "one"), lab.state("one")),
            (1, indexed())
        );
        // As if it had stopped between writing and telling.
        lab.sessions
            .update("one", sps_sessions::Change::Indexing(queued()))
            .unwrap();
        lab.sessions.flush(std::time::Duration::from_secs(60)).unwrap();
    }
}

#[test]
fn a_lost_index_is_made_anew_from_the_newest_to_the_oldest() {
    let lab = Lab::new();
    let ids: Vec<String> = (0..5).map(|number| format!("s{number}")).collect();
    for (at, id) in (0..).zip(&ids) {
        lab.trail(id, "permission denied\r\n", &Recipients::default());
        let earlier = Indexing {
            state: Word::INDEXED,
            version: VERSION - 1,
        };
        lab.session(id, START + at, Some(START + 5000), earlier);
    }
    // Its trail was archived: it stays as it is, and everybody can see that an earlier indexer read it.
    fs::remove_file(lab.path("s1")).unwrap();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    {
        let index = lab.index();
        let mut worker = lab.worker(&index, Inside);
        assert_eq!(
            (worker.walk().total(), worker.walk().until()),
            (5, Some(i64::MAX))
        );
        for _ in 0..2 {
            assert_eq!(worker.step(&lab.queue).unwrap(), Done::Again);
        }
        worker.write().unwrap();
        assert_eq!(lab.found(&index, "denied", &all), ["s3", "s4"]);
        assert_eq!(index.progress().unwrap(), Progress::Until(START + 4));
    }
    let index = lab.index();
    let mut worker = lab.worker(&index, Inside);
    // It goes on where it was: those that began in the last moment again.
    assert_eq!((worker.walk().total(), lab.work(&mut worker).len()), (4, 4));
    assert_eq!(lab.found(&index, "denied", &all), ["s0", "s2", "s3", "s4"]);
    assert_eq!(
        (worker.walk().until(), index.progress().unwrap()),
        (None, Progress::Complete)
    );
    assert_eq!(
        (lab.state("s1").version, lab.state("s0")),
        (VERSION - 1, indexed())
    );
    assert_eq!(moments(&index, "denied", "s3"), 1);
}

#[test]
fn a_session_that_goes_on_is_read_again_when_it_has_grown() {
    let lab = Lab::new();
    let index = lab.index();
    let mut worker = lab.worker(&index, Inside);
    let going = [Growing { id: "live".into() }];
    lab.session("live", START, None, queued());
    // There is nothing yet.
    worker.growing(&going).unwrap();
    let noise = |from: u32, lines: u32| -> String {
        // Nothing that compresses well.
        (from..from + lines)
            .map(|line| format!("{:x}\r\n", u64::from(line).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect()
    };
    lab.trail(
        "live",
        &format!("first\r\n{}", noise(0, 600)),
        &Recipients::default(),
    );
    worker.growing(&going).unwrap();
    assert_eq!(lab.found(&index, "first", &["live"]), ["live"]);
    // A little more is not worth reading all of it again, much more is.
    lab.trail(
        "live",
        &format!("first\r\n{}second\r\n", noise(0, 610)),
        &Recipients::default(),
    );
    worker.growing(&going).unwrap();
    assert_eq!(lab.found(&index, "second", &["live"]), Vec::<String>::new());
    lab.trail(
        "live",
        &format!("first\r\n{}second\r\n", noise(0, 2000)),
        &Recipients::default(),
    );
    worker.growing(&going).unwrap();
    assert_eq!(lab.found(&index, "second", &["live"]), ["live"]);
    assert_eq!(
        (moments(&index, "first", "live"), lab.state("live")),
        (1, queued())
    );
}

#[test]
fn what_is_taken_out_of_the_database_meanwhile_is_not_in_the_index() {
    let lab = Lab::new();
    let index = lab.index();
    let mut worker = lab.worker(&index, Inside);
    lab.waiting("one", "permission denied\r\n");
    assert_eq!(worker.step(&lab.queue).unwrap(), Done::Fresh);
    lab.sessions.delete_before(i64::MAX, 10).unwrap();
    worker.write().unwrap();
    assert_eq!(index.size().moments, 0);
}

/// Cannot be started.
struct Absent;

impl Reader for Absent {
    fn read(
        &self,
        _input: &mut (dyn Read + Send),
        _take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), ReaderError> {
        Err("there is no memory for a process".into())
    }

    fn is_elsewhere(&self, _error: &ReaderError) -> bool {
        true
    }
}

#[test]
fn what_is_no_fault_of_the_trail_leaves_the_session_waiting() {
    let lab = Lab::new();
    let index = lab.index();
    lab.waiting("one", "permission denied\r\n");
    let mut worker = lab.worker(&index, Absent);
    let error = worker.step(&lab.queue).unwrap_err();
    assert!(error.to_string().contains("no memory"), "{error}");
    worker.write().unwrap();
    assert_eq!(lab.state("one"), queued());
    lab.queue.look_again();
    lab.work(&mut lab.worker(&index, Inside));
    assert_eq!(lab.state("one"), indexed());
}
