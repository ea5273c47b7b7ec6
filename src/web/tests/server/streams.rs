//! The event stream: nothing lost, nothing twice, whatever happens in between.

use std::time::Duration;

use sps_bootlog::{CAPACITY, Level};
use sps_web::{Health, Limits};

use crate::common::{Setup, TestServer, soon};

#[tokio::test]
async fn a_stream_begins_with_boot_and_status_and_follows_the_log() {
    let server = TestServer::start().await;
    server.log.push(Level::Warning, "net", "before");
    let mut events = server.events("", &[]).await;
    let hello = events.next().await.unwrap();
    assert_eq!(
        (hello.name.as_str(), &hello.data["boot_id"]),
        ("hello", &"boot-1".into())
    );
    let status = events.next().await.unwrap();
    assert_eq!(
        (status.name.as_str(), &status.data["health"]),
        ("status", &"starting".into())
    );
    assert_eq!(status.data["headline"], "Starting");
    assert_eq!(events.next_of("log").await.id, Some(1));
    server.log.push(Level::Error, "net", "after");
    let log = events.next_of("log").await;
    assert_eq!(log.id, Some(2));
    assert_eq!(log.data["line"], server.log.after(1).entries[0].to_string());
    assert_eq!(log.data["level"], "error");
}

#[tokio::test]
async fn reconnecting_loses_and_repeats_nothing() {
    const ENTRIES: u64 = 3000;
    let server = TestServer::start().await;
    let log = server.log.clone();
    let writer = tokio::spawn(async move {
        for n in 1..=ENTRIES {
            log.push(Level::Info, "test", &format!("entry {n}"));
            tokio::task::yield_now().await;
        }
    });
    let mut seen = Vec::new();
    let mut connections = 0_usize;
    while seen.len() < ENTRIES as usize {
        let last = seen.last().copied().unwrap_or(0).to_string();
        // By header as browsers do, and by query as the page does.
        let mut events = match connections % 2 {
            0 => server.events("?boot=boot-1", &[("last-event-id", &last)]).await,
            _ => server.events(&format!("?boot=boot-1&after={last}"), &[]).await,
        };
        connections += 1;
        for _ in 0..(37 * connections % 211 + 1) {
            if seen.len() < ENTRIES as usize {
                let event = events.next_of("log").await;
                assert_eq!(event.data["text"], format!("entry {}", event.id.unwrap()));
                seen.push(event.id.unwrap());
            }
        }
    }
    writer.await.unwrap();
    assert_eq!(seen, (1..=ENTRIES).collect::<Vec<_>>());
    assert!(connections > 10, "{connections}");
}

#[tokio::test]
async fn a_reader_the_ring_has_left_behind_is_told_how_much_it_missed() {
    let server = TestServer::start().await;
    server.write(10);
    server.write(CAPACITY + 90);
    let mut events = server.events("", &[("last-event-id", "10")]).await;
    let missed = events.next_of("missed").await;
    assert_eq!(
        (missed.id, &missed.data["missed"], &missed.data["next"]),
        (Some(100), &90.into(), &101.into())
    );
    assert_eq!(events.next_of("log").await.id, Some(101));
}

#[tokio::test]
async fn a_reader_of_another_boot_starts_afresh() {
    let server = TestServer::start().await;
    server.write(20);
    let mut events = server
        .events("?boot=boot-0&after=15", &[("last-event-id", "15")])
        .await;
    assert_eq!(events.next_of("hello").await.data["boot_id"], "boot-1");
    assert_eq!(events.next_of("log").await.id, Some(1));
}

#[tokio::test]
async fn silence_is_broken_by_signs_of_life() {
    let limits = Limits {
        heartbeat: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = Setup {
        limits,
        ..Setup::default()
    }
    .start()
    .await;
    let mut events = server.events("", &[]).await;
    let first = events.next_of("time").await.data["uptime_ms"].as_u64().unwrap();
    let second = events.next_of("time").await.data["uptime_ms"].as_u64().unwrap();
    assert!(second > first);
    // The stream still does its work in between.
    server.write(1);
    events.next_of("log").await;
}

#[tokio::test]
async fn fast_status_changes_are_thinned_out_and_the_last_one_arrives() {
    const CHANGES: u64 = 2000;
    let server = TestServer::start().await;
    let mut events = server.events("", &[]).await;
    events.next_of("status").await;
    for n in 1..=CHANGES {
        server
            .status
            .send_modify(|status| status.problems = vec![n.to_string()]);
        tokio::task::yield_now().await;
    }
    let last = CHANGES.to_string();
    let mut received = 1;
    while events.next_of("status").await.data["problems"][0] != last.as_str() {
        received += 1;
    }
    assert!(received < CHANGES / 10, "{received}");
}

#[tokio::test]
async fn a_log_that_never_rests_does_not_hold_the_status_back() {
    let server = TestServer::start().await;
    let mut events = server.events("", &[]).await;
    events.next_of("status").await;
    let log = server.log.clone();
    let flood = tokio::spawn(async move {
        loop {
            log.push(Level::Info, "test", "flood");
            tokio::task::yield_now().await;
        }
    });
    server
        .status
        .send_modify(|status| status.health = Health::Healthy);
    assert_eq!(events.next_of("status").await.data["health"], "healthy");
    flood.abort();
}

#[tokio::test]
async fn a_status_nobody_can_change_any_more_does_not_disturb_the_log() {
    let mut server = TestServer::start().await;
    let mut events = server.events("", &[]).await;
    events.next_of("status").await;
    server.status = tokio::sync::watch::Sender::new(sps_web::BootStatus::default());
    server.write(1);
    assert_eq!(events.next_of("log").await.id, Some(1));
}

#[tokio::test]
async fn readers_are_told_when_the_server_stops() {
    let server = TestServer::start().await;
    let mut events = server.events("", &[]).await;
    events.next_of("status").await;
    let idle = server.client().await;
    server.write(3);
    server.shutdown.cancel();
    for id in 1..=3 {
        assert_eq!(
            events.next_of("log").await.id,
            Some(id),
            "what was written before is still sent"
        );
    }
    assert_eq!(events.next_of("bye").await.name, "bye");
    assert_eq!(events.next().await, None);
    soon(server.task).await.unwrap();
    drop(idle);
}
