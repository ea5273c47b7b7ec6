//! The configuration of the cluster: what is asked about it, and what this node takes over when it changes. Blocking throughout.

use std::sync::PoisonError;

use sps_admin::{Context, Failure, Reply, Request, Response, Revised};
use sps_cluster_config::{LAYOUT, Pseudonyms};
use sps_configuration::{Asker, answer as answered};

use super::appliance::Appliance;
use crate::node::{now, take_over};
use crate::services::Opened;

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
        migrate,
    };
    let opened = own.store().ok_or_else(unavailable)?;
    let store = opened.configuration.as_ref().ok_or_else(unavailable)?;
    let mut reply = answered(store, asker, request)?;
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
    take_over(&own.parts.settings, &document, revision)
}

fn unavailable() -> Failure {
    Failure::refused(
        "the configuration of the cluster is not available: the service data says why, see `sps status`",
    )
}

/// Takes a document of an earlier layout to the one of this firmware.
fn migrate(document: &serde_json::Value, layout: u32) -> Result<(serde_json::Value, Vec<String>), String> {
    let migrated = sps_config_migration::migrate(document, layout, LAYOUT)
        .map_err(|error| sps_bootlog::causes(&error))?;
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
    let pseudonyms = Pseudonyms::new().map_err(|error| sps_bootlog::causes(&error))?;
    let anonymous = pseudonyms
        .document(&document)
        .map_err(|error| sps_bootlog::causes(&error))?;
    serde_json::to_vec_pretty(&anonymous).map_err(|error| error.to_string())
}
