//! Pages of settings, their history, export and import, against the real store.

use hyper::StatusCode;
use sps_config::Change;

use crate::common::{Appliance, TestServer};
use crate::lab::{Page, Person, attribute, start};
use crate::rest::{call, log_in};

const MANAGEMENT: &str = "/settings/management";
const FILL_UP: &str = "/settings/management/disk_fillup_prevention";
const HISTORY: &str = "/users-access-control/configuration-history";
const EXCHANGE: &str = "/basic-settings/system/export-import";
const LIMIT: &str = "v.used_space_ratio_limit";

async fn lab() -> (Appliance, TestServer, Person) {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    (appliance, server, person)
}

fn revision(appliance: &Appliance) -> u64 {
    appliance.cluster().store.lock().unwrap().revision()
}

fn limit(appliance: &Appliance) -> u32 {
    let cluster = appliance.cluster();
    let store = cluster.store.lock().unwrap();
    store
        .document()
        .management
        .disk_fill_up_prevention
        .used_space_ratio_limit
}

async fn set_limit(server: &TestServer, person: &Person, revision: &str, limit: &str) -> Page {
    let fields = [
        ("revision", revision),
        ("v.enabled", "on"),
        (LIMIT, limit),
        ("message", "on <b>tuesday</b>"),
        ("action", "save"),
    ];
    person.submit(server, FILL_UP, &fields).await
}

#[tokio::test]
async fn a_form_changes_a_setting_and_the_history_takes_it_back() {
    let (appliance, server, person) = lab().await;
    let page = person.get(&server, MANAGEMENT).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for words in [
        "Disk space fill-up prevention",
        "Mail settings",
        "SNMP trap settings",
        "Syslog receivers",
        "Session database",
    ] {
        assert!(page.text.contains(words), "{words}");
    }
    assert_eq!(attribute(&page.text, "name=\"revision\" value"), "0");
    let saved = set_limit(&server, &person, "0", "85").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    assert_eq!(saved.header("location"), "/settings/management?saved=1");
    let page = person.get(&server, saved.header("location")).await;
    assert!(
        page.text.contains("revision 1") && page.text.contains("value=\"85\""),
        "{}",
        page.text
    );
    let list = person.get(&server, HISTORY).await;
    assert!(
        list.text
            .contains("management.disk_fill_up_prevention.used_space_ratio_limit"),
        "{}",
        list.text
    );
    assert!(list.text.contains("on &lt;b&gt;tuesday") && list.text.contains("admin by web from"));
    let one = person.get(&server, &format!("{HISTORY}/1")).await;
    assert!(one.text.contains("80") && one.text.contains("85"), "{}", one.text);
    let back = person
        .submit(
            &server,
            &format!("{HISTORY}/1"),
            &[("revision", "1"), ("action", "before")],
        )
        .await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text);
    assert_eq!((revision(&appliance), limit(&appliance)), (2, 80));
    assert_eq!(
        person.get(&server, &format!("{HISTORY}/9")).await.status,
        StatusCode::NOT_FOUND
    );
    server.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_said_at_its_field_and_what_was_typed_stays() {
    let (appliance, server, person) = lab().await;
    for (typed, words) in [("30", "50"), ("many", "Give a whole number")] {
        let page = set_limit(&server, &person, "0", typed).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let problem = page
            .text
            .split("v.used_space_ratio_limit-problem")
            .nth(1)
            .expect(typed);
        assert!(problem.split("</p>").next().unwrap().contains(words), "{problem}");
    }
    let page = set_limit(&server, &person, "0", "30").await;
    assert!(page.text.contains("value=\"30\""), "{}", page.text);
    assert_eq!(revision(&appliance), 0);
    server.stop().await;
}

#[tokio::test]
async fn whoever_is_slower_is_told_who_was_faster() {
    let (appliance, server, person) = lab().await;
    assert_eq!(
        set_limit(&server, &person, "0", "85").await.status,
        StatusCode::SEE_OTHER
    );
    let page = set_limit(&server, &person, "0", "90").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(
        page.text.contains("changed meanwhile by admin by web"),
        "{}",
        page.text
    );
    assert_eq!(limit(&appliance), 85);
    let program = log_in(&server).await;
    call(&server, &program, "POST", "/api/transaction", "").await;
    let page = set_limit(&server, &person, "1", "90").await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.text.contains("by REST"), "{}", page.text);
    server.stop().await;
}

#[tokio::test]
async fn objects_are_added_changed_and_removed() {
    let (appliance, server, person) = lab().await;
    let all = "/settings/policies/time_policies";
    let day = [
        ("revision", "0"),
        ("name", "office hours/ä"),
        ("v.days.count", "0"),
        ("v.days.0.add", "on"),
        ("v.days.0.name", "monday"),
        ("v.days.0.value", "08:00-12:00\r\n13:00-17:00\r\n"),
    ];
    let added = person.submit(&server, all, &day).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text);
    let page = person.get(&server, "/settings/policies").await;
    let one = "/settings/policies/time_policies/office%20hours%2F%C3%A4";
    assert!(page.text.contains(&format!("href=\"{one}\"")), "{}", page.text);
    let page = person.get(&server, one).await;
    assert!(page.text.contains("13:00-17:00"), "{}", page.text);
    let again = person
        .submit(&server, all, &[("revision", "1"), ("name", "office hours/ä")])
        .await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.text.contains("a name that no other one has"),
        "{}",
        again.text
    );
    let removed = person
        .submit(&server, one, &[("revision", "1"), ("action", "delete")])
        .await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.text);
    assert_eq!(revision(&appliance), 2);
    assert_eq!(person.get(&server, one).await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn every_page_of_settings_is_there_and_shows_no_secret() {
    let (appliance, server, person) = lab().await;
    fill(&appliance);
    let start = person.get(&server, MANAGEMENT).await.text;
    let pages: Vec<String> = links(&start);
    assert!(pages.len() > 9, "{pages:?}");
    let mut wanted = pages;
    let mut seen = Vec::new();
    while let Some(path) = wanted.pop() {
        let page = person.get(&server, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(
            !page.text.contains("hunter") && !page.text.contains("$argon2"),
            "{path}"
        );
        seen.push(path);
        wanted.extend(links(&page.text).into_iter().filter(|link| !seen.contains(link)));
        wanted.sort();
        wanted.dedup();
    }
    assert!(seen.len() > 60, "{}", seen.len());
    for path in [HISTORY, "/users-access-control/configuration-history/1", EXCHANGE] {
        let page = person.get(&server, path).await;
        assert!(
            page.status.is_success() && !page.text.contains("hunter"),
            "{path}"
        );
    }
    server.stop().await;
}

/// Links to pages of settings.
fn links(page: &str) -> Vec<String> {
    let all = page.split("href=\"/settings/").skip(1);
    let mut links: Vec<String> = all
        .map(|rest| format!("/settings/{}", rest.split('"').next().unwrap()))
        .filter(|link| !link.contains('?'))
        .collect();
    links.sort();
    links.dedup();
    links
}

/// The configuration of a customer, whose secrets are `hunter` and a number.
fn fill(appliance: &Appliance) {
    fn known(value: &mut serde_json::Value, number: &mut u32) {
        if value.get("encrypted").is_some_and(serde_json::Value::is_string) {
            *number += 1;
            *value = serde_json::json!({"plain": format!("hunter{number}")});
        }
        match value {
            serde_json::Value::Object(object) => object.values_mut().for_each(|inner| known(inner, number)),
            serde_json::Value::Array(list) => list.iter_mut().for_each(|inner| known(inner, number)),
            _ => {}
        }
    }
    let mut document = sps_config_migration::sample(sps_cluster_config::LAYOUT, 3).unwrap();
    known(&mut document, &mut 0);
    document["management"]["change_log"]["require_message"] = false.into();
    let document = serde_json::from_value(document).unwrap();
    let cluster = appliance.cluster();
    let mut store = cluster.store.lock().unwrap();
    let revision = store.revision();
    store.commit(revision, &document, Change::default()).unwrap();
}

async fn upload(server: &TestServer, person: &Person, fields: &[(&str, &str)], file: &str) -> Page {
    let mut body = String::new();
    for (name, value) in [("form", person.secret.as_str())].iter().chain(fields) {
        body += &format!("--line\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += &format!(
        "--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.json\"\r\n\r\n{file}\r\n--line--\r\n"
    );
    let headers = [("content-type", "multipart/form-data; boundary=line")];
    person
        .send(server, "POST", &format!("{EXCHANGE}/import"), &headers, &body)
        .await
}

#[tokio::test]
async fn an_export_is_looked_at_and_then_imported_elsewhere() {
    let (one, here, person) = lab().await;
    fill(&one);
    let word = "correct horse";
    let fields = [("password", word), ("again", word), ("action", "encrypted")];
    let export = person.submit(&here, &format!("{EXCHANGE}/export"), &fields).await;
    assert_eq!(export.status, StatusCode::OK, "{}", export.text);
    assert!(
        export
            .header("content-disposition")
            .contains("sps-configuration-gate-01-1.json")
    );
    assert!(!export.text.contains("hunter"));
    here.stop().await;
    let (other, there, person) = lab().await;
    let look = [("import-password", word), ("action", "look")];
    let preview = upload(&there, &person, &look, &export.text).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    assert!(preview.text.contains("nothing has changed yet") && !preview.text.contains("hunter"));
    assert_eq!(revision(&other), 0);
    let take = [
        ("import-password", word),
        ("action", "take"),
        ("revision", "0"),
        ("message", "moved"),
        ("text", &export.text),
    ];
    let taken = upload(&there, &person, &take, "").await;
    assert!(taken.text.contains("it is revision 1"), "{}", taken.text);
    let known = |appliance: &Appliance| appliance.cluster().store.lock().unwrap().document().clone();
    assert_eq!(known(&other).users, known(&one).users);
    let wrong = upload(
        &there,
        &person,
        &[("import-password", "wrong horse"), ("action", "look")],
        &export.text,
    )
    .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("password is not the one"), "{}", wrong.text);
    there.stop().await;
}

#[tokio::test]
async fn exports_without_secrets_and_mistakes() {
    let (one, server, person) = lab().await;
    fill(&one);
    let export = format!("{EXCHANGE}/export");
    let plain = person.submit(&server, &export, &[("action", "plain")]).await;
    assert!(plain.status.is_success() && !plain.text.contains("hunter") && plain.text.contains("[redacted]"));
    let preview = upload(&server, &person, &[("action", "look")], &plain.text).await;
    assert!(
        preview.text.contains("Secrets to enter again"),
        "{}",
        preview.text
    );
    for fields in [
        [
            ("password", "correct horse"),
            ("again", "correct horst"),
            ("action", "encrypted"),
        ],
        [("password", "short"), ("again", "short"), ("action", "encrypted")],
    ] {
        let refused = person.submit(&server, &export, &fields).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            refused.text
        );
    }
    let film = "x".repeat(5 * 1024 * 1024);
    let refused = upload(&server, &person, &[("action", "look")], &film).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        refused.text.contains("no exported configuration"),
        "{}",
        refused.text
    );
    server.stop().await;
}
