//! Coming in: setting up, logging in, staying, going.

use hyper::StatusCode;
use sps_admin::Request;
use sps_web::Health;

use crate::common::{Appliance, PASSWORD};
use crate::lab::{FIRMWARES, Person, start, start_keeping};

#[tokio::test]
async fn the_front_door_is_boot_page_then_wizard_then_login() {
    let appliance = Appliance::untouched();
    let server = start(&appliance).await;
    let person = Person::default();
    server
        .status
        .send_modify(|status| status.health = Health::Starting);
    let page = person.get(&server, "/").await;
    assert!(page.status == StatusCode::OK && page.text.contains("Boot log"));
    server
        .status
        .send_modify(|status| status.health = Health::Healthy);
    assert_eq!(person.get(&server, "/").await.header("location"), "/setup");
    assert_eq!(person.get(&server, "/login").await.header("location"), "/setup");
    appliance.state.lock().unwrap().set_up = true;
    assert_eq!(person.get(&server, "/").await.header("location"), FIRMWARES);
    assert_eq!(person.get(&server, "/setup").await.header("location"), "/login");
    let page = person.get(&server, FIRMWARES).await;
    let to = format!("/login?next={}", FIRMWARES.replace('/', "%2F"));
    assert_eq!(page.header("location"), to);
    assert!(person.get(&server, "/boot").await.text.contains("Boot log"));
    server.stop().await;
}

#[tokio::test]
async fn the_wizard_keeps_what_was_typed_and_says_what_is_wrong() {
    let appliance = Appliance::untouched();
    let server = start(&appliance).await;
    let person = Person::default();
    let fields = |again, host, zone| {
        [
            ("password", PASSWORD),
            ("password-again", again),
            ("host", host),
            ("zone", zone),
            ("interface", "eth0"),
            ("addressing", "static"),
            ("address", "192.0.2.5/24"),
            ("gateway", "192.0.2.1"),
            ("ntp", "ntp.example.net, 192.0.2.9"),
        ]
    };
    for (again, host, zone, words) in [
        ("other", "gate", "UTC", "two passwords are not the same"),
        (PASSWORD, "gate", "Nowhere", "no time zone Nowhere"),
        (PASSWORD, "", "UTC", "no host name"),
    ] {
        let page = person.post(&server, "/setup", &fields(again, host, zone)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains(words), "{words}: {}", page.text);
        assert!(page.text.contains("192.0.2.5/24") && !page.text.contains(PASSWORD));
    }
    let page = person
        .post(&server, "/setup", &fields(PASSWORD, "gate", "Europe/Vienna"))
        .await;
    assert_eq!(page.header("location"), "/login", "{}", page.text);
    let asked = appliance.asked();
    let Some(Request::Setup { form }) = asked.last() else {
        panic!("{asked:?}");
    };
    assert_eq!((form.host_name.as_str(), form.time_servers.len()), ("gate", 2));
    // Nobody sets it up twice.
    let page = person
        .post(&server, "/setup", &fields(PASSWORD, "mine", "UTC"))
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("set up already"), "{}", page.text);
    server.stop().await;
}

#[tokio::test]
async fn a_login_begins_a_new_session_and_a_logout_ends_it() {
    let server = start(&Appliance::ready()).await;
    let mut person = Person::inside(&server).await;
    let first = person.clone();
    assert!(person.get(&server, FIRMWARES).await.text.contains("gate-01"));
    // Logging in again ends the session that came with it: a planted one is worth nothing.
    person.log_in(&server, PASSWORD).await;
    assert_ne!(first.cookie, person.cookie);
    assert_eq!(first.get(&server, FIRMWARES).await.status, StatusCode::SEE_OTHER);
    let page = person.get(&server, FIRMWARES).await;
    person.secret = crate::lab::attribute(&page.text, "data-form");
    let page = person.submit(&server, "/logout", &[]).await;
    assert!(page.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(person.get(&server, FIRMWARES).await.status, StatusCode::SEE_OTHER);
    server.stop().await;
}

#[tokio::test]
async fn a_planted_cookie_never_becomes_a_session() {
    let server = start(&Appliance::ready()).await;
    let planted = format!("session_id={}", "A".repeat(43));
    let mut person = Person {
        cookie: planted.clone(),
        ..Person::default()
    };
    assert_eq!(person.get(&server, FIRMWARES).await.status, StatusCode::SEE_OTHER);
    person.log_in(&server, PASSWORD).await;
    assert_ne!(person.cookie, planted);
    let attacker = Person {
        cookie: planted,
        ..Person::default()
    };
    assert_eq!(
        attacker.get(&server, FIRMWARES).await.status,
        StatusCode::SEE_OTHER
    );
    server.stop().await;
}

#[tokio::test]
async fn sessions_survive_a_restart_of_the_appliance() {
    let folder = tempfile::tempdir().unwrap();
    let appliance = Appliance::ready();
    let server = start_keeping(&appliance, folder.path()).await;
    let person = Person::inside(&server).await;
    server.stop().await;
    let server = start_keeping(&appliance, folder.path()).await;
    assert_eq!(person.get(&server, FIRMWARES).await.status, StatusCode::OK);
    let page = person
        .submit(&server, &format!("{FIRMWARES}/2/action"), &[("action", "delete")])
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
    server.stop().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_so() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let mut person = Person::default();
    for _ in 0..4 {
        let page = person.log_in(&server, "wrong").await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert!(page.text.contains("do not fit together") && page.header("set-cookie").is_empty());
    }
    let judged = appliance.asked().len();
    let page = person.log_in(&server, PASSWORD).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.text.contains("try again in"), "{}", page.text);
    assert_eq!(appliance.asked().len(), judged, "the password was judged");
    server.stop().await;
}

#[tokio::test]
async fn a_thousand_logins_are_answered_and_few_are_judged() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    // Connections that the batch before has not closed yet count too.
    const BUSY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
    let mut refused = 0;
    for _ in 0..100 {
        let tries = (0..10).map(|n| {
            let server = &server;
            async move {
                let user = format!("user{n}");
                let fields = [("user", user.as_str()), ("password", "guess")];
                Person::default().post(server, "/login", &fields).await.status
            }
        });
        for status in futures_util::future::join_all(tries).await {
            assert!(
                matches!(
                    status,
                    StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS | BUSY
                ),
                "{status}"
            );
            refused += usize::from(status != StatusCode::UNAUTHORIZED);
        }
    }
    assert!(refused > 900, "{refused}");
    let judged = appliance.asked();
    let judged = judged
        .iter()
        .filter(|request| matches!(request, Request::WebLogin { .. }));
    assert!(judged.count() < 100);
    assert_eq!(
        Person::default().get(&server, "/login").await.status,
        StatusCode::OK
    );
    server.stop().await;
}
