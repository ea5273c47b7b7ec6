//! Bounds: connections, streams, time, memory. Whoever exceeds one loses; the others go on.

use std::time::Duration;

use hyper::StatusCode;
use sps_bootlog::Level;
use sps_web::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{Setup, TestServer, soon};

const SHORT: Duration = Duration::from_millis(150);

async fn with(limits: Limits) -> TestServer {
    Setup {
        limits,
        ..Setup::default()
    }
    .start()
    .await
}

/// Longest wait for the end of a connection whose limit is [`SHORT`]: below hyper's own 30 s for a request head, which
/// would otherwise hide that ours is not set.
const SOON_CLOSED: Duration = Duration::from_secs(20);

/// Reads until the server closes, whatever it says before.
async fn closed(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut said = Vec::new();
    // A reset instead of an orderly end is an end, too.
    let _how = tokio::time::timeout(SOON_CLOSED, stream.read_to_end(&mut said))
        .await
        .expect("still open");
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn streams_over_the_bound_are_refused_and_the_others_go_on() {
    let server = with(Limits {
        streams: 2,
        ..Limits::default()
    })
    .await;
    let mut first = server.events("", &[]).await;
    let second = server.events("", &[]).await;
    let mut client = server.client().await;
    let refused = client.get("/api/boot/log/events", &[]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["error"]["type"], "TooManyStreams");
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(
        client.get("/", &[]).await.status,
        StatusCode::OK,
        "pages are still served"
    );
    server.write(1);
    assert_eq!(first.next_of("log").await.id, Some(1));
    drop(second);
    // The place comes back when the server notices; every try is an answer of the server.
    soon(async {
        while client.get("/healthz", &[]).await.status.is_server_error()
            && client.sender.ready().await.is_ok()
            && server
                .client()
                .await
                .open("/api/boot/log/events", &[])
                .await
                .status()
                != StatusCode::OK
        {}
    })
    .await;
}

#[tokio::test]
async fn connections_over_the_bound_are_refused_and_the_others_go_on() {
    let server = with(Limits {
        connections: 2,
        refusals: 1,
        ..Limits::default()
    })
    .await;
    let mut first = server.client().await;
    assert_eq!(first.get("/boot/log.txt", &[]).await.status, StatusCode::OK);
    let second = server.client().await;
    let mut third = server.client().await;
    let refused = third.get("/", &[]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.json()["error"]["type"], "TooManyConnections");
    assert_eq!(refused.header("connection"), "close");
    assert_eq!(first.get("/boot/log.txt", &[]).await.status, StatusCode::OK);
    drop(second);
    soon(async { while server.client().await.get("/boot/log.txt", &[]).await.status != StatusCode::OK {} })
        .await;
}

#[tokio::test]
async fn what_exceeds_even_the_refusals_is_closed_at_once() {
    let server = with(Limits {
        connections: 1,
        refusals: 1,
        ..Limits::default()
    })
    .await;
    let mut first = server.client().await;
    first.get("/boot/log.txt", &[]).await;
    let _refused = server.tls().await;
    let mut dropped = TcpStream::connect(server.https).await.unwrap();
    assert_eq!(closed(&mut dropped).await, "");
    assert_eq!(first.get("/boot/log.txt", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_source_cannot_take_every_place() {
    let server = with(Limits {
        connections_per_source: 1,
        ..Limits::default()
    })
    .await;
    let mut mine = server.client().await;
    mine.get("/boot/log.txt", &[]).await;
    assert_eq!(
        server.get("/boot/log.txt").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = soon(socket.connect(server.http)).await.unwrap();
    other
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(closed(&mut other).await.starts_with("HTTP/1.1 308"));
}

#[tokio::test]
async fn silent_clients_are_dropped_at_every_stage() {
    let server = with(Limits {
        handshake: SHORT,
        head: SHORT,
        ..Limits::default()
    })
    .await;
    let mut before_tls = TcpStream::connect(server.https).await.unwrap();
    let mut half_head = server.tls().await;
    half_head
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx-")
        .await
        .unwrap();
    let mut idle = server.tls().await;
    idle.write_all(b"GET /boot/log.txt HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut plain = TcpStream::connect(server.http).await.unwrap();
    plain.write_all(b"GET").await.unwrap();
    assert_eq!(closed(&mut before_tls).await, "");
    closed(&mut half_head).await;
    assert!(
        closed(&mut idle).await.starts_with("HTTP/1.1 200"),
        "it was answered before"
    );
    closed(&mut plain).await;
}

#[tokio::test]
async fn a_drip_of_header_bytes_does_not_prolong_the_time() {
    let server = with(Limits {
        head: SHORT,
        ..Limits::default()
    })
    .await;
    let mut stream = server.tls().await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let drip = async {
        let mut beat = tokio::time::interval(SHORT / 10);
        loop {
            beat.tick().await;
            let sent = async { stream.write_all(b"x: y\r\n").await.and(stream.flush().await) };
            if sent.await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(SOON_CLOSED, drip).await.expect("still open");
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn clients_that_do_not_read_cost_little_and_hold_nobody_up() {
    const SLOW: usize = 20;
    const ENTRIES: u64 = 40_000;
    let server = with(Limits {
        write_stall: 4 * SHORT,
        ..Limits::default()
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = server.tls().await;
        stream
            .write_all(b"GET /api/boot/log/events HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        slow.push(stream);
    }
    let text = "x".repeat(1000);
    let fill = |count: u64| (0..count).for_each(|_| server.log.push(Level::Info, "test", &text));
    // The ring itself is full before the count begins.
    fill(sps_bootlog::CAPACITY as u64);
    let mut reader = server
        .events(&format!("?after={}", sps_bootlog::CAPACITY), &[])
        .await;
    let before = resident();
    let mut last = sps_bootlog::CAPACITY as u64;
    for _ in 0..ENTRIES / 1000 {
        fill(1000);
        for _ in 0..1000 {
            last += 1;
            assert_eq!(
                reader.next_of("log").await.id,
                Some(last),
                "the reader that reads misses nothing"
            );
        }
    }
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 48 << 20,
        "{} MiB for {SLOW} slow clients and {} MiB of log",
        grown >> 20,
        ENTRIES >> 10
    );
    for mut stream in slow {
        // What the kernel still holds can be read, then the connection is over.
        closed(&mut stream).await;
    }
    assert_eq!(server.get("/boot/log.txt").await.status, StatusCode::OK);
}
