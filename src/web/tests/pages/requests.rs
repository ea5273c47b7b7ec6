//! What other sites and forged requests achieve: nothing.

use hyper::StatusCode;
use sps_admin::Request;

use crate::common::{Appliance, PASSWORD};
use crate::lab::{FIRMWARES, Person, start};

const CONTROL: &str = "/basic-settings/system/system-control";

fn changes(appliance: &Appliance) -> usize {
    let asked = appliance.asked();
    asked
        .iter()
        .filter(|request| request.is_logged() && !matches!(request, Request::WebLogin { .. }))
        .count()
}

#[tokio::test]
async fn a_form_without_the_session_s_secret_changes_nothing() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let other = Person::inside(&server).await;
    let path = format!("{FIRMWARES}/2/action");
    for secret in ["", "x", &other.secret, &person.secret[1..]] {
        let page = person
            .post(&server, &path, &[("form", secret), ("action", "delete")])
            .await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{secret}");
        assert!(page.text.contains("another session"), "{}", page.text);
    }
    assert_eq!(changes(&appliance), 0);
    let page = person.submit(&server, &path, &[("action", "delete")]).await;
    assert_eq!((page.status, changes(&appliance)), (StatusCode::SEE_OTHER, 1));
    server.stop().await;
}

#[tokio::test]
async fn other_sites_requests_are_refused_even_with_the_secret() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let body = format!("form={}&action=delete", person.secret);
    for header in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let headers = [("content-type", "application/x-www-form-urlencoded"), header];
        for path in [&format!("{FIRMWARES}/2/action"), "/login", "/logout", "/setup"] {
            let page = person.send(&server, "POST", path, &headers, &body).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {header:?}");
        }
    }
    assert_eq!(changes(&appliance), 0);
    server.stop().await;
}

#[tokio::test]
async fn forged_cookies_are_strangers() {
    let server = start(&Appliance::ready()).await;
    let person = Person::inside(&server).await;
    let mut forged = vec![
        "session_id=".to_owned(),
        format!("session_id={}", "A".repeat(43)),
        format!("session_id={}", "A".repeat(5000)),
        format!("{}; {}", person.cookie, person.cookie),
        format!("x={}", person.cookie),
    ];
    for n in [11, 20, 40] {
        let mut bytes = person.cookie.clone().into_bytes();
        bytes[n] = if bytes[n] == b'A' { b'B' } else { b'A' };
        forged.push(String::from_utf8(bytes).unwrap());
    }
    for cookie in forged {
        let stranger = Person {
            cookie: cookie.clone(),
            ..Person::default()
        };
        let page = stranger.get(&server, FIRMWARES).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{cookie}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_reboot_needs_the_ticked_box() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.submit(&server, CONTROL, &[("action", "reboot")]).await;
    assert_eq!((page.status, changes(&appliance)), (StatusCode::BAD_REQUEST, 0));
    let fields = [("action", "reboot"), ("sure", "yes"), ("message", "to try 0.2.0")];
    let page = person.submit(&server, CONTROL, &fields).await;
    assert!(page.text.contains("data-return"), "{}", page.text);
    let reason = "to try 0.2.0".to_owned();
    assert_eq!(appliance.asked().last(), Some(&Request::Reboot { reason }));
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_words() {
    let server = start(&Appliance::ready()).await;
    let person = Person::inside(&server).await;
    let act = |slot: &'static str, action: &'static str| {
        let (person, server) = (person.clone(), &server);
        async move {
            let path = format!("{FIRMWARES}/{slot}/action");
            person.submit(server, &path, &[("action", action)]).await
        }
    };
    let page = act("1", "delete").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(
        page.text.contains("Slot 1 is running: it is not touched."),
        "{}",
        page.text
    );
    assert_eq!(act("9", "delete").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(act("1", "paint").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(act("300", "delete").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        person.get(&server, &format!("{FIRMWARES}/3")).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        person.get(&server, "/jobs/77").await.status,
        StatusCode::NOT_FOUND
    );
    let long = "x".repeat(20_000);
    let page = person
        .post(&server, "/login", &[("user", "admin"), ("password", &long)])
        .await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(!page.text.contains(PASSWORD));
    server.stop().await;
}
