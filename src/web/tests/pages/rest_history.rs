//! The history of the settings, and the settings as a file, by REST, against the real store.

use serde_json::{Value, json};

use crate::common::{Appliance, TestServer};
use crate::lab::{Person, start};
use crate::rest::{call, log_in};
use crate::rest_settings::expect;

const HISTORY: &str = "/api/configuration_history";
const EXPORT: &str = "/api/configuration_file/export";
const IMPORT: &str = "/api/configuration_file/import";
const TRANSACTION: &str = "/api/transaction";
const SNMP: &str = "/api/configuration/management/snmp_traps";
const WORD: &str = "correct horse";

async fn lab() -> (Appliance, TestServer, Person) {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    (appliance, server, program)
}

/// Sets the servers of traps, with a secret, as a change of its own.
async fn set(server: &TestServer, program: &Person, last: u8) {
    let traps = json!({"servers": [format!("192.0.2.{last}")], "community": {"plain": "hunter2"}});
    expect(server, program, ("POST", TRANSACTION, ""), 200).await;
    expect(server, program, ("PUT", SNMP, &traps.to_string()), 200).await;
    let commit = json!({"status": "commit", "message": format!("trap {last}")});
    expect(server, program, ("PUT", TRANSACTION, &commit.to_string()), 200).await;
}

fn keys(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["key"].as_str().unwrap()).collect()
}

fn revision(appliance: &Appliance) -> u64 {
    appliance.cluster().store.lock().unwrap().revision()
}

#[tokio::test]
async fn changes_are_listed_in_pages_and_compared() {
    let (_appliance, server, program) = lab().await;
    let none = expect(&server, &program, ("GET", HISTORY, ""), 200).await;
    assert_eq!(
        (&none["items"], &none["meta"]["match_count"]),
        (&json!([]), &json!(0))
    );
    for last in 1..=5 {
        set(&server, &program, last).await;
    }
    let first = expect(&server, &program, ("GET", &format!("{HISTORY}?limit=2"), ""), 200).await;
    assert_eq!(keys(&first), ["5", "4"]);
    let newest = &first["items"][0]["body"];
    assert_eq!(newest["message"], "trap 5");
    assert_eq!(newest["paths"], json!(["management.snmp_traps.servers"]));
    assert!(newest["who"].as_str().unwrap().starts_with("admin by web from "));
    assert_eq!(first["meta"]["match_count"], 5);
    assert_eq!(first["meta"]["previous"], Value::Null);
    let next = first["meta"]["next"].as_str().unwrap();
    let second = expect(&server, &program, ("GET", next, ""), 200).await;
    assert_eq!(keys(&second), ["3", "2"]);
    let next = second["meta"]["next"].as_str().unwrap();
    let last = expect(&server, &program, ("GET", next, ""), 200).await;
    assert_eq!((keys(&last), &last["meta"]["next"]), (vec!["1"], &Value::Null));
    let back = last["meta"]["previous"].as_str().unwrap();
    assert_eq!(
        keys(&expect(&server, &program, ("GET", back, ""), 200).await),
        ["3", "2"]
    );
    let one = expect(&server, &program, ("GET", &format!("{HISTORY}/5"), ""), 200).await;
    assert_eq!(&one["body"], newest);
    let differences = one["meta"]["differences"].as_str().unwrap();
    let changed = expect(&server, &program, ("GET", differences, ""), 200).await;
    assert_eq!(
        (&changed["body"]["from"], &changed["body"]["to"]),
        (&json!(4), &json!(5))
    );
    let wide = call(&server, &program, "GET", &format!("{differences}?from=0"), "").await;
    assert!(
        wide.status.is_success() && !wide.text.contains("hunter2"),
        "{}",
        wide.text
    );
    assert!(wide.text.contains("[redacted]"), "{}", wide.text);
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_kept_is_not_found_and_limits_are_told() {
    let (_appliance, server, program) = lab().await;
    set(&server, &program, 1).await;
    for path in ["9", "0", "x", "9/differences", "1/differences?from=7"] {
        let path = format!("{HISTORY}/{path}");
        let missing = expect(&server, &program, ("GET", &path, ""), 404).await;
        assert_eq!(missing["error"]["type"], "ResourceNotFound", "{path}");
    }
    for query in ["limit=0", "limit=501", "offset=-1", "page=1"] {
        let path = format!("{HISTORY}?{query}");
        let refused = expect(&server, &program, ("GET", &path, ""), 400).await;
        assert_eq!(refused["error"]["type"], "InvalidQuery", "{path}");
    }
    let stranger = Person::default();
    for (method, path) in [("GET", HISTORY), ("POST", EXPORT), ("POST", IMPORT)] {
        expect(&server, &stranger, (method, path, "{}"), 401).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_change_is_taken_back_as_a_revision_of_its_own() {
    let (appliance, server, program) = lab().await;
    set(&server, &program, 1).await;
    set(&server, &program, 2).await;
    let one = format!("{HISTORY}/1");
    let late = json!({"message": "back", "expected": 1}).to_string();
    let refused = expect(&server, &program, ("POST", &one, &late), 409).await;
    assert_eq!(refused["error"]["type"], "ConfigurationChanged");
    let back = json!({"message": "back", "expected": 2}).to_string();
    let taken = expect(&server, &program, ("POST", &one, &back), 200).await;
    assert_eq!((&taken["key"], &taken["body"]["to"]), (&json!("3"), &json!(3)));
    let traps = expect(&server, &program, ("GET", SNMP, ""), 200).await;
    assert_eq!(traps["body"]["servers"], json!(["192.0.2.1"]));
    let known = appliance.cluster().store.lock().unwrap().document().clone();
    let community = known.management.snmp_traps.unwrap().community;
    assert_eq!(
        community.known().unwrap().expose(),
        "hunter2",
        "secrets come back too"
    );
    let last = expect(&server, &program, ("GET", &format!("{HISTORY}/3"), ""), 200).await;
    assert_eq!(last["body"]["message"], "back");
    let first = expect(&server, &program, ("POST", &format!("{HISTORY}/0"), "{}"), 200).await;
    assert_eq!(first["body"]["to"], 4);
    expect(&server, &program, ("POST", &format!("{HISTORY}/99"), "{}"), 400).await;
    assert_eq!(revision(&appliance), 4);
    server.stop().await;
}

#[tokio::test]
async fn an_export_is_looked_at_and_then_taken_elsewhere() {
    let (one, here, program) = lab().await;
    set(&here, &program, 1).await;
    let with = json!({"password": WORD}).to_string();
    let export = expect(&here, &program, ("POST", EXPORT, &with), 200).await;
    assert_eq!(export["body"]["name"], "sps-configuration-gate-01-1.json");
    assert!(!export.to_string().contains("hunter2"));
    here.stop().await;
    let (other, there, program) = lab().await;
    let file = &export["body"]["file"];
    let look = json!({"file": file, "password": WORD, "preview": true}).to_string();
    let preview = expect(&there, &program, ("POST", IMPORT, &look), 200).await;
    assert_eq!(preview["body"]["changes"]["to"], Value::Null);
    assert!(
        !preview["body"]["changes"]["differences"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(!preview.to_string().contains("hunter2"));
    assert_eq!(revision(&other), 0);
    let wrong = json!({"file": file, "password": "wrong horse", "preview": true}).to_string();
    expect(&there, &program, ("POST", IMPORT, &wrong), 400).await;
    let take = json!({"file": file, "password": WORD, "preview": false, "expected": 0, "message": "moved"});
    let taken = expect(&there, &program, ("POST", IMPORT, &take.to_string()), 200).await;
    assert_eq!(taken["body"]["changes"]["to"], 1);
    expect(&there, &program, ("POST", IMPORT, &take.to_string()), 409).await;
    let known = |appliance: &Appliance| appliance.cluster().store.lock().unwrap().document().clone();
    assert_eq!(known(&other).management, known(&one).management);
    there.stop().await;
}

#[tokio::test]
async fn a_file_without_secrets_and_a_large_one() {
    let (_appliance, server, program) = lab().await;
    set(&server, &program, 1).await;
    let export = expect(&server, &program, ("POST", EXPORT, "{}"), 200).await;
    let text = export["body"]["file"].as_str().unwrap();
    assert!(text.contains("[redacted]") && !text.contains("hunter2"), "{text}");
    let short = r#"{"password": "short"}"#;
    expect(&server, &program, ("POST", EXPORT, short), 400).await;
    // Spaces at its end change nothing of it, and make it as large as any may be.
    let large = format!(
        "{text}{}",
        " ".repeat(sps_admin::CONFIGURATION_BYTES - text.len())
    );
    let look = json!({"file": large, "preview": true}).to_string();
    let seen = expect(&server, &program, ("POST", IMPORT, &look), 200).await;
    assert!(!seen["body"]["left_out"].as_array().unwrap().is_empty(), "{seen}");
    let larger = json!({"file": format!("{large} "), "preview": true}).to_string();
    let refused = expect(&server, &program, ("POST", IMPORT, &larger), 400).await;
    assert!(
        refused["error"]["details"].as_str().unwrap().contains("bytes"),
        "{refused}"
    );
    server.stop().await;
}
