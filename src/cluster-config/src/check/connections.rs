//! Connections and what belongs to them.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::words::{certificate, is_public_key, name, names, port, reference, server};
use super::{Checked, offence, settings};
use crate::cluster::Cluster;
use crate::sections::connections::{
    Channel, Destination, HttpConnection, RdpConnection, SshConnection, SshOptions, Tls,
};

/// What is done to files.
const OPERATIONS: [&str; 4] = ["read", "write", "list", "delete"];
/// Longest time that sessions hold up a restart, seconds.
const LONGEST_GRACE: u32 = 300;

pub(super) fn check(document: &Cluster) -> Checked {
    let connections = &document.connections;
    let (ssh, rdp, http) = (&connections.ssh, &connections.rdp, &connections.http);
    unique("ssh", ssh.connections.iter().map(|connection| &connection.name))?;
    unique("rdp", rdp.connections.iter().map(|connection| &connection.name))?;
    unique("http", http.connections.iter().map(|connection| &connection.name))?;
    channels(document, "ssh", &ssh.channel_policies)?;
    channels(document, "rdp", &rdp.channel_policies)?;
    names(
        "connections.ssh.authentication_policies",
        &ssh.authentication_policies,
    )?;
    names("connections.ssh.settings", &ssh.settings)?;
    options(&ssh.options)?;
    names("connections.rdp.settings", &rdp.settings)?;
    for (name, policy) in &ssh.authentication_policies {
        let path = format!("connections.ssh.authentication_policies.{name}.user_database");
        let page = "Policies > Local User Databases";
        reference(
            &path,
            policy.user_database.as_ref(),
            &document.policies.user_databases,
            page,
        )?;
    }
    ssh.connections
        .iter()
        .try_for_each(|connection| of_ssh(document, connection))?;
    rdp.connections
        .iter()
        .try_for_each(|connection| of_rdp(document, connection))?;
    http.connections
        .iter()
        .try_for_each(|connection| of_http(document, connection))
}

/// What holds for all SSH sessions.
fn options(options: &SshOptions) -> Checked {
    let bounds = [
        ("verbosity", options.verbosity, 1..=10),
        ("most_sessions", options.most_sessions, 1..=100_000),
        ("most_of_one_client", options.most_of_one_client, 1..=100_000),
        ("most_logging_in", options.most_logging_in, 1..=10_000),
        ("refuse_below_percent", options.refuse_below_percent, 2..=90),
        ("end_below_percent", options.end_below_percent, 1..=89),
        (
            "restart_grace_seconds",
            options.restart_grace_seconds,
            0..=LONGEST_GRACE,
        ),
    ];
    for (name, value, bounds) in bounds {
        if !bounds.contains(&value) {
            return offence(
                format!("connections.ssh.options.{name}"),
                format!("{value}; give {} to {}", bounds.start(), bounds.end()),
            );
        }
    }
    if options.end_below_percent >= options.refuse_below_percent {
        return offence(
            "connections.ssh.options.end_below_percent",
            format!(
                "sessions would be ended before new ones are refused: give less than the {} percent at which they are refused",
                options.refuse_below_percent
            ),
        );
    }
    Ok(())
}

/// Each connection of a protocol has a name of its own.
fn unique<'a>(protocol: &str, connections: impl Iterator<Item = &'a String>) -> Checked {
    let path = format!("connections.{protocol}.connections");
    let mut seen = BTreeSet::new();
    for connection in connections {
        name(&path, connection)?;
        if !seen.insert(connection) {
            return offence(
                path,
                format!("there are two of the name {connection:?}; give each its own"),
            );
        }
    }
    Ok(())
}

fn channels(document: &Cluster, protocol: &str, policies: &BTreeMap<String, Vec<Channel>>) -> Checked {
    let path = format!("connections.{protocol}.channel_policies");
    names(&path, policies)?;
    let own = &document.policies;
    for (policy, channels) in policies {
        for (place, channel) in channels.iter().enumerate() {
            let path = format!("{path}.{policy}.{place}");
            let content = channel.content_policy.as_ref();
            reference(
                &format!("{path}.content_policy"),
                content,
                &own.content,
                "Policies > Content Policies",
            )?;
            let time = channel.time_policy.as_ref();
            reference(
                &format!("{path}.time_policy"),
                time,
                &own.time,
                "Policies > Time Policies",
            )?;
            let users = channel.user_list.as_ref();
            reference(
                &format!("{path}.user_list"),
                users,
                &own.user_lists,
                "Policies > User Lists",
            )?;
            conditions(&path, channel)?;
        }
    }
    Ok(())
}

/// What a line asks of commands, files and servers.
fn conditions(path: &str, channel: &Channel) -> Checked {
    for (place, command) in channel.commands.iter().enumerate() {
        if let Err(error) = Regex::new(command) {
            let reason = format!("not a regular expression, mend it: {error}");
            return offence(format!("{path}.commands.{place}"), reason);
        }
    }
    let unknown = |word: &&String| !OPERATIONS.contains(&word.as_str());
    if let Some(word) = channel.operations.iter().find(unknown) {
        return offence(
            format!("{path}.operations"),
            format!(
                "{word:?} is nothing that is done to files; give some of {}",
                OPERATIONS.join(", ")
            ),
        );
    }
    let ports = channel.servers.iter().filter_map(|target| target.port);
    ports
        .into_iter()
        .try_for_each(|to| port(&format!("{path}.servers"), to))
}

fn of_ssh(document: &Cluster, connection: &SshConnection) -> Checked {
    let path = format!("connections.ssh.connections.{}", connection.name);
    let ssh = &document.connections.ssh;
    common(
        document,
        &path,
        connection.port,
        &connection.destination,
        connection.audit_policy.as_ref(),
    )?;
    for (kind, key) in [
        ("rsa", &connection.host_keys.rsa),
        ("ed25519", &connection.host_keys.ed25519),
    ] {
        if key.as_ref().is_some_and(|key| !is_public_key(&key.public)) {
            let reason = "not a public key; give the line of the .pub file, without options";
            return offence(format!("{path}.host_keys.{kind}.public"), reason);
        }
    }
    let channel = Some(&connection.channel_policy);
    reference(
        &format!("{path}.channel_policy"),
        channel,
        &ssh.channel_policies,
        "SSH Control > Channel Policies",
    )?;
    let authentication = Some(&connection.authentication_policy);
    let page = "SSH Control > Authentication Policies";
    reference(
        &format!("{path}.authentication_policy"),
        authentication,
        &ssh.authentication_policies,
        page,
    )?;
    let settings = Some(&connection.settings);
    reference(
        &format!("{path}.settings"),
        settings,
        &ssh.settings,
        "SSH Control > Settings",
    )?;
    credentials(document, &path, connection)
}

/// Who may be whom on servers, and with what; and what is indexed.
fn credentials(document: &Cluster, path: &str, connection: &SshConnection) -> Checked {
    let own = &document.policies;
    let mapping = connection.user_mapping.as_ref();
    let page = "Policies > User Mapping Policies";
    reference(&format!("{path}.user_mapping"), mapping, &own.user_mappings, page)?;
    let store = connection.credential_store.as_ref();
    let page = "Policies > Credential Stores";
    reference(
        &format!("{path}.credential_store"),
        store,
        &own.credential_stores,
        page,
    )?;
    let indexer = connection.indexer_policy.as_ref();
    let page = "Policies > Indexer Policies";
    reference(&format!("{path}.indexer_policy"), indexer, &own.indexer, page)?;
    let policies = &document.connections.ssh.authentication_policies;
    let asks = policies
        .get(&connection.authentication_policy)
        .is_some_and(|policy| !policy.gateway.is_empty());
    if asks {
        return Ok(());
    }
    for (part, name) in [("user_mapping", mapping), ("credential_store", store)] {
        if name.is_some() {
            let reason = "nobody is known at the gateway, as its authentication policy asks nobody there; give it gateway methods, or take this off";
            return offence(format!("{path}.{part}"), reason);
        }
    }
    Ok(())
}

fn of_rdp(document: &Cluster, connection: &RdpConnection) -> Checked {
    let path = format!("connections.rdp.connections.{}", connection.name);
    let rdp = &document.connections.rdp;
    common(
        document,
        &path,
        connection.port,
        &connection.destination,
        connection.audit_policy.as_ref(),
    )?;
    tls(document, &path, connection.tls.as_ref())?;
    let channel = Some(&connection.channel_policy);
    reference(
        &format!("{path}.channel_policy"),
        channel,
        &rdp.channel_policies,
        "RDP Control > Channel Policies",
    )?;
    let settings = Some(&connection.settings);
    reference(
        &format!("{path}.settings"),
        settings,
        &rdp.settings,
        "RDP Control > Settings",
    )?;
    let (store, stores) = (
        connection.credential_store.as_ref(),
        &document.policies.credential_stores,
    );
    reference(
        &format!("{path}.credential_store"),
        store,
        stores,
        "Policies > Credential Stores",
    )
}

fn of_http(document: &Cluster, connection: &HttpConnection) -> Checked {
    let path = format!("connections.http.connections.{}", connection.name);
    common(
        document,
        &path,
        connection.port,
        &connection.destination,
        connection.audit_policy.as_ref(),
    )?;
    tls(document, &path, connection.tls.as_ref())?;
    let store = connection.server_trust_store.as_ref();
    settings::trust_store(document, &format!("{path}.server_trust_store"), store)
}

/// What every protocol has.
fn common(
    document: &Cluster,
    path: &str,
    listens: u16,
    destination: &Destination,
    audit: Option<&String>,
) -> Checked {
    port(&format!("{path}.port"), listens)?;
    reference(
        &format!("{path}.audit_policy"),
        audit,
        &document.policies.audit,
        "Policies > Audit Policies",
    )?;
    let path = format!("{path}.destination");
    match destination {
        Destination::Original {} | Destination::Nat { .. } => Ok(()),
        Destination::Fixed {
            server: name,
            port: to,
        } => {
            server(&format!("{path}.server"), name)?;
            port(&format!("{path}.port"), *to)
        }
        // What a name may be is for those who resolve it: an early configuration may hold names that nobody can use any more.
        Destination::Inband { targets } => targets
            .iter()
            .filter_map(|target| target.port)
            .try_for_each(|to| port(&format!("{path}.targets"), to)),
    }
}

fn tls(document: &Cluster, path: &str, tls: Option<&Tls>) -> Checked {
    match tls {
        None => Ok(()),
        Some(Tls::Fixed {
            certificate: text, ..
        }) => certificate(&format!("{path}.tls.certificate"), text),
        Some(Tls::SigningCa { name }) => reference(
            &format!("{path}.tls.name"),
            Some(name),
            &document.policies.signing_cas,
            "Policies > Signing CAs",
        ),
    }
}
