//! The REST API as programs use it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use serde_json::{Value, json};
use sps_admin::Request;

use crate::common::{Appliance, PASSWORD, TestServer};
use crate::lab::{Page, Person, start};

pub(crate) fn json_of(page: &Page) -> Value {
    assert_eq!(page.header("content-type"), "application/json", "{}", page.text);
    serde_json::from_str(&page.text).unwrap_or_else(|error| panic!("{error}: {}", page.text))
}

pub(crate) async fn log_in(server: &TestServer) -> Person {
    let code = BASE64_STANDARD.encode(format!("admin:{PASSWORD}"));
    let basic = format!("Basic {code}");
    let headers = [("authorization", basic.as_str())];
    let page = Person::default()
        .send(server, "GET", "/api/authentication", &headers, "")
        .await;
    let body = json_of(&page);
    assert_eq!(body["body"]["username"], "admin");
    assert!(body["meta"]["remaining_seconds"].as_u64().unwrap() > 1190);
    let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("session_id="));
    Person {
        cookie,
        ..Person::default()
    }
}

pub(crate) async fn call(server: &TestServer, person: &Person, method: &str, path: &str, body: &str) -> Page {
    let headers = [("content-type", "application/json")];
    person.send(server, method, path, &headers, body).await
}

/// `body` chooses slot 3.
async fn tests_before_it_chooses(server: &TestServer, program: &Person, body: &str) {
    let refused = call(server, program, "POST", "/api/firmware/upgrade", body).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(
        json_of(&refused)["error"]["type"],
        "FirmwareTestFailed",
        "not tested"
    );
    let page = call(server, program, "POST", "/api/firmware/test", r#"{"slot_id": 3}"#).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.text);
    let error = &json_of(&page)["error"];
    assert_eq!(error["type"], "FirmwareTestFailed");
    let details = error["details"].as_str().unwrap();
    assert!(
        details.contains("1 finding blocks") && details.contains("release_notes"),
        "{details}"
    );
    let confirmed = r#"{"slot_id": "3", "confirmed": {"release_notes": true}}"#;
    let page = call(server, program, "POST", "/api/firmware/test", confirmed).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let tested = json_of(&page);
    assert_eq!(
        (&tested["key"], &tested["body"]["test_summary"]),
        (&json!("3"), &json!("passed, 1 warning"))
    );
    assert_eq!(tested["body"]["findings"][0]["severity"], "warning");
}

#[tokio::test]
async fn a_program_logs_in_looks_uploads_chooses_and_goes() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let info = json_of(&program.get(&server, "/api/info").await);
    assert_eq!(info["body"]["firmware_version"], "0.1.0");
    let headers = [("content-type", "application/x-iso9660-image")];
    let page = program
        .send(&server, "POST", "/api/upload/firmware", &headers, "the file")
        .await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.text);
    let slot = json_of(&page);
    assert_eq!(
        (&slot["key"], &slot["body"]["version"]),
        (&json!("3"), &json!("0.3.0"))
    );
    let form = "--x\r\ncontent-disposition: form-data; name=\"firmware\"; filename=\"a\"\r\n\r\nform file\r\n--x--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    let page = program
        .send(&server, "POST", "/api/upload/firmware", &headers, form)
        .await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.text);
    assert_eq!(
        appliance.state.lock().unwrap().received.as_deref(),
        Some(&b"form file"[..])
    );
    let body = r#"{"slot_id": "3", "message": "tonight's window"}"#;
    tests_before_it_chooses(&server, &program, body).await;
    let page = call(&server, &program, "POST", "/api/firmware/upgrade", body).await;
    assert_eq!(json_of(&page)["body"]["after_reboot"], true);
    let slots = json_of(&program.get(&server, "/api/firmware/slots").await);
    assert_eq!(slots["meta"]["current_slot"], "1");
    assert_eq!(slots["meta"]["slot_after_reboot"], "3");
    assert_eq!(slots["meta"]["number_of_empty_slots"], 0);
    let page = call(&server, &program, "DELETE", "/api/firmware/slots/2", "").await;
    assert_eq!(page.status, StatusCode::NO_CONTENT);
    let empty = json_of(&program.get(&server, "/api/firmware/slots/2").await);
    assert_eq!((&empty["key"], &empty["body"]), (&json!("2"), &json!({})));
    let page = call(&server, &program, "DELETE", "/api/authentication", "").await;
    assert_eq!(page.status, StatusCode::NO_CONTENT);
    assert_eq!(
        program.get(&server, "/api/info").await.status,
        StatusCode::UNAUTHORIZED
    );
    server.stop().await;
}

#[tokio::test]
async fn errors_are_told_in_the_envelope_and_unknown_keys_by_name() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    for (method, path, body, status, kind, words) in [
        (
            "POST",
            "/api/firmware/upgrade",
            "",
            400,
            "IncompleteRequestBodyError",
            "EOF",
        ),
        (
            "POST",
            "/api/firmware/upgrade",
            "{}",
            400,
            "InvalidRequestBody",
            "slot_id",
        ),
        (
            "POST",
            "/api/firmware/upgrade",
            r#"{"slot_id":"2","mesage":"x"}"#,
            400,
            "InvalidRequestBody",
            "mesage",
        ),
        (
            "POST",
            "/api/firmware/upgrade",
            r#"{"slot_id":"9"}"#,
            404,
            "ResourceNotFound",
            "slot",
        ),
        (
            "GET",
            "/api/firmware/slots/9",
            "",
            404,
            "ResourceNotFound",
            "slot",
        ),
        ("DELETE", "/api/firmware/slots/1", "", 409, "Refused", "running"),
        ("GET", "/api/changes?limit=0", "", 400, "InvalidQuery", "limit"),
        ("GET", "/api/changes?lim=1", "", 400, "InvalidQuery", "lim"),
        ("PATCH", "/api/info", "", 405, "MethodNotAllowed", "PATCH"),
        ("GET", "/api/nothing", "", 404, "ResourceNotFound", "/api/nothing"),
        ("GET", "/api/jobs/5", "", 404, "ResourceNotFound", "job 5"),
    ] {
        let page = call(&server, &program, method, path, body).await;
        assert_eq!(page.status.as_u16(), status, "{method} {path}: {}", page.text);
        let error = &json_of(&page)["error"];
        assert_eq!(error["type"], kind, "{method} {path}: {error}");
        assert!(
            error["details"].as_str().unwrap().contains(words),
            "{method} {path}: {error}"
        );
    }
    appliance.state.lock().unwrap().refuse = Some("its signature does not fit".into());
    let headers = [("content-type", "application/x-iso9660-image")];
    let page = program
        .send(&server, "POST", "/api/upload/firmware", &headers, "x")
        .await;
    assert_eq!(json_of(&page)["error"]["details"], "its signature does not fit");
    server.stop().await;
}

#[tokio::test]
async fn nothing_but_the_doors_opens_without_a_session() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let stranger = Person::default();
    for path in [
        "/api/info",
        "/api/health_status",
        "/api/changes",
        "/api/jobs",
        "/api/license",
        "/api/firmware",
        "/api/firmware/slots",
    ] {
        let page = stranger.get(&server, path).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(
            json_of(&page)["error"]["type"],
            "AuthenticationRequired",
            "{path}"
        );
    }
    for path in ["/api", "/api/setup", "/api/authentication/login_methods"] {
        assert_eq!(stranger.get(&server, path).await.status, StatusCode::OK, "{path}");
    }
    let page = stranger
        .send(&server, "POST", "/api/upload/firmware", &[], "x")
        .await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    for basic in ["", "Basic", "Basic !!!", "Bearer abc", "Basic YWRtaW4="] {
        let headers = [("authorization", basic)];
        let page = stranger
            .send(&server, "GET", "/api/authentication", &headers, "")
            .await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{basic}");
    }
    assert!(
        appliance
            .asked()
            .iter()
            .all(|request| !matches!(request, Request::FirmwareAdd { .. }))
    );
    server.stop().await;
}
