//! From where a file is fetched: not from the appliance, however the way there is hidden.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::RootCertStore;
use sps_fetch::{FetchError, Fetcher, Guard, Resolver};

use crate::lab::{FILE, HERE, LIMITS, OTHER, Server, fetch};

fn forbidden(result: Result<Vec<u8>, FetchError>, expected: IpAddr) {
    match result {
        Err(FetchError::Forbidden { address, .. }) => assert_eq!(address, expected),
        other => panic!("{other:?}"),
    }
}

fn fetcher(guard: Guard) -> Fetcher {
    Fetcher::trusting(RootCertStore::empty(), guard, LIMITS).unwrap()
}

#[tokio::test]
async fn redirects_are_followed_so_far() {
    for server in [Server::plain().await, Server::tls().await] {
        assert_eq!(server.get("/hops/4").await.unwrap(), FILE);
        for path in ["/hops/5", "/loop"] {
            let error = server.get(path).await.unwrap_err();
            assert!(matches!(error, FetchError::Redirects), "{path}: {error}");
        }
    }
    let server = Server::plain().await;
    let error = server.get("/nowhere").await.unwrap_err();
    assert!(matches!(error, FetchError::Redirect { .. }), "{error}");
    let error = server.get("/to-ftp").await.unwrap_err();
    assert!(matches!(error, FetchError::Scheme { .. }), "{error}");
}

#[tokio::test]
async fn https_is_never_left_for_http() {
    let server = Server::tls().await;
    let error = server.get("/to-http").await.unwrap_err();
    assert!(matches!(error, FetchError::Downgrade { .. }), "{error}");
}

#[tokio::test]
async fn a_certificate_of_nobody_is_not_trusted() {
    let server = Server::tls().await;
    let public = Fetcher::new(Guard::new(Vec::new).except(HERE), LIMITS).unwrap();
    let error = fetch(&public, &server.url("/good")).await.unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    // The right certificate under another name.
    let named = server.fetcher().with_resolver(Resolver::by(|_| Ok(vec![HERE])));
    let url = format!("https://server.example:{}/good", server.address.port());
    let error = fetch(&named, &url).await.unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error}");
}

#[tokio::test]
async fn the_appliance_itself_is_not_asked_at_first_or_by_redirect() {
    let server = Server::plain().await;
    let strict = fetcher(Guard::new(Vec::new));
    forbidden(fetch(&strict, &server.url("/good")).await, HERE);
    let own = fetcher(Guard::new(|| vec!["192.0.2.5".parse().unwrap()]));
    forbidden(
        fetch(&own, "http://192.0.2.5/").await,
        "192.0.2.5".parse().unwrap(),
    );
    forbidden(server.get("/to-own").await, OTHER.into());
    forbidden(
        server.get("/to-metadata").await,
        "169.254.169.254".parse().unwrap(),
    );
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_judged_each_time_it_is_connected_to() {
    let server = Server::plain().await;
    let asked = AtomicBool::new(false);
    let rebinding = Resolver::by(move |_| {
        let first = !asked.swap(true, Ordering::Relaxed);
        Ok(vec![if first { HERE } else { OTHER.into() }])
    });
    let fetcher = server.fetcher().with_resolver(rebinding);
    let url = |path: &str| format!("http://rebinding.example:{}{path}", server.address.port());
    // The first answer is good; the redirect leads to the same name, which then is another machine.
    forbidden(fetch(&fetcher, &url("/to-same-name")).await, OTHER.into());
    let both = Resolver::by(|_| Ok(vec![HERE, OTHER.into()]));
    let fetcher = server.fetcher().with_resolver(both);
    forbidden(fetch(&fetcher, &url("/good")).await, OTHER.into());
}

#[tokio::test]
async fn names_that_are_not_found_are_told() {
    let server = Server::plain().await;
    let nobody = server
        .fetcher()
        .with_resolver(Resolver::by(|_| Err(io::ErrorKind::NotFound.into())));
    let error = fetch(&nobody, "http://nobody.example/").await.unwrap_err();
    assert!(error.to_string().contains("nobody.example"), "{error}");
    let empty = server.fetcher().with_resolver(Resolver::by(|_| Ok(Vec::new())));
    let error = fetch(&empty, "http://empty.example/").await.unwrap_err();
    assert!(matches!(error, FetchError::Connect { .. }), "{error}");
}
