//! TLS as sslyze finds it: protocols, suites, and the faults that servers are known for.

use serde_json::{Value, json};

use crate::common::TestServer;
use crate::program::judge;

/// In what the appliance's first certificate, which it makes itself, differs from one of a public authority. In everything else the
/// server keeps to the profile (Mozilla's "intermediate") that sslyze compares with.
const OF_THE_CERTIFICATE: [&str; 2] = ["certificate_path_validation:", "maximum_certificate_lifespan:"];

/// What sslyze found, by the names of its scans.
async fn scan(server: &TestServer) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let address = server.https.to_string();
    let arguments = ["--quiet", "--json_out=found.json", &address];
    let (_, text) = judge("sslyze", &arguments, folder.path()).await;
    let complaints = text.lines().filter_map(|line| line.trim().strip_prefix("* "));
    let others =
        complaints.filter(|complaint| !OF_THE_CERTIFICATE.iter().any(|own| complaint.starts_with(own)));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{text}");
    assert!(text.contains("COMPLIANCE AGAINST TLS CONFIGURATION"), "{text}");
    let found = std::fs::read(folder.path().join("found.json")).unwrap();
    let found: Value = serde_json::from_slice(&found).unwrap();
    let server = &found["server_scan_results"][0];
    assert_eq!(server["connectivity_status"], "COMPLETED", "{server}");
    server["scan_result"].clone()
}

/// Suites that were accepted, each as its name and whether its keys are forgotten (forward secrecy).
fn suites(found: &Value, protocol: &str) -> Vec<(String, bool)> {
    let scan = &found[format!("{protocol}_cipher_suites")];
    assert_eq!(scan["status"], "COMPLETED", "{protocol}");
    let accepted = scan["result"]["accepted_cipher_suites"]
        .as_array()
        .unwrap()
        .iter();
    let suite = |suite: &Value| {
        let name = suite["cipher_suite"]["name"].as_str().unwrap().to_owned();
        (name, suite["ephemeral_key"].is_object())
    };
    accepted.map(suite).collect()
}

#[tokio::test]
async fn only_tls_1_2_and_1_3_with_strong_suites_and_none_of_the_known_faults() {
    let server = TestServer::start().await;
    let found = scan(&server).await;
    for old in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
        assert_eq!(suites(&found, old), [], "{old}");
    }
    for current in ["tls_1_2", "tls_1_3"] {
        let suites = suites(&found, current);
        assert!(!suites.is_empty(), "{current}");
        for (name, forgotten) in suites {
            let authenticated = name.contains("_GCM_") || name.contains("_POLY1305_");
            assert!(authenticated && forgotten, "{current}: {name}");
        }
    }
    for (scan, key, expected) in [
        ("tls_compression", "supports_compression", json!(false)),
        ("heartbleed", "is_vulnerable_to_heartbleed", json!(false)),
        (
            "openssl_ccs_injection",
            "is_vulnerable_to_ccs_injection",
            json!(false),
        ),
        ("robot", "robot_result", json!("NOT_VULNERABLE_RSA_NOT_SUPPORTED")),
        ("tls_fallback_scsv", "supports_fallback_scsv", json!(true)),
        (
            "tls_extended_master_secret",
            "supports_ems_extension",
            json!(true),
        ),
        (
            "session_renegotiation",
            "supports_secure_renegotiation",
            json!(true),
        ),
        (
            "session_renegotiation",
            "client_renegotiations_success_count",
            json!(0),
        ),
        (
            "session_renegotiation",
            "is_vulnerable_to_client_renegotiation_dos",
            json!(false),
        ),
    ] {
        assert_eq!(found[scan]["status"], "COMPLETED", "{scan}");
        assert_eq!(found[scan]["result"][key], expected, "{scan}: {key}");
    }
    server.stop().await;
}
