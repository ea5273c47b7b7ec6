//! Sessions whose record a power cut took: their audit trails give it back.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use sps_cluster_config::sections::policies::AuditPolicy;
use sps_gateway_tests::ground::start;
use sps_gateway_tests::laboratory::Laboratory;
use sps_gateway_tests::policies;
use sps_session_record::{SessionRecord, TrailFile, Word};
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(30);

/// A session that ran a command, and the folder its trail is in.
async fn session(laboratory: &Laboratory) -> SessionRecord {
    let mut ssh = laboratory.client("ssh").unwrap();
    let ran = ssh.args(["127.0.0.1", "echo done"]).output();
    assert!(timeout(WITHIN, ran).await.unwrap().unwrap().status.success());
    let mut changes = laboratory.running.live.changes();
    let ended = changes.wait_for(|_| laboratory.running.live.list().is_empty());
    timeout(WITHIN, ended).await.unwrap().unwrap();
    let sessions = laboratory.running.folder.database();
    let mut records = sessions.records();
    let record = records.next().unwrap().unwrap();
    assert!(records.next().is_none());
    record
}

/// The record that a data store with nothing but the trail has after its start.
fn recovered(laboratory: &Laboratory, record: &SessionRecord, root: &Path) -> SessionRecord {
    let name = &record.trail.as_ref().unwrap().name;
    let port = policies::free_port().unwrap();
    let day = root.join("trails/2026/11/23");
    fs::create_dir_all(&day).unwrap();
    let trail = laboratory.path("data/trails").join(name);
    fs::copy(trail, day.join(name)).unwrap();
    // What is no trail stays what it is.
    fs::write(day.join("ssh-other.zat"), "nothing").unwrap();
    let document = policies::to_server(port, 22, true, vec![]);
    let running = start(root, &document, ([127, 0, 0, 1], port).into()).unwrap();
    let sessions = running.folder.database();
    assert_eq!(sessions.records().count(), 1);
    let found = sessions.get(&record.id).unwrap().unwrap();
    assert_eq!(
        found.trail,
        Some(TrailFile {
            name: format!("2026/11/23/{name}"),
            size: record.trail.as_ref().unwrap().size,
        })
    );
    found
}

fn same_head(found: &SessionRecord, record: &SessionRecord) {
    assert_eq!(
        (&found.connection, &found.client, &found.server, &found.target),
        (&record.connection, &record.client, &record.server, &record.target)
    );
    assert_eq!(
        (
            &found.start,
            &found.gateway_user,
            &found.server_user,
            &found.protocol
        ),
        (
            &record.start,
            &record.gateway_user,
            &record.server_user,
            &record.protocol
        )
    );
    let last = found.events.last().unwrap();
    assert!(last.text.contains("known from its audit trail"), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_of_no_session_becomes_the_session_it_was() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let record = session(&laboratory).await;
    let root = tempfile::tempdir().unwrap();
    let found = recovered(&laboratory, &record, root.path());
    same_head(&found, &record);
    assert_eq!(found.verdict, record.verdict);
    let kinds = |record: &SessionRecord| {
        let kinds = record.channels.iter().map(|channel| channel.kind.clone());
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(kinds(&found), kinds(&record));
    assert!(found.channels[0].end.is_some());
    assert_eq!(
        (&found.events[0].kind, &*found.events[0].text),
        (&Word::COMMAND, "echo done")
    );
    assert_eq!(found.events.len(), record.events.len() + 1);
    let late = found.end.unwrap() - record.end.unwrap();
    assert!((-1000..=1000).contains(&late), "{late} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_encrypted_trail_the_head_is_enough() {
    let keys = tempfile::tempdir().unwrap();
    let certificate = policies::certificate(keys.path()).unwrap();
    let laboratory = Laboratory::start(|document| {
        let trails = AuditPolicy {
            encryption: vec![fs::read_to_string(certificate).unwrap()],
            ..AuditPolicy::default()
        };
        document.policies.audit = [("trails".to_owned(), trails)].into();
    })
    .unwrap();
    let record = session(&laboratory).await;
    let root = tempfile::tempdir().unwrap();
    let found = recovered(&laboratory, &record, root.path());
    same_head(&found, &record);
    assert!(found.channels.is_empty());
}
