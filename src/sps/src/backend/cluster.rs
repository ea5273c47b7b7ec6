//! The configuration of the cluster: what is asked about it, and what this node takes over when it changes. Blocking throughout.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use sps_admin::{Context, Failure, Reply, Request, Response, Revised};
use sps_bootlog::causes;
use sps_cluster_config::{Cluster, LAYOUT, Pseudonyms};
use sps_config::{Change, Node, TimeServer};
use sps_configuration::{Asker, answer as answered};
use sps_net::ports::{self, Opening, Protocol};
use tracing::{info, warn};

use super::appliance::Appliance;
use crate::node::{now, take_over};
use crate::services::Opened;

/// TCP ports on which the appliance itself listens, by the table of ports, each with what listens there and what could be done.
pub(super) fn own_ports(node: &Node) -> BTreeMap<u16, String> {
    let ports = ports::PORTS.iter().filter(|port| port.protocol == Protocol::Tcp);
    let listening = ports.filter_map(|port| {
        let words = match port.opening {
            // In rescue no connection is taken.
            Opening::Ssh if node.firmware.ssh_upload => {
                "firmware is taken there by SSH; switch that off with `sps firmware ssh-upload off`, or choose another port".into()
            }
            // Those of external indexers are set in the same document, which is judged with it.
            Opening::Ssh | Opening::Indexers => return None,
            Opening::Always | Opening::DhcpServers | Opening::Heartbeat => {
                format!("{} ({}); choose another port", port.name, port.purpose)
            }
        };
        Some((port.number, words))
    });
    listening.collect()
}

/// A connection policy that takes clients on this port.
pub(super) fn sessions_on(own: &Appliance, port: u16) -> Option<String> {
    let opened = own.store()?;
    let store = opened.configuration.as_ref()?;
    let store = store.lock().unwrap_or_else(PoisonError::into_inner);
    let connections = &store.document().connections.ssh.connections;
    let taking = connections
        .iter()
        .find(|connection| connection.enabled && connection.port == port);
    taking.map(|connection| connection.name.clone())
}

/// Answers what is asked about it.
pub(super) fn answer(own: &Appliance, request: &Request, context: &Context) -> Reply {
    let node = own.parts.settings.node();
    let release = own.parts.release.as_ref();
    let asker = Asker {
        who: &context.origin.to_string(),
        message: &context.message,
        now: now(),
        sealed: node.sealed,
        product: &release.map_or_else(String::new, |release| release.version.to_string()),
        host_name: &node.network.host_name,
        own_ports: &own_ports(&node),
        migrate,
    };
    let opened = own.store().ok_or_else(unavailable)?;
    let store = opened.configuration.as_ref().ok_or_else(unavailable)?;
    let mut reply = answered(store, asker, request)?;
    if matches!(request, Request::ConfigurationExport { password: Some(_) }) {
        own.spare.exported(asker.who, asker.now);
    }
    let changes = match &mut reply {
        Response::ConfigurationChanges(changes) => Some(changes),
        Response::Imported(imported) => Some(&mut imported.changes),
        _ => None,
    };
    if let Some(changes) = changes.filter(|_| request.is_exclusive()) {
        changes.notes.extend(follow(own, &opened));
    }
    Ok(reply)
}

/// This node takes over what is in force.
fn follow(own: &Appliance, opened: &Opened) -> Vec<String> {
    let Some(store) = &opened.configuration else {
        return Vec::new();
    };
    let (document, revision) = {
        let store = store.lock().unwrap_or_else(PoisonError::into_inner);
        (store.document().clone(), store.revision())
    };
    own.data().send_modify(|state| state.configured = revision);
    take_over(&own.parts.settings, &document, revision)
}

/// What was set at this node itself stands in the configuration of the cluster too, so that nobody is shown something else there.
/// Where that is not available it stays as it was.
pub(super) fn adopt(own: &Appliance, who: &str, message: &str) {
    let Some(opened) = own.store() else { return };
    let Some(store) = &opened.configuration else {
        return;
    };
    let node = own.parts.settings.node();
    let adopted = {
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        let mut document = store.document().clone();
        take_from_node(&mut document, &node);
        let change = Change {
            time: now(),
            who: who.to_owned(),
            message: message.to_owned(),
            what: Vec::new(),
        };
        let revision = store.revision();
        store.commit(revision, &document, change)
    };
    if let Err(error) = adopted {
        warn!(
            "the configuration of the cluster is not what was set: {}",
            causes(&error)
        );
    }
    for note in follow(own, &opened) {
        info!("{note}");
    }
}

/// What both documents hold, as the node has it.
fn take_from_node(document: &mut Cluster, node: &Node) {
    let (administrators, users) = (&node.administrators, &mut document.users);
    if let Some(hash) = &administrators.admin_password {
        users.admin_password = Some(hash.clone().into());
    }
    if let Some(hash) = &administrators.console_password {
        users.console_password = Some(hash.clone().into());
    }
    document.date_time.time_zone.clone_from(&node.time.zone);
    let name = |server: &TimeServer| match server {
        TimeServer::Address(address) => address.to_string(),
        TimeServer::Name(name) => name.clone(),
    };
    document.date_time.servers = node.time.servers.iter().map(name).collect();
}

fn unavailable() -> Failure {
    Failure::refused(
        "the configuration of the cluster is not available: the service data says why, see `sps status`",
    )
}

/// Takes a document of an earlier layout to the one of this firmware.
fn migrate(document: &serde_json::Value, layout: u32) -> Result<(serde_json::Value, Vec<String>), String> {
    let migrated = sps_config_migration::migrate(document, layout, LAYOUT).map_err(|error| causes(&error))?;
    let notes = migrated.notes.into_iter();
    Ok((
        migrated.document,
        notes
            .map(|note| format!("{}: {}", note.setting, note.what))
            .collect(),
    ))
}

/// Changes that are kept, newest first, at most `most`; none while they cannot be read.
pub(super) fn history(own: &Appliance, most: usize) -> Vec<Revised> {
    let Some(opened) = own.store() else {
        return Vec::new();
    };
    let Some(store) = &opened.configuration else {
        return Vec::new();
    };
    let store = store.lock().unwrap_or_else(PoisonError::into_inner);
    let history = store.history(most).unwrap_or_default().into_iter();
    let revised = history.map(|(revision, change)| Revised {
        revision,
        time: change.time,
        who: change.who,
        message: change.message,
        paths: change.what,
    });
    revised.collect()
}

/// The document for a support bundle: without secrets, and with pseudonyms for everything that somebody named.
pub(super) fn anonymous(own: &Appliance) -> Result<Vec<u8>, String> {
    let opened = own.store().ok_or("the data store is not available")?;
    let store = opened
        .configuration
        .as_ref()
        .ok_or("the data store is of an earlier layout")?;
    let document = store
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .document()
        .clone();
    let pseudonyms = Pseudonyms::new().map_err(|error| causes(&error))?;
    let anonymous = pseudonyms.document(&document).map_err(|error| causes(&error))?;
    serde_json::to_vec_pretty(&anonymous).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sps_config::Secret;

    #[test]
    fn ports_of_the_table_are_not_for_clients() {
        let mut node = Node::default();
        assert_eq!(own_ports(&node).keys().copied().collect::<Vec<_>>(), [80, 443]);
        node.firmware.ssh_upload = true;
        let ports = own_ports(&node);
        assert_eq!(ports.keys().copied().collect::<Vec<_>>(), [22, 80, 443]);
        assert!(ports[&22].contains("sps firmware ssh-upload off"));
        // What is refused at the commit is what the packet filter holds.
        assert_eq!(sps_configuration::MOST_DIVERTED, sps_net::MOST_DIVERTED);
        assert_eq!(sps_configuration::MOST_SESSION_PORTS, sps_net::MOST_SESSION_PORTS);
    }

    #[test]
    fn what_both_documents_hold_is_what_the_node_has() {
        let mut node = Node::default();
        node.administrators.admin_password = Some(Secret::from("$argon2id$of the node$".to_owned()));
        node.time.zone = "Europe/Vienna".into();
        node.time.servers = vec![TimeServer::Name("ntp.example.net".into())];
        let mut document = Cluster::default();
        document.users.console_password = Some(Secret::from("$argon2id$kept$".to_owned()).into());
        let kept = document.users.console_password.clone();
        take_from_node(&mut document, &node);
        assert!(document.users.admin_password.is_some());
        assert_eq!(
            document.users.console_password, kept,
            "what the node does not have stays"
        );
        assert_eq!(document.date_time.time_zone, "Europe/Vienna");
        assert_eq!(document.date_time.servers, ["ntp.example.net"]);
        assert!(document.check().is_ok());
    }

    #[test]
    fn an_export_of_the_first_layout_is_migrated_with_notes() {
        let old = sps_config_migration::sample(1, 3).unwrap();
        let (document, notes) = migrate(&old, 1).unwrap();
        assert!(serde_json::from_value::<Cluster>(document).is_ok());
        assert!(
            notes.iter().all(|note| note.contains(": ")) && !notes.is_empty(),
            "{notes:?}"
        );
        assert!(migrate(&serde_json::json!({}), 1).is_err());
    }
}
