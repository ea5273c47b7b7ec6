//! Kinds of keys: which servers are taken by theirs, and which users by theirs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use common::{Lab, Said, Sshd, USER, USER_PASSWORD};
use russh::keys::{PrivateKey, PublicKey};

async fn before(kind: &[&str], more: &str) -> Lab {
    Lab::before(Sshd::with_host_key(kind, more).unwrap(), |_| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_have_rsa_alone_are_reached_and_their_key_is_kept() {
    for (bits, more) in [
        ("3072", ""),
        ("2048", "HostKeyAlgorithms rsa-sha2-256"),
        ("2048", "HostKeyAlgorithms rsa-sha2-512"),
        ("1024", ""),
    ] {
        let lab = before(&["rsa", "-b", bits], more).await;
        // The second time it is known.
        for _ in 0..2 {
            let said = lab.ssh(&["echo in"]).await;
            assert_eq!(
                (said.status, said.out.as_str()),
                (Some(0), "in\n"),
                "{bits} {more}: {said:?}"
            );
        }
        let own = PublicKey::from_openssh(&lab.server.host_key().unwrap()).unwrap();
        assert_eq!(
            lab.appliance.pinned(),
            [own.fingerprint(russh::keys::HashAlg::Sha256).to_string()]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_servers_that_are_not_taken_are_told_with_their_kind() {
    for (kind, more, words) in [
        (
            &["rsa", "-b", "2048"][..],
            "HostKeyAlgorithms ssh-rsa",
            "of the kind ssh-rsa",
        ),
        (&["dsa"], "HostKeyAlgorithms ssh-dss", "of the kind ssh-dss"),
    ] {
        let lab = before(kind, more).await;
        let said = lab.ssh(&["true"]).await;
        assert_eq!(said.status, Some(255), "{said:?}");
        assert!(
            said.err.contains(words) && said.err.contains("give it an Ed25519 key"),
            "{said:?}"
        );
        assert!(lab.appliance.pinned().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_servers_are_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, host) = (folder.path().join("authority"), folder.path().join("host"));
    common::keygen(&authority, "ed25519");
    common::keygen(&host, "ed25519");
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-I", "server", "-h", "-s"])
        .arg(&authority)
        .arg(host.with_extension("pub"))
        .status();
    assert!(signed.unwrap().success());
    let more = format!(
        "HostKey {0}\nHostCertificate {0}-cert.pub\nHostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com",
        host.display()
    );
    let lab = before(&["ed25519"], &more).await;
    let said = lab.ssh(&["true"]).await;
    assert_eq!(said.status, Some(255), "{said:?}");
    assert!(
        said.err.contains("of the kind ssh-ed25519-cert-v01@openssh.com"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_come_with_rsa_keys_but_not_with_sha1() {
    let folder = tempfile::tempdir().unwrap();
    let identity = folder.path().join("alice");
    common::keygen(&identity, "rsa");
    let public = std::fs::read_to_string(identity.with_extension("pub")).unwrap();
    let lab = Lab::start(|settings| {
        settings.authentication().gateway = vec!["public-key".into()];
        let key = PublicKey::from_openssh(&public).unwrap();
        settings.keys.push(("alice".into(), key));
    })
    .await;
    for (algorithm, status) in [("rsa-sha2-512", 0), ("rsa-sha2-256", 0), ("ssh-rsa", 255)] {
        let mut command = lab.client("ssh", &format!("gu=alice@{USER}"), USER_PASSWORD);
        command
            .arg(format!("-oPubkeyAcceptedAlgorithms={algorithm}"))
            .arg("-i")
            .arg(&identity)
            .args(["127.0.0.1", "true"]);
        let said = Said::from(command.output().await.unwrap());
        assert_eq!(said.status, Some(status), "{algorithm}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_can_have_an_rsa_host_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host");
    common::keygen(&path, "rsa");
    let key = PrivateKey::from_openssh(std::fs::read_to_string(&path).unwrap()).unwrap();
    let lab = Lab::start(|settings| settings.host_key = Some(key)).await;
    for (algorithm, status) in [
        ("rsa-sha2-512", 0),
        ("rsa-sha2-256", 0),
        ("ssh-rsa", 255),
        ("ssh-ed25519", 255),
    ] {
        let said = lab
            .ssh(&[&format!("-oHostKeyAlgorithms={algorithm}"), "true"])
            .await;
        assert_eq!(said.status, Some(status), "{algorithm}: {said:?}");
    }
}

/// A modulus of so many bits by `openssl`; OpenSSH makes none and uses none below 1024.
fn modulus(folder: &Path, bits: u32) -> Vec<u8> {
    let file = folder.join("key");
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let path = file.display().to_string();
    run(&["genrsa", "-out", &path, &bits.to_string()]);
    let said = run(&["rsa", "-in", &path, "-noout", "-modulus"]);
    let hex = said.trim().strip_prefix("Modulus=").unwrap();
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}

fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (payload.len() + 5) % 8 + 8;
    let length = u32::try_from(payload.len() + padding + 1).unwrap().to_be_bytes();
    [
        &length[..],
        &[u8::try_from(padding).unwrap()],
        payload,
        &vec![0; padding],
    ]
    .concat()
}

fn read_packet(stream: &mut TcpStream) -> u8 {
    let mut head = [0; 4];
    stream.read_exact(&mut head).unwrap();
    let mut rest = vec![0; usize::try_from(u32::from_be_bytes(head)).unwrap()];
    stream.read_exact(&mut rest).unwrap();
    rest[1]
}

/// As far into a key exchange as a server shows its key (RFC 4253, 7.1 and 8; RFC 5656, 4).
fn shows_key(stream: &mut TcpStream, modulus: &[u8]) {
    stream.write_all(b"SSH-2.0-old\r\n").unwrap();
    let mut byte = [0; 1];
    while byte != [b'\n'] {
        stream.read_exact(&mut byte).unwrap();
    }
    let lists = [
        "curve25519-sha256",
        "rsa-sha2-256",
        "aes128-ctr",
        "aes128-ctr",
        "hmac-sha2-256",
    ];
    let lists = lists.into_iter().chain(["hmac-sha2-256", "none", "none", "", ""]);
    let lists: Vec<u8> = lists.flat_map(|list| text(list.as_bytes())).collect();
    let init = [&[20][..], &[7; 16], &lists, &[0; 5]].concat();
    stream.write_all(&packet(&init)).unwrap();
    assert_eq!(read_packet(stream), 20);
    assert_eq!(read_packet(stream), 30);
    let mut number = modulus.to_vec();
    if number[0] >= 0x80 {
        number.insert(0, 0);
    }
    let key = [text(b"ssh-rsa"), text(&[1, 0, 1]), text(&number)].concat();
    let signature = [text(b"rsa-sha2-256"), text(&vec![1; modulus.len()])].concat();
    // A point of the curve: its base (RFC 7748, 4.1).
    let mut point = [0; 32];
    point[0] = 9;
    let reply = [&[31][..], &text(&key), &text(&point), &text(&signature)].concat();
    stream.write_all(&packet(&reply)).unwrap();
    // Until the other side goes away.
    let _gone = stream.read_to_end(&mut Vec::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn rsa_keys_below_1024_bits_are_told_with_their_length() {
    for bits in [768, 1023] {
        let folder = tempfile::tempdir().unwrap();
        let modulus = modulus(folder.path(), bits);
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let serving = std::thread::spawn(move || shows_key(&mut server.accept().unwrap().0, &modulus));
        let lab = Lab::start(|settings| {
            settings.connection().destination =
                sps_cluster_config::sections::connections::Destination::Fixed {
                    server: "127.0.0.1".into(),
                    port,
                };
        })
        .await;
        let said = lab.ssh(&["true"]).await;
        assert_eq!(said.status, Some(255), "{said:?}");
        assert!(
            said.err.contains(&format!("RSA host key of {bits} bits")),
            "{said:?}"
        );
        serving.join().unwrap();
    }
}
