//! The cluster document in the tree of this firmware: opened with the cluster key, and taken over from what a reorganization
//! migrated. Blocking.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sps_bootlog::causes;
use sps_cluster_config::{
    Cluster, ClusterKey, Found, KeyError, NodeKey, Store, StoreError, UnwrapError, WrapError, unwrap, wrap,
};
use sps_config::{Change, Secret};
use sps_durable::{Folder, Medium, ReplaceError, replace};
use thiserror::Error;
use tracing::{info, warn};

use crate::node::{STATE_FOLDER, now};
use crate::space::RESTORED_KEY;

/// Folder of the document in a tree.
const FOLDER: &str = "configuration";
/// What a reorganization leaves there: the document in the form of this layout, without a history.
const MIGRATED: &str = "configuration.json";
/// What the store makes of it.
const CURRENT: &str = "cluster.json";
/// The wrapped cluster key on `state`.
const KEY: &str = "cluster-key";
/// Longest wrapped key, bytes: a few hundred are one.
const MOST_KEY: usize = 4096;

/// Why the configuration of the cluster is not there.
#[derive(Debug, Error)]
pub(crate) enum ConfigurationError {
    #[error("the node's key cannot be used")]
    NodeKey(#[from] KeyError),
    #[error("could not read {KEY} on state")]
    ReadKey(#[source] io::Error),
    #[error("could not keep {KEY} on state")]
    KeepKey(#[from] ReplaceError),
    #[error("could not wrap the cluster key")]
    Wrap(#[from] WrapError),
    #[error("could not read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is not of this layout", path.display())]
    Migrated {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the configuration of the cluster cannot be used")]
    Store(#[from] StoreError),
}

/// Opens the document in `tree`. `node_key` is the node document's.
pub(super) fn open(tree: &Path, node_key: &Secret) -> Result<Store, ConfigurationError> {
    open_with(Path::new(STATE_FOLDER), tree, node_key)
}

/// The same with keys in the folder `state`.
pub(crate) fn open_with(state: &Path, tree: &Path, node_key: &Secret) -> Result<Store, ConfigurationError> {
    let folder = tree.join(FOLDER);
    let fresh = !folder.join(CURRENT).exists();
    let node = NodeKey::from_base64(node_key)?;
    let key = cluster_key(state, &node, fresh)?;
    let (mut store, found) = Store::open(&folder, key)?;
    if let Some(restored) = of_backup(state, &folder, &store, &node)? {
        store = restored;
    }
    tell(&store, &found);
    if fresh {
        take_over(&folder, &mut store)?;
    }
    Ok(store)
}

/// After a restore: the key of the backup, when it opens what the own one does not. It becomes the node's own.
fn of_backup(
    state: &Path,
    folder: &Path,
    store: &Store,
    node: &NodeKey,
) -> Result<Option<Store>, ConfigurationError> {
    let mut state = Folder::new(state);
    let kept = state
        .read(RESTORED_KEY, MOST_KEY)
        .map_err(ConfigurationError::ReadKey)?;
    let Some(Ok(key)) = kept.as_deref().map(|kept| unwrapped(kept, node)) else {
        return Ok(None);
    };
    if store.lost().is_empty() {
        return Ok(None);
    }
    let wrapped = wrap(&key, node)?;
    let (restored, _) = Store::open(folder, Some(key))?;
    if restored.lost().len() >= store.lost().len() {
        return Ok(None);
    }
    replace(&mut state, KEY, wrapped.as_bytes())?;
    info!("the cluster key of the restored backup is used");
    Ok(Some(restored))
}

fn tell(store: &Store, found: &Found) {
    match found {
        Found::Good | Found::Nothing => {}
        Found::Restored { reason, revision } => {
            warn!("the configuration of the cluster is damaged ({reason}); revision {revision} is used");
        }
        Found::Lost { reason } => {
            warn!(
                "the configuration of the cluster is lost ({reason}): import an export or restore a backup"
            );
        }
    }
    for lost in store.lost() {
        warn!("{lost}");
    }
}

/// What a reorganization brought becomes the first revision here. Secrets in it that no key opens are told as lost.
fn take_over(folder: &Path, store: &mut Store) -> Result<(), ConfigurationError> {
    let path = folder.join(MIGRATED);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read.map_err(|source| ConfigurationError::Read {
            path: path.clone(),
            source,
        })?,
    };
    let document: Cluster =
        serde_json::from_slice(&bytes).map_err(|source| ConfigurationError::Migrated { path, source })?;
    let change = Change {
        time: now(),
        who: "the appliance, at an upgrade".into(),
        message: "taken over from the layout before".into(),
        what: Vec::new(),
    };
    let revision = store.commit(store.revision(), &document, change)?;
    info!("the configuration of the cluster was taken over as revision {revision}");
    tell(store, &Found::Good);
    Ok(())
}

/// The cluster key that this node keeps, wrapped by its own. A new one is made only where nothing was encrypted yet.
fn cluster_key(
    state: &Path,
    node: &NodeKey,
    may_make: bool,
) -> Result<Option<ClusterKey>, ConfigurationError> {
    let mut state = Folder::new(state);
    let kept = state.read(KEY, MOST_KEY).map_err(ConfigurationError::ReadKey)?;
    match kept.map(|kept| unwrapped(&kept, node)) {
        Some(Ok(key)) => return Ok(Some(key)),
        Some(Err(error)) => warn!("the cluster key on this node cannot be used: {}", causes(&error)),
        None if !may_make => warn!("there is no cluster key on this node"),
        None => {}
    }
    if !may_make {
        return Ok(None);
    }
    let key = ClusterKey::generate()?;
    replace(&mut state, KEY, wrap(&key, node)?.as_bytes())?;
    Ok(Some(key))
}

fn unwrapped(kept: &[u8], node: &NodeKey) -> Result<ClusterKey, UnwrapError> {
    unwrap(String::from_utf8_lossy(kept).trim(), node)
}
