//! Weak certificates in every place, made by rcgen and by the openssl program.

#![allow(
    clippy::disallowed_methods,
    reason = "the engine has no I/O; its tests read and write files of openssl"
)]

use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use super::found;
use crate::testing::{document, http, rdp};

/// Runs the openssl program in a folder.
fn openssl(folder: &Path, arguments: &str) {
    let words = arguments.split_whitespace();
    let output = Command::new("openssl")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A certificate signed by its own key, made with options such as `-newkey rsa:1024 -sha1`.
fn own(options: &str, extensions: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    openssl(
        folder.path(),
        &format!("req -x509 -nodes -keyout key -out cert -days 1 -subj /CN=own {extensions} {options}"),
    );
    std::fs::read_to_string(folder.path().join("cert")).unwrap()
}

const CA: &str = "-addext basicConstraints=critical,CA:TRUE";

/// A certificate of a CA, made with the hash asked for: whole chain, the root last.
fn issued(root_hash: &str, middle_hash: &str, leaf_hash: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| openssl(folder.path(), arguments);
    std::fs::write(folder.path().join("ca.ext"), "basicConstraints=critical,CA:TRUE").unwrap();
    std::fs::write(folder.path().join("leaf.ext"), "basicConstraints=CA:FALSE").unwrap();
    run(&format!(
        "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=root -{root_hash} {CA}"
    ));
    for (name, issuer, hash, extensions) in [
        ("middle", "root", middle_hash, "ca.ext"),
        ("leaf", "middle", leaf_hash, "leaf.ext"),
    ] {
        run(&format!(
            "req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        run(&format!(
            "x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -{hash} -extfile {extensions} -out {name}.pem"
        ));
    }
    ["leaf", "middle", "root"]
        .map(|name| std::fs::read_to_string(folder.path().join(format!("{name}.pem"))).unwrap())
        .concat()
}

/// What is said of a certificate for the web interface.
fn of_web(certificate: &str) -> String {
    let mut document = document(4);
    document["certificates"]["web"] = json!({"certificate": certificate, "private_key": "[redacted]"});
    found("weak_certificates", &document, 4, 5).join("\n")
}

fn good() -> String {
    let key = KeyPair::generate().unwrap();
    CertificateParams::new(vec!["good.example.net".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap()
        .pem()
}

#[test]
fn keys_that_are_too_short_block() {
    for (options, said) in [
        ("-newkey rsa:2048", ""),
        ("-newkey rsa:2047", "RSA key of 2047 bits"),
        ("-newkey rsa:1024", "RSA key of 1024 bits"),
        ("-newkey rsa:1023", "RSA key of 1023 bits"),
        ("-newkey rsa:512", "RSA key of 512 bits"),
        ("-newkey ec -pkeyopt ec_paramgen_curve:secp224r1", ""),
        ("-newkey ec -pkeyopt ec_paramgen_curve:prime256v1", ""),
        ("-newkey ec -pkeyopt ec_paramgen_curve:secp521r1", ""),
        (
            "-newkey ec -pkeyopt ec_paramgen_curve:prime192v1",
            "elliptic curve key of 192 bits",
        ),
        (
            "-newkey ec -pkeyopt ec_paramgen_curve:secp160r1",
            "elliptic curve key of 160 bits",
        ),
        (
            "-newkey ec -pkeyopt ec_paramgen_curve:prime192v1 -pkeyopt ec_param_enc:explicit",
            "elliptic curve key of 192 bits",
        ),
        ("-newkey ed25519", ""),
        ("-newkey ed448", ""),
        (
            "-newkey rsa-pss -pkeyopt rsa_keygen_bits:1024",
            "RSA key of 1024 bits",
        ),
    ] {
        let told = of_web(&own(options, ""));
        assert!(
            if said.is_empty() {
                told.is_empty()
            } else {
                told.contains(said)
            },
            "{options}: {told}"
        );
    }
    assert_eq!(of_web(&good()), "", "made by rcgen");
}

#[test]
fn dsa_keys_are_judged_by_their_prime() {
    let folder = tempfile::tempdir().unwrap();
    for (bits, weak) in [(1024, true), (2048, false)] {
        openssl(folder.path(), &format!("dsaparam -out parameters {bits}"));
        let told = of_web(&own(
            &format!("-newkey dsa:{}", folder.path().join("parameters").display()),
            "",
        ));
        assert_eq!(told.contains("a DSA key of 1024 bits"), weak, "{told}");
        assert_eq!(told.is_empty(), !weak, "{told}");
    }
}

#[test]
fn old_hashes_block_but_in_a_root_ca() {
    for (hash, name) in [("sha1", "SHA-1"), ("md5", "MD5")] {
        let leaf = of_web(&own(
            &format!("-newkey rsa:2048 -{hash}"),
            "-addext basicConstraints=CA:FALSE",
        ));
        assert!(leaf.contains(&format!("is signed with {name}")), "{leaf}");
        assert_eq!(
            of_web(&own(&format!("-newkey rsa:2048 -{hash}"), CA)),
            "",
            "a root CA"
        );
        let weak_root = of_web(&own(&format!("-newkey rsa:1024 -{hash}"), CA));
        assert!(
            weak_root.contains("RSA key of 1024 bits") && !weak_root.contains(name),
            "{weak_root}"
        );
    }
    let not_ca = "-addext basicConstraints=CA:FALSE";
    for (options, weak) in [
        ("-newkey rsa:2048 -sha256 -sigopt rsa_padding_mode:pss", false),
        ("-newkey rsa:2048 -sha1 -sigopt rsa_padding_mode:pss", true),
        ("-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -sha1", true),
        ("-newkey rsa:2048 -sha512", false),
    ] {
        assert_eq!(of_web(&own(options, not_ca)).contains("SHA-1"), weak, "{options}");
    }
}

#[test]
fn the_whole_chain_is_judged() {
    assert_eq!(of_web(&issued("sha256", "sha256", "sha256")), "");
    assert_eq!(
        of_web(&issued("sha1", "sha256", "sha256")),
        "",
        "the root is exempt"
    );
    let middle = of_web(&issued("sha256", "sha1", "sha256"));
    assert!(
        middle.contains("\"CN=middle\" is signed with SHA-1") && middle.lines().count() == 1,
        "{middle}"
    );
    let leaf = of_web(&issued("sha256", "sha256", "md5"));
    assert!(leaf.contains("\"CN=leaf\" is signed with MD5"), "{leaf}");
}

#[test]
fn a_chain_made_by_another_library_is_read_and_expiry_is_nothing_to_us() {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let mut leaf = CertificateParams::new(vec!["old.example.net".to_owned()]).unwrap();
    leaf.not_after = rcgen::date_time_ymd(2001, 1, 1);
    leaf.not_before = rcgen::date_time_ymd(2000, 1, 1);
    leaf.serial_number = Some(vec![0x7f; 40].into());
    let key = KeyPair::generate().unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    assert_eq!(
        of_web(&format!("expired\n{}\n{}", leaf.pem(), ca_certificate.pem())),
        ""
    );
}

#[test]
fn what_cannot_be_read_blocks() {
    let good = good();
    let torn = good.replacen("MII", "MIA", 1);
    for text in [
        "",
        "[redacted]",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        &torn,
        &good[..good.len() - 30],
    ] {
        let told = of_web(text);
        assert!(
            told.starts_with("Blocks ") && told.ends_with("cannot be read"),
            "{text}: {told}"
        );
    }
}

/// Every place with a certificate, filled with the same one; the exempt ones too.
fn filled(certificate: &str) -> Value {
    let mut document = document(5);
    let credential = json!({"certificate": certificate, "private_key": "[redacted]"});
    document["certificates"] =
        json!({"web": credential, "internal_ca": credential, "timestamping": credential});
    document["management"]["mail"] = json!({
        "server": "mail", "port": 25, "encryption": "tls", "sender": "a@b", "recipients": [],
        "client": credential, "server_certificate": certificate, "trust_store": null,
    });
    document["management"]["splunk"] =
        json!({"server": "splunk", "port": 8088, "token": "[redacted]", "server_certificate": certificate});
    document["management"]["syslog"] = json!([
        {"server": "log-1", "port": 6514, "transport": "tls", "client": credential, "trust_store": null},
        {"server": "log-2", "port": 6514, "transport": "tls", "client": null, "trust_store": null},
    ]);
    document["local_services"]["indexer"] = json!({"enabled": true, "port": 12345, "indexer_keys": [credential], "credentials": credential, "hosts": {}});
    let policies = &mut document["policies"];
    policies["ldap_servers"]["directory"] = json!({
        "servers": [], "port": 636, "encryption": "tls", "base_dn": "", "bind_dn": "", "timeout_seconds": 120,
        "bind_password": null, "client": credential, "trust_store": null,
    });
    policies["audit"]["signed"] =
        json!({"encryption": [certificate], "signing": credential, "timestamp_seconds": null});
    policies["signing_cas"]["sessions"] = credential;
    document["trust_stores"]["corporate"] =
        json!({"certificates": [certificate], "revocation_check": "none", "crl_urls": []});
    let fixed = json!({"kind": "fixed", "certificate": certificate, "private_key": "[redacted]"});
    let (mut desktop, mut web) = (
        rdp("desktops", "default_nla"),
        http("intranet", &json!({"kind": "original"})),
    );
    desktop["tls"] = fixed.clone();
    web["tls"] = fixed;
    document["connections"]["rdp"]["connections"] = json!([desktop, rdp("open", "default_nla")]);
    document["connections"]["http"]["connections"] = json!([web]);
    document
}

#[test]
fn every_place_is_looked_at_and_keys_that_sign_or_decrypt_are_exempt() {
    let weak = own("-newkey rsa:1024 -sha256", "");
    insta::assert_snapshot!(found("weak_certificates", &filled(&weak), 5, 5).join("\n"));
    assert_eq!(found("weak_certificates", &filled(&good()), 5, 5).len(), 0);
}

#[test]
fn lists_of_trusted_cas_are_looked_at_before_they_are_trust_stores_and_only_for_hardened_tls() {
    let mut old = document(3);
    let weak = own("-newkey rsa:1024 -sha1", CA);
    old["policies"]["trusted_ca_lists"]["corporate"] =
        json!({"certificates": [weak], "crl_urls": [], "check_revocation": false});
    let told = found("weak_certificates", &old, 3, 5);
    assert!(
        told.len() == 1 && told[0].contains("Policies > Trusted CA Lists > corporate"),
        "{told:?}"
    );
    assert_eq!(found("weak_certificates", &old, 3, 4).len(), 0);
}
