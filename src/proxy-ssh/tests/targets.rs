//! Servers that are not what they should be: people read why nothing came of it, and nobody else notices.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;

use std::time::Duration;

use common::Lab;
use sps_cluster_config::sections::connections::Destination;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

/// It is told within 15 seconds; a busy machine may take longer to say it.
const WITHIN: Duration = Duration::from_secs(60);

/// A proxy whose server says `greeting` and nothing more; with `closes` it goes away then.
async fn before(greeting: Vec<u8>, closes: bool) -> Lab {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = server.accept().await {
            // It may be gone already.
            drop(stream.write_all(&greeting).await);
            if !closes {
                held.push(stream);
            }
        }
    });
    Lab::start(|settings| {
        settings.connection().destination = Destination::Fixed {
            server: "server.test".into(),
            port,
        };
    })
    .await
}

async fn said(lab: &Lab) -> String {
    let said = timeout(WITHIN, lab.ssh(&["id"])).await.unwrap();
    assert_ne!(said.status, Some(0), "{said:?}");
    assert!(!said.out.contains("uid="), "{said:?}");
    said.err
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_the_appliance_itself_is_refused() {
    let lab = Lab::start(|settings| {
        // Among others: which is taken would be chance.
        let addresses = ["192.0.2.7", "127.0.0.1"];
        let addresses = addresses.map(|address| address.parse().unwrap()).to_vec();
        settings.names.insert("server.test".into(), addresses);
        settings.own.push("127.0.0.1".parse().unwrap());
    })
    .await;
    let said = said(&lab).await;
    assert!(
        said.contains("is the appliance itself: name another server"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_told_in_time() {
    let lab = before(Vec::new(), false).await;
    let said = said(&lab).await;
    assert!(said.contains("did not answer within 15 seconds"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_begins_and_falls_silent_is_told_in_time() {
    let lab = before(b"SSH-2.0-quiet\r\n".to_vec(), false).await;
    let said = said(&lab).await;
    assert!(said.contains("did not answer within 15 seconds"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_speak_something_else_or_go_away_are_told() {
    let web = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let endless = vec![b'x'; 4 << 20];
    for greeting in [web, endless, Vec::new(), b"SSH-2.0-x\r\n".to_vec()] {
        let lab = before(greeting, true).await;
        let said = said(&lab).await;
        assert!(
            said.contains("no SSH connection with server.test:") || said.contains("went away at once"),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_an_address_is_told() {
    let lab = Lab::start(|settings| {
        settings.names.insert("server.test".into(), Vec::new());
    })
    .await;
    assert!(said(&lab).await.contains("server.test has no address"));
    let lab = Lab::start(|settings| settings.names.clear()).await;
    assert!(
        said(&lab)
            .await
            .contains("the name server.test could not be looked up")
    );
}
