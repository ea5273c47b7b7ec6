//! Sessions that were going on when the power failed.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::time::{Duration, Instant};

use sps_gateway_tests::ground::{Folder, start};
use sps_gateway_tests::policies;
use sps_session_record::{Endpoint, FORMAT, Indexing, SessionRecord, TrailFile, Word};

const WITHIN: Duration = Duration::from_secs(20);

fn begun(id: &str, trail: bool) -> SessionRecord {
    SessionRecord {
        format: FORMAT,
        id: id.into(),
        protocol: Word::SSH,
        connection: "servers".into(),
        start: 1_800_000_000_000,
        end: None,
        client: Endpoint {
            address: "192.0.2.7".into(),
            port: 50_022,
        },
        server: None,
        target: None,
        gateway_user: None,
        server_user: None,
        verdict: Word::ACCEPT,
        channels: Vec::new(),
        events: Vec::new(),
        trail: trail.then(|| TrailFile {
            name: format!("{id}.zat"),
            size: 0,
        }),
        indexing: Indexing::default(),
    }
}

#[tokio::test]
async fn what_a_power_cut_interrupted_has_its_end_at_the_next_start() {
    let root = tempfile::tempdir().unwrap();
    let port = policies::free_port().unwrap();
    let document = policies::to_server(port, 22, true, vec![]);
    {
        let folder = Folder::make(root.path(), &document).unwrap();
        let sessions = folder.database();
        sessions.begin(begun("ssh-cut", true)).unwrap();
        sessions.begin(begun("ssh-never-recorded", false)).unwrap();
        sessions.begin(begun("ssh-ended", false)).unwrap();
        sessions
            .end("ssh-ended", 1_800_000_001_000, Word::ACCEPT, None)
            .unwrap();
        sessions.flush(WITHIN).unwrap();
        fs::write(root.path().join("trails/ssh-cut.zat"), [0; 1234]).unwrap();
        let mut unfinished = sessions.unfinished(10).unwrap();
        unfinished.sort();
        assert_eq!(unfinished, ["ssh-cut", "ssh-never-recorded"]);
    }
    let running = start(root.path(), &document, ([127, 0, 0, 1], port).into()).unwrap();
    let sessions = running.folder.database();
    let cut = sessions.get("ssh-cut").unwrap().unwrap();
    assert_eq!(cut.verdict, Word::TERMINATED);
    assert_eq!(cut.trail.unwrap().size, 1234);
    assert!(cut.end.unwrap() >= cut.start);
    assert!(
        cut.events[0].text.contains("the appliance stopped"),
        "{:?}",
        cut.events
    );
    let other = sessions.get("ssh-never-recorded").unwrap().unwrap();
    assert_eq!((other.verdict, other.end), (Word::TERMINATED, Some(other.start)));
    let ended = sessions.get("ssh-ended").unwrap().unwrap();
    assert_eq!(
        (ended.verdict, ended.end),
        (Word::ACCEPT, Some(1_800_000_001_000))
    );
    assert!(ended.events.is_empty());
    assert!(sessions.unfinished(10).unwrap().is_empty());
}

/// As many as an appliance has at its limit.
#[tokio::test]
async fn thousands_of_interrupted_sessions_keep_nobody_waiting() {
    const COUNT: usize = 2_000;
    let root = tempfile::tempdir().unwrap();
    let port = policies::free_port().unwrap();
    let document = policies::to_server(port, 22, true, vec![]);
    {
        let folder = Folder::make(root.path(), &document).unwrap();
        for number in 0..COUNT {
            folder
                .database()
                .begin(begun(&format!("ssh-{number}"), true))
                .unwrap();
        }
        folder.database().flush(WITHIN).unwrap();
    }
    let begun = Instant::now();
    let running = start(root.path(), &document, ([127, 0, 0, 1], port).into()).unwrap();
    assert!(begun.elapsed() < WITHIN, "{:?}", begun.elapsed());
    assert!(running.folder.database().unfinished(10).unwrap().is_empty());
}
