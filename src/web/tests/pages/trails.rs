//! Audit trails in the browser: fetched, and played by a page that has nothing of the session's cookies.

use hyper::StatusCode;
use sps_admin::Request;

use crate::common::{Appliance, record};
use crate::lab::{Person, start};

const SESSIONS: &str = "/search/sessions/ssh-20270115-";

fn recorded() -> Appliance {
    let appliance = Appliance::ready();
    appliance.state.lock().unwrap().sessions = (0..3).map(record).collect();
    appliance
}

#[tokio::test]
async fn a_trail_is_played_by_a_page_that_may_do_nothing_else() {
    let appliance = recorded();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let session = person.get(&server, &format!("{SESSIONS}000000")).await.text;
    assert!(
        session.contains("href=\"/search/sessions/ssh-20270115-000000/play\""),
        "{session}"
    );
    let page = person.get(&server, &format!("{SESSIONS}000000/play")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("sandbox allow-scripts; default-src 'none';"),
        "{policy}"
    );
    assert!(!policy.contains("allow-same-origin"));
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["cross-origin-opener-policy"], "unsafe-none");
    assert!(page.text.contains("AsciinemaPlayer") && page.text.ends_with("</html>\n"));
    assert!(
        page.text.contains("$ rm \\u003c/script>\\u003cscript>alert(1)"),
        "what was typed became a script"
    );
    let read = |request: &Request| matches!(request, Request::TrailRead { .. });
    assert_eq!(
        appliance.asked().iter().filter(|request| read(request)).count(),
        1
    );
    // Every other page keeps the policy of all.
    let other = person.get(&server, &format!("{SESSIONS}000000")).await;
    let policy = other.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'"), "{policy}");
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_played_says_why_and_is_fetched() {
    let appliance = recorded();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, &format!("{SESSIONS}000001/play")).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(
        page.text.contains("is encrypted for") && page.text.contains("sps trail export"),
        "{}",
        page.text
    );
    let file = person.get(&server, &format!("{SESSIONS}000001/trail")).await;
    assert_eq!(file.status, StatusCode::OK);
    let disposition = file.headers["content-disposition"].to_str().unwrap();
    assert_eq!(disposition, "attachment; filename=\"ssh-20270115-000001.trail\"");
    assert!(file.text.contains("SPT\r\n"), "{}", file.text.len());
    for path in ["000002/play", "000002/trail"] {
        let page = person.get(&server, &format!("{SESSIONS}{path}")).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{path}");
        assert!(page.text.contains("is not on this appliance"), "{}", page.text);
    }
    let page = person.get(&server, &format!("{SESSIONS}999999/play")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let stranger = Person::default();
    for path in ["000000/play", "000000/trail"] {
        let page = stranger.get(&server, &format!("{SESSIONS}{path}")).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
    }
    server.stop().await;
}
