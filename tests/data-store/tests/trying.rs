//! While it is Trying a firmware writes all it ever writes: what it leaves, the power cut among it, keeps the earlier one from nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use sps_cluster_config::{ClusterKey, Store as Configuration};
use sps_config::Change;
use sps_data_store_tests::scene::{Before, LAST, NEW, NOW, OLD, sessions, start, start_at, store};
use sps_datastore::{Catalogue, Content as _, Prepared, Steps, Store};
use sps_datastore_engine::{Kind, layout};
use sps_sample_store::{Random, session};
use sps_session_record::{SessionRecord, TrailFile};
use sps_sessions::Archived;
use sps_store_forms::{Forms, Live, Opening};

/// Sessions of the earlier firmware.
const EARLIER: u64 = 5;

fn place(prepared: &Prepared, kind: Kind) -> Result<PathBuf> {
    let place = layout(LAST)
        .and_then(|layout| layout.place(kind))
        .context("a place")?;
    Ok(prepared.path.join(place.path))
}

/// A session of this number with its trail in the tree.
fn recorded(prepared: &Prepared, number: u64) -> Result<SessionRecord> {
    let mut record = session(number, 100, &mut Random::new(number + 900));
    record.id = format!("ssh-trying-{number}");
    let name = format!("2027/01/15/{}.zat", record.id);
    let path = place(prepared, Kind::Trails)?.join(&name);
    fs::create_dir_all(path.parent().context("a folder")?)?;
    fs::write(&path, format!("the trail of {}", record.id))?;
    let size = fs::metadata(&path)?.len();
    record.trail = Some(TrailFile { name, size });
    Ok(record)
}

/// Two revisions of the configuration.
fn configure(prepared: &Prepared) -> Result<()> {
    let path = place(prepared, Kind::Configuration)?;
    let folder = path.parent().context("a folder")?;
    let (mut store, _) = Configuration::open(folder, Some(ClusterKey::generate()?))?;
    for days in [30, 60] {
        let mut document = store.document().clone();
        document.management.session_database.keep_metadata_days = Some(days);
        let revision = store.revision();
        store.commit(revision, &document, Change::default())?;
    }
    Ok(())
}

/// Files of a kind, as its room would leave them.
fn leave(prepared: &Prepared, kind: Kind, name: &str) -> Result<()> {
    let path = place(prepared, kind)?.join(name);
    fs::create_dir_all(path.parent().context("a folder")?)?;
    fs::write(&path, format!("{kind:?} of the firmware on trial"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000))?;
    Ok(())
}

/// Everything that a firmware on trial writes: the sessions that had ended and were carried, and its tree.
fn try_it(root: &Path) -> Result<(Vec<String>, PathBuf)> {
    let new = start(root, NEW, LAST, &Steps::default())?;
    let store = Store::open(root, NEW, LAST, &Steps::default())?;
    let folder = place(&new, Kind::SessionDatabase)?;
    let live = Arc::new(
        Opening::of(&folder, NOW)
            .map_err(anyhow::Error::from_boxed)?
            .sessions,
    );
    store.carry_in(new.tree, &Live(live.clone()))?;
    configure(&new)?;
    let mut catalogue: Box<dyn Catalogue> =
        Forms::recorded(&folder, live.clone()).map_err(anyhow::Error::from_boxed)?;
    let mut carried = Vec::new();
    for number in 0..3 {
        let record = recorded(&new, number)?;
        store.carry_out(new.tree, &record)?;
        catalogue.insert(&record).map_err(anyhow::Error::from_boxed)?;
        carried.push(record.id);
    }
    // One of them is archived, and its trail goes everywhere.
    let archived = &carried[0];
    let trail = format!("2027/01/15/{archived}.zat");
    live.archive(Archived {
        id: archived.clone(),
        policy: "old".into(),
        target: Some("disk backup".into()),
        object: "archive/sps/x.zat".into(),
        at: NOW,
        sha256: "00".repeat(32),
    })?;
    store.remove_trail(new.tree, archived, &trail)?;
    live.archived_gone(vec![archived.clone()])?;
    for (kind, name) in [
        (Kind::Index, "2027/01/15/trying.idx"),
        (Kind::OpenLogs, "trying.log"),
        (Kind::ClosedLogs, "2027-01-15.log"),
        (Kind::Reports, "weekly.pdf"),
        (Kind::CoreFiles, "core.sps.1"),
        (Kind::Analytics, "scores.db"),
        (Kind::Quarantine, "ssh-x.json"),
    ] {
        leave(&new, kind, name)?;
    }
    // The kernel panics: one session goes on, and another ended a moment ago and was neither carried nor entered.
    let mut going_on = recorded(&new, 7)?;
    going_on.end = None;
    live.begin(going_on)?;
    let mut ended = recorded(&new, 8)?;
    ended.end = Some(ended.start + 1000);
    std::mem::forget((live, catalogue, ended));
    fs::create_dir_all(root.join("carry/ssh-half"))?;
    fs::write(root.join("carry/ssh-half/trail"), "half a trail")?;
    Ok((carried, new.path))
}

#[test]
fn the_earlier_firmware_starts_on_everything_the_one_on_trial_wrote() -> Result<()> {
    for from in 1..=4 {
        let root = tempfile::tempdir()?;
        let tree = store(root.path(), from, EARLIER)?;
        let before = Before::new(root.path(), &tree, from)?;
        let known = sessions(&tree, from)?;
        let (carried, tried) = try_it(root.path())?;
        before.old_is_untouched()?;
        // Twice: what its first start took in is no hindrance to the next.
        for again in [false, true] {
            let old = start_at(root.path(), OLD, from, &Steps::default(), NOW + 60)?;
            ensure!(
                old.path == tree && old.made.is_none(),
                "layout {from} has another tree"
            );
            if !again {
                // Its own configuration, logs, indexes and trails, byte for byte.
                before.old_is_untouched()?;
            }
            let own = Store::open(root.path(), OLD, from, &Steps::default())?;
            own.carry_in(old.tree, &Forms)?;
            let folder = layout(from).and_then(|layout| layout.place(Kind::SessionDatabase));
            let catalogue = Forms
                .catalogue(&tree.join(folder.context("a place")?.path), from)
                .map_err(anyhow::Error::from_boxed)?;
            for id in &carried {
                let has = catalogue.has(id).map_err(anyhow::Error::from_boxed)?;
                ensure!(has, "{id} is not listed in layout {from}");
            }
            let count = catalogue.count().map_err(anyhow::Error::from_boxed)?;
            ensure!(
                count == known + 3,
                "{count} sessions in layout {from} instead of {known} and 3"
            );
        }
        // The one on trial is tried once more: it begins with what the earlier one left, and its own tree keeps what was cut off.
        let new = start(root.path(), NEW, LAST, &Steps::default())?;
        let folder = place(&new, Kind::SessionDatabase)?;
        let live = Opening::of(&folder, NOW).map_err(anyhow::Error::from_boxed)?;
        let live = Arc::new(live.sessions);
        let store = Store::open(root.path(), NEW, LAST, &Steps::default())?;
        store.carry_in(new.tree, &Live(live.clone()))?;
        let catalogue = Forms::recorded(&folder, live).map_err(anyhow::Error::from_boxed)?;
        for id in &carried {
            ensure!(
                catalogue.has(id).map_err(anyhow::Error::from_boxed)?,
                "{id} is lost"
            );
        }
        for id in ["ssh-trying-7", "ssh-trying-8"] {
            let cut = tried.join(format!("audit/2027/01/15/{id}.zat"));
            ensure!(cut.exists(), "the trail of {id}, which was cut off, is lost");
        }
    }
    Ok(())
}
