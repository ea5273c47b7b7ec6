//! Clients that are out to break it, or only badly made: sessions of others go on, and memory stays bounded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{Config, Handle, Handler, connect};
use russh::keys::PublicKeyOrCertificate;
use russh::{ChannelMsg, ChannelOpenFailure, Error};
use sps_gateway_tests::laboratory::Laboratory;
use sps_harness::Sshd;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(120);
/// Channels of one connection at a time that the gateway takes.
const MOST_CHANNELS: usize = 512;

struct Anybody;

impl Handler for Anybody {
    type Error = Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

async fn logged_in(laboratory: &Laboratory) -> Handle<Anybody> {
    let config = Arc::new(Config::default());
    let mut client = connect(config, laboratory.running.address, Anybody)
        .await
        .unwrap();
    let entered = client.authenticate_password(Sshd::USER, Sshd::PASSWORD).await;
    assert!(entered.unwrap().success());
    client
}

/// Somebody else gets through.
async fn works(laboratory: &Laboratory) {
    let mut ssh = laboratory.client("ssh").unwrap();
    let said = timeout(WITHIN, ssh.args(["127.0.0.1", "echo works"]).output()).await;
    let said = said.expect("in time").unwrap();
    assert_eq!(
        said.stdout,
        b"works\n",
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
}

async fn nobody_is_left(laboratory: &Laboratory) {
    let mut changes = laboratory.running.live.changes();
    let gone = changes.wait_for(|_| laboratory.running.live.count() == 0);
    timeout(WITHIN, gone).await.expect("in time").unwrap();
}

/// Says back what it hears, on a port of this machine.
async fn echo() -> u32 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                drop(tokio::io::copy(&mut from, &mut to).await);
            });
        }
    });
    port.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_channels_are_bounded_and_those_that_are_open_work() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let port = echo().await;
    let client = logged_in(&laboratory).await;
    let (mut open, mut refused) = (Vec::new(), 0);
    for _ in 0..1000 {
        match client
            .channel_open_direct_tcpip("127.0.0.1", port, "127.0.0.1", 1)
            .await
        {
            Ok(channel) => open.push(channel),
            Err(Error::ChannelOpenFailure(ChannelOpenFailure::ResourceShortage)) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((open.len(), refused), (MOST_CHANNELS, 1000 - MOST_CHANNELS));
    works(&laboratory).await;
    for channel in [open.pop().unwrap(), open.swap_remove(0)] {
        let mut stream = channel.into_stream();
        stream.write_all(b"to and fro").await.unwrap();
        let mut heard = [0; 10];
        timeout(WITHIN, stream.read_exact(&mut heard))
            .await
            .expect("in time")
            .unwrap();
        assert_eq!(&heard, b"to and fro");
    }
    // Two have gone: there is room for another.
    let again = async {
        loop {
            if client
                .channel_open_direct_tcpip("127.0.0.1", port, "127.0.0.1", 1)
                .await
                .is_ok()
            {
                return;
            }
        }
    };
    timeout(WITHIN, again).await.expect("in time");
    drop((open, client));
    nobody_is_left(&laboratory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_before_the_answer_and_after_half_of_it_closed_arrive() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let client = logged_in(&laboratory).await;
    let mut channel = client.channel_open_session().await.unwrap();
    // Nobody waits for an answer: the request, data and the end go at once.
    channel.exec(true, "cat; echo after").await.unwrap();
    channel.data(&b"early"[..]).await.unwrap();
    channel.eof().await.unwrap();
    let (mut out, mut status) = (Vec::new(), None);
    while let Some(message) = timeout(WITHIN, channel.wait()).await.expect("in time") {
        match message {
            ChannelMsg::Data { data } => out.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            _ => {}
        }
    }
    assert_eq!(
        (String::from_utf8(out).unwrap().as_str(), status),
        ("earlyafter\n", Some(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_of_a_byte_carry_everything() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let config = Config {
        window_size: 64,
        maximum_packet_size: 16,
        ..Config::default()
    };
    let mut client = connect(Arc::new(config), laboratory.running.address, Anybody)
        .await
        .unwrap();
    let entered = client.authenticate_password(Sshd::USER, Sshd::PASSWORD).await;
    assert!(entered.unwrap().success());
    let mut channel = client.channel_open_session().await.unwrap();
    channel.exec(true, "seq 1 5000").await.unwrap();
    let mut out = String::new();
    while let Some(message) = timeout(WITHIN, channel.wait()).await.expect("in time") {
        if let ChannelMsg::Data { data } = message {
            assert!(data.len() <= 16, "{}", data.len());
            out.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
    assert_eq!(out.lines().count(), 5000);
    assert!(out.ends_with("\n4999\n5000\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_breaks_the_rules_of_channels_ends_at_most_his_own_connection() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let client = logged_in(&laboratory).await;
    let mut other = client.channel_open_session().await.unwrap();
    other.exec(true, "cat").await.unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/breaks_rules.py");
    let mut python = Command::new("/usr/bin/python3");
    python
        .arg(script)
        .arg(laboratory.running.address.port().to_string())
        .args([Sshd::USER, Sshd::PASSWORD])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let said = timeout(WITHIN, python.output()).await.expect("in time").unwrap();
    assert_eq!(
        said.stdout,
        b"done\n",
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    // Who was there before is still there, and whoever comes gets in.
    other.data(&b"still"[..]).await.unwrap();
    other.eof().await.unwrap();
    let mut heard = Vec::new();
    while let Some(message) = timeout(WITHIN, other.wait()).await.expect("in time") {
        if let ChannelMsg::Data { data } = message {
            heard.extend_from_slice(&data);
        }
    }
    assert_eq!(heard, b"still");
    works(&laboratory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_leaves_a_session_with_an_end_and_a_trail() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let mut ssh = laboratory.client("ssh").unwrap();
    let mut ssh = ssh
        .args(["127.0.0.1", "echo begun; cat /dev/zero"])
        .spawn()
        .unwrap();
    let mut begun = [0; 6];
    ssh.stdout.as_mut().unwrap().read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"begun\n");
    ssh.kill().await.unwrap();
    nobody_is_left(&laboratory).await;
    let sessions = laboratory.running.folder.database();
    let record = sessions.records().next().unwrap().unwrap();
    assert!(record.end.is_some());
    let trail = record.trail.unwrap();
    let bytes = fs::read(laboratory.path("data/trails").join(&trail.name)).unwrap();
    assert_eq!(bytes.len() as u64, trail.size);
    let mut playback = sps_trail::Playback::new(None, Vec::new());
    for piece in bytes.chunks(1 << 16) {
        playback.push(piece);
        while playback.next().unwrap().is_some() {}
    }
    assert_eq!(playback.report().state, sps_trail::State::Complete);
    works(&laboratory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_connections_that_come_to_nothing_keeps_nobody_out() {
    let laboratory = Laboratory::start(|_| {}).unwrap();
    let starts: [&[u8]; 5] = [
        b"",
        b"SSH-2.0-storm\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff; 4096],
        b"SSH-2.0-storm\r\n\x00\x00\x00\x2c\x0a\x14garbage",
    ];
    for round in 0..100 {
        let mut held = Vec::new();
        for start in starts {
            let mut stream = TcpStream::connect(laboratory.running.address).await.unwrap();
            // The gateway may have closed it already.
            drop(stream.write_all(start).await);
            held.push(stream);
        }
        if round % 2 == 0 {
            for stream in &held {
                stream.set_zero_linger().unwrap();
            }
        }
    }
    works(&laboratory).await;
    nobody_is_left(&laboratory).await;
}
