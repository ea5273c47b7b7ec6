//! Backup & archive, as people and programs see it.

use hyper::StatusCode;
use sps_admin::Request;

use crate::common::{Appliance, full, soon};
use crate::lab::{Person, start};
use crate::rest::log_in;
use crate::rest_settings::expect;

const PAGE: &str = "/policies/backup-and-archive";

fn busy() -> Appliance {
    let appliance = Appliance::ready();
    appliance.state.lock().unwrap().space = full();
    appliance
}

#[tokio::test]
async fn the_page_shows_room_policies_and_runs_and_runs_them_now() {
    let appliance = busy();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, PAGE).await.text;
    for words in [
        "91.3 %",
        "The disk has been too full since",
        "90 %, and archiving starts",
        "41\u{202f}200",
        "&lt;b&gt;old&lt;/b&gt;",
        "A share of Windows is not served.",
        "12 audit trails were archived.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("<b>old"));
    for (action, asked) in [
        (
            "archive",
            Request::ArchiveRun {
                policy: Some("old".into()),
            },
        ),
        (
            "backup",
            Request::BackupRun {
                policy: Some("old".into()),
            },
        ),
    ] {
        let fields = [("action", action), ("policy", "old")];
        let answer = person.submit(&server, PAGE, &fields).await;
        assert_eq!(answer.header("location"), PAGE);
        let done = soon(async {
            while !appliance.asked().contains(&asked) {
                tokio::task::yield_now().await;
            }
        });
        done.await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_backup_is_restored_only_by_who_is_sure() {
    let appliance = busy();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, &format!("{PAGE}/backups")).await.text;
    assert!(
        page.contains("2027-01-15T03:00:00Z") && page.contains("&lt;b&gt;nightly"),
        "{page}"
    );
    let mut fields = vec![
        ("action", "restore"),
        ("policy", "nightly"),
        ("backup", "2027-01-15T03:00:00Z"),
        ("password", "secret words"),
    ];
    let refused = person.submit(&server, PAGE, &fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    fields.push(("sure", "yes"));
    person.submit(&server, PAGE, &fields).await;
    let asked = soon(async {
        loop {
            let found = appliance.asked().into_iter().find_map(|request| match request {
                Request::BackupRestore {
                    backup,
                    appliance,
                    password,
                    ..
                } => Some((backup, appliance, password)),
                _ => None,
            });
            match found {
                Some(found) => break found,
                None => tokio::task::yield_now().await,
            }
        }
    });
    let (backup, of, password) = asked.await;
    assert_eq!((backup.as_str(), of), ("2027-01-15T03:00:00Z", None));
    assert_eq!(password.unwrap().expose(), "secret words");
    server.stop().await;
}

#[tokio::test]
async fn programs_see_the_room_and_begin_runs() {
    let appliance = busy();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let space = expect(&server, &program, ("GET", "/api/data_store/space", ""), 200).await;
    assert_eq!(space["body"]["used"], 913);
    assert_eq!(space["body"]["policies"][1]["kind"], "backup");
    let backups = expect(&server, &program, ("GET", "/api/data_store/backups", ""), 200).await;
    assert_eq!(backups["items"][0]["body"]["appliance"], "gate-01");
    let body = r#"{"action": "archive", "policy": "old"}"#;
    let begun = expect(&server, &program, ("POST", "/api/data_store/space", body), 202).await;
    let job = begun["body"]["job"].as_str().unwrap();
    expect(&server, &program, ("GET", job, ""), 200).await;
    for wrong in [
        r#"{"action": "erase"}"#,
        r#"{"action": "restore"}"#,
        r#"{"action": "archive", "all": 1}"#,
    ] {
        expect(&server, &program, ("POST", "/api/data_store/space", wrong), 400).await;
    }
    server.stop().await;
}
