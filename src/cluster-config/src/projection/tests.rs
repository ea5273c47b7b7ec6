//! What a node keeps.

use super::*;
use crate::testing::rich;

#[test]
fn a_node_keeps_what_network_console_and_rescue_need() {
    let document = rich(4);
    let projection = project(&document, 17).unwrap();
    assert!(projection.is_whole());
    assert_eq!(
        (projection.revision, &projection.host_name),
        (17, &document.network.host_name)
    );
    assert_eq!(projection.interfaces, document.network.interfaces);
    assert_eq!(projection.boot_certificate, document.certificates.web);
    assert_eq!(
        projection.administrators.console_password,
        document.users.console_password
    );
    assert_eq!(projection.log_targets.len(), document.management.syslog.len());
    assert_eq!(projection.licence, document.system.licence);
    let text = serde_json::to_string(&projection).unwrap();
    for elsewhere in ["\"policies\"", "\"connections\"", "\"groups\""] {
        assert!(!text.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn the_digest_tells_every_change() {
    let document = rich(4);
    let one = project(&document, 17).unwrap();
    assert_eq!(project(&document, 17).unwrap().sha256, one.sha256);
    assert_ne!(project(&document, 18).unwrap().sha256, one.sha256);
    let mut sealed = document.clone();
    sealed.system.sealed = !sealed.system.sealed;
    assert_ne!(project(&sealed, 17).unwrap().sha256, one.sha256);
    let mut damaged = one.clone();
    damaged.time_zone = "UTC".into();
    assert!(!damaged.is_whole());
    let mut elsewhere = document;
    elsewhere.policies.time.clear();
    assert_eq!(
        project(&elsewhere, 17).unwrap().sha256,
        one.sha256,
        "what a node does not keep changes nothing"
    );
}

#[test]
fn log_targets_bring_their_certificates_along() {
    let mut document = rich(4);
    let store = document.trust_stores.keys().next().unwrap().clone();
    document.management.syslog = vec![crate::sections::management::SyslogServer {
        server: "log.example.net".into(),
        port: 6514,
        transport: Transport::Tls,
        client: None,
        trust_store: Some(store.clone()),
    }];
    let projection = project(&document, 1).unwrap();
    assert_eq!(
        projection.log_targets[0].trusted,
        document.trust_stores[&store].certificates
    );
}
