//! Believable documents, the same for the same seed: for tests, and for tools that make stores.
//!
//! They are made in the oldest layout and migrated, so every layout has what its history left. Secrets are texts that no key opens.

mod connections;
mod maker;
mod policies;

use serde_json::{Value, json};

use crate::error::MigrateError;
use crate::layout::FIRST;
use crate::migrate::migrate;
use maker::Maker;

/// The document of a customer with several connections, policies and trusted CAs.
///
/// # Errors
/// The layout is unknown.
pub fn sample(layout: u32, seed: u64) -> Result<Value, MigrateError> {
    Ok(migrate(&document(&mut Maker::believable(seed)), FIRST, layout)?.document)
}

/// A document in which everything is at random: numbers of objects, what is set, and names with spaces, dots and letters
/// of any script. Every name and every text begins with the mark `qz`.
///
/// # Errors
/// The layout is unknown.
pub fn random(layout: u32, seed: u64) -> Result<Value, MigrateError> {
    Ok(migrate(&document(&mut Maker::wild(seed)), FIRST, layout)?.document)
}

/// The document of an appliance that nobody has set up.
///
/// # Errors
/// The layout is unknown.
pub fn empty(layout: u32) -> Result<Value, MigrateError> {
    Ok(migrate(&document(&mut Maker::bare()), FIRST, layout)?.document)
}

/// A document of layout 1.
fn document(maker: &mut Maker) -> Value {
    json!({
        "system": system(maker),
        "network": network(maker),
        "local_services": local_services(maker),
        "date_time": {"time_zone": "Europe/Vienna", "servers": maker.some(1, 3, Maker::host)},
        "management": management(maker),
        "certificates": {
            "web": maker.maybe(Maker::web_credential),
            "internal_ca": maker.maybe(Maker::ca_credential),
            "timestamping": maker.maybe(Maker::old_credential),
        },
        "users": users(maker),
        "policies": policies::policies(maker),
        "connections": connections::connections(maker),
        "cluster": {"nodes": maker.map(0, 3, |maker| json!({"address": maker.address(), "roles": ["managed-host"]}))},
        "high_availability": {
            "enabled": maker.flag(),
            "next_hops": maker.some(0, 2, |maker| json!({"interface": "eth0", "address": maker.address()})),
            "sync_rate_mbit": 10,
        },
    })
}

fn system(maker: &mut Maker) -> Value {
    json!({
        "sealed": maker.flag(),
        "licence": maker.maybe(|maker| json!({"serial": maker.word(), "sha256": maker.hex(64)})),
    })
}

fn network(maker: &mut Maker) -> Value {
    json!({
        "host_name": maker.label(),
        "domain": maker.maybe(Maker::domain),
        "interfaces": {
            "eth0": {"addresses": [maker.network_address()], "management": true, "vlan": null},
            "eth1": {"addresses": maker.some(0, 2, Maker::network_address), "management": false, "vlan": maker.maybe(|maker| maker.number(2, 4000).into())},
        },
        "routes": maker.some(0, 3, |maker| json!({"network": maker.network(), "gateway": maker.address()})),
        "dns": maker.some(0, 2, Maker::address),
    })
}

fn local_services(maker: &mut Maker) -> Value {
    json!({
        "web_login": {"addresses": maker.some(0, 2, Maker::address), "port": 443, "timeout_minutes": 10},
        "ssh_server": {"enabled": maker.flag(), "addresses": [], "authorized_keys": maker.some(0, 2, |maker| maker.ssh_line("ssh-rsa", 2048))},
        "snmp_agent": {"enabled": maker.flag(), "community": maker.maybe(Maker::secret)},
        "indexer": {
            "enabled": maker.flag(),
            "indexer_certs": maker.some(0, 2, Maker::old_credential),
            "credentials": maker.maybe(Maker::client_credential),
        },
        "minimum_tls": maker.one_of(&["tls-1.0", "tls-1.1", "tls-1.2"]),
    })
}

fn management(maker: &mut Maker) -> Value {
    json!({
        "disk_fill_up_prevention": {"enabled": true, "used_space_ratio_limit": maker.number(50, 98), "archiving_enabled": maker.flag()},
        "change_log": {"require_message": maker.flag()},
        "mail": maker.maybe(|maker| json!({
            "server": maker.host(), "port": 25, "encryption": maker.one_of(&["none", "starttls", "tls"]),
            "sender": maker.mail_address(), "recipients": maker.some(1, 3, Maker::mail_address),
            "client": maker.maybe(Maker::client_credential), "server_certificate": maker.maybe(Maker::web_certificate),
            "trusted_ca_list": maker.maybe(Maker::ca_list_name),
        })),
        "snmp_traps": maker.maybe(|maker| json!({"servers": maker.some(1, 2, Maker::host), "community": maker.secret()})),
        "splunk": maker.maybe(|maker| json!({
            "server": maker.host(), "port": 8088, "token": maker.secret(), "server_certificate": maker.maybe(Maker::web_certificate),
        })),
        "syslog": maker.some(0, 3, |maker| json!({
            "server": maker.host(), "port": 6514, "transport": maker.one_of(&["udp", "tcp", "tls"]),
            "client": maker.maybe(Maker::client_credential), "trusted_ca_list": maker.maybe(Maker::ca_list_name),
        })),
        "log_ingestion": {"enabled": maker.flag(), "port": 514, "sources": maker.some(0, 2, Maker::network)},
        "connection_database": {"keep_days": maker.maybe(|maker| maker.number(30, 3650).into())},
    })
}

fn users(maker: &mut Maker) -> Value {
    let people = maker.map(1, 6, |maker| json!({"password": maker.maybe(Maker::secret)}));
    let members: Vec<String> = people
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect();
    json!({
        "admin_password": maker.maybe(Maker::secret),
        "console_password": maker.maybe(Maker::secret),
        "local": people,
        "groups": maker.map(1, 3, |maker| json!({"members": members.clone(), "rights": {"ssh-control": maker.one_of(&["read", "read-write"])}})),
        "authentication": {
            "method": maker.one_of(&["local", "ldap", "radius", "x509"]),
            "ldap_server": maker.maybe(Maker::ldap_name),
            "radius": maker.maybe(|maker| json!({"servers": maker.some(1, 2, Maker::host), "secret": maker.secret()})),
            "x509": maker.maybe(|maker| json!({"trusted_ca_list": maker.ca_list_name(), "user_name_field": "commonName"})),
        },
    })
}
