//! What this node takes over of the configuration of the cluster: kept on `state`, so that it is known when `data` is not there, and
//! brought into the node document, by which people log in and times are shown. Blocking.
//!
//! The file says what was taken over last. It is written after the node document: where the power fails between them, the next start does
//! the same once more.

use std::path::Path;

use sps_bootlog::causes;
use sps_cluster_config::{Cluster, NodeProjection, Protected, project};
use sps_config::{Node, Secret, TimeServer};
use sps_durable::{Folder, Medium};
use tracing::warn;

use super::STATE_FOLDER;
use crate::backend::Settings;

/// Who changes the node document.
const WHO: &str = "the appliance, from the configuration of the cluster";

/// Takes over what differs from what was taken over last. Says what an administrator should know.
pub(crate) fn take_over(settings: &Settings, document: &Cluster, revision: u64) -> Vec<String> {
    let mut state = Folder::new(Path::new(STATE_FOLDER));
    match taken_over(&mut state, settings, document, revision) {
        Ok(notes) => notes,
        Err(problem) => {
            warn!("{problem}");
            vec![problem]
        }
    }
}

fn taken_over(
    state: &mut dyn Medium,
    settings: &Settings,
    document: &Cluster,
    revision: u64,
) -> Result<Vec<String>, String> {
    let failed = |what: &str, why: String| {
        format!("{what} (revision {revision}): {why}; it is tried again at the next start")
    };
    let new = project(document, revision)
        .map_err(|error| failed("this node cannot take over the configuration", causes(&error)))?;
    let old = NodeProjection::kept(state).unwrap_or_else(|error| {
        warn!("{}", causes(&error));
        None
    });
    if old.as_ref() == Some(&new) {
        return Ok(Vec::new());
    }
    let mut notes = Vec::new();
    if let Some(old) = &old {
        let mut node = settings.node();
        notes = changed(old, &new, &mut node);
        if !notes.is_empty() {
            let message = format!("revision {revision}");
            settings
                .commit(WHO.into(), message, |current| *current = node)
                .map_err(|failure| {
                    failed("this node does not take over what concerns it", failure.message)
                })?;
        }
    }
    new.keep(state).map_err(|error| {
        failed(
            "this node did not keep its part of the configuration",
            causes(&error),
        )
    })?;
    Ok(notes)
}

/// Brings what differs into the node document. What is not set in the cluster's stays as it is here, and so does what a node cannot have,
/// such as the hash of a password that an earlier product made.
fn changed(old: &NodeProjection, new: &NodeProjection, node: &mut Node) -> Vec<String> {
    let mut notes = Vec::new();
    let mut take = |what: &str, edit: &dyn Fn(&mut Node)| {
        let mut edited = node.clone();
        edit(&mut edited);
        match edited.check() {
            Ok(()) => {
                *node = edited;
                notes.push(format!("this node took over {what}"));
            }
            Err(offence) => notes.push(format!("this node did not take over {what}: {offence}")),
        }
    };
    let (before, now) = (&old.administrators, &new.administrators);
    if let Some(hash) = other(before.admin_password.as_ref(), now.admin_password.as_ref()) {
        take("the password of admin", &|node| {
            node.administrators.admin_password = Some(hash.clone());
        });
    }
    if let Some(hash) = other(before.console_password.as_ref(), now.console_password.as_ref()) {
        take("the console password", &|node| {
            node.administrators.console_password = Some(hash.clone());
        });
    }
    if before.ssh_keys != now.ssh_keys {
        take("the SSH keys of administrators", &|node| {
            node.administrators.ssh_keys.clone_from(&now.ssh_keys);
        });
    }
    if old.time_zone != new.time_zone {
        take(&format!("the time zone {}", new.time_zone), &|node| {
            node.time.zone.clone_from(&new.time_zone);
        });
    }
    if old.time_servers != new.time_servers {
        take("the time servers", &|node| {
            node.time.servers = new.time_servers.iter().map(|name| server(name)).collect();
        });
    }
    notes
}

/// A secret that is known now and was another.
fn other(before: Option<&Protected>, now: Option<&Protected>) -> Option<Secret> {
    if before == now {
        return None;
    }
    now.and_then(Protected::known).cloned()
}

fn server(name: &str) -> TimeServer {
    name.parse()
        .map_or_else(|_| TimeServer::Name(name.to_owned()), TimeServer::Address)
}

/// What a node knows of the cluster without `data`, for a support bundle: no secret, and nothing that tells people or hosts.
pub(crate) fn outline() -> Result<Vec<u8>, String> {
    let state = Folder::new(Path::new(STATE_FOLDER));
    let kept = NodeProjection::kept(&state).map_err(|error| causes(&error))?;
    let kept = kept.ok_or("this node has not seen the configuration of the cluster yet")?;
    let outline = serde_json::json!({
        "revision": kept.revision,
        "sha256": kept.sha256,
        "console_password": kept.administrators.console_password.is_some(),
        "admin_password": kept.administrators.admin_password.is_some(),
        "ssh_keys": kept.administrators.ssh_keys.len(),
        "log_targets": kept.log_targets.len(),
        "time_servers": kept.time_servers.len(),
        "sealed": kept.sealed,
        "pair": kept.high_availability.enabled,
    });
    serde_json::to_vec_pretty(&outline).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use sps_cluster_config::Cluster;
    use sps_durable::simulation::CrashDisk;

    use super::*;

    fn hash() -> Secret {
        sps_config::hash_password(&Secret::from("correct horse".to_owned())).unwrap()
    }

    fn lab() -> (tempfile::TempDir, Settings) {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::open(folder.path()).unwrap();
        settings
            .commit("a".into(), String::new(), |node| {
                node.administrators.console_password = Some(hash());
            })
            .unwrap();
        (folder, settings)
    }

    #[test]
    fn only_what_changed_in_the_cluster_comes_to_the_node() {
        let ((_folder, settings), mut disk) = (lab(), CrashDisk::default());
        let mut document = Cluster::default();
        let before = settings.node();
        let notes = taken_over(&mut disk, &settings, &document, 1).unwrap();
        assert_eq!(
            (notes.len(), settings.node()),
            (0, before.clone()),
            "the first time it is only kept"
        );
        document.date_time.time_zone = "Europe/Vienna".into();
        document.date_time.servers = vec!["192.0.2.7".into(), "ntp.example.net".into()];
        document.users.admin_password = Some(hash().into());
        let notes = taken_over(&mut disk, &settings, &document, 2).unwrap();
        assert_eq!(notes.len(), 3, "{notes:?}");
        let node = settings.node();
        assert_eq!(node.time.zone, "Europe/Vienna");
        assert_eq!(node.time.servers.len(), 2);
        assert!(node.administrators.admin_password.is_some());
        assert_eq!(
            node.administrators.console_password,
            before.administrators.console_password
        );
        let revision = settings.revised().0;
        assert_eq!(taken_over(&mut disk, &settings, &document, 2).unwrap(), [""; 0]);
        assert_eq!(settings.revised().0, revision, "nothing is done twice");
        let strange = Secret::from("$6$of an earlier product$x".to_owned());
        document.users.admin_password = Some(strange.into());
        let notes = taken_over(&mut disk, &settings, &document, 3).unwrap();
        assert!(
            notes[0].contains("did not take over the password of admin"),
            "{notes:?}"
        );
        assert_eq!(settings.node(), node, "and everybody can still log in");
    }

    #[test]
    fn what_a_power_cut_kept_from_the_node_comes_at_the_next_start() {
        let mut document = Cluster::default();
        let first = CrashDisk::default();
        let ((_folder, settings), mut disk) = (lab(), first.copy());
        taken_over(&mut disk, &settings, &document, 1).unwrap();
        document.date_time.time_zone = "Europe/Vienna".into();
        for cut in 0.. {
            let disk = disk.copy();
            disk.fail_after(cut);
            let done = taken_over(&mut disk.clone(), &settings, &document, 2).is_ok();
            // The node document is on another disk here: it has the change, and getting it once more does no harm.
            let mut left = disk.after_cut(usize::MAX, sps_durable::simulation::Unsynced::Lost);
            taken_over(&mut left, &settings, &document, 2).unwrap();
            assert_eq!(settings.node().time.zone, "Europe/Vienna");
            assert_eq!(NodeProjection::kept(&left).unwrap().unwrap().revision, 2);
            if done {
                assert!(cut > 2, "{cut}");
                return;
            }
        }
    }
}
