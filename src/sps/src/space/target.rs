//! The target of a policy, reached for as long as a run takes.

use std::fs;
use std::path::{Path, PathBuf};

use sps_archive::{Bucket, Shelf};
use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::{S3, Target};
use sps_storage::additional;
use sps_storage::disks::{self, Scope};
use sps_storage::ext4::Mounted;
use sps_storage::helper::Helpers;
use tokio::runtime::Handle;

use super::error::SpaceError;

/// Where a disk is mounted.
const MOUNTED: &str = "/run/sps/target";

/// Where disks are.
#[derive(Clone)]
pub(crate) enum Places {
    /// In the machine.
    Machine(Helpers),
    /// Folders of a test, by label.
    #[cfg(test)]
    Folders(PathBuf),
}

/// A target that is reached. A disk is let go when it is dropped.
#[derive(Debug)]
pub(super) struct Reached {
    pub(super) shelf: Shelf,
    mounted: Option<Mounted>,
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let Some(mounted) = self.mounted.take() {
            additional::let_go(mounted);
        }
    }
}

/// What people call a target.
pub(super) fn called(target: &Target) -> String {
    match target {
        Target::Smb { server, share, .. } => format!("//{server}/{share}"),
        Target::Nfs { server, path } | Target::Rsync { server, path, .. } => format!("{server}:{path}"),
        Target::Directory { label, path } if path.is_empty() => format!("disk {label}"),
        Target::Directory { label, path } => format!("disk {label}, folder {path}"),
        Target::S3(S3 { endpoint, bucket, .. }) => format!("{endpoint}, bucket {bucket}"),
    }
}

/// Reaches a target.
pub(super) fn reach(places: &Places, document: &Cluster, target: &Target) -> Result<Reached, SpaceError> {
    if let Some(why) = target.unreachable() {
        return Err(SpaceError::Unreachable { why });
    }
    let shelf = match target {
        Target::S3(s3) => bucket(document, s3)?,
        Target::Directory { label, path } => return disk(places, label, path, &called(target)),
        Target::Smb { .. } | Target::Nfs { .. } | Target::Rsync { .. } => {
            let why = "it is of an earlier firmware";
            return Err(SpaceError::Unreachable { why });
        }
    };
    Ok(Reached { shelf, mounted: None })
}

fn bucket(document: &Cluster, s3: &S3) -> Result<Shelf, SpaceError> {
    let secret = s3.secret_key.known().ok_or(SpaceError::NoSecret)?;
    let authorities = match &s3.trust_store {
        None => None,
        Some(name) => {
            let store = document.trust_stores.get(name);
            let store = store.ok_or_else(|| SpaceError::NoTrustStore { name: name.clone() })?;
            Some(store.certificates.as_slice())
        }
    };
    let bucket = Bucket {
        settings: s3,
        secret,
        authorities,
    };
    Ok(Shelf::s3(&bucket, &Handle::current())?)
}

fn disk(places: &Places, label: &str, path: &str, called: &str) -> Result<Reached, SpaceError> {
    let (root, mounted) = match places {
        Places::Machine(helpers) => {
            let disks = disks::list(Scope::Hardware);
            let mounted = additional::mount(helpers, &disks, label, Path::new(MOUNTED))?;
            (mounted.target().to_owned(), Some(mounted))
        }
        #[cfg(test)]
        Places::Folders(folder) => (folder.join(label), None),
    };
    let folder: PathBuf = root.join(path);
    let opened = fs::create_dir_all(&folder)
        .map_err(SpaceError::folder(&folder))
        .and_then(|()| Ok(Shelf::directory(&folder, called, &Handle::current())?));
    match opened {
        Ok(shelf) => Ok(Reached { shelf, mounted }),
        Err(error) => {
            if let Some(mounted) = mounted {
                additional::let_go(mounted);
            }
            Err(error)
        }
    }
}
