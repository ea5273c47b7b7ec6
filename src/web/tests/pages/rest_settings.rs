//! Settings by REST: the first ones, and those that are edited in a transaction.

use hyper::StatusCode;
use serde_json::{Value, json};
use sps_admin::Request;

use crate::common::{Appliance, PASSWORD, TestServer};
use crate::lab::{Page, Person, start};
use crate::rest::{call, json_of, log_in};

const TRANSACTION: &str = "/api/transaction";
const NETWORK: &str = "/api/configuration/network";
const COMMIT: &str = r#"{"status": "commit", "message": "new name"}"#;

pub(crate) async fn expect(
    server: &TestServer,
    person: &Person,
    (method, path, body): (&str, &str, &str),
    status: u16,
) -> Value {
    let page = call(server, person, method, path, body).await;
    assert_eq!(page.status.as_u16(), status, "{method} {path}: {}", page.text);
    if page.text.is_empty() {
        return Value::Null;
    }
    json_of(&page)
}

fn kind(answer: &Value) -> &str {
    answer["error"]["type"].as_str().unwrap()
}

fn network(host_name: &str) -> String {
    json!({ "host_name": host_name, "domain": null, "dns": [], "interfaces": { "eth0": { "ipv4": "off" } } })
        .to_string()
}

#[tokio::test]
async fn what_a_transaction_collects_comes_into_force_at_its_commit() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let edit = network("gate-02");
    let refused = expect(&server, &program, ("PUT", NETWORK, &edit), 409).await;
    assert_eq!(kind(&refused), "NoTransaction");
    let begun = expect(&server, &program, ("POST", TRANSACTION, ""), 200).await;
    assert_eq!(begun["body"]["status"], "open");
    assert_eq!(begun["body"]["own"], true);
    assert_eq!(begun["meta"]["transaction"], TRANSACTION);
    assert!(begun["meta"]["remaining_seconds"].as_u64().unwrap() > 1190);
    let refused = expect(&server, &program, ("POST", TRANSACTION, ""), 409).await;
    assert_eq!(kind(&refused), "TransactionOpen");
    expect(&server, &program, ("PUT", NETWORK, &edit), 200).await;
    let seen = expect(&server, &program, ("GET", NETWORK, ""), 200).await;
    assert_eq!(seen["body"]["host_name"], "gate-02");
    let stranger = log_in(&server).await;
    let seen = expect(&server, &stranger, ("GET", NETWORK, ""), 200).await;
    assert_eq!(seen["body"]["host_name"], "sps", "nothing is in force yet");
    let path = "/api/transaction/changes";
    let changes = expect(&server, &program, ("GET", path, ""), 200).await;
    let items = changes["items"].as_array().unwrap();
    let paths: Vec<_> = items.iter().map(|item| item["key"].as_str().unwrap()).collect();
    assert_eq!(paths, ["network.host_name", "network.interfaces"]);
    assert_eq!(items[0]["body"]["before"], "sps");
    assert_eq!(items[0]["body"]["after"], "gate-02");
    let ended = expect(&server, &program, ("PUT", TRANSACTION, COMMIT), 200).await;
    assert_eq!(ended["body"]["status"], "closed");
    let seen = expect(&server, &stranger, ("GET", NETWORK, ""), 200).await;
    assert_eq!(seen["body"]["host_name"], "gate-02");
    let asked = appliance.asked();
    let sets = asked
        .iter()
        .filter(|request| matches!(request, Request::NetworkSet { .. }));
    assert_eq!(sets.count(), 1, "all at once");
    server.stop().await;
}

#[tokio::test]
async fn one_session_writes_at_a_time_and_the_others_see_who() {
    let server = start(&Appliance::ready()).await;
    let (first, second) = (log_in(&server).await, log_in(&server).await);
    expect(&server, &first, ("POST", TRANSACTION, ""), 200).await;
    let edit = network("gate-03");
    for request in [
        ("POST", TRANSACTION, ""),
        ("PUT", NETWORK, edit.as_str()),
        ("PUT", TRANSACTION, COMMIT),
        ("DELETE", TRANSACTION, ""),
    ] {
        let refused = expect(&server, &second, request, 423).await;
        assert_eq!(kind(&refused), "TransactionHeld");
        let details = refused["error"]["details"].as_str().unwrap();
        assert!(details.contains("admin by web from 127.0.0.1"), "{details}");
    }
    let seen = expect(&server, &second, ("GET", TRANSACTION, ""), 200).await;
    assert_eq!(
        (&seen["body"]["status"], &seen["body"]["own"]),
        (&json!("open"), &json!(false))
    );
    // The session ends, and with it what it held.
    expect(&server, &first, ("DELETE", "/api/authentication", ""), 204).await;
    expect(&server, &second, ("POST", TRANSACTION, ""), 200).await;
    expect(&server, &second, ("PUT", NETWORK, &edit), 200).await;
    expect(&server, &second, ("DELETE", TRANSACTION, ""), 204).await;
    let seen = expect(&server, &second, ("GET", NETWORK, ""), 200).await;
    assert_eq!(seen["body"]["host_name"], "sps", "what was dropped is gone");
    let refused = expect(&server, &second, ("PUT", TRANSACTION, COMMIT), 409).await;
    assert_eq!(kind(&refused), "NoTransaction");
    server.stop().await;
}

#[tokio::test]
async fn an_edit_must_be_whole_and_pass_the_checks_and_nothing_may_have_changed_meanwhile() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    expect(&server, &program, ("POST", TRANSACTION, ""), 200).await;
    for (body, word) in [
        (r#"{"host_name":"a","dns":[],"interfaces":{}}"#, "domain"),
        (r#"{"host_name":"a","domain":null,"dns":[]}"#, "interfaces"),
        (
            r#"{"host_name":"a","domain":null,"dns":[],"interfaces":{},"x":1}"#,
            "`x`",
        ),
        (
            r#"{"host_name":"a b","domain":null,"dns":[],"interfaces":{}}"#,
            "network.host_name",
        ),
    ] {
        let refused = expect(&server, &program, ("PUT", NETWORK, body), 400).await;
        assert_eq!(kind(&refused), "InvalidRequestBody");
        assert!(refused.to_string().contains(word), "{refused}");
    }
    expect(&server, &program, ("PUT", NETWORK, &network("gate-04")), 200).await;
    appliance.state.lock().unwrap().network.host_name = "by-console".into();
    let refused = expect(&server, &program, ("PUT", TRANSACTION, COMMIT), 409).await;
    assert_eq!(kind(&refused), "ConfigurationChanged");
    assert_eq!(appliance.state.lock().unwrap().network.host_name, "by-console");
    server.stop().await;
}

fn wizard() -> Value {
    json!({
        "license": null,
        "administration": { "admin_password": PASSWORD },
        "network": {
            "host_name": "gate-01",
            "interface": { "name": "eth0", "ipv4": { "static": { "address": "192.0.2.5/24", "gateway": "192.0.2.1" } } },
        },
        "datetime": { "time_zone": "Europe/Vienna", "time_servers": ["192.0.2.7", "ntp.example.net"] },
    })
}

async fn set_up(server: &TestServer, body: &Value) -> Page {
    call(
        server,
        &Person::default(),
        "POST",
        "/api/setup",
        &body.to_string(),
    )
    .await
}

#[tokio::test]
async fn the_wizard_by_rest_works_once_and_refuses_keys_it_does_not_know() {
    let appliance = Appliance::untouched();
    let server = start(&appliance).await;
    let mut body = wizard();
    body["administration"]["pasword"] = json!("x");
    let page = set_up(&server, &body).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.text.contains("pasword"), "{}", page.text);
    let mut body = wizard();
    body["datetime"]["time_zone"] = json!("Europe/Atlantis");
    assert_eq!(set_up(&server, &body).await.status, StatusCode::BAD_REQUEST);
    let mut body = wizard();
    body["network"]["host_name"] = json!("");
    let page = set_up(&server, &body).await;
    assert!(page.text.contains("network.host_name"), "{}", page.text);
    assert!(!appliance.state.lock().unwrap().set_up);
    let page = set_up(&server, &wizard()).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert_eq!(json_of(&page)["body"]["status"], "completed");
    let page = set_up(&server, &wizard()).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let program = log_in(&server).await;
    expect(&server, &program, ("GET", "/api/info", ""), 200).await;
    server.stop().await;
}
