//! Something sent, and its answer.

use std::sync::Arc;

use sps_fetch::{FetchError, Fetcher, Guard, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::lab::{HERE, LIMITS, MOST, Server, soon};

async fn post(fetcher: &Fetcher, url: &str) -> Result<Vec<u8>, FetchError> {
    let target = Target::parse(url).unwrap();
    soon(fetcher.post(&target, "application/timestamp-query", b"asked".to_vec())).await
}

#[tokio::test]
async fn what_is_sent_arrives_with_its_type() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let url = format!("http://{}/tsa?a=b", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\nasked") {
            request.push(stream.read_u8().await.unwrap());
        }
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nanswered";
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap().to_lowercase()
    });
    let fetcher = Fetcher::also_trusting(&[], Guard::new(Vec::new).except(HERE), LIMITS).unwrap();
    assert_eq!(post(&fetcher, &url).await.unwrap(), b"answered");
    let request = soon(served).await.unwrap();
    assert!(request.starts_with("post /tsa?a=b http/1.1\r\n"), "{request}");
    assert!(
        request.contains("content-type: application/timestamp-query\r\n"),
        "{request}"
    );
    assert!(request.contains("content-length: 5\r\n"), "{request}");
}

#[tokio::test]
async fn answers_are_bounded_in_bytes_and_time() {
    let server = Arc::new(Server::tls().await);
    let fetcher = server.fetcher();
    let posted = |path: &'static str| {
        let (server, fetcher) = (server.clone(), fetcher.clone());
        async move { post(&fetcher, &server.url(path)).await }
    };
    assert_eq!(posted("/good").await.unwrap(), b"hello world");
    for path in ["/endless", "/large"] {
        let told = posted(path).await;
        assert!(
            matches!(told, Err(FetchError::TooLarge { most: MOST })),
            "{path}: {told:?}"
        );
    }
    let told = posted("/trickle").await;
    assert!(matches!(told, Err(FetchError::TooSlow { .. })), "{told:?}");
    let told = posted("/mute").await;
    assert!(matches!(told, Err(FetchError::Silent { .. })), "{told:?}");
    let told = posted("/missing").await;
    assert!(matches!(told, Err(FetchError::Status { .. })), "{told:?}");
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_stranger_trusted() {
    let server = Server::tls().await;
    let told = post(&server.fetcher(), &server.url("/to-same-name")).await;
    assert!(matches!(told, Err(FetchError::Status { .. })), "{told:?}");
    let strict = Fetcher::also_trusting(&[], Guard::new(Vec::new).except(HERE), LIMITS).unwrap();
    let told = post(&strict, &server.url("/good")).await;
    assert!(matches!(told, Err(FetchError::Tls { .. })), "{told:?}");
    let own = Fetcher::also_trusting(&[], Guard::new(Vec::new), LIMITS).unwrap();
    let told = post(&own, &server.url("/good")).await;
    assert!(matches!(told, Err(FetchError::Forbidden { .. })), "{told:?}");
}
