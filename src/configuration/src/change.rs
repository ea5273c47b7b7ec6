//! What changes the configuration: edits, an earlier revision, an import. Each is one revision or nothing.

use std::sync::Mutex;

use sps_admin::{
    ConfigurationChanges, ConfigurationEdit, ConfigurationFile, ConfigurationImport, Failure, Reply,
    Response, SettingsChange, settings_objection,
};
use sps_cluster_config::{Cluster, Imported, Store};
use sps_config::{Change, Secret};

use crate::answer::{Asker, at, deriving, edited, locked};
use crate::objections::objections;
use crate::words;

/// An exported configuration that is to be taken.
pub(crate) struct Import<'a> {
    pub(crate) file: &'a ConfigurationFile,
    pub(crate) password: Option<&'a Secret>,
    pub(crate) preview: bool,
    pub(crate) expected: Option<u64>,
}

/// Why a change may not be made, by what it touches.
pub(crate) fn allowed(
    before: &Cluster,
    after: &Cluster,
    change: SettingsChange,
    asker: Asker<'_>,
) -> Result<(), Failure> {
    let differences = words::differences(before, after)?;
    let paths: Vec<&str> = differences
        .iter()
        .map(|difference| difference.path.as_str())
        .collect();
    settings_objection(&paths, change, asker.sealed).map_or(Ok(()), Err)
}

/// Makes edits.
pub(crate) fn edit(
    store: &Mutex<Store>,
    asker: Asker<'_>,
    edits: &[ConfigurationEdit],
    expected: Option<u64>,
) -> Reply {
    let mut store = locked(store);
    words::expect(&store, expected)?;
    let mut document = edited(store.document(), edits, asker)?;
    document
        .hash_passwords(store.document())
        .map_err(|error| Failure::invalid(error.to_string()))?;
    let changes = commit(&mut store, &document, SettingsChange::Edit, asker)?;
    Ok(Response::ConfigurationChanges(changes))
}

/// Takes an earlier revision back.
pub(crate) fn restore(store: &Mutex<Store>, asker: Asker<'_>, revision: u64, expected: Option<u64>) -> Reply {
    let mut store = locked(store);
    words::expect(&store, expected)?;
    let mut document = at(&store, revision)?;
    document.system.sealed = store.document().system.sealed;
    let changes = commit(&mut store, &document, SettingsChange::Whole, asker)?;
    Ok(Response::ConfigurationChanges(changes))
}

/// Takes an exported configuration, or says what it would change.
pub(crate) fn import(store: &Mutex<Store>, asker: Asker<'_>, import: &Import<'_>) -> Reply {
    let imported = {
        let _only = deriving();
        sps_cluster_config::import(import.file.text().as_bytes(), import.password, asker.migrate)
    };
    let Imported {
        mut document,
        about,
        layout,
        notes,
        left_out,
    } = imported.map_err(|error| Failure::invalid(words::causes(&error)))?;
    let mut store = locked(store);
    words::expect(&store, import.expected)?;
    // Sealed mode is left at the console, not by a file.
    document.system.sealed = store.document().system.sealed;
    let unmet: Vec<String> = objections(store.document(), &document, asker.own_ports)
        .map(|(path, reason)| format!("{path}: {reason}"))
        .collect();
    let mut changes = if import.preview {
        allowed(store.document(), &document, SettingsChange::Whole, asker)?;
        ConfigurationChanges {
            from: store.revision(),
            to: None,
            differences: words::differences(store.document(), &document)?,
            notes: Vec::new(),
        }
    } else {
        commit(&mut store, &document, SettingsChange::Whole, asker)?
    };
    changes.notes = notes.into_iter().chain(unmet).collect();
    Ok(Response::Imported(ConfigurationImport {
        product: about.product,
        layout,
        revision: about.revision,
        left_out: left_out.into_iter().map(|lost| lost.path).collect(),
        changes,
    }))
}

/// Puts a document in force.
fn commit(
    store: &mut Store,
    document: &Cluster,
    change: SettingsChange,
    asker: Asker<'_>,
) -> Result<ConfigurationChanges, Failure> {
    allowed(store.document(), document, change, asker)?;
    document
        .check()
        .map_err(|error| Failure::invalid(error.to_string()))?;
    // A whole document is taken as it is, and what it asks for in vain is noted.
    if change == SettingsChange::Edit
        && let Some((path, reason)) = objections(store.document(), document, asker.own_ports).next()
    {
        return Err(Failure::invalid(format!("{path}: {reason}")));
    }
    let differences = words::differences(store.document(), document)?;
    let from = store.revision();
    let required = store.document().management.change_log.require_message;
    if required && !differences.is_empty() && asker.message.trim().is_empty() {
        return Err(Failure::invalid(
            "this change needs a reason: say why you make it (management/change_log/require_message asks for it)",
        ));
    }
    let by = Change {
        time: asker.now,
        who: asker.who.to_owned(),
        message: asker.message.to_owned(),
        what: Vec::new(),
    };
    let to = store
        .commit(from, document, by)
        .map_err(|error| words::of_store(&error))?;
    Ok(ConfigurationChanges {
        from,
        to: Some(to),
        differences,
        notes: Vec::new(),
    })
}
