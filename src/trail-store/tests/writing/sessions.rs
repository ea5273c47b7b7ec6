//! Sessions side by side, as fast as they like.

use std::time::{Duration, Instant};

use sps_trail::{Event, State, Word};
use sps_trail_store::{Pace, RecordError, TrailStore};

use crate::lab::{begin, ending, noise, read, runtime, store};

#[test]
fn what_sessions_record_is_in_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    runtime().block_on(async {
        let mut trails = Vec::new();
        for number in 0..50_u64 {
            trails.push(
                begin(&store, &format!("2024/05/17/{number}.trail"))
                    .await
                    .unwrap(),
            );
        }
        for step in 0..20_u64 {
            for (number, trail) in (0_u64..).zip(&trails) {
                let line = format!("{number}: line {step}\r\n");
                trail
                    .append(&Event::output(step * 1000, 1, line.as_bytes()))
                    .await
                    .unwrap();
            }
            trails[0].flush().await.unwrap();
        }
        for (number, trail) in (0_u64..).zip(trails) {
            let finished = trail.finish(ending()).await.unwrap();
            let file = folder.path().join(format!("2024/05/17/{number}.trail"));
            assert_eq!(finished.size, file.metadata().unwrap().len());
            let wanted: String = (0..20).map(|step| format!("{number}: line {step}\r\n")).collect();
            let (output, report) = read(&file);
            assert_eq!(String::from_utf8(output).unwrap(), wanted);
            assert_eq!(report.state, State::Complete);
            assert_eq!(report.ending, Some(ending()));
        }
    });
}

#[test]
fn what_was_flushed_is_in_the_file_while_the_session_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    runtime().block_on(async {
        let trail = begin(&store, "a.trail").await.unwrap();
        let file = folder.path().join("a.trail");
        assert_eq!(read(&file).0, b"");
        trail.append(&Event::output(1, 1, b"hello")).await.unwrap();
        trail.flush().await.unwrap();
        let (output, report) = read(&file);
        assert_eq!(output, b"hello");
        assert_eq!((report.chunks, report.sealed_chunks), (1, 0));
        assert!(matches!(report.state, State::Cut { .. }));
    });
}

#[test]
fn what_was_recorded_is_written_within_a_second_without_being_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrailStore::start(folder.path(), Pace::default(), Box::new(|| Ok(()))).unwrap();
    runtime().block_on(async {
        let trail = begin(&store, "a.trail").await.unwrap();
        let file = folder.path().join("a.trail");
        for event in 0..3_u8 {
            trail
                .append(&Event::output(u64::from(event) * 50_000, 1, &[b'a' + event]))
                .await
                .unwrap();
            let begun = Instant::now();
            while read(&file).0.len() <= usize::from(event) {
                // Twice what is promised: the machine of a test is busy.
                assert!(
                    begun.elapsed() < Duration::from_secs(2),
                    "event {event} is not in the file"
                );
                tokio::task::yield_now().await;
            }
        }
    });
}

#[test]
fn a_session_that_is_faster_than_the_disk_waits_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let data = noise(3, 100_000);
    let waits = runtime().block_on(async {
        let trail = begin(&store, "a.trail").await.unwrap();
        let mut waits = 0;
        for step in 0..300 {
            if let Some(wait) = trail.record(&Event::output(step, 1, &data)).unwrap() {
                waits += 1;
                wait.over().await.unwrap();
            }
        }
        trail.finish(ending()).await.unwrap();
        waits
    });
    assert!(waits > 0, "the disk was never behind");
    let (output, report) = read(&folder.path().join("a.trail"));
    assert!(output == data.repeat(300), "something is missing");
    assert_eq!(report.state, State::Complete);
}

#[test]
fn what_cannot_begin_says_why_and_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    std::fs::write(folder.path().join("there"), "evidence").unwrap();
    runtime().block_on(async {
        for name in ["", "/etc/passwd", "../a", "a/../../b", "a\0b"] {
            let error = begin(&store, name).await.unwrap_err();
            assert!(matches!(error, RecordError::Name { .. }), "{name:?}: {error}");
        }
        let error = begin(&store, "there").await.unwrap_err().to_string();
        assert!(
            error.contains("could not make the audit trail") && error.contains("there"),
            "{error}"
        );
    });
    assert_eq!(std::fs::read(folder.path().join("there")).unwrap(), b"evidence");
    assert!(TrailStore::start(&folder.path().join("none"), Pace::default(), Box::new(|| Ok(()))).is_err());
    let full = Box::new(|| Err("the disk is full".to_owned()));
    let other = TrailStore::start(folder.path(), Pace::default(), full).unwrap();
    let error = runtime().block_on(begin(&other, "new")).unwrap_err().to_string();
    assert_eq!(error, "no session is recorded now: the disk is full");
    assert!(!folder.path().join("new").exists());
}

#[test]
fn a_recorder_that_is_given_up_ends_its_trail() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    runtime().block_on(async {
        let trail = begin(&store, "a.trail").await.unwrap();
        trail.append(&Event::output(1, 1, b"hello")).await.unwrap();
        drop(trail);
        // What was asked for later is answered later.
        begin(&store, "b.trail")
            .await
            .unwrap()
            .finish(ending())
            .await
            .unwrap();
    });
    let (output, report) = read(&folder.path().join("a.trail"));
    assert_eq!(
        (output.as_slice(), report.state),
        (&b"hello"[..], State::Complete)
    );
    assert_eq!(report.ending.unwrap().verdict, Word::TERMINATED);
}

#[test]
fn stopping_writes_what_there_is_and_cuts_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = TrailStore::start(
        folder.path(),
        Pace {
            round: Duration::from_secs(3600),
        },
        Box::new(|| Ok(())),
    )
    .unwrap();
    runtime().block_on(async {
        let trail = begin(&store, "a.trail").await.unwrap();
        trail.append(&Event::output(1, 1, b"hello")).await.unwrap();
        store.stop();
        let refused = trail.append(&Event::output(2, 1, b"more")).await.unwrap_err();
        assert!(matches!(refused, RecordError::Closed), "{refused}");
        assert!(matches!(trail.failure().await, RecordError::Closed));
        assert!(matches!(trail.finish(ending()).await, Err(RecordError::Closed)));
    });
    let (output, report) = read(&folder.path().join("a.trail"));
    assert_eq!(output, b"hello");
    assert!(matches!(report.state, State::Cut { .. }));
}
