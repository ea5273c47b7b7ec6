//! Basic settings and users.

use std::ops::RangeInclusive;

use super::words::{
    certificate, is_domain, is_label, is_time_zone, name, names, port, public_keys, reference, server,
};
use super::{Checked, offence};
use crate::cluster::Cluster;
use crate::protected::Protected;
use crate::sections::certificates::Credential;
use crate::sections::management::Management;
use crate::sections::network::Network;
use crate::sections::services::{DateTime, LocalServices};
use crate::sections::users::Users;

/// Percent used at which clients may be disconnected.
const FILL_UP: RangeInclusive<u32> = 50..=98;
/// VLAN identifiers (IEEE 802.1Q, 9.6).
const VLANS: RangeInclusive<u16> = 1..=4094;
/// Minutes after which a login may end: a day at the most.
const TIMEOUT: RangeInclusive<u32> = 1..=1440;

pub(super) fn check(document: &Cluster) -> Checked {
    network(&document.network)?;
    services(&document.local_services)?;
    date_time(&document.date_time)?;
    management(document)?;
    trust_stores(document)?;
    let certificates = &document.certificates;
    for (part, credential) in [
        ("web", &certificates.web),
        ("internal_ca", &certificates.internal_ca),
        ("timestamping", &certificates.timestamping),
    ] {
        optional(&format!("certificates.{part}"), credential.as_ref())?;
    }
    users(document)?;
    names("cluster.nodes", &document.cluster.nodes)?;
    if document.high_availability.sync_rate_mbit == 0 {
        return offence(
            "high_availability.sync_rate_mbit",
            "0 would never end; give at least 1 megabit a second",
        );
    }
    Ok(())
}

/// A credential that may be there.
pub(super) fn optional(path: &str, credential: Option<&Credential>) -> Checked {
    credential.map_or(Ok(()), |credential| {
        certificate(&format!("{path}.certificate"), &credential.certificate)
    })
}

fn network(network: &Network) -> Checked {
    if !is_label(&network.host_name) {
        return offence(
            "network.host_name",
            format!(
                "{:?} is no host name: use letters, digits and hyphens, without the domain",
                network.host_name
            ),
        );
    }
    if let Some(domain) = network.domain.as_ref().filter(|domain| !is_domain(domain)) {
        return offence(
            "network.domain",
            format!("{domain:?} is no domain name: give one such as example.net"),
        );
    }
    names("network.interfaces", &network.interfaces)?;
    for (name, interface) in &network.interfaces {
        if let Some(vlan) = interface.vlan.filter(|vlan| !VLANS.contains(vlan)) {
            return offence(
                format!("network.interfaces.{name}.vlan"),
                format!(
                    "{vlan} is no VLAN; give one of {} to {}",
                    VLANS.start(),
                    VLANS.end()
                ),
            );
        }
    }
    Ok(())
}

/// Bytes of a token that programs show.
const TOKEN: RangeInclusive<usize> = 24..=256;

fn services(services: &LocalServices) -> Checked {
    port("local_services.web_login.port", services.web_login.port)?;
    if !TIMEOUT.contains(&services.web_login.timeout_minutes) {
        return offence(
            "local_services.web_login.timeout_minutes",
            format!("give {} to {} minutes", TIMEOUT.start(), TIMEOUT.end()),
        );
    }
    public_keys(
        "local_services.ssh_server.authorized_keys",
        &services.ssh_server.authorized_keys,
    )?;
    optional(
        "local_services.indexer.credentials",
        services.indexer.credentials.as_ref(),
    )?;
    for (place, key) in services.indexer.indexer_keys.iter().enumerate() {
        optional(&format!("local_services.indexer.indexer_keys.{place}"), Some(key))?;
    }
    let token = services.metrics.token.as_ref().and_then(Protected::known);
    if token.is_some_and(|token| !is_token(token.expose())) {
        return offence(
            "local_services.metrics.token",
            format!(
                "it would be easy to guess, or cannot be sent in a header: give {} to {} letters, digits, and . _ ~ + / = - without spaces",
                TOKEN.start(),
                TOKEN.end()
            ),
        );
    }
    port("local_services.indexer.port", services.indexer.port)?;
    let hosts = &services.indexer.hosts;
    names("local_services.indexer.hosts", hosts)?;
    for (name, host) in hosts {
        let path = format!("local_services.indexer.hosts.{name}.certificate");
        certificate(&path, &host.certificate)?;
        // Who is who is told by the certificate.
        if hosts.iter().any(|(other, same)| other < name && same == host) {
            return offence(
                path,
                "another host has it; give each host a configuration of its own",
            );
        }
    }
    Ok(())
}

/// RFC 6750, 2.1.
fn is_token(text: &str) -> bool {
    let is_sent = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte);
    TOKEN.contains(&text.len()) && text.bytes().all(is_sent)
}

fn date_time(date_time: &DateTime) -> Checked {
    if !is_time_zone(&date_time.time_zone) {
        return offence(
            "date_time.time_zone",
            format!(
                "{:?} is no name of a time zone: give one such as Europe/Vienna, or UTC",
                date_time.time_zone
            ),
        );
    }
    let mut servers = date_time.servers.iter().enumerate();
    servers.try_for_each(|(place, name)| server(&format!("date_time.servers.{place}"), name))
}

fn management(document: &Cluster) -> Checked {
    let Management {
        disk_fill_up_prevention,
        mail,
        snmp_traps,
        splunk,
        syslog,
        ..
    } = &document.management;
    let limit = disk_fill_up_prevention.used_space_ratio_limit;
    if !FILL_UP.contains(&limit) {
        return offence(
            "management.disk_fill_up_prevention.used_space_ratio_limit",
            format!("{limit} percent; give {} to {}", FILL_UP.start(), FILL_UP.end()),
        );
    }
    if let Some(mail) = mail {
        server("management.mail.server", &mail.server)?;
        port("management.mail.port", mail.port)?;
        optional("management.mail.client", mail.client.as_ref())?;
        trust_store(document, "management.mail.trust_store", mail.trust_store.as_ref())?;
        let own = mail.server_certificate.as_ref();
        own.map_or(Ok(()), |text| {
            certificate("management.mail.server_certificate", text)
        })?;
    }
    for (place, name) in snmp_traps.iter().flat_map(|traps| &traps.servers).enumerate() {
        server(&format!("management.snmp_traps.servers.{place}"), name)?;
    }
    if let Some(splunk) = splunk {
        server("management.splunk.server", &splunk.server)?;
        port("management.splunk.port", splunk.port)?;
        let own = splunk.server_certificate.as_ref();
        own.map_or(Ok(()), |text| {
            certificate("management.splunk.server_certificate", text)
        })?;
    }
    for (place, target) in syslog.iter().enumerate() {
        let path = format!("management.syslog.{place}");
        server(&format!("{path}.server"), &target.server)?;
        port(&format!("{path}.port"), target.port)?;
        optional(&format!("{path}.client"), target.client.as_ref())?;
        trust_store(
            document,
            &format!("{path}.trust_store"),
            target.trust_store.as_ref(),
        )?;
    }
    Ok(())
}

/// A trust store that must be there.
pub(super) fn trust_store(document: &Cluster, path: &str, name: Option<&String>) -> Checked {
    reference(
        path,
        name,
        &document.trust_stores,
        "Basic Settings > Trust Stores",
    )
}

fn trust_stores(document: &Cluster) -> Checked {
    names("trust_stores", &document.trust_stores)?;
    for (name, store) in &document.trust_stores {
        for (place, text) in store.certificates.iter().enumerate() {
            certificate(&format!("trust_stores.{name}.certificates.{place}"), text)?;
        }
    }
    Ok(())
}

fn users(document: &Cluster) -> Checked {
    let Users {
        local,
        groups,
        authentication,
        ..
    } = &document.users;
    names("users.local", local)?;
    names("users.groups", groups)?;
    for (group, value) in groups {
        value
            .rights
            .keys()
            .try_for_each(|page| name(&format!("users.groups.{group}.rights"), page))?;
    }
    let servers = &document.policies.ldap_servers;
    let named = authentication.ldap_server.as_ref();
    reference(
        "users.authentication.ldap_server",
        named,
        servers,
        "Policies > LDAP Servers",
    )?;
    let x509 = authentication.x509.as_ref().map(|x509| &x509.trust_store);
    trust_store(document, "users.authentication.x509.trust_store", x509)?;
    let radius = authentication
        .radius
        .iter()
        .flat_map(|radius| &radius.servers)
        .enumerate();
    for (place, name) in radius {
        server(&format!("users.authentication.radius.servers.{place}"), name)?;
    }
    Ok(())
}
