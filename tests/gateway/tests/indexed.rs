//! Encrypted sessions that are to be indexed although no key of an auditor is on the appliance.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends at the first surprise"
)]

use std::fs;
use std::time::Duration;

use sps_cluster_config::sections::policies::{AuditPolicy, IndexerPolicy};
use sps_gateway::Ground as _;
use sps_gateway_tests::laboratory::Laboratory;
use sps_gateway_tests::policies;
use sps_session_record::{SessionRecord, Word};
use sps_trail::{Kind, Playback, PrivateKey};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(30);

/// A session that shows `shown` and reads `typed`, encrypted for an auditor.
async fn session(encrypted: bool) -> (Laboratory, SessionRecord, PrivateKey) {
    let keys = tempfile::tempdir().unwrap();
    let certificate = policies::certificate(keys.path()).unwrap();
    let auditor = PrivateKey::from_pem(&fs::read(keys.path().join("key")).unwrap()).unwrap();
    let laboratory = Laboratory::start(|document| {
        let trails = AuditPolicy {
            encryption: vec![fs::read_to_string(certificate).unwrap()],
            ..AuditPolicy::default()
        };
        document.policies.audit = [("trails".to_owned(), trails)].into();
        let policy = IndexerPolicy {
            encrypted_sessions: encrypted,
            ..IndexerPolicy::default()
        };
        document.policies.indexer = [("all".to_owned(), policy)].into();
        document.connections.ssh.connections[0].indexer_policy = Some("all".into());
    })
    .unwrap();
    let mut ssh = laboratory.client("ssh").unwrap();
    let mut ssh = ssh
        .args(["127.0.0.1", "cat > /dev/null; echo shown"])
        .spawn()
        .unwrap();
    let mut typed = ssh.stdin.take().unwrap();
    typed.write_all(b"typed").await.unwrap();
    drop(typed);
    assert!(
        timeout(WITHIN, ssh.wait())
            .await
            .expect("in time")
            .unwrap()
            .success()
    );
    let mut changes = laboratory.running.live.changes();
    let ended = changes.wait_for(|_| laboratory.running.live.list().is_empty());
    timeout(WITHIN, ended).await.expect("in time").unwrap();
    let record = laboratory
        .running
        .folder
        .database()
        .records()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(record.indexing.state, Word::QUEUED);
    (laboratory, record, auditor)
}

/// What these keys open: outputs and inputs.
fn opened(
    laboratory: &Laboratory,
    record: &SessionRecord,
    keys: Vec<PrivateKey>,
) -> Option<(String, String)> {
    let name = &record.trail.as_ref().unwrap().name;
    let mut playback = Playback::new(None, keys);
    playback.push(&fs::read(laboratory.path("data/trails").join(name)).unwrap());
    let (mut shown, mut typed) = (String::new(), String::new());
    while let Some(event) = playback.next().ok()? {
        match event.kind {
            Kind::Output { data, .. } => shown += &String::from_utf8_lossy(&data),
            Kind::Input { data } => typed += &String::from_utf8_lossy(&data),
            _ => {}
        }
    }
    Some((shown, typed))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_the_day_opens_the_screen_until_it_is_destroyed() {
    let (laboratory, record, auditor) = session(true).await;
    let keys = laboratory.running.folder.index_keys().unwrap();
    let own = || {
        let keys = keys.private_keys().unwrap().into_iter();
        keys.map(|key| PrivateKey::from_pem(key.as_bytes()).unwrap())
            .collect()
    };
    let by_index = opened(&laboratory, &record, own());
    assert_eq!(
        by_index,
        Some(("shown\n".into(), String::new())),
        "and not what was typed"
    );
    let by_auditor = opened(&laboratory, &record, vec![auditor]);
    assert_eq!(by_auditor, Some(("shown\n".into(), "typed".into())));
    for day in keys.days() {
        keys.forget(day).unwrap();
    }
    assert_eq!(opened(&laboratory, &record, own()), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_auditor_reads_where_the_policy_does_not_say_so() {
    let (laboratory, record, auditor) = session(false).await;
    assert!(laboratory.running.folder.index_keys().unwrap().days().is_empty());
    assert_eq!(opened(&laboratory, &record, vec![]), None);
    assert!(opened(&laboratory, &record, vec![auditor]).is_some());
}
