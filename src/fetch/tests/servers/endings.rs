//! How a transfer ends: whole, cut, too late, too large, called off.

use sps_fetch::{FetchError, Target};

use crate::lab::{FILE, MOST, Server, fetch, soon};

#[tokio::test]
async fn a_file_comes_byte_for_byte_however_it_is_sent() {
    for server in [Server::plain().await, Server::tls().await] {
        for path in ["/good", "/chunked", "/until-closed"] {
            assert_eq!(server.get(path).await.unwrap(), FILE, "{path}");
        }
        let target = Target::parse(&server.url("/good")).unwrap();
        let download = soon(server.fetcher().open(&target)).await.unwrap();
        assert_eq!(download.size(), Some(11));
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_file_is_no_end() {
    let server = Server::plain().await;
    for path in ["/cut", "/cut-chunk"] {
        let error = server.get(path).await.unwrap_err();
        assert!(matches!(error, FetchError::Cut { .. }), "{path}: {error}");
        assert!(error.to_string().contains("try again"), "{error}");
    }
}

#[tokio::test]
async fn nothing_waits_without_a_limit() {
    let server = Server::plain().await;
    let error = server.get("/mute").await.unwrap_err();
    assert!(matches!(error, FetchError::Silent { .. }), "{error}");
    let error = server.get("/half").await.unwrap_err();
    assert!(matches!(error, FetchError::Stalled { got: 5, .. }), "{error}");
    let error = server.get("/trickle").await.unwrap_err();
    assert!(matches!(error, FetchError::TooSlow { got: 6.., .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_takes_a_connection_and_no_tls_is_given_up() {
    let plain = Server::plain().await;
    let url = plain.url("/good").replace("http:", "https:");
    let error = fetch(&plain.fetcher(), &url).await.unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error}");
}

#[tokio::test]
async fn what_is_larger_than_a_file_may_be_is_left() {
    let server = Server::plain().await;
    for path in ["/large", "/endless"] {
        let error = server.get(path).await.unwrap_err();
        assert!(
            matches!(error, FetchError::TooLarge { most: MOST }),
            "{path}: {error}"
        );
    }
    soon(server.left.notified()).await;
}

#[tokio::test]
async fn what_is_no_file_is_named() {
    let server = Server::plain().await;
    for (path, words) in [
        ("/missing", "answered 404 Not Found: check the URL"),
        ("/packed", "in the encoding gzip"),
        ("/other-protocol", "did not answer as a web server does"),
        ("/head", "did not answer as a web server does"),
    ] {
        let error = server.get(path).await.unwrap_err();
        assert!(error.to_string().contains(words), "{path}: {error}");
    }
}

#[tokio::test]
async fn what_is_called_off_leaves_the_server_at_once() {
    let server = Server::plain().await;
    let target = Target::parse(&server.url("/half")).unwrap();
    let mut download = soon(server.fetcher().open(&target)).await.unwrap();
    assert_eq!(soon(download.piece()).await.unwrap().unwrap(), "hello");
    drop(download);
    soon(server.left.notified()).await;
}
