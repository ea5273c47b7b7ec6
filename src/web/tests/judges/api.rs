//! The REST API against its own description: schemathesis reads the description, sends what it allows and what it forbids, and
//! compares every answer with it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sps_web::Gate;

use crate::common::{Appliance, PASSWORD, Setup, TestServer};
use crate::program::judge;

/// Every check it has, but: that a deleted resource is gone (a slot stays, empty); that every request outside the description is
/// refused (the session's cookie is in each of them, whatever is planned); and that every network that can be described is
/// accepted (what is a name or an address is the configuration's business).
const SETTINGS: &str = "
    [checks]
    use_after_free.enabled = false
    negative_data_rejection.enabled = false

    [[operations]]
    include-operation-id = 'editNetwork'
    checks.positive_data_acceptance.enabled = false
";

/// The cookie of a session by REST.
async fn session(server: &TestServer) -> String {
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("admin:{PASSWORD}")));
    let headers = [("authorization", basic.as_str())];
    let answer = server.client().await.get("/api/authentication", &headers).await;
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_answer_is_as_described_and_no_request_makes_the_server_fail() {
    let appliance = Appliance::ready();
    let setup = Setup {
        administration: Some(appliance.administration(Gate::new(None))),
        ..Setup::default()
    };
    let server = setup.start().await;
    server.write(50);
    let cookie = format!("Cookie: {}", session(&server).await);
    let description = format!("https://{}/api/openapi.json", server.https);
    let arguments = [
        "run",
        &description,
        "--header",
        &cookie,
        "--tls-verify=false",
        "--no-color",
        "--generation-deterministic",
        "--max-examples=20",
        "--request-timeout=20",
        "--continue-on-failure",
        "--warnings=off",
        // Ends the session of all the others.
        "--exclude-operation-id=logOut",
        // Does not end.
        "--exclude-operation-id=followLog",
    ];
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schemathesis.toml"), SETTINGS).unwrap();
    let (content, text) = judge("schemathesis.cli", &arguments, folder.path()).await;
    assert!(content, "schemathesis is not content: {text}");
    let described = server.get("/api/openapi.json").await.json();
    let operations = described["paths"].as_object().unwrap().values();
    let count: usize = operations
        .map(|path| {
            path.as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "parameters")
                .count()
        })
        .sum();
    // It has read the description already; the two others are named above.
    assert!(text.contains(&format!("Tested: {}", count - 3)), "{text}");
    server.stop().await;
}
