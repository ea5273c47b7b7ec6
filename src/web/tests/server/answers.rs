//! Pages, JSON, text, errors, redirects.

use hyper::StatusCode;
use serde_json::json;
use sps_bootlog::Level;
use sps_web::{BootStatus, Health, Phase, PhaseState, Progress, Service, ServiceState};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{Answer, Setup, TestServer, soon};

const BROWSER: &[(&str, &str)] = &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];

fn assert_secured(answer: &Answer, path: &str) {
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(part), "{path}: {part} is missing in {policy:?}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    assert_eq!(
        answer.header("cross-origin-opener-policy"),
        "same-origin",
        "{path}"
    );
    assert_eq!(
        answer.header("cross-origin-resource-policy"),
        "same-origin",
        "{path}"
    );
    assert_eq!(
        answer.header("strict-transport-security"),
        "",
        "{path}: would lock users of self-signed ones out"
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_dynamic_ones_are_not_stored() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    for path in [
        "/",
        "/api/boot",
        "/api/boot/log",
        "/api/boot/status",
        "/boot/log.txt",
        "/healthz",
        "/nothing",
    ] {
        let answer = client.get(path, &[]).await;
        assert_secured(&answer, path);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn the_page_is_complete_without_script() {
    let server = Setup {
        development: true,
        ..Setup::default()
    }
    .start()
    .await;
    server.log.enter_phase("network");
    server
        .log
        .push(Level::Error, "net", "<script>alert(1)</script> & more");
    server.status.send_modify(|status| *status = full_status());
    let page = server.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for part in [
        "Gateway &lt;&amp;&gt;",
        "ERROR: &lt;script&gt;alert(1)&lt;/script&gt; &amp; more",
        "Development build.",
        "Name resolution",
        "eth1 has no link",
        "Moving trails",
        "30 % · 3 files of 10 files",
        r#"<noscript><meta http-equiv="refresh" content="10"></noscript>"#,
    ] {
        assert!(page.text.contains(part), "{part} is missing in {}", page.text);
    }
    assert!(!page.text.contains("<script>"), "text of the log became markup");
    assert!(!page.text.contains("style="), "the policy forbids inline styles");
}

#[tokio::test]
async fn a_release_build_shows_no_banner() {
    let page = TestServer::start().await.get("/").await;
    assert!(!page.text.contains("Development build"));
}

#[tokio::test]
async fn assets_keep_for_ever_under_names_that_change_with_them() {
    let server = TestServer::start().await;
    let page = server.get("/").await.text;
    let mut client = server.client().await;
    let mut found = Vec::new();
    for part in page.split("\"/assets/").skip(1) {
        let path = format!("/assets/{}", part.split('"').next().unwrap());
        let answer = client.get(&path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_secured(&answer, &path);
        found.push(answer.header("content-type").to_owned());
    }
    found.sort();
    assert_eq!(
        found,
        [
            "image/svg+xml",
            "text/css; charset=utf-8",
            "text/css; charset=utf-8",
            "text/javascript; charset=utf-8"
        ]
    );
    assert_eq!(
        client.get("/assets/boot-0000000000000000.js", &[]).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_json_log_can_be_walked_and_holds_the_lines_of_the_console() {
    let server = TestServer::start().await;
    server.write(25);
    let mut lines = Vec::new();
    let mut next = Some("/api/boot/log?after=0&limit=10".to_owned());
    while let Some(href) = next {
        let list = server.json(&href).await;
        assert_eq!(list["meta"]["href"], href);
        assert_eq!(list["meta"]["newest"], 25);
        for item in list["items"].as_array().unwrap() {
            assert_eq!(item["key"], item["body"]["seq"].to_string());
            let alone = server.json(item["meta"]["href"].as_str().unwrap()).await;
            assert_eq!(alone["items"][0], *item);
            lines.push(item["body"]["line"].as_str().unwrap().to_owned());
        }
        next = list["meta"]["next"].as_str().map(str::to_owned);
    }
    let console: Vec<_> = server
        .log
        .after(0)
        .entries
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(lines, console);
    let text = server.get("/boot/log.txt").await;
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(text.text.lines().collect::<Vec<_>>(), console);
}

#[tokio::test]
async fn the_whole_ring_fits_the_text_and_says_what_is_gone() {
    let server = TestServer::start().await;
    server.write(sps_bootlog::CAPACITY + 7);
    let text = server.get("/boot/log.txt").await.text;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("(7 earlier entries are no longer kept)"));
    assert_eq!(lines.count(), sps_bootlog::CAPACITY);
    let list = server.json("/api/boot/log").await;
    assert_eq!(
        (&list["meta"]["missed"], list["items"].as_array().unwrap().len()),
        (&json!(7), 500)
    );
    let page = server.get("/").await.text;
    assert!(
        page.contains("3103 earlier lines are not shown here."),
        "1000 of 4103 are"
    );
}

#[tokio::test]
async fn bad_queries_are_refused_with_a_reason() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    for query in [
        "?limit=0",
        "?limit=1001",
        "?limit=x",
        "?after=-1",
        "?after=1&aftr=2",
        "?after=99999999999999999999",
    ] {
        for path in ["/api/boot/log", "/api/boot/log/events"] {
            let answer = client.get(&format!("{path}{query}"), &[]).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}{query}");
            assert_eq!(answer.json()["error"]["type"], "InvalidQuery", "{path}{query}");
        }
    }
    let answer = client
        .get("/api/boot/log/events", &[("last-event-id", "seven")])
        .await;
    assert_eq!(
        answer.json()["error"]["details"],
        "Last-Event-ID must be the number of an entry"
    );
}

#[tokio::test]
async fn status_and_health_are_those_of_the_moment() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    assert_eq!(
        client.get("/healthz", &[]).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    server.status.send_modify(|status| *status = full_status());
    let status = client.get("/api/boot/status", &[]).await.json();
    assert_eq!(
        serde_json::from_value::<BootStatus>(status["body"].clone()).unwrap(),
        full_status()
    );
    assert_eq!(status["key"], "status");
    assert_eq!(status["meta"]["boot_id"], "boot-1");
    assert_eq!(status["meta"]["appliance"]["version"], "0.1.0");
    for (health, expected) in [
        (Health::Healthy, StatusCode::OK),
        (Health::Degraded, StatusCode::OK),
        (Health::Failed, StatusCode::SERVICE_UNAVAILABLE),
        (Health::Stopping, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        server.status.send_modify(|status| status.health = health);
        let answer = client.get("/healthz", &[]).await;
        assert_eq!(answer.status, expected);
        assert_eq!(
            answer.json()["body"]["health"],
            serde_json::to_value(health).unwrap()
        );
    }
}

#[tokio::test]
async fn errors_have_one_shape_for_machines_and_a_page_for_people() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let missing = client.get("/api/nothing", BROWSER).await;
    assert_eq!(
        (missing.status, missing.header("content-type")),
        (StatusCode::NOT_FOUND, "application/json")
    );
    let expected =
        json!({ "error": { "type": "ResourceNotFound", "details": "there is nothing at /api/nothing" } });
    assert_eq!(missing.json(), expected);

    let page = client.get("/a&b", BROWSER).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
    );
    assert!(
        page.text.contains("There is nothing at /a&amp;b."),
        "{}",
        page.text
    );
    assert_secured(&page, "error page");

    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        for path in ["/", "/api/boot/status"] {
            let answer = client.request(method, path, &[]).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.header("allow"), "GET,HEAD");
            assert_eq!(answer.json()["error"]["type"], "MethodNotAllowed");
        }
    }
    let head = client.request("HEAD", "/", &[]).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn oversized_heads_and_bodies_are_refused() {
    let server = TestServer::start().await;
    let long = "x".repeat(20_000);
    let answer = server.client().await.get("/", &[("x-long", &long)]).await;
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(answer.json()["error"]["type"], "RequestHeaderTooLarge");
    let answer = server.get(&format!("/api/boot/log?{long}")).await;
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);

    let mut stream = server.tls().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 16385\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains(r#""type":"RequestBodyTooLarge""#), "{answer}");
}

async fn plain(server: &TestServer, request: &str) -> String {
    let mut stream = TcpStream::connect(server.http).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn plain_http_only_redirects() {
    let server = TestServer::start().await;
    server.log.push(Level::Info, "test", "secret of the log");
    let close = "connection: close\r\n\r\n";
    let answer = plain(
        &server,
        &format!("GET /a/b?c=d HTTP/1.1\r\nhost: Box.Example:80\r\n{close}"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
    let location = format!(
        "location: https://box.example:{}/a/b?c=d\r\n",
        server.https.port()
    );
    assert!(answer.contains(&location), "{answer}");
    for (request, status) in [
        ("POST / HTTP/1.1\r\nhost: box\r\n", "405"),
        ("GET / HTTP/1.1\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: box\r\nhost: box\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: user@box\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: box/evil\r\n", "400"),
        ("GET /api/boot/log HTTP/1.1\r\nhost: box\r\n", "308"),
    ] {
        let answer = plain(&server, &format!("{request}{close}")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:?}: {answer}"
        );
        assert!(!answer.contains("secret"), "{answer}");
    }
}

fn full_status() -> BootStatus {
    BootStatus {
        start: String::new(),
        health: Health::Starting,
        phases: vec![Phase {
            name: "network".into(),
            title: "Name resolution".into(),
            state: PhaseState::Running,
            started_ms: Some(12),
            finished_ms: None,
        }],
        services: vec![Service {
            name: "ntp".into(),
            state: ServiceState::Degraded,
            detail: "no server".into(),
        }],
        progress: Some(Progress {
            what: "Moving trails".into(),
            done: 3,
            total: 10,
            unit: "files".into(),
            rate: Some(1.5),
            seconds_left: Some(5),
        }),
        problems: vec!["eth1 has no link".into()],
    }
}
