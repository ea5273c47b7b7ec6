//! Metrics: who may read them, and that nothing else is opened by what opens them.

use hyper::StatusCode;
use sps_admin::Request;

use crate::common::METRICS_TOKEN;
use crate::common::{Appliance, TestServer};
use crate::lab::{Page, Person, start};
use crate::rest::{json_of, log_in};

async fn with(server: &TestServer, path: &str, authorization: &str) -> Page {
    let headers = [("authorization", authorization)];
    Person::default().send(server, "GET", path, &headers, "").await
}

#[tokio::test]
async fn metrics_are_for_whoever_has_a_session_or_the_token_and_the_token_opens_nothing_else() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer guessed",
        &format!("Basic {METRICS_TOKEN}"),
    ] {
        let page = with(&server, "/api/metrics", authorization).await;
        assert_eq!(
            page.status,
            StatusCode::UNAUTHORIZED,
            "{authorization:?}: {}",
            page.text
        );
        assert_eq!(json_of(&page)["error"]["type"], "AuthenticationRequired");
    }
    let program = log_in(&server).await;
    let bearer = format!("Bearer {METRICS_TOKEN}");
    let pages = [
        program.get(&server, "/api/metrics").await,
        with(&server, "/api/metrics", &bearer).await,
        with(&server, "/api/metrics", &bearer.to_lowercase()).await,
    ];
    for page in pages {
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        assert_eq!(
            page.header("content-type"),
            "text/plain; version=0.0.4; charset=utf-8"
        );
        assert!(
            page.text.contains("\nsps_sessions_open{protocol=\"ssh\"} 9\n"),
            "{}",
            page.text
        );
    }
    for path in ["/api/info", "/api/health_status", "/api/audit/sessions"] {
        let page = with(&server, path, &bearer).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let asked = appliance.state.lock().unwrap().asked.clone();
    let asked = asked
        .iter()
        .filter(|asked| matches!(asked, Request::Figures { .. }));
    assert_eq!(asked.count(), 4);
    server.stop().await;
}

#[tokio::test]
async fn health_tells_sessions_by_protocol_and_what_is_in_use() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let health = json_of(&program.get(&server, "/api/health_status").await)["body"].clone();
    assert_eq!(
        health["sessions"],
        serde_json::json!({"http": 0, "rdp": 0, "ssh": 9})
    );
    assert_eq!(health["sessions_total"], 9);
    assert_eq!(health["memory"], 25.0);
    assert_eq!(health["disk"], 10.0);
    assert_eq!(health["load5"], 0.5);
    assert!(
        health["cpu"]
            .as_f64()
            .is_some_and(|cpu| (0.0..=100.0).contains(&cpu)),
        "{health}"
    );
    server.stop().await;
}
