//! The REST API against its own description: schemathesis reads the description, sends what it allows and what it forbids, and
//! compares every answer with it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sps_web::Gate;

use crate::common::{Appliance, PASSWORD, Setup, TestServer};
use crate::program::judge;

/// Every check it has, but: that a deleted resource is gone (a slot stays, empty); that every request outside the description is
/// refused (the session's cookie is in each of them, whatever is planned); and that every setting that can be described is
/// accepted (what is a name, a moment, a zone, an address, a licence, an export or a revision that is kept is not the description's
/// business, nor which settings fit together).
const SETTINGS: &str = "
    [checks]
    use_after_free.enabled = false
    negative_data_rejection.enabled = false

    [[operations]]
    include-operation-id = 'editNetwork'
    checks.positive_data_acceptance.enabled = false

    [[operations]]
    include-operation-id = 'listSessions'
    checks.positive_data_acceptance.enabled = false

    [[operations]]
    include-tag = 'settings'
    checks.positive_data_acceptance.enabled = false

    [[operations]]
    include-operation-id = 'setUp'
    checks.positive_data_acceptance.enabled = false

    [[operations]]
    include-operation-id = 'beginFetch'
    checks.positive_data_acceptance.enabled = false

    [[operations]]
    include-operation-id = 'restoreRevision'
    checks.positive_data_acceptance.enabled = false

    [[operations]]
    include-operation-id = 'importConfiguration'
    checks.positive_data_acceptance.enabled = false

    [[operations]]
    include-operation-id = 'uploadLicense'
    checks.positive_data_acceptance.enabled = false
";

/// The cookie of a session by REST.
async fn session(server: &TestServer) -> String {
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("admin:{PASSWORD}")));
    let headers = [("authorization", basic.as_str())];
    let answer = server.client().await.get("/api/authentication", &headers).await;
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn start(appliance: &Appliance) -> TestServer {
    let setup = Setup {
        administration: Some(appliance.administration(Gate::new(None))),
        ..Setup::default()
    };
    let server = setup.start().await;
    server.write(50);
    server
}

/// What schemathesis says of a server; it must be content.
async fn judged(server: &TestServer, more: &[&str]) -> String {
    let description = format!("https://{}/api/openapi.json", server.https);
    let mut arguments = vec![
        "run",
        &description,
        "--tls-verify=false",
        "--no-color",
        "--generation-deterministic",
        "--request-timeout=20",
        "--continue-on-failure",
        "--warnings=off",
    ];
    arguments.extend_from_slice(more);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schemathesis.toml"), SETTINGS).unwrap();
    let (content, text) = judge("schemathesis.cli", &arguments, folder.path()).await;
    assert!(content, "schemathesis is not content: {text}");
    text
}

#[tokio::test]
async fn every_answer_is_as_described_and_no_request_makes_the_server_fail() {
    let server = start(&Appliance::ready()).await;
    let cookie = format!("Cookie: {}", session(&server).await);
    let more = [
        "--max-examples=20",
        "--header",
        &cookie,
        // Are judged below.
        "--exclude-tag=settings",
        // Ends the session of all the others.
        "--exclude-operation-id=logOut",
        // Does not end.
        "--exclude-operation-id=followLog",
    ];
    let text = judged(&server, &more).await;
    let described = server.get("/api/openapi.json").await.json();
    let operations = operations(&described, false);
    // It has read the description already; the two others are named above.
    assert!(text.contains(&format!("Tested: {}", operations - 3)), "{text}");
    server.stop().await;
}

/// Operations that are described, of the settings or the others.
fn operations(described: &serde_json::Value, of_settings: bool) -> usize {
    let paths = described["paths"].as_object().unwrap().values();
    let all = paths.flat_map(|path| path.as_object().unwrap().iter());
    let all = all.filter(|(method, _)| *method != "parameters");
    all.filter(|(_, operation)| operation["tags"].is_array() == of_settings)
        .count()
}

/// They are many, and all made from one description: a few requests of each are enough.
#[tokio::test]
async fn settings_are_as_described() {
    let server = start(&Appliance::ready()).await;
    let cookie = session(&server).await;
    let person = [("cookie", cookie.as_str())];
    let begun = server
        .client()
        .await
        .request("POST", "/api/transaction", &person)
        .await;
    assert_eq!(begun.status, 200);
    let cookie = format!("Cookie: {cookie}");
    let more = [
        "--header",
        &cookie,
        "--max-examples=3",
        "--phases=fuzzing",
        "--include-tag=settings",
    ];
    let text = judged(&server, &more).await;
    let described = server.get("/api/openapi.json").await.json();
    assert!(
        text.contains(&format!("Tested: {}", operations(&described, true))),
        "{text}"
    );
    server.stop().await;
}

#[tokio::test]
async fn the_first_set_up_is_as_described() {
    let appliance = Appliance::untouched();
    let server = start(&appliance).await;
    let more = [
        "--max-examples=20",
        "--include-operation-id=setUp",
        "--include-operation-id=readSetup",
    ];
    let text = judged(&server, &more).await;
    assert!(text.contains("Tested: 2"), "{text}");
    assert!(appliance.state.lock().unwrap().set_up);
    server.stop().await;
}
