//! Firmware fetched from a server, by program and by browser.

use hyper::StatusCode;
use serde_json::{Value, json};
use sps_admin::Request;

use crate::common::{Appliance, TestServer, soon};
use crate::lab::{FIRMWARES, Page, Person, start};
use crate::rest::{json_of, log_in};

const API: &str = "/api/firmware/fetch";
const FORM: &str = "/basic-settings/system/firmwares/fetch";
const URL: &str = "https://server.example/sps-0.3.0.iso?token=hunter2";
const DIGEST: &str = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

fn wanted() -> String {
    json!({ "url": URL, "checksum": { "sha256": DIGEST } }).to_string()
}

async fn call(server: &TestServer, person: &Person, method: &str, path: &str, body: &str) -> Page {
    let headers = [("content-type", "application/json")];
    person.send(server, method, path, &headers, body).await
}

/// Waits until the fetch is `status`.
async fn until(server: &TestServer, person: &Person, path: &str, status: &str) -> Value {
    soon(async {
        loop {
            let fetch = json_of(&person.get(server, path).await);
            if fetch["body"]["status"] == status {
                return fetch;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

fn fetches(appliance: &Appliance) -> usize {
    let asked = appliance.asked();
    let fetches = asked
        .iter()
        .filter(|request| matches!(request, Request::FirmwareFetch { .. }));
    fetches.count()
}

#[tokio::test]
async fn a_program_fetches_a_firmware_into_a_slot() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let page = call(&server, &program, "POST", API, &wanted()).await;
    assert_eq!(page.status, StatusCode::ACCEPTED, "{}", page.text);
    let begun = json_of(&page);
    assert_eq!(
        (&begun["key"], &begun["meta"]["href"]),
        (&json!("1"), &json!("/api/firmware/fetch/1"))
    );
    assert_eq!(begun["body"]["checksum"]["sha256"], DIGEST);
    let ended = until(&server, &program, "/api/firmware/fetch/1", "finished").await;
    assert_eq!(ended["body"]["slot_id"], "3");
    assert_eq!(ended["body"]["result"], "version 0.3.0 is in slot 3");
    assert_eq!(ended["body"]["url"], "https://server.example/sps-0.3.0.iso?...");
    let all = json_of(&program.get(&server, API).await);
    assert_eq!(all["items"][0]["key"], "1");
    let asked = appliance.asked();
    let fetched = Request::FirmwareFetch {
        url: URL.into(),
        sha256: DIGEST.into(),
    };
    assert!(asked.contains(&fetched), "{asked:?}");
    assert!(
        asked
            .iter()
            .any(|request| request.title() == "firmware add (fetched)")
    );
    server.stop().await;
}

#[tokio::test]
async fn mistakes_are_told_at_once_and_nothing_is_begun() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let body = |url: &str, sha256: &str| json!({ "url": url, "checksum": { "sha256": sha256 } }).to_string();
    for (body, kind, words) in [
        (
            body("ftp://server.example/a.iso", DIGEST),
            "InvalidRequest",
            "http:// or https://",
        ),
        (
            body("https://a:b@server.example/", DIGEST),
            "InvalidRequest",
            "user name or a password",
        ),
        (body("server.example", DIGEST), "InvalidRequest", "no URL"),
        (body(URL, "abc"), "InvalidRequest", "64 digits"),
        (
            json!({ "url": URL }).to_string(),
            "InvalidRequestBody",
            "checksum",
        ),
        (String::new(), "IncompleteRequestBodyError", "EOF"),
    ] {
        let page = call(&server, &program, "POST", API, &body).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.text);
        let error = &json_of(&page)["error"];
        assert_eq!(error["type"], kind, "{error}");
        assert!(error["details"].as_str().unwrap().contains(words), "{error}");
    }
    let stranger = Person::default();
    let page = call(&server, &stranger, "POST", API, &wanted()).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let page = call(&server, &program, "DELETE", "/api/firmware/fetch/7", "").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(fetches(&appliance), 0);
    server.stop().await;
}

#[tokio::test]
async fn a_program_cancels_what_it_fetches() {
    let appliance = Appliance::ready();
    appliance.state.lock().unwrap().hang = true;
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    call(&server, &program, "POST", API, &wanted()).await;
    let one = "/api/firmware/fetch/1";
    let under_way = until(&server, &program, one, "in-progress").await;
    assert_eq!(under_way["body"]["slot_id"], json!(null));
    let page = call(&server, &program, "DELETE", one, "").await;
    assert_eq!(page.status, StatusCode::NO_CONTENT, "{}", page.text);
    let ended = until(&server, &program, one, "cancelled").await;
    let words = "called off by admin by web from 127.0.0.1; nothing of it is kept";
    assert_eq!(ended["body"]["result"], words);
    let page = call(&server, &program, "DELETE", one, "").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.text.contains("has ended already"), "{}", page.text);
    let asked = appliance.asked();
    let added = asked
        .iter()
        .any(|request| matches!(request, Request::FirmwareAdd { .. }));
    assert!(!added, "what was called off was added");
    server.stop().await;
}

#[tokio::test]
async fn the_form_takes_a_url_and_a_digest_and_nothing_forged() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person
        .post(&server, FORM, &[("url", URL), ("sha256", DIGEST)])
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "a forged form");
    let page = person
        .submit(&server, FORM, &[("url", "ftp://a/"), ("sha256", DIGEST)])
        .await;
    let words = "The URL must begin with http:// or https://.";
    assert!(page.text.contains(words), "{}", page.text);
    assert_eq!(fetches(&appliance), 0);
    let digest = format!(" {DIGEST} ");
    let page = person
        .submit(&server, FORM, &[("url", URL), ("sha256", &digest)])
        .await;
    let to = (page.status, page.header("location"));
    assert_eq!(to, (StatusCode::SEE_OTHER, FIRMWARES), "{}", page.text);
    assert_eq!(fetches(&appliance), 1);
    server.stop().await;
}

/// The page as soon as it shows `words`.
async fn showing(server: &TestServer, person: &Person, words: &str) -> String {
    soon(async {
        loop {
            let page = person.get(server, FIRMWARES).await;
            if page.text.contains(words) {
                return page.text;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn the_page_shows_how_far_a_fetch_is_and_cancels_it() {
    let appliance = Appliance::ready();
    appliance.state.lock().unwrap().hang = true;
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    person
        .submit(&server, FORM, &[("url", URL), ("sha256", DIGEST)])
        .await;
    let page = showing(&server, &person, "Fetching the firmware").await;
    for words in ["/jobs/1/cancel", "a second", "30 s left", "sps-0.3.0.iso?..."] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("hunter2"));
    let page = person
        .post(&server, "/jobs/1/cancel", &[("form", "forged")])
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let page = person.submit(&server, "/jobs/1/cancel", &[]).await;
    let to = (page.status, page.header("location"));
    assert_eq!(to, (StatusCode::SEE_OTHER, FIRMWARES));
    let page = showing(&server, &person, "Called off by admin by web").await;
    assert!(!page.contains("/jobs/1/cancel"), "an ended job has no button");
    server.stop().await;
}
