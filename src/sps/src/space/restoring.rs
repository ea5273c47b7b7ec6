//! A backup comes back: into a store without sessions, beside what there is; the next start works on it. Where sessions are it adds
//! those that are missing (`adding.rs`).
//!
//! The cluster key of the backup is kept beside the one there is before the new tree is pointed to; whoever opens the configuration takes
//! the one that opens its secrets (`services/cluster_configuration.rs`).

use sps_archive::{backups, inspect, restore};
use sps_cluster_config::sections::policies::BackupPolicy;
use sps_cluster_config::{Cluster, ClusterKey, NodeKey, Protected, wrap};
use sps_config::Secret;
use sps_datastore_engine::{LATEST, RESERVED};
use sps_durable::{Folder, replace};

use super::backing_up::{Keys, Scratch};
use super::error::SpaceError;
use super::moving::GoOn;
use super::node::NodeOfBackup;
use super::room::Spare;
use super::target::reach;

/// The wrapped cluster key of a backup on `state`, until it is the appliance's own.
pub(crate) const RESTORED_KEY: &str = "cluster-key.restored";

/// What came back.
#[derive(Debug)]
pub(crate) struct Back {
    /// What is said.
    pub(crate) what: String,
    /// The licence of the backup.
    pub(crate) licence: Option<String>,
    /// The node document of the backup, where this firmware knows its form.
    pub(crate) node: Option<NodeOfBackup>,
}

/// What is to come back.
pub(super) struct Wanted<'a> {
    pub(super) policy: &'a BackupPolicy,
    pub(super) appliance: Option<&'a str>,
    pub(super) backup: &'a str,
    pub(super) password: Option<&'a Secret>,
}

impl Spare {
    pub(super) fn bring_back(
        &self,
        wanted: &Wanted<'_>,
        document: &Cluster,
        now: u64,
        go_on: GoOn<'_>,
    ) -> Result<Back, SpaceError> {
        let (opened, _) = self.sessions()?;
        let catalogue = opened.catalogue().map_err(SpaceError::Content)?;
        let sessions = catalogue.count().map_err(SpaceError::Content)?;
        let own = wanted.policy.password.as_ref().and_then(Protected::known);
        let password = wanted.password.or(own).ok_or(SpaceError::NoPassword)?;
        let reached = reach(&self.places, document, &wanted.policy.target)?;
        let shelf = &reached.shelf;
        let appliance = match wanted.appliance {
            Some(name) => name.to_owned(),
            None => only(
                backups(shelf, None)?
                    .into_iter()
                    .map(|backup| backup.appliance)
                    .collect(),
            )?,
        };
        let backup = (appliance.as_str(), wanted.backup);
        let scratch = Scratch::new(opened.path.parent().unwrap_or(&opened.path))?;
        let found = inspect(shelf, backup, password, LATEST, &scratch.0)?;
        let keys: Keys = serde_json::from_slice(&found.keys).map_err(SpaceError::Keys)?;
        if sessions > 0 {
            if found.layout != opened.layout {
                let layout = found.layout;
                return Err(SpaceError::NotEmpty { sessions, layout });
            }
            let what = self.add(shelf, backup, &scratch.0, go_on)?;
            let (licence, node) = (None, NodeOfBackup::read(keys.node));
            return Ok(Back { what, licence, node });
        }
        let wrapped = self.wrapped(&keys.cluster_key)?;
        let tree = opened.store.restore(found.layout)?;
        let may = |path: &[u8]| !RESERVED.iter().any(|name| name.as_bytes() == path);
        if let Err(error) = restore(shelf, backup, &tree.path(), &scratch.0, &may, go_on) {
            tree.discard()?;
            return Err(error.into());
        }
        replace(&mut Folder::new(&self.state), RESTORED_KEY, wrapped.as_bytes())?;
        let name = tree.tree();
        tree.finish(now)?;
        Ok(Back {
            what: format!(
                "the backup {} of {appliance}, made by firmware {}, is restored as {name}: {} files, {} bytes, every one verified; \
                 reboot to work on it",
                wanted.backup, found.product, found.files, found.bytes
            ),
            licence: keys.licence,
            node: NodeOfBackup::read(keys.node),
        })
    }

    fn wrapped(&self, key: &Secret) -> Result<String, SpaceError> {
        let node = self.settings.node().keys.node.ok_or(SpaceError::NoKey)?;
        Ok(wrap(
            &ClusterKey::from_base64(key)?,
            &NodeKey::from_base64(&node)?,
        )?)
    }
}

/// The one appliance that has backups there.
fn only(mut names: Vec<String>) -> Result<String, SpaceError> {
    names.dedup();
    match names.as_slice() {
        [] | [_] => Ok(names.pop().unwrap_or_default()),
        several => Err(SpaceError::Several {
            names: several.join(", "),
        }),
    }
}
