//! Sessions, data store and the way of an upgrade, as people and programs see them.

use hyper::StatusCode;
use sps_admin::{Reorganization, Request, SessionOrder, Test};

use crate::common::{Appliance, record, soon, upgraded};
use crate::lab::{Person, start};
use crate::rest::{call, json_of, log_in};

const SEARCH: &str = "/search/sessions";
const MONITOR: &str = "/basic-settings/system-monitor";
const UPGRADE: &str = "/basic-settings/system/upgrade";

fn recorded(count: i64) -> Appliance {
    let appliance = Appliance::ready();
    appliance.state.lock().unwrap().sessions = (0..count).map(record).collect();
    appliance
}

/// The search that was asked for last.
fn asked(appliance: &Appliance) -> sps_admin::SessionSearch {
    let searches = appliance.asked().into_iter().rev();
    let mut searches = searches.filter_map(|request| match request {
        Request::SessionSearch { search } => Some(*search),
        _ => None,
    });
    searches.next().unwrap()
}

#[tokio::test]
async fn a_search_is_an_address_and_goes_on_page_by_page() {
    let appliance = recorded(120);
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let first = person.get(&server, SEARCH).await.text;
    assert!(first.contains("120 sessions match."), "{first}");
    assert_eq!(first.matches("data-label=\"Verdict\"").count(), 50);
    assert!(first.contains("?cursor=50\"") && !first.contains("rel=\"prev\""));
    assert!(!first.contains("Incomplete until"));
    let path =
        format!("{SEARCH}?user=alice&client=&from=2027-01-15T00%3A00&trail=yes&sort=target&order=rising");
    let found = person.get(&server, &path).await.text;
    let search = asked(&appliance);
    assert_eq!(search.filter.gateway_user.as_deref(), Some("alice"));
    assert_eq!(search.filter.client, None, "an empty field asks for nothing");
    assert_eq!(search.filter.has_trail, Some(true));
    // Midnight in Vienna.
    assert_eq!(search.filter.from, Some(1_799_967_600_000));
    assert_eq!((search.sort, search.descending), (SessionOrder::Target, false));
    assert!(
        found.contains("value=\"alice\"") && found.contains("<details open"),
        "{found}"
    );
    assert!(!found.contains(">bob<"));
    server.stop().await;
}

#[tokio::test]
async fn what_is_refused_or_incomplete_is_said_on_the_page() {
    let appliance = recorded(3);
    appliance.state.lock().unwrap().incomplete_until = Some(1_800_000_000_000);
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, SEARCH).await;
    assert!(page.text.contains("Incomplete until"), "{}", page.text);
    assert!(page.text.contains("2027-01-15 09:00:00 CET"));
    for (query, words) in [
        ("client=%3Cb%3E", "The search is refused: this is no address."),
        ("from=soon", "Soon is no time such as"),
        ("cursor=x", "The place in the list cannot be read."),
    ] {
        let page = person.get(&server, &format!("{SEARCH}?{query}")).await;
        assert!(
            page.status.is_success() && page.text.contains(words),
            "{query}: {}",
            page.text
        );
        assert!(!page.text.contains("\"<b>"), "{query}");
    }
    let unknown = person.get(&server, &format!("{SEARCH}?usr=alice")).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert!(unknown.text.contains("usr"), "{}", unknown.text);
    server.stop().await;
}

#[tokio::test]
async fn a_session_is_shown_with_what_happened_in_it() {
    let appliance = recorded(2);
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person
        .get(&server, &format!("{SEARCH}/ssh-20270115-000001"))
        .await
        .text;
    for words in [
        "linux-servers",
        "192.0.2.8:50123",
        "[2001:db8::22]:22",
        "after 3 min 5 s",
        "session-shell",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("restart unit-1 # &lt;b&gt;&amp;amp;")
            || page.contains("restart unit-1 # &lt;b&gt;&amp;")
    );
    assert!(!page.contains("<b>&"));
    let none = person.get(&server, &format!("{SEARCH}/ssh-none")).await;
    assert!(
        none.status.is_client_error() && none.text.contains("There is no session ssh-none"),
        "{}",
        none.text
    );
    server.stop().await;
}

#[tokio::test]
async fn content_is_found_with_its_places_and_the_way_to_play_them() {
    let appliance = recorded(3);
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let list = person
        .get(&server, &format!("{SEARCH}?content=%22permission+denied%22"))
        .await
        .text;
    let content = asked(&appliance).filter.content;
    assert_eq!(content.as_deref(), Some("\"permission denied\""));
    let play = format!("{SEARCH}/ssh-20270115-000001/play?channel=2#t=59");
    for words in [
        play.as_str(),
        "00:01:02",
        "cat: /etc/shadow: <mark>Permission denied</mark>",
        "/etc/&lt;b&gt;shadow",
        "Incomplete until",
        "data-still",
    ] {
        assert!(list.contains(words), "{words}: {list}");
    }
    let path = format!("{SEARCH}/ssh-20270115-000001");
    let session = person.get(&server, &path).await.text;
    assert!(!session.contains("data-still"), "{session}");
    appliance.state.lock().unwrap().sessions[1].indexing.state = "indexed".to_owned().try_into().unwrap();
    let session = person.get(&server, &path).await.text;
    assert!(session.contains("name=\"content\""), "{session}");
    appliance.state.lock().unwrap().sessions[1].indexing.state = "obsolete".to_owned().try_into().unwrap();
    let session_of_before = person.get(&server, &path).await.text;
    assert!(
        session_of_before.contains("An earlier indexer read it"),
        "{session_of_before}"
    );
    let session = person.get(&server, &format!("{path}?content=denied")).await.text;
    assert!(session.contains("<mark>Permission denied</mark>"), "{session}");
    for path in [format!("{SEARCH}?content=%28"), format!("{path}?content=%28")] {
        let page = person.get(&server, &path).await;
        assert!(page.status.is_success(), "{}", page.text);
        assert!(
            page.text.contains("The search is refused: a parenthesis"),
            "{}",
            page.text
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn programs_find_content_with_its_places_too() {
    let appliance = recorded(3);
    let server = start(&appliance).await;
    let bearer = log_in(&server).await;
    let found = call(
        &server,
        &bearer,
        "GET",
        "/api/audit/sessions?content=denied&limit=1",
        "",
    )
    .await;
    let found = json_of(&found);
    let hit = &found["items"][0]["body"]["content"][1];
    assert_eq!(
        (hit["seconds"].as_f64(), &hit["kind"]),
        (Some(62.9), &"screen".into())
    );
    let path = "/api/audit/sessions/ssh-20270115-000001/content";
    let found = json_of(&call(&server, &bearer, "GET", &format!("{path}?q=denied"), "").await);
    assert_eq!(found["items"][1]["body"]["marks"], serde_json::json!([[18, 35]]));
    assert!(
        found["items"][1]["body"]["play"]
            .as_str()
            .unwrap()
            .ends_with("/ssh-20270115-000001/play?channel=2#t=59"),
        "{found}"
    );
    let none = call(&server, &bearer, "GET", path, "").await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    server.stop().await;
}

#[tokio::test]
async fn the_monitor_shows_the_import_and_lets_it_rest() {
    let appliance = recorded(1);
    appliance.state.lock().unwrap().store = upgraded();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, MONITOR).await.text;
    for words in [
        "412\u{202f}300 of 1\u{202f}300\u{202f}000",
        "9\u{202f}100 a second",
        "1 min 37 s left",
        "2 put aside",
        "37 % in use",
        "layout-4.0",
        "41\u{202f}230 of 130\u{202f}000 earlier sessions",
        "81\u{202f}402\u{202f}117",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for (action, rests, next) in [("pause", true, "Go on"), ("resume", false, "Let it rest")] {
        let answer = person.submit(&server, MONITOR, &[("action", action)]).await;
        assert_eq!(answer.header("location"), MONITOR);
        let import = appliance.state.lock().unwrap().store.import.clone().unwrap();
        assert_eq!(import.paused, rests);
        assert!(person.get(&server, MONITOR).await.text.contains(next));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_check_of_the_store_is_a_job_of_the_monitor() {
    let appliance = recorded(1);
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    for (fields, adopt) in [
        (&[("action", "check")][..], false),
        (&[("action", "check"), ("adopt", "yes")][..], true),
    ] {
        person.submit(&server, MONITOR, fields).await;
        let page = soon(async {
            loop {
                let page = person.get(&server, MONITOR).await.text;
                if page.contains("1 finding in 120 sessions and 97 audit trails.") {
                    break page;
                }
            }
        });
        assert!(page.await.contains("&lt;b&gt;2027/01/15/x.zat"));
        let asked = Request::StoreCheck { adopt };
        assert!(appliance.asked().contains(&asked), "{asked:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_upgrade_page_leads_from_the_file_to_the_commit() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, UPGRADE).await.text;
    assert!(page.contains("Version <b>0.2.0</b> is in slot 2."), "{page}");
    assert!(page.contains("says here how long"), "no Test yet: {page}");
    {
        let mut state = appliance.state.lock().unwrap();
        state.slots[1].test = Some(Test {
            passed: true,
            version: "0.2.0".into(),
            reorganization: Some(Reorganization {
                files: 1_300_412,
                bytes: 812 << 20,
                space: 2 << 30,
                free: Some(1 << 30),
                seconds: 151,
            }),
            ..Test::default()
        });
    }
    let page = person.get(&server, UPGRADE).await.text;
    for words in [
        "2 min 31 s",
        "1\u{202f}300\u{202f}412",
        "812.0 MiB",
        "2.0 GiB of 1.0 GiB that are free",
        "Too little",
        "Choose version 0.2.0",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    {
        let mut state = appliance.state.lock().unwrap();
        state.commit_at = Some(1_800_086_400);
        state.store = upgraded();
    }
    let page = person.get(&server, UPGRADE).await.text;
    for words in [
        "became healthy",
        "412\u{202f}300 of",
        "Keep it for good, or go back",
        "4 (6.8)",
        "layout-4.0",
        "&lt;b&gt;the option",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    server.stop().await;
}

#[tokio::test]
async fn programs_search_and_read_sessions_and_pause_the_import() {
    let appliance = recorded(7);
    appliance.state.lock().unwrap().store = upgraded();
    appliance.state.lock().unwrap().incomplete_until = Some(0);
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let path = "/api/audit/sessions?limit=2&offset=1&gateway_user=alice&from=2020-01-01T00:00:00Z";
    let found = json_of(&call(&server, &program, "GET", path, "").await);
    assert_eq!(found["meta"]["match_count"], 3);
    assert_eq!(found["meta"]["match_count_is_exact"], true);
    assert_eq!(found["meta"]["incomplete_until"], "1970-01-01T00:00:00Z");
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["key"], "ssh-20270115-000003");
    let href = items[0]["meta"]["href"].as_str().unwrap();
    let session = json_of(&call(&server, &program, "GET", href, "").await);
    assert_eq!(session["body"]["client"]["port"], 50_123);
    let events = session["meta"]["events"].as_str().unwrap();
    let events = json_of(&call(&server, &program, "GET", events, "").await);
    assert!(
        events["items"][0]["body"]["text"]
            .as_str()
            .unwrap()
            .starts_with("systemctl")
    );
    let channels = session["meta"]["channels"].as_str().unwrap();
    let channels = json_of(&call(&server, &program, "GET", channels, "").await);
    assert_eq!(channels["items"][0]["body"]["kind"], "session-shell");
    for (path, status) in [
        ("/api/audit/sessions/none", StatusCode::NOT_FOUND),
        ("/api/audit/sessions?from=soon", StatusCode::BAD_REQUEST),
        ("/api/audit/sessions?sort=colour", StatusCode::BAD_REQUEST),
        ("/api/audit/sessions?client=nowhere", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(
            call(&server, &program, "GET", path, "").await.status,
            status,
            "{path}"
        );
    }
    let store = json_of(&call(&server, &program, "GET", "/api/data_store", "").await);
    assert_eq!(store["body"]["made_from"]["layout"], 4);
    let body = r#"{"paused": true}"#;
    let import = json_of(&call(&server, &program, "PUT", "/api/data_store/import", body).await);
    assert_eq!(import["body"]["progress"]["paused"], true);
    server.stop().await;
}
