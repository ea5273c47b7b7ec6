//! Header fields that every answer carries, before and behind the login, and the attributes of the cookie.

use hyper::StatusCode;

use crate::common::{Appliance, PASSWORD};
use crate::lab::{FIRMWARES, Page, Person, start};

const EVERYWHERE: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

fn check(page: &Page, what: &str) {
    for (name, value) in EVERYWHERE {
        assert_eq!(page.header(name), value, "{what}: {name}");
    }
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{what}: {policy}");
    assert!(page.header("cache-control").starts_with("no-store"), "{what}");
    // With it nobody gets past the certificate that the appliance has made for itself (RFC 6797, 12.1).
    assert_eq!(page.header("strict-transport-security"), "", "{what}");
    assert_eq!(page.header("server"), "", "{what}");
}

#[tokio::test]
async fn every_answer_before_and_behind_the_login_is_guarded_and_not_stored() {
    let server = start(&Appliance::ready()).await;
    let person = Person::inside(&server).await;
    let stranger = Person::default();
    for path in [
        FIRMWARES,
        "/basic-settings/system/firmwares/2",
        "/basic-settings/system/version-details",
        "/basic-settings/system/system-control",
        "/users-access-control/changes",
        "/login",
        "/setup",
        "/boot",
        "/jobs/9",
        "/nothing",
        "/api",
        "/api/info",
        "/api/openapi.json",
        "/api/jobs/9",
        "/api/nothing",
    ] {
        check(&person.get(&server, path).await, path);
        check(
            &stranger.get(&server, path).await,
            &format!("{path} by a stranger"),
        );
    }
    check(&person.post(&server, FIRMWARES, &[]).await, "a wrong method");
    check(&person.post(&server, "/login", &[]).await, "an empty form");
    server.stop().await;
}

#[tokio::test]
async fn the_cookie_is_for_tls_alone_and_hidden_from_scripts_and_other_sites() {
    let server = start(&Appliance::ready()).await;
    let mut person = Person::default();
    let page = person.log_in(&server, PASSWORD).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let attributes = |page: &Page| {
        let (_, attributes) = page.header("set-cookie").split_once("; ").unwrap();
        attributes.to_owned()
    };
    assert_eq!(attributes(&page), "Path=/; Secure; HttpOnly; SameSite=Lax");
    let page = person.get(&server, FIRMWARES).await;
    person.secret = crate::lab::attribute(&page.text, "data-form");
    let page = person.submit(&server, "/logout", &[]).await;
    assert_eq!(
        attributes(&page),
        "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    );
    server.stop().await;
}
