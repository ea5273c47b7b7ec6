//! Worker status: who indexes what, who was refused; hosts are added and removed, by page and by program.

use hyper::StatusCode;
use serde_json::json;
use sps_admin::Request;

use crate::common::Appliance;
use crate::common::indexers::FILE;
use crate::lab::{Person, start};
use crate::rest::log_in;
use crate::rest_settings::expect;

const PAGE: &str = "/indexer/worker-status";
const HOSTS: &str = "/api/indexer/hosts";

#[tokio::test]
async fn who_indexes_is_shown_and_hosts_are_added_and_removed() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, PAGE).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for shown in [
        "reads ssh-20270115-000009",
        "On, port 12345",
        "7.1.2",
        "192.0.2.50",
        "/search/sessions/ssh-20270115-000008",
        "value=\"40\"",
        "The connection ended.",
        "not connected",
        "older than the appliance",
        "3 times",
        "&lt;b&gt;elsewhere&lt;/b&gt;",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    let fields = [
        ("action", "add"),
        ("name", "indexer-2"),
        ("address", ""),
        ("message", "more"),
    ];
    let sent = person.submit(&server, PAGE, &fields).await;
    assert_eq!((sent.status, sent.text.as_str()), (StatusCode::OK, FILE));
    let named = sent.headers["content-disposition"].to_str().unwrap();
    assert_eq!(named, "attachment; filename=\"indexerworker.cfg\"");
    let wanted = Request::IndexerAdd {
        name: "indexer-2".into(),
        address: None,
    };
    assert!(appliance.asked().contains(&wanted));
    let taken = person
        .submit(&server, PAGE, &[("action", "add"), ("name", "taken")])
        .await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.text.contains("remove it first"), "{}", taken.text);
    let removed = person
        .submit(&server, PAGE, &[("action", "remove"), ("name", "indexer-1")])
        .await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER, "{}", removed.text);
    let other = person
        .submit(&server, PAGE, &[("action", "burn"), ("name", "indexer-1")])
        .await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);
    let stranger = Person::default();
    assert_eq!(stranger.get(&server, PAGE).await.status, StatusCode::SEE_OTHER);
    server.stop().await;
}

#[tokio::test]
async fn programs_see_workers_and_add_and_remove_hosts() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let shown = expect(&server, &program, ("GET", "/api/indexer", ""), 200).await;
    assert_eq!(shown["body"]["hosts"][0]["connected"][0]["percent"], 40);
    assert_eq!(shown["body"]["refused"][0]["host"], "old");
    let wanted = json!({"name": "indexer-2", "address": "sps.example.net"}).to_string();
    let added = expect(&server, &program, ("POST", HOSTS, &wanted), 201).await;
    assert_eq!(added["body"]["file"], FILE);
    for refused in [json!({"name": "taken"}), json!({"nome": "x"})] {
        expect(&server, &program, ("POST", HOSTS, &refused.to_string()), 400).await;
    }
    let other = format!("{HOSTS}/other");
    expect(&server, &program, ("DELETE", &other, ""), 404).await;
    let gone = program
        .send(&server, "DELETE", &format!("{HOSTS}/indexer-1"), &[], "")
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    server.stop().await;
}
