//! Backup policies.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sps_archive::{BackedUp, Keep, Order, Pruned, Take, back_up, prune};
use sps_bootlog::causes;
use sps_cluster_config::sections::policies::BackupPolicy;
use sps_cluster_config::{Cluster, Protected};
use sps_config::Secret;
use sps_datastore_engine::{Class, Kind, RESERVED, layout};
use tracing::warn;
use zeroize::Zeroizing;

use super::error::SpaceError;
use super::moving::GoOn;
use super::room::Spare;
use super::target::reach;
use crate::services::Opened;

/// Folder on `data` for what a backup needs meanwhile.
const SCRATCH: &str = "backup-work";
/// Longest time for the copy of the session database: 6.2 GB were copied in 30 s.
const COPY: Duration = Duration::from_secs(3600);

/// What is enclosed with the password. The node's document and licence are given as they are.
#[derive(Serialize, Deserialize)]
pub(super) struct Keys {
    pub(super) cluster_key: Secret,
    pub(super) node: serde_json::Value,
    pub(super) licence: Option<String>,
}

/// A folder that is empty, and gone afterwards.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new(data: &Path) -> Result<Self, SpaceError> {
        let own = Self(data.join(SCRATCH));
        own.remove().map_err(SpaceError::folder(&own.0))?;
        fs::create_dir_all(&own.0).map_err(SpaceError::folder(&own.0))?;
        Ok(own)
    }

    fn remove(&self) -> std::io::Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left goes with the next backup.
        let _left = self.remove();
    }
}

impl Spare {
    /// Runs a backup policy; what it did, for people.
    pub(super) fn back_up(
        &self,
        policy: &BackupPolicy,
        document: &Cluster,
        now: u64,
        go_on: GoOn<'_>,
    ) -> Result<String, SpaceError> {
        let (opened, sessions) = self.sessions()?;
        let password = policy.password.as_ref().and_then(Protected::known);
        let password = password.ok_or(SpaceError::NoPassword)?;
        let keys = self.keys(&opened)?;
        let reached = reach(&self.places, document, &policy.target)?;
        let scratch = Scratch::new(opened.path.parent().unwrap_or(&opened.path))?;
        let copy = scratch.0.join("sessions.db");
        sessions.copy(&copy, COPY)?;
        let live = sessions.path().to_owned();
        let order = Order {
            shelf: &reached.shelf,
            appliance: &self.appliance(),
            product: &self.product,
            root: &opened.path,
            layout: opened.layout,
            source: &|relative| taken(&opened, relative, policy.analytics, &live, &copy),
            scratch: &scratch.0,
            keys: &keys,
            password,
            now,
        };
        let done = back_up(&order, &mut |done: &BackedUp| {
            go_on(done.files, done.stored_bytes)
        })?;
        if done.unread > 0 {
            // No backup counts that is not of everything, and none goes for it.
            let (made, unread) = (told(&done), done.unread);
            let which = done.unread_told.join(", ");
            return Err(SpaceError::Unread { made, unread, which });
        }
        self.backed_up(now);
        let Some(most) = policy.keep else {
            return Ok(told(&done));
        };
        let keep = Keep {
            shelf: &reached.shelf,
            appliance: order.appliance,
            most,
            password,
            ours: &|found| is_ours(found, &keys),
            scratch: &scratch.0,
        };
        let went = prune(&keep, &mut || go_on(done.files, done.stored_bytes));
        // The backup is made, whatever becomes of the old ones: the next run tries again.
        Ok(match went {
            Ok(went) => told(&done) + &removed(&went),
            Err(error) => {
                warn!("old backups were not removed: {}", causes(&error));
                format!(
                    "{}; old backups were not removed: {}",
                    told(&done),
                    causes(&error)
                )
            }
        })
    }

    fn keys(&self, opened: &Opened) -> Result<Zeroizing<Vec<u8>>, SpaceError> {
        let configuration = opened.configuration.as_ref().ok_or(SpaceError::NoStore)?;
        let configuration = configuration
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let keys = Keys {
            cluster_key: configuration.key().ok_or(SpaceError::NoKey)?.to_base64(),
            node: serde_json::to_value(self.settings.node()).map_err(SpaceError::Keys)?,
            licence: self.licence(),
        };
        Ok(Zeroizing::new(
            serde_json::to_vec(&keys).map_err(SpaceError::Keys)?,
        ))
    }
}

/// How a file of the tree is taken.
fn taken(opened: &Opened, relative: &[u8], analytics: bool, live: &Path, copy: &Path) -> Take {
    if RESERVED.iter().any(|name| name.as_bytes() == relative) {
        return Take::Leave;
    }
    let path = opened.path.join(String::from_utf8_lossy(relative).as_ref());
    if path == live {
        return Take::Instead(copy.to_owned());
    }
    // Logs of databases belong to a moment that is over; the copy holds what they hold. Files beside a rename are not whole.
    let ends = |ending: &[u8]| relative.ends_with(ending);
    let place = layout(opened.layout).and_then(|layout| layout.place_of(relative));
    match place.map(|place| (place.kind, place.class)) {
        Some((Kind::SessionDatabase, _)) if ends(b"-wal") || ends(b"-shm") => Take::Leave,
        Some((Kind::Analytics, _)) if !analytics => Take::Leave,
        Some((_, Class::Dropped)) => Take::Leave,
        Some((_, Class::WriteOnce)) => Take::Once,
        None if ends(b".new") => Take::Leave,
        Some((_, Class::Append | Class::Database | Class::Document)) | None => Take::Changing,
    }
}

/// Whether a backup is of this cluster: the key enclosed in it is the one that is enclosed now.
fn is_ours(found: &[u8], own: &[u8]) -> bool {
    let key = |keys: &[u8]| {
        serde_json::from_slice::<Keys>(keys)
            .ok()
            .map(|keys| keys.cluster_key)
    };
    key(found).is_some_and(|found| key(own).as_ref() == Some(&found))
}

/// Which old backups are gone, and which are left although they are old.
fn removed(went: &Pruned) -> String {
    let mut text = String::new();
    if !went.backups.is_empty() {
        text += &format!(
            "; old backups removed: {}, with {} contents nobody else needs",
            went.backups.join(", "),
            went.contents
        );
    }
    if went.unread {
        text += "; their contents stay, since another backup there cannot be read";
    }
    if !went.strange.is_empty() {
        text += &format!(
            "; not counted, since they are not complete or not of this cluster and password: {}",
            went.strange.join(", ")
        );
    }
    text
}

fn told(done: &BackedUp) -> String {
    let mut text = format!(
        "backup {}: {} files, {} bytes; {} were new, {} bytes",
        done.name, done.files, done.bytes, done.stored, done.stored_bytes
    );
    if done.left > 0 {
        text += &format!("; {} were still being written", done.left);
    }
    text
}
