//! Rubbish in the folder of the slots: nothing outside is touched, nothing rubbish counts as firmware, and a slot is
//! usable again after it was deleted.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sps_firmware::FirmwareError;
use sps_firmware_engine::Refusal;
use sps_firmware_engine::SlotState::{Committed, Empty, Failed, Staged};

use crate::appliance::{activate, add, boot, installed, names_in, slot};
use crate::forge;

/// A folder outside with a file that must stay.
fn treasure() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("manifest.sig"), "mine").unwrap();
    fs::write(folder.path().join("vmlinuz"), "mine").unwrap();
    folder
}

fn untouched(treasure: &Path) {
    for name in ["manifest.sig", "vmlinuz"] {
        assert_eq!(fs::read_to_string(treasure.join(name)).unwrap(), "mine");
    }
}

#[test]
fn what_is_no_slot_is_empty_and_cleaned_at_the_next_start() {
    let disk = installed();
    let treasure = treasure();
    let mounted = disk.mount();
    let slots = mounted.path().join("slots");
    symlink(treasure.path(), slots.join("2")).unwrap();
    fs::write(slots.join("3"), "a file").unwrap();
    fs::create_dir_all(slots.join("4/a/b/c")).unwrap();
    symlink(treasure.path(), slots.join("4/a/out")).unwrap();
    fs::write(slots.join("failed.json"), "rubbish").unwrap();
    drop(mounted);
    let appliance = boot(&disk);
    assert_eq!(appliance.states(), [Committed, Empty, Empty, Empty]);
    let problems = appliance.begin().problems;
    assert!(
        problems.iter().any(|problem| problem.contains("failed.json")),
        "{problems:?}"
    );
    for number in [2, 3, 4] {
        assert!(!appliance.mounted.path().join(format!("slots/{number}")).exists());
    }
    untouched(treasure.path());
    let appliance = appliance.up();
    for minor in [2, 3, 4] {
        add(&appliance.firmware, &forge::version(minor)).unwrap();
    }
    assert_eq!(appliance.states(), [Committed, Staged, Staged, Staged]);
}

/// Spoils a slot; the second folder is one outside.
type Damage = fn(&Path, &Path);

/// Ways to spoil a staged slot, and what is said of it.
const DAMAGES: [(Damage, &str); 8] = [
    (
        |slot, _| fs::remove_file(slot.join("vmlinuz")).unwrap(),
        "vmlinuz is missing",
    ),
    (
        |slot, _| fs::write(slot.join("vmlinuz"), "short").unwrap(),
        "vmlinuz has 5 bytes",
    ),
    (
        |slot, _| fs::write(slot.join("manifest.json"), "{}").unwrap(),
        "cannot be read",
    ),
    (
        |slot, _| fs::write(slot.join("manifest.sig"), "x").unwrap(),
        "signature",
    ),
    (
        |slot, _| fs::write(slot.join("manifest.json"), vec![b' '; 1 << 20]).unwrap(),
        "longer",
    ),
    (
        |slot, out| {
            fs::remove_file(slot.join("vmlinuz")).unwrap();
            symlink(out.join("vmlinuz"), slot.join("vmlinuz")).unwrap();
        },
        "vmlinuz cannot be read",
    ),
    (
        |slot, out| {
            fs::remove_file(slot.join("manifest.sig")).unwrap();
            symlink(out.join("manifest.sig"), slot.join("manifest.sig")).unwrap();
        },
        "manifest.sig cannot be read",
    ),
    (
        |slot, _| {
            fs::remove_file(slot.join("sbom.json")).unwrap();
            let path = slot.join("sbom.json");
            crate::disk::run("mkfifo", &[path.to_str().unwrap()]);
        },
        "sbom.json cannot be read",
    ),
];

#[test]
fn a_damaged_slot_says_what_is_wrong_and_can_be_deleted() {
    let disk = installed();
    let treasure = treasure();
    let appliance = boot(&disk).up();
    for (damage, said) in DAMAGES {
        add(&appliance.firmware, &forge::version(2)).unwrap();
        damage(&appliance.mounted.path().join("slots/2"), treasure.path());
        let view = appliance.list().remove(1);
        assert_eq!(view.state, Failed, "{said}");
        assert!(view.problem.as_ref().unwrap().contains(said), "{said}: {view:?}");
        let error = activate(&appliance.firmware, slot(2));
        assert!(
            matches!(error, Err(FirmwareError::Refused(Refusal::Damaged { .. }))),
            "{error:?}"
        );
        appliance.firmware.delete(slot(2)).unwrap();
        assert_eq!(appliance.states()[1], Empty);
        untouched(treasure.path());
    }
}

#[test]
fn a_byte_that_rotted_is_noticed_before_the_slot_is_activated() {
    let disk = installed();
    let appliance = boot(&disk).up();
    add(&appliance.firmware, &forge::version(2)).unwrap();
    let kernel = appliance.mounted.path().join("slots/2/vmlinuz");
    let mut content = fs::read(&kernel).unwrap();
    content[1000] ^= 1;
    fs::write(&kernel, content).unwrap();
    assert_eq!(appliance.states()[1], Staged, "sizes alone do not tell");
    let error = activate(&appliance.firmware, slot(2)).unwrap_err();
    assert!(error.to_string().contains("vmlinuz was changed"), "{error}");
}

#[test]
fn the_folder_of_the_slots_itself_may_not_lead_away() {
    let disk = installed();
    let treasure = treasure();
    let mounted = disk.mount();
    fs::rename(mounted.path().join("slots"), mounted.path().join("away")).unwrap();
    symlink(treasure.path(), mounted.path().join("slots")).unwrap();
    let opened = crate::appliance::open(&disk, &mounted, slot(1), None, &sps_firmware::Steps::default());
    assert!(matches!(opened, Err(FirmwareError::SlotsFolder(_))), "{opened:?}");
    assert_eq!(names_in(&mounted, 1), Vec::<String>::new());
}

#[test]
fn records_that_cannot_be_read_do_not_stop_a_start() {
    let disk = installed();
    let state = disk.state().join("boot");
    fs::create_dir(&state).unwrap();
    for name in ["attempt.json", "last-rollback.json", "trial.json", "control.env"] {
        fs::write(state.join(name), "rubbish").unwrap();
    }
    let appliance = boot(&disk);
    let problems = appliance.begin().problems;
    assert!(
        problems.iter().any(|problem| problem.contains("attempt.json")),
        "{problems:?}"
    );
    let appliance = appliance.up();
    assert_eq!(appliance.states()[0], Committed);
    assert!(!state.join("attempt.json").exists());
}
