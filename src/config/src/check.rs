//! What a node document must obey before it is in force. Pure.
//!
//! The first offence is reported with the path of the value, the reason and the mend.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::Ipv4Net;
use thiserror::Error;

use crate::network::{Interface, Ipv4, Network};
use crate::node::{Administrators, KeyPair, Keys, Node, RescueSsh, Time, TimeServer};
use crate::password;

/// Interfaces that are named: more than any machine has.
const INTERFACES: usize = 64;
/// Name servers that the C library looks at (`MAXNS` of resolv.h).
const NAME_SERVERS: usize = 3;
/// Time servers: four outvote one liar (RFC 8633, 3.2); twice that is plenty.
const TIME_SERVERS: usize = 8;
/// Parts of a time zone's name, and letters of a part: `America/Argentina/ComodRivadavia` and a few more.
const TIME_ZONE_PARTS: usize = 3;
const TIME_ZONE_PART: usize = 20;
/// Public keys that may log in.
const SSH_KEYS: usize = 64;
/// Longest name of an interface (`IFNAMSIZ` of linux/if.h, less its end).
const INTERFACE_NAME: usize = 15;
/// Longest label of a host name (RFC 1035, 2.3.4).
const LABEL: usize = 63;
/// Longest domain name in text (RFC 1035, 2.3.4: 255 octets on the wire).
const DOMAIN: usize = 253;
/// Longest period before a commit, hours: a year.
const COMMIT_AFTER: u32 = 8760;
/// Kinds of public keys that may log in (RFC 8709, RFC 5656, RFC 8332, OpenSSH's PROTOCOL.u2f). No DSA.
const SSH_KEY_KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// A value that cannot be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{path}: {reason}")]
pub struct CheckError {
    /// Path of the value, such as `network.interfaces.eth0.ipv4.static.gateway`.
    pub path: String,
    /// What is wrong and how to mend it.
    pub reason: String,
}

type Checked = Result<(), CheckError>;

fn offence(path: impl Into<String>, reason: impl Into<String>) -> Checked {
    Err(CheckError {
        path: path.into(),
        reason: reason.into(),
    })
}

impl Node {
    /// Checks the whole document.
    ///
    /// # Errors
    /// The first value that cannot be.
    pub fn check(&self) -> Result<(), CheckError> {
        check_network(&self.network)?;
        check_administrators(&self.administrators)?;
        check_time(&self.time)?;
        check_keys(&self.keys)?;
        if self.firmware.commit_after_hours > COMMIT_AFTER {
            return offence(
                "firmware.commit_after_hours",
                format!("more than a year; give at most {COMMIT_AFTER}, or 0 to commit by hand only"),
            );
        }
        match &self.rescue.ssh {
            RescueSsh::Management | RescueSsh::All | RescueSsh::Off => Ok(()),
            RescueSsh::Interfaces(names) => names
                .iter()
                .try_for_each(|name| interface_name(&format!("rescue.ssh.interfaces.{name}"), name)),
        }
    }
}

fn check_network(network: &Network) -> Checked {
    if !is_label(&network.host_name) {
        return offence(
            "network.host_name",
            format!(
                "{:?} is no host name: use up to {LABEL} letters, digits and hyphens, no hyphen first or last, without the domain",
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
    if network.dns.len() > NAME_SERVERS {
        return offence(
            "network.dns",
            format!("more than {NAME_SERVERS} name servers; name the nearest"),
        );
    }
    if let Some(address) = network.dns.iter().find(|address| !is_host(**address)) {
        return offence("network.dns", format!("{address} is not the address of a server"));
    }
    check_interfaces(&network.interfaces)
}

fn check_interfaces(interfaces: &BTreeMap<String, Interface>) -> Checked {
    if interfaces.len() > INTERFACES {
        return offence("network.interfaces", format!("more than {INTERFACES} interfaces"));
    }
    let mut gateway_of: Option<&str> = None;
    let mut owners: BTreeMap<Ipv4Addr, &str> = BTreeMap::new();
    for (name, interface) in interfaces {
        let path = format!("network.interfaces.{name}");
        interface_name(&path, name)?;
        let Ipv4::Static { address, gateway } = &interface.ipv4 else {
            continue;
        };
        let path = format!("{path}.ipv4.static");
        check_address(&format!("{path}.address"), *address)?;
        if let Some(other) = owners.insert(address.addr(), name) {
            return offence(
                format!("{path}.address"),
                format!(
                    "{} is the address of {other}; give each interface its own",
                    address.addr()
                ),
            );
        }
        let Some(gateway) = gateway else { continue };
        check_gateway(&format!("{path}.gateway"), *address, *gateway)?;
        if let Some(other) = gateway_of.replace(name) {
            return offence(
                format!("{path}.gateway"),
                format!("{other} has the gateway; keep it at one of the two"),
            );
        }
    }
    Ok(())
}

fn check_address(path: &str, net: Ipv4Net) -> Checked {
    let address = net.addr();
    if net.prefix_len() == 0 {
        return offence(
            path,
            "a network of length 0 is everything; give the length, such as 192.0.2.5/24",
        );
    }
    if !is_host(address.into()) {
        return offence(path, format!("{address} is not the address of a host"));
    }
    // A network of two has neither (RFC 3021).
    if net.prefix_len() < 31 && (address == net.network() || address == net.broadcast()) {
        return offence(
            path,
            format!(
                "{address} is the network's own or its broadcast address; give one between {} and {}",
                net.network(),
                net.broadcast()
            ),
        );
    }
    Ok(())
}

fn check_gateway(path: &str, net: Ipv4Net, gateway: Ipv4Addr) -> Checked {
    if gateway == net.addr() {
        return offence(
            path,
            format!("{gateway} is the interface's own address; give the router's"),
        );
    }
    let own_or_broadcast = net.prefix_len() < 31 && (gateway == net.network() || gateway == net.broadcast());
    if !net.contains(&gateway) || own_or_broadcast {
        return offence(
            path,
            format!(
                "{gateway} is not a host of {}; give a router of that network",
                net.trunc()
            ),
        );
    }
    Ok(())
}

fn interface_name(path: &str, name: &str) -> Checked {
    let fine = |c: char| c.is_ascii_graphic() && c != '/' && c != ':';
    if name.is_empty()
        || name.len() > INTERFACE_NAME
        || name == "."
        || name == ".."
        || !name.chars().all(fine)
    {
        return offence(
            path,
            format!("{name:?} is no name of an interface; see `sps network show` for the names"),
        );
    }
    Ok(())
}

fn check_administrators(administrators: &Administrators) -> Checked {
    let hashes = [
        ("console_password", &administrators.console_password),
        ("admin_password", &administrators.admin_password),
    ];
    for (name, hash) in hashes {
        if hash.as_ref().is_some_and(|hash| !password::is_hash(hash)) {
            return offence(
                format!("administrators.{name}"),
                "not an argon2id hash; set the password again",
            );
        }
    }
    if administrators.ssh_keys.len() > SSH_KEYS {
        return offence("administrators.ssh_keys", format!("more than {SSH_KEYS} keys"));
    }
    for (place, line) in administrators.ssh_keys.iter().enumerate() {
        if !is_public_key(line) {
            return offence(
                format!("administrators.ssh_keys.{place}"),
                "not a public key; give the line of the .pub file, without options (no DSA)",
            );
        }
    }
    Ok(())
}

/// `kind base64 comment`, where the base64 begins with the same kind (RFC 4253, 6.6).
fn is_public_key(line: &str) -> bool {
    let mut words = line.split(' ');
    let (Some(kind), Some(blob)) = (words.next(), words.next()) else {
        return false;
    };
    let Ok(bytes) = STANDARD.decode(blob) else {
        return false;
    };
    let inner = bytes.get(4..4 + kind.len());
    !line.contains(char::is_control) && SSH_KEY_KINDS.contains(&kind) && inner == Some(kind.as_bytes())
}

fn check_time(time: &Time) -> Checked {
    if !is_time_zone(&time.zone) {
        return offence(
            "time.zone",
            format!(
                "{:?} is no name of a time zone: give one such as Europe/Vienna, or UTC",
                time.zone
            ),
        );
    }
    if time.servers.len() > TIME_SERVERS {
        return offence(
            "time.servers",
            format!("more than {TIME_SERVERS} time servers; name the nearest"),
        );
    }
    for (place, server) in time.servers.iter().enumerate() {
        let fine = match server {
            TimeServer::Address(address) => is_host(*address),
            TimeServer::Name(name) => is_domain(name),
        };
        if !fine {
            return offence(
                format!("time.servers.{place}"),
                "neither a name nor the address of a server; give one such as ntp.example.net",
            );
        }
    }
    Ok(())
}

/// The form of a name in the IANA database (its file *theory.html*); whether there is such a zone is for those who have the
/// database.
fn is_time_zone(name: &str) -> bool {
    let part = |part: &str| {
        (1..=TIME_ZONE_PART).contains(&part.len())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
    };
    name.split('/').count() <= TIME_ZONE_PARTS && name.split('/').all(part)
}

fn check_keys(keys: &Keys) -> Checked {
    let Some(KeyPair {
        certificate,
        private_key,
    }) = &keys.web
    else {
        return Ok(());
    };
    if !certificate.contains("-----BEGIN CERTIFICATE-----") {
        return offence("keys.web.certificate", "no certificate in PEM format");
    }
    if !private_key.expose().contains("PRIVATE KEY-----") {
        return offence("keys.web.private_key", "no private key in PEM format");
    }
    Ok(())
}

/// An address a host can have.
fn is_host(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(Ipv4Addr::BROADCAST));
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback() || broadcast)
}

/// A label of a host name (RFC 1123, 2.1).
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LABEL
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_domain(text: &str) -> bool {
    text.len() <= DOMAIN && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
