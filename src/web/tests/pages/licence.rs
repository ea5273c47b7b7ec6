//! The licence: shown, uploaded by browser and program, asked for by the wizard.

use hyper::StatusCode;
use serde_json::json;
use sps_admin::Request;

use crate::common::{Appliance, PASSWORD, TestServer};
use crate::lab::{Page, Person, start};
use crate::rest::{json_of, log_in};

const PAGE: &str = "/basic-settings/system/license";
const UPLOAD: &str = "/basic-settings/system/license/upload";
const REST_UPLOAD: &str = "/api/upload/license";
const GOOD: &str = "sps-licence-1\nExample <b>Ltd.</b>";

/// A form as a browser without a script sends it: fields, then the file.
fn form(fields: &[(&str, &str)], file: &str) -> String {
    let text = |(name, value): &(&str, &str)| {
        format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields: String = fields.iter().map(text).collect();
    format!(
        "{fields}--x\r\ncontent-disposition: form-data; name=\"license\"; filename=\"own.lic\"\r\n\
         content-type: application/octet-stream\r\n\r\n{file}\r\n--x--\r\n"
    )
}

async fn send(server: &TestServer, person: &Person, path: &str, body: &str) -> Page {
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    person.send(server, "POST", path, &headers, body).await
}

fn kept(appliance: &Appliance) -> Option<String> {
    let state = appliance.state.lock().unwrap();
    state.licence.as_ref().map(|file| file.text().to_owned())
}

#[tokio::test]
async fn a_demo_says_so_and_a_form_without_a_script_brings_a_licence() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, PAGE).await;
    for words in [
        "<h1>License</h1>",
        "this appliance is a demo",
        "Host",
        "multipart/form-data",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let page = send(&server, &person, UPLOAD, &form(&[("form", &person.secret)], GOOD)).await;
    assert_eq!(
        (page.status, page.header("location")),
        (StatusCode::SEE_OTHER, PAGE),
        "{}",
        page.text
    );
    assert_eq!(kept(&appliance).as_deref(), Some(GOOD));
    let page = person.get(&server, PAGE).await;
    for words in [
        "Example &lt;b&gt;Ltd.&lt;/b&gt;",
        "SPS-2026-000142",
        "Session",
        "200",
        "2026-01-01 - 2027-05-31",
        "6, 7",
        "The running firmware is not among them",
        "central management of several appliances",
        "The licence is not for 0 LTS, which runs.",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_licence_that_is_refused_says_why_on_its_page_and_the_old_one_stays() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let own = [("form", person.secret.as_str())];
    send(&server, &person, UPLOAD, &form(&own, GOOD)).await;
    let long = "x".repeat(16 * 1024 + 1);
    for (file, words) in [
        ("another film", "The one before stays: this is no licence file."),
        ("", "Choose the licence file first"),
        (&long, "more than 16384 bytes"),
    ] {
        let page = send(&server, &person, UPLOAD, &form(&own, file)).await;
        assert_eq!(
            page.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{words}: {}",
            page.text
        );
        assert!(
            page.text.to_lowercase().contains(&words.to_lowercase()),
            "{words}: {}",
            page.text
        );
        assert!(
            page.text.contains("SPS-2026-000142"),
            "the page shows the old one"
        );
    }
    let film = "x".repeat(1_000_000);
    let page = send(&server, &person, UPLOAD, &form(&own, &film)).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        page.text.contains("give the licence file itself"),
        "{}",
        page.text
    );
    assert_eq!(kept(&appliance).as_deref(), Some(GOOD));
    server.stop().await;
}

#[tokio::test]
async fn forged_forms_bring_no_licence() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    for fields in [&[][..], &[("form", "forged")]] {
        let page = send(&server, &person, UPLOAD, &form(fields, GOOD)).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.text);
    }
    let page = send(&server, &Person::default(), UPLOAD, &form(&[], GOOD)).await;
    assert!(page.header("location").starts_with("/login"), "{}", page.text);
    let page = send(&server, &Person::default(), REST_UPLOAD, &form(&[], GOOD)).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(kept(&appliance), None);
    server.stop().await;
}

#[tokio::test]
async fn a_program_shows_and_uploads_it() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let demo = json_of(&program.get(&server, "/api/license").await);
    assert_eq!(demo["key"], "license");
    assert_eq!(
        demo["body"],
        json!({ "status": "demo", "limit_type": "Host", "limit": 5, "problems": [] })
    );
    let raw = [("content-type", "application/octet-stream")];
    let page = program.send(&server, "POST", REST_UPLOAD, &raw, GOOD).await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.text);
    let body = &json_of(&page)["body"];
    assert_eq!(
        (&body["status"], &body["limit"], &body["lts"]),
        (&json!("licensed"), &json!(200), &json!([6, 7]))
    );
    assert_eq!(body["features"][0]["name"], "cluster");
    let other = "sps-licence-1\nOther Ltd.";
    let page = send(&server, &program, REST_UPLOAD, &form(&[], other)).await;
    assert_eq!(json_of(&page)["body"]["customer"], "Other Ltd.");
    let long = "x".repeat(1_000_000);
    for (body, status, words) in [
        ("a film", 400, "the one before stays"),
        ("", 400, "no licence file"),
        (long.as_str(), 400, "more than 16384 bytes"),
    ] {
        let page = program.send(&server, "POST", REST_UPLOAD, &raw, body).await;
        let details = json_of(&page)["error"]["details"].to_string();
        assert_eq!(page.status.as_u16(), status, "{details}");
        assert!(details.contains(words), "{words}: {details}");
    }
    let none = "--x\r\ncontent-disposition: form-data; name=\"other\"\r\n\r\na\r\n--x--\r\n";
    let page = send(&server, &program, REST_UPLOAD, none).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(kept(&appliance).as_deref(), Some(other));
    server.stop().await;
}

#[tokio::test]
async fn the_wizard_takes_a_licence_or_makes_a_demo() {
    for (file, kept_file, told) in [(GOOD, Some(GOOD), json!("uploaded")), ("", None, json!(null))] {
        let appliance = Appliance::untouched();
        let server = start(&appliance).await;
        let person = Person::default();
        let page = person.get(&server, "/setup").await;
        assert!(
            page.text.contains("License file") && page.text.contains("demo"),
            "{}",
            page.text
        );
        let fields = |again| {
            [
                ("password", PASSWORD),
                ("password-again", again),
                ("host", "gate"),
                ("zone", "UTC"),
            ]
        };
        let page = send(&server, &person, "/setup", &form(&fields("other"), file)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            page.text.contains("choose the license file again"),
            kept_file.is_some(),
            "{}",
            page.text
        );
        let state = json_of(&person.get(&server, "/api/setup").await);
        assert_eq!(
            state["body"],
            json!({ "status": "uninitialized", "license": null })
        );
        let page = send(&server, &person, "/setup", &form(&fields(PASSWORD), file)).await;
        assert_eq!(page.header("location"), "/login", "{}", page.text);
        assert_eq!(kept(&appliance).as_deref(), kept_file);
        let asked = appliance.asked();
        let forms = asked
            .iter()
            .filter(|request| matches!(request, Request::Setup { .. }));
        assert_eq!(forms.count(), 1);
        let state = json_of(&person.get(&server, "/api/setup").await);
        assert_eq!(state["body"], json!({ "status": "completed", "license": told }));
        server.stop().await;
    }
}
