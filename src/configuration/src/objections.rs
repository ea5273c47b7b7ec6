//! What a document may say and this firmware does not do, or does not do beside its own services. Pure.
//!
//! Documents of earlier products hold such values, and nothing else must wait until they are mended: a change is refused for what it brings,
//! not for what was there before.

use std::collections::{BTreeMap, BTreeSet};

use sps_cluster_config::Cluster;
use sps_cluster_config::sections::connections::{Destination, Source, SshAuthentication, SshConnection};
use sps_cluster_config::sections::policies::{Account, AuditPolicy};
use sps_timestamp::{Authority, PolicyId};
use sps_trail::{PublicKey, Recipient, SigningKey};

/// Methods by which the gateway asks, and by which people log in at servers.
const GATEWAY: [&str; 3] = ["password", "keyboard-interactive", "public-key"];
const RELAYED: [&str; 3] = ["password", "keyboard-interactive", "agent"];
/// The method of these that goes with no other: people are let in before the server is.
const AGENT: &str = "agent";
/// Ciphers of SSH (`src/proxy-ssh/src/algorithms.rs`).
const CIPHERS: [&str; 6] = [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
];
/// Ports of connection policies, and networks with ports that are taken up from routers: what the packet filter holds
/// (`src/net-engine/src/firewall.rs`).
pub const MOST_SESSION_PORTS: usize = 64;
/// See [`MOST_SESSION_PORTS`].
pub const MOST_DIVERTED: usize = 64;

/// A value that is not done: its path, the reason and the mend.
pub(crate) type Objection = (String, String);

/// Objections to what a change brings. `own_ports` are TCP ports on which the appliance itself listens, each with the words for it.
pub(crate) fn objections(
    before: &Cluster,
    after: &Cluster,
    own_ports: &BTreeMap<u16, String>,
) -> impl Iterator<Item = Objection> {
    let old: BTreeSet<Objection> = all(before, own_ports).into_iter().collect();
    all(after, own_ports)
        .into_iter()
        .filter(move |new| !old.contains(new))
}

fn all(document: &Cluster, own_ports: &BTreeMap<u16, String>) -> Vec<Objection> {
    let ssh = &document.connections.ssh;
    let mut found = numbers(&ssh.connections);
    found.extend(indexer(document, own_ports));
    for connection in ssh.connections.iter().filter(|connection| connection.enabled) {
        let path = format!("connections.ssh.connections.{}", connection.name);
        found.extend(collision(&path, connection.port, own_ports));
        found.extend(source(&path, connection.source));
    }
    for connection in document
        .connections
        .rdp
        .connections
        .iter()
        .filter(|it| it.enabled)
    {
        let path = format!("connections.rdp.connections.{}", connection.name);
        found.extend(collision(&path, connection.port, own_ports));
    }
    for (name, policy) in &ssh.authentication_policies {
        found.extend(methods(
            &format!("connections.ssh.authentication_policies.{name}"),
            policy,
        ));
    }
    for (name, settings) in &ssh.settings {
        let unknown = settings
            .ciphers
            .iter()
            .find(|cipher| !CIPHERS.contains(&cipher.as_str()));
        found.extend(unknown.map(|cipher| {
            let reason = format!(
                "{cipher:?} is not offered; give some of {}, or none for all",
                CIPHERS.join(", ")
            );
            (format!("connections.ssh.settings.{name}.ciphers"), reason)
        }));
    }
    for (name, policy) in &document.policies.audit {
        found.extend(audit(&format!("policies.audit.{name}"), policy));
    }
    for (store, value) in &document.policies.credential_stores {
        for (name, value) in &value.accounts {
            let path = format!("policies.credential_stores.{store}.accounts.{name}");
            found.extend(account(&path, value));
        }
    }
    found
}

/// A connection policy where the appliance itself listens, at every address.
fn collision(path: &str, port: u16, own_ports: &BTreeMap<u16, String>) -> Option<Objection> {
    own_ports.get(&port).map(|words| {
        let reason = format!("port {port} is the appliance's own, at every address: {words}");
        (format!("{path}.port"), reason)
    })
}

/// External indexers where the appliance listens, or takes clients.
fn indexer(document: &Cluster, own_ports: &BTreeMap<u16, String>) -> Option<Objection> {
    let indexer = &document.local_services.indexer;
    if !indexer.enabled {
        return None;
    }
    let path = "local_services.indexer";
    let connections = document.connections.ssh.connections.iter();
    let mut taking = connections.filter(|connection| connection.enabled && connection.port == indexer.port);
    let of_clients = taking.next().map(|connection| {
        let reason = format!(
            "the connection policy {} takes clients on port {}; choose another port for one of them",
            connection.name, indexer.port
        );
        (format!("{path}.port"), reason)
    });
    collision(path, indexer.port, own_ports).or(of_clients)
}

fn source(path: &str, source: Source) -> Option<Objection> {
    let Source::Fixed { address } = source else {
        return None;
    };
    let none = address.is_unspecified() || address.is_multicast() || address.is_loopback();
    none.then(|| {
        let reason =
            format!("{address} is no address that servers could answer; give one of the appliance's");
        (format!("{path}.source.address"), reason)
    })
}

fn numbers(connections: &[SshConnection]) -> Vec<Objection> {
    let enabled = || connections.iter().filter(|connection| connection.enabled);
    let ports: BTreeSet<u16> = enabled().map(|connection| connection.port).collect();
    let original =
        |it: &&SshConnection| matches!(it.destination, Destination::Original {} | Destination::Nat { .. });
    let diverted: BTreeSet<_> = enabled()
        .filter(original)
        .flat_map(|connection| connection.to.iter().map(|to| (to.trunc(), connection.port)))
        .collect();
    let path = "connections.ssh.connections";
    let mut found = Vec::new();
    if ports.len() > MOST_SESSION_PORTS {
        let reason = format!(
            "{} ports; more than {MOST_SESSION_PORTS} are not opened, use fewer",
            ports.len()
        );
        found.push((path.to_owned(), reason));
    }
    if diverted.len() > MOST_DIVERTED {
        let reason = format!(
            "{} networks and ports with their original target; more than {MOST_DIVERTED} are not taken up from routers: name larger networks",
            diverted.len()
        );
        found.push((path.to_owned(), reason));
    }
    found
}

fn methods(path: &str, policy: &SshAuthentication) -> Vec<Objection> {
    let mut found = Vec::new();
    let unknown =
        |given: &[String], known: &[&str]| given.iter().find(|word| !known.contains(&word.as_str())).cloned();
    for (part, given, known) in [
        ("gateway", &policy.gateway, &GATEWAY),
        ("relayed", &policy.relayed, &RELAYED),
    ] {
        if let Some(word) = unknown(given, known) {
            let reason = format!("{word:?} is no method here; give some of {}", known.join(", "));
            found.push((format!("{path}.{part}"), reason));
        }
    }
    if policy.relayed.iter().any(|word| word == AGENT) {
        if policy.relayed.len() > 1 {
            let reason = "agent goes with no other method: people are let in before their agent is asked; give agent alone, or not";
            found.push((format!("{path}.relayed"), reason.into()));
        }
        if policy.gateway.is_empty() {
            let reason = "agent needs people whom the gateway knows, and nobody is asked there; give gateway methods, or another method";
            found.push((format!("{path}.relayed"), reason.into()));
        }
    }
    if policy.gssapi {
        let reason = "Kerberos tickets do not count by this firmware; switch it off and choose other methods";
        found.push((format!("{path}.gssapi"), reason.into()));
    }
    found
}

/// Whether trails can be encrypted and signed as the policy says.
fn audit(path: &str, policy: &AuditPolicy) -> Vec<Objection> {
    let mut found = Vec::new();
    for (name, certificates) in [
        ("encryption", &policy.encryption),
        ("upstream_encryption", &policy.upstream_encryption),
    ] {
        for (place, pem) in certificates.iter().enumerate() {
            if let Err(error) = Recipient::from_pem(pem.as_bytes()) {
                found.push((format!("{path}.{name}.{place}"), error.to_string()));
            }
        }
    }
    if policy.encryption.is_empty() && !policy.upstream_encryption.is_empty() {
        let reason = "what was typed cannot be encrypted alone; give certificates for the trail too";
        found.push((format!("{path}.encryption"), reason.into()));
    }
    if let Some(credential) = &policy.signing
        && let Some(private) = credential.private_key.known()
    {
        let key = SigningKey::from_pem(private.expose().as_bytes());
        match (key, PublicKey::from_pem(credential.certificate.as_bytes())) {
            (Err(error), _) => found.push((format!("{path}.signing.private_key"), error.to_string())),
            (_, Err(error)) => found.push((format!("{path}.signing.certificate"), error.to_string())),
            (Ok(key), Ok(public)) if key.public() != public => {
                let reason =
                    "the certificate is of another key; give the certificate and the private key of one pair";
                found.push((format!("{path}.signing.certificate"), reason.into()));
            }
            (Ok(_), Ok(_)) => {}
        }
    }
    found.extend(timestamps(path, policy));
    found
}

/// Whether timestamps come as the policy says.
fn timestamps(path: &str, policy: &AuditPolicy) -> Option<Objection> {
    let authority = policy.timestamp_authority.as_ref();
    let Some(authority) = authority else {
        policy.timestamp_seconds?;
        let reason = "no authority is named that gives timestamps; give one, or leave the interval empty (trails are chained and signed)";
        return Some((format!("{path}.timestamp_seconds"), reason.into()));
    };
    let path = format!("{path}.timestamp_authority");
    if policy.timestamp_seconds.is_none() {
        let reason = "it is never asked without an interval; give the seconds between timestamps, or leave the authority empty";
        return Some((path, reason.into()));
    }
    if let Some(Err(error)) = authority.policy.as_deref().map(PolicyId::parse) {
        return Some((format!("{path}.policy"), error.to_string()));
    }
    let read = Authority::from_pem(authority.certificates.iter().map(String::as_bytes));
    let error = read.err()?;
    Some((format!("{path}.certificates"), error.to_string()))
}

/// Whether an account opens anything.
fn account(path: &str, account: &Account) -> Option<Objection> {
    if account.password.is_none() && account.private_key.is_none() {
        let reason = "it has neither a password nor a private key, and opens nothing; give it one";
        return Some((path.to_owned(), reason.into()));
    }
    let key = account.private_key.as_ref().and_then(|key| key.known())?;
    let whole = key.expose().contains("-----BEGIN OPENSSH PRIVATE KEY-----");
    (!whole).then(|| {
        let reason =
            "no private key in OpenSSH's format; make one with `ssh-keygen -t ed25519`, without a passphrase";
        (format!("{path}.private_key"), reason.into())
    })
}

#[cfg(test)]
mod tests;
