//! Every way from a layout to a later one, and back.

use anyhow::{Result, ensure};
use sps_data_store_tests::scene::{Before, LAST, NEW, OLD, start, store};
use sps_datastore::{Steps, Store, StoreError};
use sps_datastore_engine::Refusal;

#[test]
fn every_layout_becomes_every_later_one_and_nothing_is_lost() -> Result<()> {
    for from in 1..=4 {
        for to in from + 1..=LAST {
            let root = tempfile::tempdir()?;
            let tree = store(root.path(), from, 40)?;
            let before = Before::new(root.path(), &tree, from)?;
            let new = start(root.path(), NEW, to, &Steps::default())?;
            ensure!(
                new.made.as_ref().is_some_and(|made| made.files > 40),
                "{from} to {to}"
            );
            before.new_is_whole(&new)?;
            before.old_is_whole()?;
        }
    }
    Ok(())
}

#[test]
fn a_store_from_the_future_is_left_alone() -> Result<()> {
    let root = tempfile::tempdir()?;
    let tree = store(root.path(), 4, 5)?;
    let before = Before::new(root.path(), &tree, 4)?;
    let refused = start(root.path(), NEW, 2, &Steps::default());
    ensure!(matches!(
        refused,
        Err(StoreError::Refused(Refusal::Future { found: 4, own: 2, .. }))
    ));
    before.old_is_whole()
}

#[test]
fn an_empty_store_gets_a_tree_which_firmware_of_the_same_layout_shares() -> Result<()> {
    let root = tempfile::tempdir()?;
    let one = start(root.path(), OLD, LAST, &Steps::default())?;
    ensure!(one.path.join("audit").is_dir() && one.made.is_none());
    let two = start(root.path(), NEW, LAST, &Steps::default())?;
    ensure!(one.path == two.path);
    Ok(())
}

#[test]
fn cleaning_up_never_removes_the_last_name_of_a_trail() -> Result<()> {
    let root = tempfile::tempdir()?;
    let tree = store(root.path(), 4, 5)?;
    let before = Before::new(root.path(), &tree, 4)?;
    let new = start(root.path(), NEW, LAST, &Steps::default())?;
    // A crash ended this session before it was carried; then the earlier firmware runs for good.
    std::fs::write(new.path.join("audit/ssh-crash.zat"), b"evidence")?;
    let old = start(root.path(), OLD, 4, &Steps::default())?;
    let cleaned = Store::open(root.path(), OLD, 4, &Steps::default())?;
    let removed = cleaned.clean(old.tree, &[OLD.to_owned()].into(), &mut || true)?;
    ensure!(removed > 10 && !new.path.exists(), "{removed}");
    let kept = root.path().join("removing-layout-5.2/audit");
    let names: Vec<_> = std::fs::read_dir(&kept)?.collect::<Result<_, _>>()?;
    ensure!(names.len() == 1 && std::fs::read(kept.join("ssh-crash.zat"))? == b"evidence");
    before.old_is_whole()
}
