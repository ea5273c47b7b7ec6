//! Archiving and retention as the database keeps them.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code: a failed step ends its test"
)]

use std::path::Path;

use sps_session_record::{Endpoint, FORMAT, Indexing, SessionRecord, TrailFile, Word};
use sps_sessions::{Archived, Batch, Expiry, Sessions};

const DAY: i64 = 24 * 3600 * 1000;

fn record(number: i64, end: Option<i64>, trail: bool) -> SessionRecord {
    let id = format!("ssh-{number}");
    SessionRecord {
        format: FORMAT,
        protocol: Word::SSH,
        connection: "linux".into(),
        start: number * DAY,
        end,
        client: Endpoint {
            address: "192.0.2.7".into(),
            port: 1,
        },
        server: None,
        target: None,
        gateway_user: None,
        server_user: None,
        verdict: Word::ACCEPT,
        channels: Vec::new(),
        events: Vec::new(),
        trail: trail.then(|| TrailFile {
            name: format!("2024/{id}.zat"),
            size: 7,
        }),
        indexing: Indexing::default(),
        id,
    }
}

/// Days 1 to 6: 2 has no trail, 3 goes on, 4 ended on day 20.
fn filled(folder: &Path) -> Sessions {
    let sessions = Sessions::open(&folder.join("s.db")).unwrap();
    let records = (1..=6).map(|day| {
        let end = match day {
            3 => None,
            4 => Some(20 * DAY),
            day => Some(day * DAY + 1),
        };
        record(day, end, day != 2)
    });
    let batch = Batch {
        records: records.collect(),
        importer: "test".into(),
        cursor: Vec::new(),
        incomplete_until: None,
    };
    assert_eq!(sessions.import(batch).unwrap().refused, []);
    sessions
}

fn due(sessions: &Sessions, before: i64) -> Vec<String> {
    let step = sessions.due(before, None).unwrap();
    assert_eq!(step.next, None);
    step.due.into_iter().map(|due| due.id).collect()
}

fn moved(id: &str) -> Archived {
    Archived {
        id: id.into(),
        policy: "old".into(),
        target: Some("disk backup".into()),
        object: format!("audit/{id}.zat"),
        at: 1_800_000_000,
        sha256: "ab".repeat(32),
    }
}

#[test]
fn due_are_trails_of_sessions_that_ended_before_and_the_oldest_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = filled(folder.path());
    assert_eq!(due(&sessions, 6 * DAY), ["ssh-1", "ssh-5"]);
    assert_eq!(due(&sessions, 21 * DAY), ["ssh-1", "ssh-4", "ssh-5", "ssh-6"]);
    assert_eq!(due(&sessions, DAY), [""; 0]);
    assert_eq!(due(&sessions, i64::MIN), [""; 0]);
    assert!(sessions.archive(moved("ssh-1")).unwrap());
    assert_eq!(due(&sessions, 6 * DAY), ["ssh-5"]);
}

#[test]
fn what_became_of_a_trail_is_noted_once_and_local_files_are_remembered_until_they_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = filled(folder.path());
    assert_eq!(sessions.archived("ssh-1").unwrap(), None);
    assert!(sessions.archive(moved("ssh-1")).unwrap());
    let later = Archived {
        at: 1_900_000_000,
        target: None,
        ..moved("ssh-1")
    };
    assert!(sessions.archive(later).unwrap());
    assert_eq!(sessions.archived("ssh-1").unwrap(), Some(moved("ssh-1")));
    assert!(!sessions.archive(moved("strange")).unwrap());
    let here = |sessions: &Sessions| -> Vec<String> {
        let here = sessions.archived_still_here().unwrap();
        here.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(here(&sessions), ["ssh-1"]);
    drop(sessions);
    let again = Sessions::open(&folder.path().join("s.db")).unwrap();
    assert_eq!(here(&again), ["ssh-1"]);
    again.archived_gone(vec!["ssh-1".into()]).unwrap();
    assert_eq!(here(&again), [""; 0]);
    assert_eq!(again.archived_count().unwrap(), (1, 0));
    assert_eq!(
        again.get("ssh-1").unwrap().unwrap().trail.unwrap().size,
        7,
        "it stays searchable"
    );
}

#[test]
fn what_goes_on_has_not_ended_or_is_not_archived_never_expires() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = filled(folder.path());
    let expiry = |before, archived_only| Expiry {
        before,
        archived_only,
        from: None,
    };
    assert_eq!(sessions.expire(expiry(i64::MIN, false)).unwrap().sessions, 0);
    sessions.archive(moved("ssh-1")).unwrap();
    let kept = sessions.expire(expiry(6 * DAY, true)).unwrap();
    assert_eq!(
        (kept.sessions, kept.more),
        (2, false),
        "1, archived, and 2, without a trail"
    );
    let gone = sessions.expire(expiry(6 * DAY, false)).unwrap();
    assert_eq!(
        (gone.sessions, gone.trails.as_slice()),
        (1, ["2024/ssh-5.zat".to_owned()].as_slice())
    );
    let left: Vec<String> = sessions.records().map(|record| record.unwrap().id).collect();
    assert_eq!(left, ["ssh-3", "ssh-4", "ssh-6"]);
    let doomed = sessions.trails_to_remove().unwrap();
    let ids: Vec<&str> = doomed.iter().map(|doomed| doomed.id.as_str()).collect();
    assert_eq!(ids, ["ssh-1", "ssh-5"]);
    assert_eq!(sessions.archived_count().unwrap(), (0, 0));
}
