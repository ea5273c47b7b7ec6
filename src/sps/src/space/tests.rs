//! Policies on a real store: sessions with trails, the tree of an earlier firmware, a disk that is a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::{ArchivePolicy, BackupPolicy, Target};
use sps_config::{Change, Secret};
use sps_datastore::{Steps, Store};
use sps_datastore_engine::Kind;
use sps_index::{Folder, Index};
use sps_index_engine::{Moment, Query, Source};
use sps_session_record::{Endpoint, FORMAT, Indexing, SessionRecord, TrailFile, Word};
use sps_store_forms::{Forms, Opening};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

mod adding;
mod deleting;
mod keeping;

use super::{Places, SpaceError, Spare, Work};
use crate::backend::Settings;
use crate::node::now;
use crate::services::{DataState, Opened, open_configuration};

const FIRMWARE: &str = "0202020202020202020202020202020202020202020202020202020202020202";
const DAY: i64 = 24 * 3600 * 1000;
const PASSWORD: &str = "correct horse battery staple";

/// An appliance with folders for its disks.
struct Lab {
    folder: TempDir,
    settings: Settings,
}

/// The parts of it that live while `data` is mounted.
struct Running {
    spare: Spare,
    opened: Arc<Opened>,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        for name in ["data", "state", "disks/backup"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let settings = Settings::open(&folder.path().join("node")).unwrap();
        let key = sps_cluster_config::NodeKey::generate().unwrap().to_base64();
        let change = settings.change_by_itself("test", "key", |node| node.keys.node = Some(key));
        tokio::runtime::Handle::current().block_on(change).unwrap();
        Self { folder, settings }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As the service of `data` opens it.
    fn start(&self, disks: &Path) -> Running {
        let store = Store::open(&self.path("data"), FIRMWARE, 5, &Steps::default()).unwrap();
        let prepared = store.prepare(&Forms, now(), &mut |_| true).unwrap();
        let key = self.settings.node().keys.node.unwrap();
        let configuration = open_configuration(&self.path("state"), &prepared.path, &key).unwrap();
        let mut opened = Opened {
            queue: Arc::default(),
            hub: Arc::new(sps_indexer::Hub::new("7.1.0", Arc::default())),
            content: Mutex::default(),
            index_keys: OnceLock::new(),
            store,
            tree: prepared.tree,
            path: prepared.path,
            layout: 5,
            sessions: None,
            configuration: Some(Mutex::new(configuration)),
        };
        let sessions = Opening::of(&opened.place(Kind::SessionDatabase), 1)
            .unwrap()
            .sessions;
        opened.sessions = Some(Arc::new(sessions));
        let index = Folder::make(&opened.place(Kind::Index)).unwrap();
        let index = Index::open(Arc::new(index), &[3; 32]).unwrap();
        opened.put_content(Some(Arc::new(index)));
        let opened = Arc::new(opened);
        let data = watch::Sender::new(DataState {
            opened: Some(opened.clone()),
            ..DataState::default()
        });
        let spare = Spare::new(
            self.settings.clone(),
            Places::Folders(disks.to_owned()),
            "7.0.0".into(),
            self.path("state"),
            data,
        );
        Running { spare, opened }
    }
}

impl Running {
    /// Changes the configuration.
    fn set(&self, change: impl FnOnce(&mut Cluster)) {
        let mut store = self.opened.configuration.as_ref().unwrap().lock().unwrap();
        let mut document = store.document().clone();
        change(&mut document);
        let by = Change {
            time: now(),
            who: "test".into(),
            message: String::new(),
            what: Vec::new(),
        };
        let revision = store.revision();
        store.commit(revision, &document, by).unwrap();
    }

    /// Records a session that ended `days` ago; its trail is carried too, as while another firmware has a tree.
    fn record(&self, id: &str, days: i64) {
        let name = format!("2026/01/01/{id}.zat");
        let path = self.opened.place(Kind::Trails).join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("the trail of {id}")).unwrap();
        let end = i64::try_from(now()).unwrap() * 1000 - days * DAY;
        let record = SessionRecord {
            format: FORMAT,
            id: id.into(),
            protocol: Word::SSH,
            connection: "linux".into(),
            start: end - 1000,
            end: Some(end),
            client: Endpoint {
                address: "192.0.2.1".into(),
                port: 50_000,
            },
            server: None,
            target: None,
            gateway_user: Some("alice".into()),
            server_user: None,
            verdict: Word::ACCEPT,
            channels: Vec::new(),
            events: Vec::new(),
            trail: Some(TrailFile {
                name,
                size: fs::metadata(&path).unwrap().len(),
            }),
            indexing: Indexing::default(),
        };
        self.opened.store.carry_out(self.opened.tree, &record).unwrap();
        self.opened.keep_session(&record).unwrap();
        let index = self.opened.content().unwrap();
        let moment = Moment {
            at: 0,
            channel: 0,
            source: Source::Screen,
            text: "permission denied".into(),
        };
        index.add(id, 1, &moment).unwrap();
        index.commit().unwrap();
    }

    /// Sessions whose content is found.
    fn shown(&self) -> Vec<&'static str> {
        let (index, query) = (self.opened.content().unwrap(), Query::parse("denied").unwrap());
        let is_found = |id: &&str| !index.moments(&query, id, 1).unwrap().is_empty();
        ["ssh-1", "ssh-2", "ssh-3"].into_iter().filter(is_found).collect()
    }

    fn run(&self, work: &Work) -> Result<String, SpaceError> {
        self.spare.run(work, &mut |_, _| true)
    }

    fn trails(&self) -> Vec<String> {
        let mut found = Vec::new();
        for id in ["ssh-1", "ssh-2", "ssh-3"] {
            let path = self
                .opened
                .place(Kind::Trails)
                .join(format!("2026/01/01/{id}.zat"));
            let carried = self
                .opened
                .path
                .parent()
                .unwrap()
                .join(format!("carry/{id}/trail"));
            assert_eq!(path.exists(), carried.exists(), "{id} is where it is carried");
            if path.exists() {
                found.push(id.to_owned());
            }
        }
        found
    }

    fn ids(&self) -> Vec<String> {
        let sessions = self.opened.sessions.as_ref().unwrap();
        let mut ids: Vec<String> = sessions.records().map(|record| record.unwrap().id).collect();
        ids.sort();
        ids
    }
}

fn disk() -> Target {
    Target::Directory {
        label: "backup".into(),
        path: "sps".into(),
    }
}

fn archive(target: Option<Target>) -> ArchivePolicy {
    ArchivePolicy {
        start: "03:00".into(),
        target,
        after_days: 30,
    }
}

fn backup() -> BackupPolicy {
    BackupPolicy {
        start: "04:00".into(),
        target: disk(),
        analytics: true,
        password: Some(Secret::from(PASSWORD.to_owned()).into()),
        keep: None,
    }
}

/// A test on a thread that may wait, with a runtime behind it.
async fn blocking(test: impl FnOnce() + Send + 'static) {
    spawn_blocking(test).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_trails_are_on_the_disk_and_gone_from_every_tree_and_their_sessions_stay() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        running.set(|document| {
            document
                .policies
                .archive
                .insert("old".into(), archive(Some(disk())));
        });
        for (id, days) in [("ssh-1", 100), ("ssh-2", 31), ("ssh-3", 29)] {
            running.record(id, days);
        }
        assert_eq!(running.trails(), ["ssh-1", "ssh-2", "ssh-3"]);
        let told = running.run(&Work::Archive("old".into())).unwrap();
        assert!(told.starts_with("2 audit trails archived"), "{told}");
        assert_eq!(running.trails(), ["ssh-3"]);
        assert_eq!(running.ids(), ["ssh-1", "ssh-2", "ssh-3"]);
        let sessions = running.opened.sessions.as_ref().unwrap();
        let archived = sessions.archived("ssh-1").unwrap().unwrap();
        assert_eq!(archived.target.as_deref(), Some("disk backup, folder sps"));
        let there = lab.path("disks/backup/sps").join(&archived.object);
        assert_eq!(fs::read_to_string(there).unwrap(), "the trail of ssh-1");
        let due = running.spare.policies().unwrap();
        assert!(due[0].last.as_ref().unwrap().done && due[0].next.unwrap() > now());
        let again = running.run(&Work::Archive("old".into())).unwrap();
        assert!(again.starts_with("0 audit trails"), "{again}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_comes_back_on_another_appliance_with_everything_and_its_secrets() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        running.set(|document| {
            document.policies.backup.insert("nightly".into(), backup());
            document.network.host_name = "sps-of-old".into();
        });
        for id in ["ssh-1", "ssh-2", "ssh-3"] {
            running.record(id, 1);
        }
        assert_eq!(running.spare.last_backup(), None);
        let told = running.run(&Work::Backup("nightly".into())).unwrap();
        assert!(running.spare.last_backup().is_some(), "{told}");
        let backups = running.spare.backups("nightly").unwrap();
        let (_, name) = backups[0].clone();
        let restore = |running: &Running| {
            let wanted = (None, name.as_str());
            running.spare.restore("nightly", wanted, None, &mut |_, _| true)
        };
        let here = restore(&running).unwrap();
        assert!(
            here.what.contains("added 0 sessions and 0 audit trails"),
            "{}",
            here.what
        );

        let other = Lab::new();
        let empty = other.start(&lab.path("disks"));
        empty.set(|document| {
            document.policies.backup.insert("nightly".into(), backup());
        });
        let back = restore(&empty).unwrap();
        assert!(back.what.contains("reboot to work on it"), "{}", back.what);
        let node = back.node.unwrap();
        assert_eq!(
            node.differing(&empty.spare.settings.node()),
            [""; 0],
            "but for its keys"
        );
        assert_eq!(empty.ids(), [""; 0], "what is worked on stays until the restart");
        drop(empty);
        let restored = other.start(&lab.path("disks"));
        assert_eq!(restored.ids(), running.ids());
        let document = |running: &Running| running.spare.document().unwrap();
        assert_eq!(document(&restored), document(&running), "secrets too");
        for id in ["ssh-1", "ssh-2", "ssh-3"] {
            let trail = format!("2026/01/01/{id}.zat");
            let path = restored.opened.place(Kind::Trails).join(trail);
            assert_eq!(fs::read_to_string(path).unwrap(), format!("the trail of {id}"));
        }
        drop(restored);
        let again = other.start(&lab.path("disks"));
        assert_eq!(document(&again), document(&running), "the key is its own now");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_leaves_the_appliance_as_it_is() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        running.set(|document| {
            document.policies.backup.insert("nightly".into(), backup());
        });
        running.record("ssh-1", 1);
        running.run(&Work::Backup("nightly".into())).unwrap();
        let (appliance, name) = running.spare.backups("nightly").unwrap()[0].clone();
        let objects = lab
            .path("disks/backup/sps/backup")
            .join(&appliance)
            .join("objects");
        let mut found = fs::read_dir(objects).unwrap().map(|entry| entry.unwrap().path());
        fs::remove_dir_all(found.next().unwrap()).unwrap();
        let other = Lab::new();
        let empty = other.start(&lab.path("disks"));
        empty.set(|document| {
            document.policies.backup.insert("nightly".into(), backup());
        });
        let wanted = (Some(appliance.as_str()), name.as_str());
        let error = empty
            .spare
            .restore("nightly", wanted, None, &mut |_, _| true)
            .unwrap_err();
        assert!(error.to_string().contains("is damaged or missing"), "{error}");
        let trees = empty.opened.store.facts().unwrap().trees;
        assert_eq!(trees.len(), 1, "what was begun is gone");
        assert!(!other.path("data/backup-work").exists());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_with_secrets_counts_as_a_backup_of_the_configuration_over_restarts() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        let spare = &running.spare;
        assert_eq!(
            (spare.last_configuration_backup(), spare.data_backup()),
            (None, None)
        );
        spare.exported("admin by web from 192.0.2.9", 1_700_000_000);
        assert_eq!(spare.last_configuration_backup(), Some(1_700_000_000));
        running.set(|document| {
            document.policies.backup.insert("nightly".into(), backup());
        });
        assert_eq!(
            spare.data_backup(),
            Some(None),
            "an export is no backup of the data"
        );
        drop(running);
        let running = lab.start(&lab.path("disks"));
        assert_eq!(running.spare.last_configuration_backup(), Some(1_700_000_000));
        let kept = fs::read_to_string(lab.path("state/configuration-export.json")).unwrap();
        assert!(kept.contains("admin by web from 192.0.2.9"), "{kept}");
        running.run(&Work::Backup("nightly".into())).unwrap();
        let made = running.spare.last_backup();
        assert!(made > Some(1_700_000_000));
        assert_eq!(running.spare.data_backup(), Some(made));
        assert_eq!(
            running.spare.last_configuration_backup(),
            made,
            "it holds the configuration too"
        );
        drop(running);
        fs::write(lab.path("state/configuration-export.json"), "{").unwrap();
        let running = lab.start(&lab.path("disks"));
        assert_eq!(
            running.spare.last_configuration_backup(),
            made,
            "what is damaged does not count"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_clients_archives_and_deletes_nothing() {
    blocking(|| {
        let lab = Lab::new();
        let running = lab.start(&lab.path("disks"));
        running.set(|document| {
            document
                .policies
                .archive
                .insert("old".into(), archive(Some(disk())));
            document.policies.archive.insert("gone".into(), archive(None));
            document.management.disk_fill_up_prevention.archiving_enabled = true;
        });
        running.record("ssh-1", 100);
        let room = running.spare.room();
        assert_eq!(running.spare.look(now()).unwrap(), []);
        assert_eq!(room.borrow().full_since, None);
        let works = running.spare.act(900, 1_800_000_000).unwrap();
        assert_eq!(works, [Work::Archive("old".into())], "what deletes does not run");
        assert_eq!(room.borrow().full_since, Some(1_800_000_000));
        assert_eq!(running.trails(), ["ssh-1"]);
        for work in works {
            running.run(&work).unwrap();
        }
        assert_eq!(
            (running.trails(), running.ids()),
            (vec![], vec!["ssh-1".to_owned()])
        );
        assert_eq!(running.spare.act(700, 1_800_000_100).unwrap(), []);
        assert_eq!(room.borrow().full_since, None);
    })
    .await;
}
