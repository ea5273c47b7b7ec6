//! The process is killed at any moment: what was acknowledged more than a second before is there, and a batch with its cursor whole.
//!
//! The child is the test itself, started anew with the file in its environment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at the first surprise"
)]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::Dice;
use sps_session_record::SessionRecord;
use sps_sessions::{Batch, Change, Sessions};

/// What the child is told by: the file.
const FILE: &str = "SPS_SESSIONS_KILL";
/// How long what was acknowledged may take to the disk.
const PROMISE: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(60);
const BATCH: u64 = 500;

fn session(number: u64) -> SessionRecord {
    let mut record = common::session(&mut Dice(number), &format!("s{number}"));
    record.start = 1_700_000_000_000 - number as i64;
    record
}

/// Runs the test `name` of this program as a child and kills it after `life`. Returns its lines, each with its age at the kill.
fn kill(name: &str, file: &Path, life: Duration) -> Vec<(u64, Duration)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut heard, mut first) = (Vec::new(), None);
    while first.is_none_or(|first: Instant| first.elapsed() < life) {
        let line = lines.next().unwrap().unwrap();
        let Some(number) = line.strip_prefix("done ") else {
            continue;
        };
        first.get_or_insert_with(Instant::now);
        heard.push((number.parse().unwrap(), Instant::now()));
    }
    let killed = Instant::now();
    child.kill().unwrap();
    child.wait().unwrap();
    heard
        .into_iter()
        .map(|(number, at)| (number, killed - at))
        .collect()
}

fn say(number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "done {number}").and_then(|()| out.flush()).unwrap();
}

fn record_for_ever(file: &str) {
    let sessions = Sessions::open(Path::new(file)).unwrap();
    for number in 0.. {
        sessions.begin(session(number)).unwrap();
        sessions
            .update(&format!("s{number}"), Change::ServerUser("root".into()))
            .unwrap();
        say(number);
    }
}

#[test]
fn what_was_acknowledged_a_second_ago_survives_a_kill() {
    if let Ok(file) = std::env::var(FILE) {
        return record_for_ever(&file);
    }
    let mut dice = Dice(7);
    for round in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessions.db");
        let life = Duration::from_millis(1100 + dice.below(900));
        let heard = kill("what_was_acknowledged_a_second_ago_survives_a_kill", &file, life);
        let promised = heard
            .iter()
            .filter(|(_, age)| *age > PROMISE)
            .map(|(number, _)| *number)
            .max();
        let promised = promised.expect("the child lived for more than a second");
        let sessions = Sessions::open(&file).unwrap();
        sessions.check(LIMIT).unwrap();
        let there: Vec<SessionRecord> = sessions.records().map(Result::unwrap).collect();
        // What is there is all up to some session, none missing between.
        let count = there.len() as u64;
        assert!(
            count > promised,
            "round {round}: {promised} was promised, {count} are there"
        );
        for number in 0..count {
            let record = sessions.get(&format!("s{number}")).unwrap().unwrap();
            let told = number + 1 < count || record.server_user.as_deref() == Some("root");
            assert_eq!(record.start, session(number).start);
            assert!(
                told || number > promised,
                "round {round}: session {number} lost its update"
            );
        }
        println!(
            "round {round}: {promised} promised, {count} there, {} acknowledged",
            heard.len()
        );
    }
}

fn import_for_ever(file: &str) {
    let sessions = Sessions::open(Path::new(file)).unwrap();
    let cursor = sessions.importer("trails").unwrap();
    let mut next = cursor.map_or(0, |cursor| u64::from_be_bytes(cursor.try_into().unwrap()));
    loop {
        let records = (next..next + BATCH).map(session).collect();
        next += BATCH;
        let batch = Batch {
            records,
            importer: "trails".into(),
            cursor: next.to_be_bytes().to_vec(),
            incomplete_until: Some(-(next as i64)),
        };
        assert_eq!(sessions.import(batch).unwrap().added as u64, BATCH);
        say(next);
    }
}

#[test]
fn an_import_goes_on_exactly_where_a_kill_ended_it() {
    if let Ok(file) = std::env::var(FILE) {
        return import_for_ever(&file);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    let mut dice = Dice(9);
    let mut before = 0;
    for round in 0..6 {
        let heard = kill(
            "an_import_goes_on_exactly_where_a_kill_ended_it",
            &file,
            Duration::from_millis(20 + dice.below(700)),
        );
        let promised = heard.iter().map(|(number, _)| *number).max().unwrap();
        let sessions = Sessions::open(&file).unwrap();
        let cursor = sessions.importer("trails").unwrap().unwrap();
        let cursor = u64::from_be_bytes(cursor.try_into().unwrap());
        assert!(cursor >= promised && cursor > before, "round {round}");
        assert_eq!(
            sessions.records().map(Result::unwrap).count() as u64,
            cursor,
            "round {round}"
        );
        for number in [0, before, cursor - 1] {
            assert_eq!(
                sessions.get(&format!("s{number}")).unwrap(),
                Some(session(number))
            );
        }
        sessions.check(LIMIT).unwrap();
        before = cursor;
    }
}
