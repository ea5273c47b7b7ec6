//! Which request is answered how; what only looks is here. Blocking: the store reads files, and passwords take a moment.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sps_admin::{
    ConfigurationChanges, ConfigurationEdit, ConfigurationExport, ConfigurationFile, ConfigurationPart,
    Failure, Reply, Request, Response, SettingsChange,
};
use sps_cluster_config::{About, Cluster, Store, export_encrypted, export_plain};
use sps_config::Secret;

use crate::change::{self, Import};
use crate::words;

/// Takes a document of an earlier layout to this one, and says what it dropped or changed.
pub type Migrate = fn(&Value, u32) -> Result<(Value, Vec<String>), String>;

/// Most revisions of one answer: all that are kept.
const MOST_REVISIONS: u32 = sps_cluster_config::HISTORY_KEPT as u32;

/// A key of a password takes 64 MiB: one at a time, whoever asks.
static DERIVING: Mutex<()> = Mutex::new(());

/// Who asks, and what the answer depends on besides the document.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Who, and from where.
    pub who: &'a str,
    /// Why; may be empty.
    pub message: &'a str,
    /// Wall clock, seconds since 1970.
    pub now: u64,
    /// The appliance is sealed.
    pub sealed: bool,
    /// Version of the firmware.
    pub product: &'a str,
    /// Host name of the appliance.
    pub host_name: &'a str,
    /// TCP ports on which the appliance itself listens, each with what listens there and what could be done.
    pub own_ports: &'a BTreeMap<u16, String>,
    /// Migrates imports.
    pub migrate: Migrate,
}

/// Answers a request about the configuration of the cluster.
///
/// # Errors
/// Why it was not carried out.
pub fn answer(store: &Mutex<Store>, asker: Asker<'_>, request: &Request) -> Reply {
    match request {
        Request::ConfigurationShow {
            path,
            revision,
            edits,
            expected,
        } => show(store, asker, path, *revision, (edits, *expected)),
        Request::ConfigurationCompare { edits, expected } => compare(store, asker, edits, *expected),
        Request::ConfigurationChange { edits, expected } => change::edit(store, asker, edits, *expected),
        Request::ConfigurationHistory { limit } => history(store, *limit),
        Request::ConfigurationDifference { from, to } => difference(store, *from, *to),
        Request::ConfigurationRestore { revision, expected } => {
            change::restore(store, asker, *revision, *expected)
        }
        Request::ConfigurationExport { password } => export(store, asker, password.as_ref()),
        Request::ConfigurationImport {
            file,
            password,
            preview,
            expected,
        } => {
            let import = Import {
                file,
                password: password.as_ref(),
                preview: *preview,
                expected: *expected,
            };
            change::import(store, asker, &import)
        }
        _ => Err(Failure::invalid(
            "this is no question about the configuration of the cluster",
        )),
    }
}

/// The store; a thread that panicked with it left it as it is on disk.
pub(crate) fn locked(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it is held nobody else derives a key.
pub(crate) fn deriving() -> MutexGuard<'static, ()> {
    DERIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn show(
    store: &Mutex<Store>,
    asker: Asker<'_>,
    path: &str,
    revision: Option<u64>,
    (edits, expected): (&[ConfigurationEdit], Option<u64>),
) -> Reply {
    let place = words::place(path)?;
    let store = locked(store);
    words::expect(&store, expected)?;
    let message_required = store.document().management.change_log.require_message;
    let (shown, document, lost) = match revision {
        None => (store.revision(), store.document().clone(), store.lost().to_vec()),
        Some(number) => {
            let old = store
                .at_revision(number)
                .map_err(|error| words::of_store(&error))?;
            (number, old.document, old.lost)
        }
    };
    let document = edited(&document, edits, asker)?;
    let value = document.shown(&place).map_err(|error| words::of_edit(&error))?;
    Ok(Response::Configuration(ConfigurationPart {
        revision: shown,
        path: place.to_string(),
        value,
        lost: lost.iter().map(ToString::to_string).collect(),
        message_required,
    }))
}

/// The document with edits made, judged by its form and by the rules.
pub(crate) fn edited(
    document: &Cluster,
    edits: &[ConfigurationEdit],
    asker: Asker<'_>,
) -> Result<Cluster, Failure> {
    if edits.is_empty() {
        return Ok(document.clone());
    }
    let edits = words::edits(edits)?;
    let edited = document.edited(&edits).map_err(|error| words::of_edit(&error))?;
    change::allowed(document, &edited, SettingsChange::Edit, asker)?;
    Ok(edited)
}

fn compare(
    store: &Mutex<Store>,
    asker: Asker<'_>,
    edits: &[ConfigurationEdit],
    expected: Option<u64>,
) -> Reply {
    let store = locked(store);
    words::expect(&store, expected)?;
    let edited = edited(store.document(), edits, asker)?;
    Ok(Response::ConfigurationChanges(ConfigurationChanges {
        from: store.revision(),
        to: None,
        differences: words::differences(store.document(), &edited)?,
        notes: Vec::new(),
    }))
}

fn history(store: &Mutex<Store>, limit: u32) -> Reply {
    let most = usize::try_from(limit.min(MOST_REVISIONS)).unwrap_or(usize::MAX);
    let history = locked(store)
        .history(most)
        .map_err(|error| words::of_store(&error))?;
    Ok(Response::Revisions(
        history.into_iter().map(words::revision).collect(),
    ))
}

fn difference(store: &Mutex<Store>, from: Option<u64>, to: Option<u64>) -> Reply {
    let store = locked(store);
    let to = to.unwrap_or(store.revision());
    let from = from.unwrap_or(to.saturating_sub(1));
    let (old, new) = (at(&store, from)?, at(&store, to)?);
    Ok(Response::ConfigurationChanges(ConfigurationChanges {
        from,
        to: Some(to),
        differences: words::differences(&old, &new)?,
        notes: Vec::new(),
    }))
}

/// A revision; before the first one is the document that nobody has changed.
pub(crate) fn at(store: &Store, revision: u64) -> Result<Cluster, Failure> {
    if revision == 0 {
        return Ok(Cluster::default());
    }
    if revision == store.revision() {
        return Ok(store.document().clone());
    }
    let old = store
        .at_revision(revision)
        .map_err(|error| words::of_store(&error))?;
    Ok(old.document)
}

fn export(store: &Mutex<Store>, asker: Asker<'_>, password: Option<&Secret>) -> Reply {
    let (document, revision, lost) = {
        let store = locked(store);
        let lost: Vec<String> = store.lost().iter().map(|lost| lost.path.clone()).collect();
        (store.document().clone(), store.revision(), lost)
    };
    let about = About {
        product: asker.product.to_owned(),
        revision,
    };
    let bytes = match password {
        Some(password) => {
            let _only = deriving();
            export_encrypted(&document, &about, password)
        }
        None => export_plain(&document, &about),
    };
    let bytes = bytes.map_err(|error| Failure::invalid(words::causes(&error)))?;
    Ok(Response::Exported(ConfigurationExport {
        name: format!("sps-configuration-{}-{revision}.json", asker.host_name),
        file: ConfigurationFile::new(bytes)?,
        left_out: if password.is_some() { lost } else { Vec::new() },
    }))
}
