//! Sessions that go on: listed, followed, ended, agreed to.

use hyper::StatusCode;
use sps_admin::Request;

use crate::common::Appliance;
use crate::lab::{Person, start};

const PAGE: &str = "/search/active-sessions";
const ID: &str = "ssh-20270115-000000";

#[tokio::test]
async fn who_is_connected_is_listed_and_what_waits_is_answered() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, PAGE).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for shown in [
        "alice as root",
        "192.0.2.7:50022",
        "4-eyes authorization",
        "&lt;b&gt;reboot&lt;/b&gt;",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(
        page.text.contains(&format!("href=\"{PAGE}/{ID}\"")),
        "{}",
        page.text
    );

    for (action, wanted) in [
        (
            "agree",
            Request::SessionAnswer {
                id: ID.into(),
                number: 3,
                agrees: true,
            },
        ),
        (
            "refuse",
            Request::SessionAnswer {
                id: ID.into(),
                number: 3,
                agrees: false,
            },
        ),
        ("terminate", Request::SessionTerminate { id: ID.into() }),
    ] {
        let fields = [("id", ID), ("number", "3"), ("action", action)];
        let sent = person.submit(&server, PAGE, &fields).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        assert_eq!(appliance.asked().last(), Some(&wanted));
    }
    let fields = [("id", ID), ("number", "x"), ("action", "agree")];
    assert_eq!(
        person.submit(&server, PAGE, &fields).await.status,
        StatusCode::BAD_REQUEST
    );
    let fields = [("id", ID), ("action", "burn")];
    assert_eq!(
        person.submit(&server, PAGE, &fields).await.status,
        StatusCode::BAD_REQUEST
    );
    server.stop().await;
}

#[tokio::test]
async fn a_session_is_followed_by_a_page_that_may_do_nothing_else() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let page = person.get(&server, &format!("{PAGE}/{ID}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("sandbox allow-scripts; default-src 'none';"),
        "{policy}"
    );
    assert!(
        page.text.contains("live([0.000000, \"o\",") || page.text.contains("\"o\","),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("$ rm \\u003c/script>\\u003cscript>alert(1)"),
        "what was shown became a script"
    );
    assert!(
        page.text
            .ends_with("<script>live(null)</script>\n</body>\n</html>\n")
    );
    let gone = person.get(&server, &format!("{PAGE}/ssh-gone")).await;
    assert_eq!(gone.status, StatusCode::BAD_REQUEST);
    assert!(gone.text.contains("does not go on"), "{}", gone.text);
    let stranger = Person::default();
    assert_eq!(
        stranger.get(&server, &format!("{PAGE}/{ID}")).await.status,
        StatusCode::SEE_OTHER
    );
    server.stop().await;
}
