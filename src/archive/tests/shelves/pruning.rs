//! Old backups go, and nothing else does.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;

use sps_archive::{BackupError, Keep, Pruned, Shelf, backups, judge, prune};
use sps_config::Secret;

use crate::backups::{bring_back, make, password, same, tree};
use crate::lab::{Faulty, Power, files, runtime, scratch};

const NOW: u64 = 1_800_000_000;

fn whole(folder: &Path, runtime: &tokio::runtime::Runtime) -> Shelf {
    Faulty::shelf(folder, &Power::cut_before(usize::MAX), runtime)
}

/// Backups a minute apart, each with a file that the one before does not have, and without the one before.
fn several(shelf: &Shelf, root: &Path, work: &Path, count: u64) {
    tree(root);
    for n in 0..count {
        fs::write(root.join("var/log/current/now"), format!("line {n}")).unwrap();
        make(shelf, root, work, NOW + 60 * n).unwrap();
    }
}

fn names(shelf: &Shelf) -> Vec<String> {
    let found = backups(shelf, None).unwrap();
    found.into_iter().map(|backup| backup.name).collect()
}

fn pruned(shelf: &Shelf, most: u32, word: &Secret, work: &Path) -> Result<Pruned, BackupError> {
    let keep = Keep {
        shelf,
        appliance: "sps-1",
        most: NonZeroU32::new(most).unwrap(),
        password: word,
        ours: &|keys| keys == br#"{"cluster_key":"x"}"#,
        scratch: work,
    };
    prune(&keep, &mut || true)
}

/// Every content that a manifest names is there, and the manifest is whole.
fn all_there(folder: &Path, name: &str) {
    let folder = folder.join("backup/sps-1");
    let text = fs::read(folder.join(format!("manifests/{name}.manifest"))).unwrap();
    let (count, _) = judge(&text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let named = text.lines().filter(|line| line.starts_with("{\"path\""));
    let contents = named.map(|line| line.split("\"sha256\":\"").nth(1).unwrap().get(..64).unwrap());
    let mut seen = 0;
    for content in contents {
        let path = folder.join("objects").join(&content[..2]).join(content);
        assert!(path.exists(), "{name} names {content}");
        seen += 1;
    }
    assert_eq!(seen, count);
}

#[test]
fn the_newest_stay_and_can_be_restored_and_what_only_the_others_needed_goes() {
    let (runtime, root, there, work) = (runtime(), scratch(), scratch(), scratch());
    let shelf = whole(there.path(), &runtime);
    several(&shelf, root.path(), work.path(), 4);
    let most = pruned(&shelf, 9, &password(), work.path()).unwrap();
    assert_eq!(most, Pruned::default());
    let went = pruned(&shelf, 2, &password(), work.path()).unwrap();
    assert_eq!(went.backups, ["20270115T080000Z", "20270115T080100Z"]);
    assert_eq!((went.contents, went.strange.len(), went.unread), (2, 0, false));
    assert_eq!(names(&shelf), ["20270115T080200Z", "20270115T080300Z"]);
    for (name, line) in [("20270115T080200Z", "line 2"), ("20270115T080300Z", "line 3")] {
        let back = scratch();
        bring_back(&shelf, name, back.path(), work.path()).unwrap();
        fs::write(root.path().join("var/log/current/now"), line).unwrap();
        same(root.path(), back.path());
    }
    let went = pruned(&shelf, 1, &password(), work.path()).unwrap();
    assert_eq!((went.backups.len(), names(&shelf).len()), (1, 1));
}

#[test]
fn what_is_not_complete_or_not_ours_stays_and_does_not_count() {
    let (runtime, root, there, work) = (runtime(), scratch(), scratch(), scratch());
    let shelf = whole(there.path(), &runtime);
    several(&shelf, root.path(), work.path(), 4);
    let folder = there.path().join("backup/sps-1");
    // The newest is not complete: one content of it alone is gone.
    let objects = files(&folder.join("objects"));
    let (gone, _) = objects.iter().find(|(_, bytes)| *bytes == b"line 3").unwrap();
    fs::remove_file(folder.join("objects").join(gone)).unwrap();
    let other = pruned(&shelf, 1, &Secret::from("another word".to_owned()), work.path()).unwrap();
    assert_eq!(
        (other.backups.len(), other.strange.len()),
        (0, 4),
        "nobody opens them"
    );
    let went = pruned(&shelf, 1, &password(), work.path()).unwrap();
    assert_eq!(went.strange, ["20270115T080300Z"]);
    assert_eq!(went.backups, ["20270115T080000Z", "20270115T080100Z"]);
    assert_eq!(names(&shelf), ["20270115T080200Z", "20270115T080300Z"]);
    // A manifest that nobody can read may name anything: no content goes.
    fs::write(folder.join("manifests/20260101T000000Z.manifest"), "{").unwrap();
    make(&shelf, root.path(), work.path(), NOW + 600).unwrap();
    let before = files(&folder.join("objects"));
    let went = pruned(&shelf, 1, &password(), work.path()).unwrap();
    assert!(
        went.unread && went.contents == 0 && !went.backups.is_empty(),
        "{went:?}"
    );
    assert_eq!(files(&folder.join("objects")), before);
    assert!(folder.join("manifests/20260101T000000Z.manifest").exists());
}

#[test]
fn cut_at_every_step_what_is_listed_can_be_restored_and_the_next_run_goes_on() {
    let (runtime, root, full, work) = (runtime(), scratch(), scratch(), scratch());
    several(&whole(full.path(), &runtime), root.path(), work.path(), 4);
    for step in 0.. {
        let there = scratch();
        for (path, bytes) in files(full.path()) {
            let path = there.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let power = Power::cut_before(step);
        let cut = pruned(
            &Faulty::shelf(there.path(), &power, &runtime),
            2,
            &password(),
            work.path(),
        );
        let shelf = whole(there.path(), &runtime);
        for name in names(&shelf) {
            all_there(there.path(), &name);
        }
        if power.steps() <= step {
            assert!(cut.is_ok() && step > 10, "{step}: {cut:?}");
            return;
        }
        assert!(cut.is_err(), "step {step} failed and nobody noticed");
        if step % 3 != 0 {
            continue;
        }
        // One more backup: the next run removes what the cut left.
        make(&shelf, root.path(), work.path(), NOW + 600).unwrap();
        pruned(&shelf, 2, &password(), work.path()).unwrap();
        let left = names(&shelf);
        assert_eq!(left, ["20270115T080300Z", "20270115T081000Z"], "step {step}");
        let objects = files(&there.path().join("backup/sps-1/objects"));
        assert_eq!(objects.len(), 7, "step {step}: nothing is left that nobody needs");
    }
}
