//! Whatever stops it, the next start finds the whole old database in one place and no log of it in the other.

use sps_durable::simulation::{CrashDisk, Unsynced};

use super::*;

fn disk() -> CrashDisk {
    let disk = CrashDisk::default();
    let mut medium: Box<dyn Medium> = Box::new(disk.clone());
    for file in FILES {
        medium.write(file, file.as_bytes()).unwrap();
        medium.sync(file).unwrap();
    }
    medium.sync_folder("").unwrap();
    disk
}

fn content(disk: &CrashDisk, folder: &str) -> Vec<String> {
    let there = disk.list(folder).unwrap();
    let names = FILES
        .iter()
        .filter(|file| there.iter().any(|name| name == **file));
    names.map(ToString::to_string).collect()
}

#[test]
fn a_power_cut_at_any_step_never_leaves_half_a_database_to_be_used() {
    let mut cuts = 0;
    for steps in 0.. {
        let disk = disk();
        disk.fail_after(steps);
        let ended = put_aside(&mut disk.clone(), "page 7", 1_000);
        for names in 0..=disk.journal_length() {
            for unsynced in [Unsynced::Kept, Unsynced::Half, Unsynced::Lost] {
                let left = disk.after_cut(names, unsynced);
                let aside = resume(&mut left.clone()).unwrap();
                let (old, new) = (content(&left, ""), content(&left, "damaged-1000"));
                if aside.databases.is_empty() {
                    assert_eq!((old.len(), new.len()), (3, 0), "{steps} {names} {unsynced:?}");
                } else {
                    assert_eq!((old.len(), new.len()), (0, 3), "{steps} {names} {unsynced:?}");
                    assert_eq!(aside.databases[0].why, "page 7");
                }
                cuts += 1;
            }
        }
        if ended.is_ok() {
            break;
        }
    }
    assert!(cuts > 60, "{cuts}");
}

#[test]
fn a_second_one_gets_its_own_folder_and_reading_all_forgets_both() {
    let disk = disk();
    let mut medium = disk.clone();
    put_aside(&mut medium, "first", 1_000).unwrap();
    medium.write(SESSIONS, b"new").unwrap();
    let aside = put_aside(&mut medium, "second", 1_000).unwrap();
    let folders: Vec<_> = aside.databases.iter().map(|one| one.folder.as_str()).collect();
    assert_eq!(folders, ["damaged-1000", "damaged-1001"]);
    assert_eq!(content(&disk, "damaged-1001"), [SESSIONS]);
    read_all(&mut medium).unwrap();
    assert_eq!(resume(&mut medium).unwrap(), Aside::default());
    assert_eq!(content(&disk, "damaged-1000").len(), 3, "the files stay");
}

#[test]
fn a_damaged_note_says_what_to_do() {
    let disk = disk();
    let mut medium = disk.clone();
    medium.write(NOTE, b"{").unwrap();
    let said = resume(&mut medium).unwrap_err().to_string();
    assert!(
        said.contains("salvage.json") && said.contains("remove it when"),
        "{said}"
    );
}
