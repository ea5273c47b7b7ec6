//! What other people's TLS implementations say: OpenSSL and curl as witnesses.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

use tokio::process::Command;

use crate::common::{TestServer, soon};

/// Runs a program without input; its output and whether it succeeded.
async fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let output = soon(output)
        .await
        .unwrap_or_else(|error| panic!("{program} (Debian package {program}): {error}"));
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Whether OpenSSL completes a handshake with `address`.
async fn shakes_hands(address: SocketAddr, arguments: &[&str]) -> (bool, String) {
    let address = address.to_string();
    let mut all = vec!["s_client", "-connect", &address, "-servername", "box.example"];
    all.extend_from_slice(arguments);
    let (_, text) = run("openssl", &all).await;
    (
        text.contains("Cipher is ") && !text.contains("Cipher is (NONE)"),
        text,
    )
}

/// A server that takes what ours must refuse: shows that the witness would notice.
struct Lax {
    address: SocketAddr,
    _child: tokio::process::Child,
    _folder: tempfile::TempDir,
}

impl Lax {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (key, certificate) = (file("key"), file("certificate"));
        let make = [
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=lax",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ];
        assert!(run("openssl", &make).await.0);
        let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let port_text = port.to_string();
        let child = Command::new("openssl")
            .args([
                "s_server",
                "-accept",
                &port_text,
                "-key",
                &key,
                "-cert",
                &certificate,
                "-cipher",
                "ALL@SECLEVEL=0",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut child = child.unwrap();
        let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("ACCEPT") {
            line.clear();
            soon(tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line))
                .await
                .unwrap();
        }
        tokio::spawn(async move { tokio::io::copy(&mut lines, &mut tokio::io::sink()).await });
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            _child: child,
            _folder: folder,
        }
    }
}

#[tokio::test]
async fn old_protocols_and_weak_suites_are_refused() {
    let server = TestServer::start().await;
    let lax = Lax::start().await;
    let weak: [&[&str]; 6] = [
        &["-tls1", "-cipher", "ALL@SECLEVEL=0"],
        &["-tls1_1", "-cipher", "ALL@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "AES128-GCM-SHA256:@SECLEVEL=0"],
        &[
            "-tls1_2",
            "-cipher",
            "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
        ],
        &[
            "-tls1_2",
            "-cipher",
            "ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0",
        ],
        &["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"],
    ];
    for arguments in weak {
        let (taken, text) = shakes_hands(server.https, arguments).await;
        assert!(!taken, "{arguments:?} was accepted: {text}");
        let (taken, text) = shakes_hands(lax.address, arguments).await;
        assert!(
            taken,
            "the witness cannot tell: {arguments:?} fails everywhere: {text}"
        );
    }
}

#[tokio::test]
async fn current_protocols_are_spoken() {
    let server = TestServer::start().await;
    for (arguments, expected) in [
        (&["-tls1_3"][..], "TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384"),
        (
            &["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"][..],
            "TLS_CHACHA20_POLY1305_SHA256",
        ),
        (&["-tls1_2"][..], "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384"),
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"][..],
            "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305",
        ),
        (&["-alpn", "h2,http/1.1"][..], "ALPN protocol: http/1.1"),
        (&["-tls1_2"][..], "Secure Renegotiation IS supported"),
    ] {
        let (taken, text) = shakes_hands(server.https, arguments).await;
        assert!(taken && text.contains(expected), "{arguments:?}: {text}");
        assert!(text.contains("Compression: NONE"), "{text}");
    }
}

#[tokio::test]
async fn the_certificate_is_what_browsers_expect() {
    let server = TestServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.pem");
    std::fs::write(&file, server.identity.certificate_pem()).unwrap();
    let file = file.to_str().unwrap();
    let (_, text) = run(
        "openssl",
        &["x509", "-in", file, "-noout", "-text", "-fingerprint", "-sha256"],
    )
    .await;
    for part in [
        "Version: 3",
        "Signature Algorithm: ecdsa-with-SHA256",
        "Subject: CN = box.example",
        "ASN1 OID: prime256v1",
        "DNS:box.example, DNS:localhost, IP Address:127.0.0.1",
        "TLS Web Server Authentication",
        "CA:FALSE",
        "Digital Signature",
        &format!("Fingerprint={}", server.identity.fingerprint()),
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let days = |count: u64| (count * 86_400).to_string();
    assert!(
        run(
            "openssl",
            &["x509", "-in", file, "-noout", "-checkend", &days(823)]
        )
        .await
        .0
    );
    assert!(
        !run(
            "openssl",
            &["x509", "-in", file, "-noout", "-checkend", &days(825)]
        )
        .await
        .0
    );
    assert!(
        run(
            "openssl",
            &["verify", "-CAfile", file, "-verify_hostname", "box.example", file]
        )
        .await
        .0
    );
}

#[tokio::test]
async fn curl_trusts_the_certificate_by_name_and_by_address_and_not_without_it() {
    let server = TestServer::start().await;
    server.write(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.pem");
    std::fs::write(&file, server.identity.certificate_pem()).unwrap();
    let file = file.to_str().unwrap();
    let port = server.https.port();
    let (by_name, by_address) = (
        format!("https://box.example:{port}/boot/log.txt"),
        format!("https://127.0.0.1:{port}/boot/log.txt"),
    );
    let resolve = format!("box.example:{port}:127.0.0.1");
    let quiet = ["--silent", "--show-error", "--noproxy", "*", "--max-time", "30"];
    let curl = |arguments: &[&str]| {
        let arguments: Vec<String> = quiet.iter().chain(arguments).map(ToString::to_string).collect();
        async move { run("curl", &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    let (trusted, text) = curl(&["--cacert", file, "--resolve", &resolve, &by_name]).await;
    assert!(trusted && text.contains("entry 1"), "{text}");
    assert!(curl(&["--cacert", file, &by_address]).await.0);
    let (trusted, text) = curl(&[&by_address]).await;
    assert!(!trusted && text.contains("self-signed"), "{text}");
    let (trusted, _) = curl(&[
        "--cacert",
        file,
        "--tls-max",
        "1.1",
        "--ciphers",
        "DEFAULT@SECLEVEL=0",
        &by_address,
    ])
    .await;
    assert!(!trusted);
    let redirect = format!("http://127.0.0.1:{}/boot/log.txt", server.http.port());
    let (followed, text) = curl(&["--cacert", file, "--location", &redirect]).await;
    assert!(followed && text.contains("entry 1"), "{text}");
}
