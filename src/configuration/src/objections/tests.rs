//! What is objected to, and that nothing else is.

use std::process::Command;

use serde_json::{Value, json};
use sps_cluster_config::Protected;
use sps_cluster_config::sections::certificates::Credential;
use sps_cluster_config::sections::policies::{CredentialStore, TimestampAuthority};
use sps_config::Secret;

use super::*;

fn connection(name: &str, port: u16, to: &[&str]) -> SshConnection {
    SshConnection {
        name: name.into(),
        enabled: true,
        port,
        to: to.iter().map(|to| to.parse().unwrap()).collect(),
        ..SshConnection::default()
    }
}

fn with(connections: Vec<SshConnection>) -> Cluster {
    let mut document = Cluster::default();
    document.connections.ssh.connections = connections;
    document
}

fn own_ports() -> BTreeMap<u16, String> {
    [(443, "https (the boot page); choose another port".to_owned())].into()
}

/// What is said of a document that comes after the default one.
fn said(after: &Cluster) -> String {
    let found = objections(&Cluster::default(), after, &own_ports()).next();
    found.map_or_else(String::new, |(path, reason)| format!("{path}: {reason}"))
}

fn authentication(value: &Value) -> Cluster {
    let mut document = Cluster::default();
    let mut whole = json!({"gateway": [], "relayed": [], "gssapi": false, "user_database": null});
    whole
        .as_object_mut()
        .unwrap()
        .extend(value.as_object().unwrap().clone());
    let policy = serde_json::from_value(whole).unwrap();
    document
        .connections
        .ssh
        .authentication_policies
        .insert("base".into(), policy);
    document
}

fn secret(text: &str) -> Option<Protected> {
    Some(Secret::from(text.to_owned()).into())
}

#[test]
fn ports_of_the_appliance_itself_are_not_for_clients() {
    let taken = with(vec![connection("office", 2222, &[]), connection("tls", 443, &[])]);
    assert_eq!(
        said(&taken),
        "connections.ssh.connections.tls.port: port 443 is the appliance's own, at every address: https (the boot page); choose another port"
    );
    let off = SshConnection {
        enabled: false,
        ..connection("tls", 443, &[])
    };
    assert_eq!(said(&with(vec![off, connection("ssh", 22, &[])])), "");
}

#[test]
fn external_indexers_have_a_port_of_their_own() {
    let with_port = |port, enabled| {
        let mut document = with(vec![connection("office", 12_345, &[])]);
        document.local_services.indexer.port = port;
        document.local_services.indexer.enabled = enabled;
        document
    };
    assert_eq!(
        said(&with_port(12_345, true)),
        "local_services.indexer.port: the connection policy office takes clients on port 12345; choose another port for one of them"
    );
    assert!(
        said(&with_port(443, true))
            .starts_with("local_services.indexer.port: port 443 is the appliance's own")
    );
    assert_eq!(
        (said(&with_port(12_345, false)), said(&with_port(999, true))),
        Default::default()
    );
}

#[test]
fn what_was_there_before_keeps_nothing_from_being_changed() {
    let before = with(vec![connection("tls", 443, &[])]);
    let mut after = before.clone();
    after
        .connections
        .ssh
        .connections
        .push(connection("other", 2222, &[]));
    assert_eq!(objections(&before, &after, &own_ports()).next(), None);
    after
        .connections
        .ssh
        .connections
        .push(connection("another", 443, &[]));
    let (path, _) = objections(&before, &after, &own_ports()).next().unwrap();
    assert_eq!(path, "connections.ssh.connections.another.port");
}

#[test]
fn more_than_the_packet_filter_holds_is_not_taken() {
    let most = u16::try_from(MOST_SESSION_PORTS).unwrap();
    let many = |number: u16| {
        (1000..1000 + number)
            .map(|port| connection(&port.to_string(), port, &[]))
            .collect()
    };
    assert_eq!(said(&with(many(most))), "");
    assert!(
        said(&with(many(most + 1))).starts_with("connections.ssh.connections: 65 ports"),
        "{}",
        said(&with(many(most + 1)))
    );
    let networks: Vec<String> = (0..=MOST_DIVERTED)
        .map(|number| format!("10.{number}.0.0/16"))
        .collect();
    let networks: Vec<&str> = networks.iter().map(String::as_str).collect();
    let document = with(vec![connection("servers", 22, &networks)]);
    assert!(
        said(&document).contains("65 networks and ports with their original target"),
        "{}",
        said(&document)
    );
    let mut fixed = connection("servers", 22, &networks);
    fixed.destination = Destination::Fixed {
        server: "db".into(),
        port: 22,
    };
    assert_eq!(said(&with(vec![fixed])), "");
    // The same network twice is one.
    let again = vec![
        connection("a", 22, &networks[1..]),
        connection("b", 22, &networks[1..]),
    ];
    assert_eq!(said(&with(again)), "");
}

#[test]
fn methods_and_ciphers_that_nobody_knows_are_told() {
    let told = [
        authentication(&json!({"gateway": ["carrier pigeon"]})),
        authentication(&json!({"relayed": ["public-key"]})),
        authentication(&json!({"gateway": ["password"], "relayed": ["agent", "password"]})),
        authentication(&json!({"relayed": ["agent"]})),
        authentication(&json!({"gssapi": true})),
    ]
    .map(|document| said(&document));
    for (said, words) in told.iter().zip([
        "base.gateway: \"carrier pigeon\" is no method here",
        "base.relayed: \"public-key\" is no method here",
        "base.relayed: agent goes with no other method",
        "base.relayed: agent needs people whom the gateway knows",
        "base.gssapi: Kerberos tickets do not count",
    ]) {
        assert!(said.contains(words), "{said}");
    }
    let good = json!({"gateway": ["password", "public-key"], "relayed": ["agent"]});
    assert_eq!(said(&authentication(&good)), "");
    let mut document = Cluster::default();
    let settings = json!({"idle_timeout_seconds": 0, "ciphers": ["aes128-ctr", "3des-cbc"]});
    let settings = serde_json::from_value(settings).unwrap();
    document.connections.ssh.settings.insert("usual".into(), settings);
    assert!(
        said(&document).contains("usual.ciphers: \"3des-cbc\" is not offered"),
        "{}",
        said(&document)
    );
    let mut nowhere = connection("nowhere", 2222, &[]);
    nowhere.source = Source::Fixed {
        address: "127.0.0.1".parse().unwrap(),
    };
    assert!(said(&with(vec![nowhere])).contains("nowhere.source.address: 127.0.0.1"));
}

/// Certificate and private key by `openssl`.
fn pair(kind: &[&str]) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = (folder.path().join("key"), folder.path().join("certificate"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-nodes",
            "-subj",
            "/CN=auditor",
            "-days",
            "30",
            "-newkey",
        ])
        .args(kind)
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let read = |path| std::fs::read_to_string(path).unwrap();
    (read(certificate), read(key))
}

fn audited(policy: AuditPolicy) -> Cluster {
    let mut document = Cluster::default();
    document.policies.audit.insert("strict".into(), policy);
    document
}

#[test]
fn trails_must_be_encrypted_and_signed_as_the_policy_says() {
    let (rsa, _) = pair(&["rsa:2048"]);
    let (signer, key) = pair(&["ed25519"]);
    let (other, _) = pair(&["ed25519"]);
    let signing = |certificate: &str, key: &str| AuditPolicy {
        signing: Some(Credential {
            certificate: certificate.into(),
            private_key: Secret::from(key.to_owned()).into(),
        }),
        ..AuditPolicy::default()
    };
    let good = AuditPolicy {
        encryption: vec![rsa.clone()],
        ..signing(&signer, &key)
    };
    assert_eq!(said(&audited(good)), "");
    let encrypted = AuditPolicy {
        encryption: vec![rsa, signer.clone()],
        ..AuditPolicy::default()
    };
    let typed_alone = AuditPolicy {
        upstream_encryption: vec![pair(&["rsa:2048"]).0],
        ..AuditPolicy::default()
    };
    let typed = AuditPolicy {
        upstream_encryption: vec![signer.clone()],
        ..AuditPolicy::default()
    };
    for (policy, words) in [
        (encrypted, "policies.audit.strict.encryption.1: "),
        (typed, "policies.audit.strict.upstream_encryption.0: "),
        (typed_alone, "policies.audit.strict.encryption: what was typed"),
        (
            signing(&signer, "no key"),
            "policies.audit.strict.signing.private_key: ",
        ),
        (
            signing("no certificate", &key),
            "policies.audit.strict.signing.certificate: ",
        ),
        (
            signing(&other, &key),
            "certificate: the certificate is of another key",
        ),
    ] {
        let said = said(&audited(policy));
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn timestamps_have_an_interval_and_an_authority_that_can_be_judged() {
    let (rsa, _) = pair(&["rsa:2048"]);
    let stamped = |seconds, policy: Option<&str>, certificate: &str| AuditPolicy {
        timestamp_seconds: seconds,
        timestamp_authority: Some(TimestampAuthority {
            url: "http://tsa.example/".into(),
            policy: policy.map(str::to_owned),
            certificates: vec![certificate.to_owned()],
        }),
        ..AuditPolicy::default()
    };
    assert_eq!(said(&audited(stamped(Some(60), Some("1.2.3"), &rsa))), "");
    let timestamps = AuditPolicy {
        timestamp_seconds: Some(60),
        ..AuditPolicy::default()
    };
    for (policy, words) in [
        (
            timestamps,
            "policies.audit.strict.timestamp_seconds: no authority is named",
        ),
        (
            stamped(None, None, &rsa),
            "policies.audit.strict.timestamp_authority: it is never asked without an interval",
        ),
        (
            stamped(Some(60), Some("3.4"), &rsa),
            "timestamp_authority.policy: \"3.4\" is no object identifier",
        ),
        (
            stamped(Some(60), None, "no certificate"),
            "timestamp_authority.certificates: certificate 1 is no certificate in PEM",
        ),
    ] {
        let said = said(&audited(policy));
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn accounts_open_something() {
    let account = |password, private_key| {
        let mut document = Cluster::default();
        let account = Account {
            user: "root".into(),
            password,
            private_key,
            servers: Vec::new(),
            who: Vec::new(),
        };
        let store = CredentialStore {
            accounts: [("db".to_owned(), account)].into(),
        };
        document
            .policies
            .credential_stores
            .insert("servers".into(), store);
        said(&document)
    };
    assert_eq!(account(secret("x"), None), "");
    assert_eq!(
        account(None, secret("-----BEGIN OPENSSH PRIVATE KEY-----\n…")),
        ""
    );
    assert!(account(None, None).contains("servers.accounts.db: it has neither"));
    assert!(
        account(None, secret("-----BEGIN PRIVATE KEY-----"))
            .contains("accounts.db.private_key: no private key")
    );
}
