//! Trails that go by their policy, and trees that come from a backup: whole whatever is cut off.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use sps_data_store_tests::account::{account, taken_over};
use sps_data_store_tests::scene::{LAST, NEW, NOW, OLD, scratch, sessions, start, store};
use sps_datastore::{Prepared, Steps, Store, StoreError};
use sps_datastore_engine::{RESERVED, layout};

/// The power is gone before the step with this number, and stays gone.
fn cut_before(at: usize) -> (Steps, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let steps = Steps::watched({
        let count = count.clone();
        move |_| {
            if count.fetch_add(1, Ordering::Relaxed) >= at {
                Err(io::Error::other("the power is gone"))
            } else {
                Ok(())
            }
        }
    });
    (steps, count)
}

/// A trail below a folder of trails that has another name: its name there.
fn some_trail(folder: &Path) -> Result<String> {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if fs::symlink_metadata(&path)?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "zat")
                && let Some(name) = path.strip_prefix(folder)?.to_str()
                && fs::symlink_metadata(&path)?.nlink() == 2
            {
                return Ok(name.to_owned());
            }
        }
    }
    anyhow::bail!("no trail in {}", folder.display())
}

#[test]
fn a_trail_goes_under_every_name_it_has_and_a_cut_at_any_step_is_gone_on_with() -> Result<()> {
    for from in 1..=4 {
        for at in 0.. {
            let root = scratch()?;
            store(root.path(), from, 3)?;
            let new = start(root.path(), NEW, LAST, &Steps::default())?;
            let name = some_trail(&new.path.join("audit"))?;
            let file = File::open(new.path.join("audit").join(&name))?;
            ensure!(file.metadata()?.nlink() == 2, "in both trees");
            let carried = root.path().join("carry/ssh-x");
            fs::create_dir_all(&carried)?;
            fs::hard_link(new.path.join("audit").join(&name), carried.join("trail"))?;
            let (steps, count) = cut_before(at);
            let cut = Store::open(root.path(), NEW, LAST, &steps)?.remove_trail(new.tree, "ssh-x", &name);
            let ended = count.load(Ordering::Relaxed) <= at;
            ensure!(cut.is_ok() == ended, "step {at} failed and nobody noticed");
            let again = Store::open(root.path(), NEW, LAST, &Steps::default())?;
            let removed = again.remove_trail(new.tree, "ssh-x", &name)?;
            ensure!(
                removed.left == 0 && file.metadata()?.nlink() == 0,
                "of layout {from}, after {at}"
            );
            if ended {
                ensure!(cut?.names == 3 && at >= 6, "{at}");
                break;
            }
        }
    }
    Ok(())
}

#[test]
fn a_file_that_is_another_one_under_the_same_name_stays() -> Result<()> {
    let root = scratch()?;
    let old = store(root.path(), 4, 3)?;
    let new = start(root.path(), NEW, LAST, &Steps::default())?;
    let name = some_trail(&new.path.join("audit"))?;
    let mut files = vec![old.clone()];
    let mut other: Option<PathBuf> = None;
    let inode = fs::metadata(new.path.join("audit").join(&name))?.ino();
    while let Some(folder) = files.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if fs::symlink_metadata(&path)?.is_dir() {
                files.push(path);
            } else if fs::symlink_metadata(&path)?.ino() == inode {
                other = Some(path);
            }
        }
    }
    let other = other.context("the trail of the earlier tree")?;
    fs::remove_file(&other)?;
    fs::write(&other, "another")?;
    let store = Store::open(root.path(), NEW, LAST, &Steps::default())?;
    let removed = store.remove_trail(new.tree, "ssh-x", &name)?;
    ensure!((removed.names, removed.left) == (1, 0), "{removed:?}");
    ensure!(fs::read(&other)? == b"another");
    Ok(())
}

/// Restores a tree with one file, into what `steps` allow.
fn restore(root: &Path, steps: &Steps) -> Result<(), StoreError> {
    let store = Store::open(root, NEW, LAST, steps)?;
    let tree = store.restore(LAST)?;
    let file = tree.path().join("plugins/of-the-backup");
    fs::create_dir_all(tree.path().join("plugins"))
        .and_then(|()| fs::write(&file, "restored"))
        .map_err(|source| StoreError::Read { path: file, source })?;
    tree.finish(NOW)?;
    Ok(())
}

#[test]
fn a_restore_cut_at_any_step_leaves_the_store_there_was_or_the_restored_one() -> Result<()> {
    let is_restored = |found: &Prepared| found.path.join("plugins/of-the-backup").exists();
    let mut seen = [0, 0];
    for at in 0.. {
        let root = scratch()?;
        let before = start(root.path(), NEW, LAST, &Steps::default())?;
        fs::write(before.path.join("plugins/own"), "own")?;
        let (steps, count) = cut_before(at);
        let cut = restore(root.path(), &steps);
        let ended = count.load(Ordering::Relaxed) <= at;
        ensure!(cut.is_ok() == ended, "step {at} failed and nobody noticed");
        let found = start(root.path(), NEW, LAST, &Steps::default())?;
        let restored = is_restored(&found);
        seen[usize::from(restored)] += 1;
        ensure!(restored || found.path == before.path, "neither, after {at}");
        ensure!(
            found.path.join("audit").is_dir(),
            "a place is missing, after {at}"
        );
        ensure!(
            before.path.join("plugins/own").exists(),
            "the one there was is gone"
        );
        if ended {
            ensure!(restored);
            break;
        }
        restore(root.path(), &Steps::default())?;
        ensure!(
            is_restored(&start(root.path(), NEW, LAST, &Steps::default())?),
            "after {at}"
        );
    }
    ensure!(seen[0] > 5 && seen[1] > 1, "{seen:?}");
    Ok(())
}

#[test]
fn clean_up_leaves_a_tree_alone_that_is_being_restored_or_waits_for_the_next_start() -> Result<()> {
    let root = scratch()?;
    let own = start(root.path(), NEW, LAST, &Steps::default())?;
    let store = Store::open(root.path(), NEW, LAST, &Steps::default())?;
    let clean = || store.clean(own.tree, &[NEW.to_owned()].into(), &mut || true);
    let tree = store.restore(LAST)?;
    fs::write(tree.path().join("of-the-backup"), "restored")?;
    clean()?;
    ensure!(tree.path().join("of-the-backup").exists(), "while it is built");
    let path = tree.finish(NOW)?;
    clean()?;
    ensure!(path.join("of-the-backup").exists(), "before the next start");
    let next = start(root.path(), NEW, LAST, &Steps::default())?;
    ensure!(next.path == path);
    let store = Store::open(root.path(), NEW, LAST, &Steps::default())?;
    store.clean(next.tree, &[NEW.to_owned()].into(), &mut || true)?;
    ensure!(path.exists() && !own.path.exists(), "then the one before goes");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if RESERVED.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if fs::symlink_metadata(&path)?.is_dir() {
            copy(&path, &to)?;
        } else if fs::symlink_metadata(&path)?.is_file() {
            fs::write(&to, fs::read(&path)?)?;
        }
    }
    Ok(())
}

#[test]
fn a_backup_of_an_earlier_layout_is_reorganized_by_the_next_start() -> Result<()> {
    for from in 1..=4 {
        let (source, root) = (scratch()?, scratch()?);
        let old = store(source.path(), from, 7)?;
        let files = source.path().join("files");
        copy(&old, &files)?;
        let own = start(root.path(), NEW, LAST, &Steps::default())?;
        let store = Store::open(root.path(), NEW, LAST, &Steps::default())?;
        let tree = store.restore(from)?;
        copy(&files, &tree.path())?;
        tree.finish(NOW)?;
        let new = start(root.path(), NEW, LAST, &Steps::default())?;
        ensure!(new.made.is_some() && new.path != own.path, "of layout {from}");
        let (was, is) = (
            layout(from).context("a layout")?,
            layout(LAST).context("a layout")?,
        );
        taken_over(&account(&files, was)?, was, &account(&new.path, is)?, is)?;
        ensure!(sessions(&new.path, LAST)? == sessions(&old, from)?);
        let again = start(root.path(), NEW, LAST, &Steps::default())?;
        ensure!(again.path == new.path && again.made.is_none());
    }
    Ok(())
}

#[test]
fn what_committing_frees_is_what_no_other_tree_has_and_no_trail() -> Result<()> {
    let root = scratch()?;
    let old = store(root.path(), 4, 3)?;
    let new = start(root.path(), NEW, LAST, &Steps::default())?;
    let freed = Store::open(root.path(), NEW, LAST, &Steps::default())?.kept_for_others(new.tree)?;
    let whole = Store::open(root.path(), OLD, 4, &Steps::default())?;
    fs::write(old.join("var-log-of-nobody"), vec![0; 5000])?;
    ensure!(whole.kept_for_others(new.tree)? == freed + 5000);
    Ok(())
}
