//! What pages show, and that nothing anybody stored becomes markup.

use sps_admin::{Change, Rollback, SlotState};

use crate::common::{Appliance, TestServer, soon};
use crate::lab::{FIRMWARES, Person, attribute, start};

const SCRIPT: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'";

#[tokio::test]
async fn stored_names_never_become_markup() {
    let appliance = Appliance::ready();
    {
        let mut state = appliance.state.lock().unwrap();
        state.slots[1].version = Some(SCRIPT.into());
        state.slots[1].state = SlotState::Failed {
            reason: SCRIPT.into(),
        };
        state.changes = vec![Change {
            who: SCRIPT.into(),
            what: SCRIPT.into(),
            message: SCRIPT.into(),
            outcome: SCRIPT.into(),
            paths: vec![SCRIPT.into()],
            ..Change::default()
        }];
        state.rollback = Some(Rollback {
            version: SCRIPT.into(),
            reason: SCRIPT.into(),
            phase: Some(SCRIPT.into()),
            log: vec![SCRIPT.into()],
            kernel: vec![SCRIPT.into()],
            time: 1,
        });
    }
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    for path in [
        FIRMWARES,
        "/basic-settings/system/firmwares/2",
        "/basic-settings/system/version-details",
        "/users-access-control/changes",
    ] {
        let page = person.get(&server, path).await;
        assert!(page.status.is_success(), "{path}: {}", page.status);
        assert!(page.text.contains("alert(1)"), "{path} does not show it");
        assert!(
            !page.text.contains("<script>") && !page.text.contains("<img"),
            "{path}"
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
    }
    server.stop().await;
}

/// The page, once it shows these words.
async fn shows(person: &Person, server: &TestServer, path: &str, words: &str) -> String {
    loop {
        let page = person.get(server, path).await;
        if page.text.contains(words) {
            return page.text;
        }
    }
}

#[tokio::test]
async fn a_firmware_is_tested_on_its_page_and_then_can_be_chosen() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let slot = "/basic-settings/system/firmwares/2";
    let page = person.get(&server, slot).await;
    assert!(page.text.contains("It has not been tested yet."), "{}", page.text);
    assert!(!page.text.contains("Boot after reboot"));
    let act = format!("{slot}/action");
    let test = ("action", "test");
    for (fields, shown, offered) in [
        (&[test][..], "Not passed, 1 finding blocks, 1 warning.", false),
        (&[test, ("notes", "yes")][..], "Passed, 1 warning.", true),
    ] {
        let answer = person.submit(&server, &act, fields).await;
        assert_eq!(answer.header("location"), slot);
        let page = soon(shows(&person, &server, slot, shown)).await;
        assert!(
            page.contains("Nobody has &lt;b&gt;configuration_backup"),
            "{page}"
        );
        assert_eq!(page.contains("Boot after reboot"), offered);
    }
    let list = person.get(&server, FIRMWARES).await;
    assert!(list.text.contains("Passed") && list.text.contains("Boot after reboot"));
    server.stop().await;
}

#[tokio::test]
async fn neither_the_wizard_s_values_nor_a_job_s_words_become_markup() {
    let appliance = Appliance::untouched();
    {
        let mut state = appliance.state.lock().unwrap();
        state.network.host_name = SCRIPT.into();
        state.network.domain = Some(SCRIPT.into());
        state.refuse = Some(SCRIPT.into());
    }
    let server = start(&appliance).await;
    let wizard = Person::default().get(&server, "/setup").await.text;
    let typed = [
        ("host", SCRIPT),
        ("zone", "Europe/Vienna"),
        ("ntp", SCRIPT),
        ("dns", SCRIPT),
    ];
    let again = Person::default().post(&server, "/setup", &typed).await.text;
    appliance.state.lock().unwrap().set_up = true;
    let person = Person::inside(&server).await;
    let headers = [("content-type", "application/x-iso9660-image")];
    let refused = person
        .send(&server, "POST", "/api/upload/firmware", &headers, "file")
        .await;
    assert_eq!(refused.header("content-type"), "application/json");
    let firmwares = person.get(&server, FIRMWARES).await.text;
    for (page, text) in [
        ("wizard", wizard),
        ("wizard again", again),
        ("firmwares", firmwares),
    ] {
        assert!(text.contains("alert(1)"), "{page} does not show it");
        assert!(
            !text.contains("<script>") && !text.contains("<img"),
            "{page}: {text}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn the_version_page_says_why_an_upgrade_was_taken_back() {
    let appliance = Appliance::ready();
    appliance.state.lock().unwrap().rollback = Some(Rollback {
        version: "0.2.0".into(),
        reason: "it did not become healthy in three starts".into(),
        phase: Some("services".into()),
        log: vec!["[ 12.0] services  never healthy".into()],
        kernel: Vec::new(),
        time: 1_800_000_000,
    });
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person
        .get(&server, "/basic-settings/system/version-details")
        .await;
    for words in [
        "Version 0.2.0 was left and version 0.1.0 runs again.",
        "It did not become healthy in three starts.",
        "It got as far as the phase services.",
        "services  never healthy",
        "2027-01-15 09:00:00 CET",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_support_bundle_is_made_fetched_and_deleted_in_the_browser() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let path = "/basic-settings/troubleshooting";
    let page = person.get(&server, path).await;
    assert!(page.text.contains("None is kept."), "{}", page.text);
    let answer = person.submit(&server, path, &[("action", "make")]).await;
    assert_eq!(answer.header("location"), path);
    let page = soon(shows(&person, &server, path, "Finished")).await;
    let link = attribute(&page[page.find("/download").unwrap() - 80..], "href");
    assert_eq!(person.get(&server, &link).await.status, 200, "{link}");
    let key = attribute(&page[page.find("name=\"key\"").unwrap()..], "value");
    let delete = [("action", "delete"), ("key", key.as_str())];
    person.submit(&server, path, &delete).await;
    assert!(person.get(&server, path).await.text.contains("None is kept."));
    let answer = person
        .submit(&server, path, &[("action", "delete"), ("key", "x")])
        .await;
    assert_eq!(answer.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn every_page_is_small() {
    let server = start(&Appliance::ready()).await;
    let person = Person::inside(&server).await;
    for path in [FIRMWARES, "/users-access-control/changes", "/login", "/boot"] {
        let page = person.get(&server, path).await;
        assert!(page.text.len() < 60_000, "{path}: {}", page.text.len());
    }
    server.stop().await;
}
