//! Support bundles by the form on the boot page.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use sps_web::{Bundle, Bundles, Later, Limits, NoBundle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use crate::common::{Setup, TestServer, soon};

const PATH: &str = "/boot/support-bundle";
const NAME: &str = "debug_info-sps1202311142213-0a1b2c3.tar.zst";
const PASSWORD: &str = "open & sesame=ü";

/// Knows one password.
#[derive(Debug, Default)]
struct Maker {
    sealed: AtomicBool,
    asked: AtomicUsize,
    from: Mutex<Option<IpAddr>>,
    /// Bundles wait for it when there is one.
    gate: Option<Arc<Semaphore>>,
}

impl Bundles for Maker {
    fn why_not(&self) -> Option<&'static str> {
        self.sealed
            .load(Ordering::Relaxed)
            .then_some("the appliance is sealed")
    }

    fn make(&self, password: zeroize::Zeroizing<String>, from: IpAddr) -> Later<Result<Bundle, NoBundle>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        *self.from.lock().unwrap() = Some(from);
        let gate = self.gate.clone();
        Box::pin(async move {
            if let Some(gate) = gate {
                drop(gate.acquire().await);
            }
            if password.as_str() != PASSWORD {
                return Err(NoBundle::WrongPassword);
            }
            Ok(Bundle {
                name: NAME.into(),
                bytes: vec![0xff; 300_000],
            })
        })
    }
}

async fn start(maker: &Arc<Maker>) -> TestServer {
    let setup = Setup {
        bundles: Some(maker.clone()),
        limits: Limits {
            head: Duration::from_millis(500),
            ..Limits::default()
        },
        ..Setup::default()
    };
    setup.start().await
}

fn form(password: &str) -> String {
    let encoded: String = password.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("password={encoded}")
}

#[tokio::test]
async fn the_right_password_brings_the_file_and_a_wrong_one_an_explanation() {
    let maker = Arc::new(Maker::default());
    let server = start(&maker).await;
    let page = server.get("/").await.text;
    assert!(
        page.contains(&format!("action=\"{PATH}\"")) && page.contains("type=\"password\""),
        "{page}"
    );
    let mut client = server.client().await;
    let (status, headers, body) = client.post(PATH, &form(PASSWORD)).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 300_000));
    assert_eq!(headers["content-type"], "application/zstd");
    assert_eq!(
        headers["content-disposition"],
        format!("attachment; filename=\"{NAME}\"")
    );
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(*maker.from.lock().unwrap(), Some(Ipv4Addr::LOCALHOST.into()));

    let (status, headers, body) = server.client().await.post(PATH, &form("open")).await;
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(headers.get("content-disposition").is_none());
    assert!(
        text.contains("not the console password") && !text.contains("sesame"),
        "{text}"
    );
    let back = server.get(PATH).await;
    assert_eq!(
        (back.status, back.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
}

#[tokio::test]
async fn nobody_is_asked_where_bundles_are_not_given_out() {
    let maker = Arc::new(Maker::default());
    let server = start(&maker).await;
    maker.sealed.store(true, Ordering::Relaxed);
    let page = server.get("/").await.text;
    assert!(
        page.contains("the appliance is sealed") && !page.contains("type=\"password\""),
        "{page}"
    );
    let (status, ..) = server.client().await.post(PATH, &form(PASSWORD)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(maker.asked.load(Ordering::Relaxed), 0);

    let without = TestServer::start().await;
    assert!(!without.get("/").await.text.contains("Support bundle"));
    let (status, ..) = without.client().await.post(PATH, &form(PASSWORD)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn forms_that_are_strange_large_or_never_end_are_refused() {
    let maker = Arc::new(Maker::default());
    let server = start(&maker).await;
    for (body, expected) in [
        (String::new(), StatusCode::BAD_REQUEST),
        ("user=admin".into(), StatusCode::BAD_REQUEST),
        (form(&"x".repeat(4000)), StatusCode::BAD_REQUEST),
        (form(&"x".repeat(40_000)), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (status, ..) = server.client().await.post(PATH, &body).await;
        assert_eq!(status, expected, "{} bytes", body.len());
    }
    let mut stream = server.tls().await;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: box.example\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: 20\r\n\r\npass"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    soon(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 400");
    assert_eq!(maker.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn one_bundle_is_made_at_a_time() {
    let gate = Arc::new(Semaphore::new(0));
    let maker = Arc::new(Maker {
        gate: Some(gate.clone()),
        ..Maker::default()
    });
    let server = Arc::new(start(&maker).await);
    let first = tokio::spawn({
        let server = server.clone();
        async move { server.client().await.post(PATH, &form(PASSWORD)).await.0 }
    });
    let begun = async {
        while maker.asked.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
    };
    soon(begun).await;
    let (second, ..) = server.client().await.post(PATH, &form("guess")).await;
    assert_eq!(second, StatusCode::SERVICE_UNAVAILABLE);
    gate.add_permits(9);
    assert_eq!(soon(first).await.unwrap(), StatusCode::OK);
    assert_eq!(maker.asked.load(Ordering::Relaxed), 1);
}
