//! Certificates that TLS no longer accepts: short keys, old hashes, anywhere in a chain.
//!
//! Source: upgrade guide of 7.0: since 6.10.0. Looked at are the web interface, the internal CA, TLS of connections, client certificates for
//! LDAP, SMTP and syslog, certificates of SMTP and Splunk servers, the credentials of external indexers, lists of trusted CAs and trust
//! stores. Keys that sign, timestamp, encrypt or decrypt are exempt: audit policies, the timestamping authority, signing CAs and the
//! indexer's own keys. A private key is judged by its certificate.

use serde_json::Value;

use super::{Found, Subject};
use crate::finding::Severity;
use crate::{pem, x509};

/// The first layout of a version with hardened TLS.
const SINCE: u32 = 5;
const MEND: &str = "replace it with one that has an RSA key of 2048 bits or an elliptic curve of 224 bits or more and is signed with SHA-256";

/// A text with certificates, and where it is set.
struct Place<'a> {
    setting: String,
    text: Option<&'a str>,
}

pub(super) fn check(subject: &Subject<'_>) -> Vec<Found> {
    if subject.to < SINCE {
        return Vec::new();
    }
    let places = single(subject)
        .into_iter()
        .chain(of_connections(subject))
        .chain(of_lists(subject));
    places.flat_map(|place| judge(&place)).collect()
}

fn judge(place: &Place<'_>) -> Vec<Found> {
    let block = |problem: String, mend: &str| Found::new(Severity::Blocks, &place.setting, problem, mend);
    let judged: Option<Vec<_>> = place
        .text
        .and_then(pem::certificates)
        .and_then(|chain| chain.iter().map(|der| x509::judge(der)).collect());
    let Some(judged) = judged else {
        let problem = "the certificate cannot be read".to_owned();
        return vec![block(problem, "upload it again, or replace it")];
    };
    let weak = judged.iter().flat_map(|certificate| {
        certificate
            .weaknesses
            .iter()
            .map(move |weakness| format!("the certificate {:?} {weakness}", certificate.subject))
    });
    weak.map(|problem| block(problem, MEND)).collect()
}

/// What there is once, and the servers the appliance talks to.
fn single<'a>(subject: &'a Subject<'a>) -> Vec<Place<'a>> {
    const MANAGEMENT: &str = "Basic Settings > Management";
    let document = subject.document;
    let mut places = Vec::new();
    for (pointer, setting) in [
        (
            "/certificates/web/certificate",
            "SSL certificates > Web interface",
        ),
        (
            "/certificates/internal_ca/certificate",
            "SSL certificates > Internal CA",
        ),
        (
            "/management/mail/client/certificate",
            "Mail settings > Client certificate",
        ),
        (
            "/management/mail/server_certificate",
            "Mail settings > Server certificate",
        ),
        (
            "/management/splunk/server_certificate",
            "Splunk forwarder > Server certificate",
        ),
    ] {
        optional(&mut places, document.pointer(pointer), || {
            format!("{MANAGEMENT} > {setting}")
        });
    }
    let indexer = document.pointer("/local_services/indexer/credentials/certificate");
    optional(&mut places, indexer, || {
        "Basic Settings > Local Services > Indexer service > Credentials".to_owned()
    });
    for (name, server) in subject.listed("/management/syslog") {
        let server_name = server
            .get("server")
            .and_then(Value::as_str)
            .map_or(name, ToOwned::to_owned);
        optional(&mut places, server.pointer("/client/certificate"), || {
            format!("{MANAGEMENT} > Syslog > {server_name} > Client certificate")
        });
    }
    for (name, server) in subject.named("/policies/ldap_servers") {
        optional(&mut places, server.pointer("/client/certificate"), || {
            format!("Policies > LDAP Servers > {name} > Client certificate")
        });
    }
    places
}

/// TLS settings of connections.
fn of_connections<'a>(subject: &'a Subject<'a>) -> Vec<Place<'a>> {
    let mut places = Vec::new();
    for (key, title) in [("rdp", "RDP"), ("http", "HTTP")] {
        for (name, connection) in subject.listed(&format!("/connections/{key}/connections")) {
            optional(&mut places, connection.pointer("/tls/certificate"), || {
                format!("{title} Control > Connections > {name} > TLS settings")
            });
        }
    }
    places
}

/// Lists of trusted CAs, and what became of them.
fn of_lists<'a>(subject: &'a Subject<'a>) -> Vec<Place<'a>> {
    let mut places = Vec::new();
    for (pointer, page) in [
        ("/policies/trusted_ca_lists", "Policies > Trusted CA Lists"),
        ("/trust_stores", "Basic Settings > Trust Stores"),
    ] {
        for (name, list) in subject.named(pointer) {
            let certificates = list.get("certificates").and_then(Value::as_array);
            for certificate in certificates.into_iter().flatten() {
                optional(&mut places, Some(certificate), || format!("{page} > {name}"));
            }
        }
    }
    places
}

/// Adds a place that is not left empty.
fn optional<'a>(places: &mut Vec<Place<'a>>, value: Option<&'a Value>, setting: impl FnOnce() -> String) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        places.push(Place {
            setting: setting(),
            text: value.as_str(),
        });
    }
}
