//! Backups: each content once, nothing restored that is not whole.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use sps_archive::{BackedUp, BackupError, Order, Restored, Shelf, Take, back_up, backups, inspect, restore};
use sps_config::Secret;

use crate::lab::{Faulty, Power, files, runtime, scratch};

const NOW: u64 = 1_800_000_000;
const KEYS: &[u8] = br#"{"cluster_key":"x"}"#;
/// Layout of what is backed up.
const LAYOUT: u32 = 5;

pub(crate) fn password() -> Secret {
    Secret::from("correct horse battery staple".to_owned())
}

/// A tree with odd names, an empty file, equal contents, one larger than a part.
pub(crate) fn tree(root: &Path) {
    let write = |name: &str, content: &[u8]| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write("configuration/cluster.json", b"{}");
    write("audit/2026/05/17/ssh 1.zat", &[7; 9 << 20]);
    write("audit/2026/05/17/ssh-2.zat", b"two");
    write("audit/2026/05/18/ssh-3.zat", b"two");
    write("audit/undated/\u{e4}%\n", b"odd");
    write("sessions/sessions.db", b"live");
    write("sessions/sessions.db-wal", b"log");
    write("var/log/current/empty", b"");
    write("layout.json", b"the store's own");
}

fn source(copy: &Path) -> impl Fn(&[u8]) -> Take {
    move |path| match path {
        b"layout.json" | b"sessions/sessions.db-wal" => Take::Leave,
        b"sessions/sessions.db" => Take::Instead(copy.into()),
        path if path.starts_with(b"audit/") => Take::Once,
        _ => Take::Changing,
    }
}

pub(crate) fn make(shelf: &Shelf, root: &Path, scratch: &Path, now: u64) -> Result<BackedUp, BackupError> {
    let copy = scratch.join("copy.db");
    fs::write(&copy, b"a copy of one moment").unwrap();
    let password = password();
    let order = Order {
        shelf,
        appliance: "sps-1",
        product: "7.0.0",
        root,
        layout: LAYOUT,
        source: &source(&copy),
        scratch,
        keys: KEYS,
        password: &password,
        now,
    };
    back_up(&order, &mut |_| true)
}

pub(crate) fn bring_back(
    shelf: &Shelf,
    name: &str,
    root: &Path,
    scratch: &Path,
) -> Result<Restored, BackupError> {
    let backup = ("sps-1", name);
    let found = inspect(shelf, backup, &password(), LAYOUT, scratch)?;
    let may = |path: &[u8]| path != b"layout.json";
    restore(shelf, backup, root, scratch, &may, &mut |_, _| true)?;
    Ok(found)
}

/// What is restored is what was there, but for what is not taken.
pub(crate) fn same(was: &Path, is: &Path) {
    let mut wanted = files(was);
    wanted.remove(Path::new("layout.json"));
    wanted.remove(Path::new("sessions/sessions.db-wal"));
    wanted.insert("sessions/sessions.db".into(), b"a copy of one moment".into());
    assert_eq!(files(is), wanted);
}

#[test]
fn what_was_backed_up_is_restored_and_what_is_unchanged_is_stored_once() {
    let (runtime, root, there, work) = (runtime(), scratch(), scratch(), scratch());
    let shelf = Faulty::shelf(there.path(), &Power::cut_before(usize::MAX), &runtime);
    tree(root.path());
    let first = make(&shelf, root.path(), work.path(), NOW).unwrap();
    assert_eq!((first.files, first.stored), (7, 6), "two are the same");
    let again = make(&shelf, root.path(), work.path(), NOW + 60).unwrap();
    assert_eq!((again.files, again.stored), (7, 0));
    fs::write(root.path().join("audit/2026/05/18/ssh-4.zat"), "four").unwrap();
    let more = make(&shelf, root.path(), work.path(), NOW + 120).unwrap();
    assert_eq!((more.files, more.stored), (8, 1));
    let there: Vec<String> = backups(&shelf, None)
        .unwrap()
        .into_iter()
        .map(|backup| backup.name)
        .collect();
    assert_eq!(
        there,
        ["20270115T080000Z", "20270115T080100Z", "20270115T080200Z"]
    );
    let back = scratch();
    let found = bring_back(&shelf, &more.name, back.path(), work.path()).unwrap();
    assert_eq!(
        (found.layout, found.at, found.keys.as_slice()),
        (5, NOW + 120, KEYS)
    );
    same(root.path(), back.path());
}

#[test]
fn what_was_read_once_is_not_read_again_unless_it_is_gone_from_the_shelf() {
    let (runtime, root, there, work) = (runtime(), scratch(), scratch(), scratch());
    let shelf = Faulty::shelf(there.path(), &Power::cut_before(usize::MAX), &runtime);
    tree(root.path());
    make(&shelf, root.path(), work.path(), NOW).unwrap();
    // Another content with the same size and time: a file that is written once is not read again.
    let path = root.path().join("audit/2026/05/17/ssh-2.zat");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "TWO").unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
    assert_eq!(make(&shelf, root.path(), work.path(), NOW + 1).unwrap().stored, 0);
    fs::remove_dir_all(there.path().join("backup/sps-1/objects")).unwrap();
    let healed = make(&shelf, root.path(), work.path(), NOW + 2).unwrap();
    assert_eq!(healed.stored, 7, "everything, the changed one too");
    let back = scratch();
    bring_back(&shelf, &healed.name, back.path(), work.path()).unwrap();
    same(root.path(), back.path());
}

#[test]
fn a_backup_that_is_cut_off_at_any_step_does_not_count_and_the_next_is_whole() {
    let (runtime, root, work) = (runtime(), scratch(), scratch());
    tree(root.path());
    for step in 0.. {
        let there = scratch();
        let power = Power::cut_before(step);
        let cut = make(
            &Faulty::shelf(there.path(), &power, &runtime),
            root.path(),
            work.path(),
            NOW,
        );
        if power.steps() <= step {
            cut.unwrap();
            assert!(step > 8, "{step}");
            return;
        }
        assert!(cut.is_err(), "step {step} failed and nobody noticed");
        let shelf = Faulty::shelf(there.path(), &Power::cut_before(usize::MAX), &runtime);
        for backup in backups(&shelf, None).unwrap() {
            // The manifest was there before the cut: then all of it is.
            let back = scratch();
            bring_back(&shelf, &backup.name, back.path(), work.path()).unwrap();
            same(root.path(), back.path());
        }
        if step % 3 == 0 {
            let next = make(&shelf, root.path(), work.path(), NOW + 1).unwrap();
            let back = scratch();
            bring_back(&shelf, &next.name, back.path(), work.path()).unwrap();
            same(root.path(), back.path());
        }
    }
}

/// Spoils the shelf after a backup; what is said when it is restored.
fn refused(spoil: impl FnOnce(&Path)) -> String {
    let (runtime, root, there, work) = (runtime(), scratch(), scratch(), scratch());
    let shelf = Faulty::shelf(there.path(), &Power::cut_before(usize::MAX), &runtime);
    tree(root.path());
    let made = make(&shelf, root.path(), work.path(), NOW).unwrap();
    spoil(&there.path().join("backup/sps-1"));
    let back = scratch();
    let error = bring_back(&shelf, &made.name, back.path(), work.path()).unwrap_err();
    let source = std::error::Error::source(&error)
        .map(ToString::to_string)
        .unwrap_or_default();
    format!("{error}: {source}")
}

fn manifest(folder: &Path, change: impl FnOnce(String) -> String) {
    let path = folder.join("manifests/20270115T080000Z.manifest");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, change(text)).unwrap();
}

fn object_of(folder: &Path, content: &[u8]) -> std::path::PathBuf {
    let found = files(&folder.join("objects"));
    let (name, _) = found
        .iter()
        .find(|(_, bytes)| bytes.as_slice() == content)
        .unwrap();
    folder.join("objects").join(name)
}

#[test]
fn a_damaged_or_partial_backup_is_refused_with_the_file() {
    let damaged = refused(|folder| fs::write(object_of(folder, b"odd"), "ODD").unwrap());
    assert!(
        damaged.contains("audit/undated/%c3%a4%25%0a of the backup 20270115T080000Z is damaged"),
        "{damaged}"
    );
    let missing = refused(|folder| fs::remove_file(object_of(folder, b"{}")).unwrap());
    assert!(
        missing.contains("configuration/cluster.json of the backup"),
        "{missing}"
    );
    let none = refused(|folder| fs::remove_dir_all(folder.join("manifests")).unwrap());
    assert!(none.contains("there is no backup 20270115T080000Z"), "{none}");
    let cut = refused(|folder| manifest(folder, |text| text[..text.len() - 10].to_owned()));
    assert!(cut.contains("not whole"), "{cut}");
    let fewer = refused(|folder| {
        manifest(folder, |text| {
            let lines: Vec<&str> = text.lines().filter(|line| !line.contains("ssh-3")).collect();
            lines.join("\n") + "\n"
        });
    });
    assert!(fewer.contains("not whole"), "{fewer}");
    let out = refused(|folder| {
        manifest(folder, |text| {
            text.replace("configuration/cluster.json", "../cluster.json")
        });
    });
    assert!(out.contains("damaged in line"), "{out}");
}

#[test]
fn a_manifest_made_by_somebody_without_the_password_is_refused() {
    let forged = refused(|folder| {
        manifest(folder, |text| {
            // Another time, and the digest that belongs to it: only the envelope does not.
            let (covered, tail) = text.trim_end().rsplit_once('\n').unwrap();
            let covered = format!("{}\n", covered.replace("\"at\":1800000000", "\"at\":1800000001"));
            let mut tail: serde_json::Value = serde_json::from_str(tail).unwrap();
            let digest = <sha2::Sha256 as sha2::Digest>::digest(covered.as_bytes());
            let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            tail["sha256"] = digits.into();
            format!("{covered}{tail}\n")
        });
    });
    assert!(
        forged.contains("the password is wrong, or the backup was changed"),
        "{forged}"
    );
}

#[test]
fn a_later_layout_a_wrong_password_and_a_full_folder_are_refused() {
    let (runtime, root, there, work) = (runtime(), scratch(), scratch(), scratch());
    let shelf = Faulty::shelf(there.path(), &Power::cut_before(usize::MAX), &runtime);
    tree(root.path());
    let made = make(&shelf, root.path(), work.path(), NOW).unwrap();
    let backup = ("sps-1", made.name.as_str());
    let later = inspect(&shelf, backup, &password(), LAYOUT - 1, work.path()).unwrap_err();
    let source = std::error::Error::source(&later).unwrap().to_string();
    assert!(
        source.contains("of layout 5 (firmware 7.0.0)") && source.contains("upgrade first"),
        "{source}"
    );
    let other = Secret::from("incorrect horse battery".to_owned());
    assert!(matches!(
        inspect(&shelf, backup, &other, LAYOUT, work.path()),
        Err(BackupError::Open { .. })
    ));
    let back = scratch();
    inspect(&shelf, backup, &password(), LAYOUT, work.path()).unwrap();
    fs::create_dir_all(back.path().join("configuration")).unwrap();
    fs::write(back.path().join("configuration/cluster.json"), "mine").unwrap();
    let full = restore(
        &shelf,
        backup,
        back.path(),
        work.path(),
        &|_| true,
        &mut |_, _| true,
    );
    assert!(matches!(full, Err(BackupError::File { .. })));
    let asked = Cell::new(0);
    let empty = scratch();
    let stopped = restore(
        &shelf,
        backup,
        empty.path(),
        work.path(),
        &|_| true,
        &mut |_, _| {
            asked.set(asked.get() + 1);
            asked.get() < 3
        },
    );
    assert!(matches!(stopped, Err(BackupError::Stopped)));
}
