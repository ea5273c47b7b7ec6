//! Settings of the cluster by REST, against the real store.

use serde_json::{Value, json};
use sps_admin::Request;
use sps_config::Change;

use crate::common::{Appliance, TestServer};
use crate::lab::{Person, start};
use crate::rest::{call, log_in};
use crate::rest_settings::expect;

const TRANSACTION: &str = "/api/transaction";
const COMMIT: &str = r#"{"status": "commit", "message": "because"}"#;
const FILL_UP: &str = "/api/configuration/management/disk_fillup_prevention";

const LISTS: &str = "/api/configuration/policies/user_lists";
const CHANNELS: &str = "/api/configuration/ssh/channel_policies";
/// Method, address and body of what is refused, the status, and words of the reason.
const REFUSED: [(&str, &str, &str, u16, &str); 9] = [
    (
        "PUT",
        FILL_UP,
        r#"{"enabled":true}"#,
        400,
        "management.disk_fill_up_prevention: missing field",
    ),
    (
        "PUT",
        FILL_UP,
        r#"{"enabled":1,"used_space_ratio_limit":80,"archiving_enabled":false}"#,
        400,
        "enabled: not a boolean",
    ),
    (
        "POST",
        LISTS,
        r#"{"allow":true,"except":[]}"#,
        400,
        "missing field `name`",
    ),
    (
        "POST",
        LISTS,
        r#"{"name":"x","allow":true,"except":[],"more":1}"#,
        400,
        "unknown field `more`",
    ),
    (
        "POST",
        CHANNELS,
        r#"{"name":"x","channels":[],"more":1}"#,
        400,
        "unknown field `more`",
    ),
    (
        "POST",
        CHANNELS,
        r#"{"name":"x"}"#,
        400,
        "missing field `channels`",
    ),
    (
        "PUT",
        "/api/configuration/policies/user_lists/nobody",
        r#"{"name":"nobody","allow":true,"except":[]}"#,
        404,
        "none of the name",
    ),
    (
        "DELETE",
        "/api/configuration/policies/user_lists/nobody",
        "",
        404,
        "none of the name",
    ),
    ("GET", "/api/configuration/nowhere", "", 404, "nothing at"),
];

async fn begun() -> (Appliance, TestServer, Person) {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    expect(&server, &program, ("POST", TRANSACTION, ""), 200).await;
    (appliance, server, program)
}

fn fill_up(limit: u32) -> String {
    json!({"enabled": true, "used_space_ratio_limit": limit, "archiving_enabled": false}).to_string()
}

fn details(answer: &Value) -> &str {
    answer["error"]["details"].as_str().unwrap()
}

fn revision(appliance: &Appliance) -> u64 {
    appliance.cluster().store.lock().unwrap().revision()
}

/// Somebody else changes the configuration.
fn by_somebody_else(appliance: &Appliance) {
    let cluster = appliance.cluster();
    let mut store = cluster.store.lock().unwrap();
    let mut document = store.document().clone();
    document.management.change_log.require_message = true;
    let revision = store.revision();
    let change = Change {
        who: "console tty1".into(),
        ..Change::default()
    };
    store.commit(revision, &document, change).unwrap();
}

#[tokio::test]
async fn single_objects_and_collections_come_into_force_as_one_revision() {
    let (appliance, server, program) = begun().await;
    let seen = expect(&server, &program, ("GET", FILL_UP, ""), 200).await;
    assert_eq!(seen["key"], "disk_fillup_prevention");
    assert_eq!(seen["body"]["used_space_ratio_limit"], 80);
    assert_eq!(seen["meta"]["parent"], "/api/configuration/management");
    expect(&server, &program, ("PUT", FILL_UP, &fill_up(85)), 200).await;
    let lists = "/api/configuration/policies/user_lists";
    let list = json!({"name": "night shift/ä", "allow": false, "except": ["ann"]});
    let added = expect(&server, &program, ("POST", lists, &list.to_string()), 201).await;
    assert_eq!((&added["key"], &added["body"]), (&list["name"], &list));
    let one = added["meta"]["href"].as_str().unwrap().to_owned();
    let seen = expect(&server, &program, ("GET", lists, ""), 200).await;
    assert_eq!(seen["items"][0]["meta"]["href"], one.as_str());
    let mut other = list.clone();
    other["except"] = json!(["ann", "bob"]);
    expect(&server, &program, ("PUT", &one, &other.to_string()), 200).await;
    assert_eq!(revision(&appliance), 0, "nothing is in force yet");
    let stranger = log_in(&server).await;
    expect(&server, &stranger, ("GET", &one, ""), 404).await;
    let network = r#"{"host_name":"gate-02","domain":null,"dns":[],"interfaces":{}}"#;
    expect(
        &server,
        &program,
        ("PUT", "/api/configuration/network", network),
        200,
    )
    .await;
    let changes = expect(&server, &program, ("GET", "/api/transaction/changes", ""), 200).await;
    let items = changes["items"].as_array().unwrap();
    let keys: Vec<_> = items.iter().map(|item| item["key"].as_str().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "network.host_name",
            "management/disk_fillup_prevention/used_space_ratio_limit",
            "policies/user_lists/night shift~1ä"
        ]
    );
    assert_eq!(
        (&items[1]["body"]["before"], &items[1]["body"]["after"]),
        (&json!(80), &json!(85))
    );
    expect(&server, &program, ("PUT", TRANSACTION, COMMIT), 200).await;
    assert_eq!(revision(&appliance), 1);
    assert_eq!(appliance.state.lock().unwrap().network.host_name, "gate-02");
    let seen = expect(&server, &stranger, ("GET", &one, ""), 200).await;
    assert_eq!(seen["body"], other);
    let history = appliance.cluster().store.lock().unwrap().history(1).unwrap();
    assert_eq!(
        (history[0].1.message.as_str(), history[0].1.what.len()),
        ("because", 2)
    );
    assert!(history[0].1.who.starts_with("admin by web from "));
    expect(&server, &program, ("POST", TRANSACTION, ""), 200).await;
    expect(&server, &program, ("DELETE", &one, ""), 204).await;
    expect(&server, &program, ("PUT", TRANSACTION, COMMIT), 200).await;
    expect(&server, &stranger, ("GET", &one, ""), 404).await;
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_path_and_collects_nothing() {
    let (appliance, server, program) = begun().await;
    for (method, path, body, status, words) in REFUSED {
        let refused = expect(&server, &program, (method, path, body), status).await;
        assert!(details(&refused).contains(words), "{refused}");
    }
    let unchanged = expect(&server, &program, ("GET", "/api/transaction/changes", ""), 200).await;
    assert_eq!(unchanged["items"], json!([]));
    let refused = expect(&server, &program, ("PUT", FILL_UP, &fill_up(30)), 400).await;
    let words = "management.disk_fill_up_prevention.used_space_ratio_limit: 30; give 50 to 98";
    assert_eq!(details(&refused), words);
    // What belongs together is judged as a whole, at the commit.
    let channels = json!({"name": "x", "channels": [{"kind": "shell", "audit": true, "from": [],
        "content_policy": null, "time_policy": "none", "user_list": null}]});
    expect(&server, &program, ("POST", CHANNELS, &channels.to_string()), 201).await;
    let refused = expect(&server, &program, ("PUT", TRANSACTION, COMMIT), 400).await;
    assert!(
        details(&refused).starts_with("connections.ssh.channel_policies.x.0.time_policy: "),
        "{refused}"
    );
    expect(&server, &program, ("DELETE", &format!("{CHANNELS}/x"), ""), 204).await;
    expect(&server, &program, ("PUT", FILL_UP, &fill_up(60)), 200).await;
    expect(&server, &program, ("PUT", TRANSACTION, COMMIT), 200).await;
    assert_eq!(revision(&appliance), 1);
    server.stop().await;
}

#[tokio::test]
async fn one_name_is_one_object() {
    let (_appliance, server, program) = begun().await;
    let lists = "/api/configuration/policies/user_lists";
    let list = r#"{"name":"x","allow":true,"except":[]}"#;
    expect(&server, &program, ("POST", lists, list), 201).await;
    let refused = expect(&server, &program, ("POST", lists, list), 409).await;
    assert_eq!(refused["error"]["type"], "ResourceAlreadyExists");
    let renamed = r#"{"name":"y","allow":true,"except":[]}"#;
    let refused = expect(
        &server,
        &program,
        ("PUT", "/api/configuration/policies/user_lists/x", renamed),
        400,
    )
    .await;
    assert!(details(&refused).starts_with("name: "), "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn who_commits_after_somebody_else_is_told_who() {
    let (appliance, server, program) = begun().await;
    expect(&server, &program, ("PUT", FILL_UP, &fill_up(85)), 200).await;
    by_somebody_else(&appliance);
    let edit = ("PUT", FILL_UP, &*fill_up(86));
    for request in [
        ("PUT", TRANSACTION, COMMIT),
        edit,
        ("GET", FILL_UP, ""),
        ("GET", "/api/transaction/changes", ""),
    ] {
        let refused = expect(&server, &program, request, 409).await;
        assert_eq!(refused["error"]["type"], "ConfigurationChanged");
        assert!(details(&refused).contains("console tty1"), "{refused}");
    }
    assert_eq!(revision(&appliance), 1, "only the other change is there");
    expect(&server, &program, ("DELETE", TRANSACTION, ""), 204).await;
    expect(&server, &program, ("POST", TRANSACTION, ""), 200).await;
    expect(&server, &program, ("PUT", FILL_UP, &fill_up(85)), 200).await;
    let silent = expect(
        &server,
        &program,
        ("PUT", TRANSACTION, r#"{"status":"commit"}"#),
        400,
    )
    .await;
    assert!(details(&silent).contains("needs a reason"), "{silent}");
    expect(&server, &program, ("PUT", TRANSACTION, COMMIT), 200).await;
    server.stop().await;
}

#[tokio::test]
async fn no_secret_leaves_and_the_mark_keeps_it() {
    let (appliance, server, program) = begun().await;
    let users = "/api/configuration/aaa/local_database/users";
    let snmp = "/api/configuration/management/snmp_traps";
    let traps = json!({"servers": ["192.0.2.7"], "community": {"plain": "hunter2"}});
    let put = call(&server, &program, "PUT", snmp, &traps.to_string()).await;
    assert!(
        put.status.is_success() && !put.text.contains("hunter2"),
        "{}",
        put.text
    );
    let ann = json!({"name": "ann", "password": {"plain": "hunter of words"}});
    let added = call(&server, &program, "POST", users, &ann.to_string()).await;
    assert!(
        added.status.is_success() && !added.text.contains("hunter"),
        "{}",
        added.text
    );
    let kept = json!({"servers": ["192.0.2.8"], "community": "[redacted]"});
    let seen = expect(&server, &program, ("PUT", snmp, &kept.to_string()), 200).await;
    assert_eq!(seen["body"], kept, "kept within the transaction");
    expect(&server, &program, ("PUT", TRANSACTION, COMMIT), 200).await;
    let document = appliance.cluster().store.lock().unwrap().document().clone();
    let community = document.management.snmp_traps.unwrap().community;
    assert_eq!(community.known().unwrap().expose(), "hunter2");
    let hash = document.users.local["ann"].password.clone().unwrap();
    assert!(hash.known().unwrap().expose().starts_with("$argon2id$"));
    for path in [
        snmp,
        users,
        "/api/configuration/aaa/local_database/users/ann",
        "/api/transaction",
        "/api/changes",
    ] {
        let page = call(&server, &program, "GET", path, "").await;
        assert!(
            !page.text.contains("hunter") && !page.text.contains("$argon2"),
            "{path}: {}",
            page.text
        );
    }
    let nothing = json!({"servers": [], "community": "[redacted]"});
    expect(&server, &program, ("POST", TRANSACTION, ""), 200).await;
    expect(&server, &program, ("PUT", snmp, "null"), 200).await;
    expect(&server, &program, ("PUT", snmp, &nothing.to_string()), 200).await;
    server.stop().await;
}

#[tokio::test]
async fn sealed_the_passwords_are_fixed() {
    let (appliance, server, program) = begun().await;
    appliance.state.lock().unwrap().sealed = true;
    let password = "/api/configuration/aaa/admin_password";
    let refused = expect(
        &server,
        &program,
        ("PUT", password, r#"{"plain":"correct horse"}"#),
        403,
    )
    .await;
    assert!(details(&refused).contains("sealed"), "{refused}");
    expect(&server, &program, ("PUT", FILL_UP, &fill_up(85)), 200).await;
    server.stop().await;
}

#[tokio::test]
async fn every_resource_answers_under_its_name() {
    let (appliance, server, program) = begun().await;
    let root = expect(&server, &program, ("GET", "/api/configuration", ""), 200).await;
    let mut wanted: Vec<String> = hrefs(&root);
    let mut seen = 0;
    while let Some(path) = wanted.pop() {
        let answer = expect(&server, &program, ("GET", &path, ""), 200).await;
        assert_eq!(answer["meta"]["href"], path.as_str());
        wanted.extend(hrefs(&answer));
        seen += 1;
    }
    assert!(seen > 45, "{seen}");
    let asked = appliance.asked();
    assert!(
        !asked
            .iter()
            .any(|request| matches!(request, Request::NetworkSet { .. }))
    );
    server.stop().await;
}

fn hrefs(answer: &Value) -> Vec<String> {
    let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    let href = |item: &Value| item["meta"]["href"].as_str().map(ToOwned::to_owned);
    items.iter().filter_map(href).collect()
}
