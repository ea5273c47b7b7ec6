//! Upgrades from start to end.

use std::time::Duration;

use sps_firmware::{Commit, FirmwareError};
use sps_firmware_engine::grub::Menu;
use sps_firmware_engine::{BootOutcome, Cause, CommitDue, Reaction, Refusal, Rescue, SlotState};
use sps_image::boot_control::SIZE;

use crate::appliance::{
    PERIOD, activate, add, boot, boot_watched, expected_names, installed, names_in, slot,
};
use crate::{forge, grub};

use SlotState::{Committed, Empty, Failed, Healthy, Staged, Trying};

#[test]
fn an_upgrade_is_tried_and_committed_after_its_time() {
    let disk = installed();
    let old = boot(&disk).up();
    assert_eq!(old.states(), [Committed, Empty, Empty, Empty]);
    let added = add(&old.firmware, &forge::version(2)).unwrap();
    assert_eq!(
        (added.slot, added.version.to_string().as_str()),
        (slot(2), "1.2.0")
    );
    assert_eq!(names_in(&old.mounted, 2), expected_names());
    assert_eq!(old.states(), [Committed, Staged, Empty, Empty]);
    activate(&old.firmware, slot(2)).unwrap();
    let status = old.firmware.status(Duration::ZERO, PERIOD).unwrap();
    assert_eq!(
        (status.current, status.after_reboot),
        (Some(slot(1)), Some(slot(2)))
    );
    assert_eq!(status.after_reboot_version, Some(added.version));
    // What GRUB reads while the file system is still mounted is what it reads after a power cut.
    let (boot_image, cut) = (disk.boot(), disk.copy());
    assert!(grub::is_whole(&boot_image, slot(2)), "GRUB does not see the slot");
    assert_eq!(grub::start(&cut, Menu::Normal), (slot(2), None));
    drop(old);

    let new = boot(&disk);
    assert_eq!(new.states(), [Committed, Trying(2), Empty, Empty]);
    assert!(new.firmware.status(Duration::ZERO, PERIOD).unwrap().on_trial);
    assert_eq!(new.firmware.after_storage_failure(), Reaction::Reboot);
    assert_eq!(new.begin().outcome, BootOutcome::Normal { trying: true });
    let new = new.up();
    assert_eq!(new.states(), [Committed, Healthy, Empty, Empty]);
    let status = new.firmware.status(Duration::from_secs(60), PERIOD).unwrap();
    assert_eq!(
        (status.current, status.after_reboot),
        (Some(slot(2)), Some(slot(2)))
    );
    assert_eq!(status.commit, Commit::InSeconds(PERIOD.as_secs()));
    let due = new.firmware.tick(Duration::from_secs(60 + 1800), PERIOD).unwrap();
    assert_eq!(due, CommitDue::In(Duration::from_secs(1800)));
    drop(new);

    // Half of the time is over; it is counted on after a reboot.
    let again = boot(&disk).up();
    assert_eq!(again.slot, slot(2));
    let uptime = |seconds: u64| Duration::from_secs(60 + seconds);
    let due = again.firmware.tick(uptime(1799), PERIOD).unwrap();
    assert_eq!(due, CommitDue::In(Duration::from_secs(1)));
    assert_eq!(again.firmware.tick(uptime(1800), PERIOD).unwrap(), CommitDue::Now);
    assert_eq!(again.states(), [Staged, Committed, Empty, Empty]);
    assert_eq!(
        again.firmware.tick(uptime(1801), PERIOD).unwrap(),
        CommitDue::Never
    );
}

#[test]
fn a_firmware_that_never_gets_healthy_is_left_and_refused_until_it_is_forgotten() {
    let disk = installed();
    let old = boot(&disk).up();
    let image = forge::version(2);
    let added = add(&old.firmware, &image).unwrap();
    activate(&old.firmware, slot(2)).unwrap();
    drop(old);
    for left in [2, 1, 0] {
        let bad = boot(&disk);
        assert_eq!((bad.slot, bad.rescue), (slot(2), None));
        assert_eq!(bad.states()[1], Trying(left));
        bad.begin();
        bad.firmware.phase("disks", 1_700_000_200).unwrap();
        bad.firmware.phase("services", 1_700_000_300).unwrap();
        bad.firmware
            .problem("the web is not ready", 1_700_000_600)
            .unwrap();
    }
    let back = boot(&disk);
    assert_eq!((back.slot, back.rescue), (slot(1), None));
    let BootOutcome::RolledBack(rollback) = back.begin().outcome else {
        panic!("no rollback")
    };
    assert_eq!(rollback.cause, Cause::TriesUsed);
    let back = back.up();
    assert_eq!(back.states(), [Committed, Failed, Empty, Empty]);
    let status = back.firmware.status(Duration::ZERO, PERIOD).unwrap();
    let last = status.last_rollback.unwrap();
    assert_eq!(last.version.unwrap().to_string(), "1.2.0");
    assert_eq!(last.phase.as_deref(), Some("services"));
    assert_eq!(last.problem.as_deref(), Some("the web is not ready"));
    assert_eq!(
        (last.log.as_str(), last.kernel.as_str()),
        ("the end of the log", "Kernel panic")
    );
    assert_eq!(
        status.failed[0].reason,
        "it did not become healthy in any of its starts; it got to: services"
    );
    let refused = |result: Result<(), FirmwareError>| match result {
        Err(FirmwareError::Refused(refusal @ Refusal::FailedBefore { .. })) => refusal,
        other => panic!("{other:?}"),
    };
    refused(activate(&back.firmware, slot(2)));
    refused(add(&back.firmware, &image).map(|_| ()));
    back.firmware.forget(added.digest).unwrap();
    activate(&back.firmware, slot(2)).unwrap();
    drop(back);
    assert_eq!(boot(&disk).slot, slot(2));
}

/// It panicked before it could keep a log; the last one on disk is of the firmware that staged it.
#[test]
fn a_failed_firmware_is_not_told_by_the_log_of_another() {
    let disk = installed();
    let old = boot(&disk).up();
    add(&old.firmware, &forge::version(2)).unwrap();
    activate(&old.firmware, slot(2)).unwrap();
    drop(old);
    for _ in 0..3 {
        assert_eq!(boot(&disk).slot, slot(2));
    }
    let back = boot(&disk);
    assert_eq!(back.slot, slot(1));
    back.begin_after(slot(1), "services stopped");
    let last = back.up().firmware.status(Duration::ZERO, PERIOD).unwrap();
    let last = last.last_rollback.unwrap();
    assert_eq!((last.phase, last.log.as_str()), (None, ""));
    assert_eq!(last.kernel, "Kernel panic");
}

#[test]
fn going_back_and_forth_by_choice() {
    let disk = installed();
    let old = boot(&disk).up();
    add(&old.firmware, &forge::version(2)).unwrap();
    activate(&old.firmware, slot(2)).unwrap();
    drop(old);
    let new = boot(&disk).up();
    new.firmware.rollback().unwrap();
    assert_eq!(new.states(), [Committed, Staged, Empty, Empty]);
    drop(new);
    let old = boot(&disk).up();
    assert_eq!(old.slot, slot(1));
    assert_eq!(
        old.firmware.status(Duration::ZERO, PERIOD).unwrap().last_rollback,
        None
    );
    activate(&old.firmware, slot(2)).unwrap();
    drop(old);
    let new = boot(&disk).up();
    assert_eq!(new.slot, slot(2));
    new.firmware.commit().unwrap();
    assert_eq!(new.states(), [Staged, Committed, Empty, Empty]);
    new.firmware.delete(slot(1)).unwrap();
    assert_eq!(new.states(), [Empty, Committed, Empty, Empty]);
    assert_eq!(names_in(&new.mounted, 1), Vec::<String>::new());
}

#[test]
fn three_failed_starts_of_the_committed_firmware_end_in_rescue_mode_and_a_person_leaves_it() {
    let disk = installed();
    for _ in 0..3 {
        let bad = boot(&disk);
        assert_eq!(bad.rescue, None);
        bad.begin();
        assert_eq!(bad.firmware.after_storage_failure(), Reaction::Rescue);
    }
    let before = disk.copies();
    let rescue = boot(&disk);
    assert_eq!((rescue.slot, rescue.rescue), (slot(1), Some(Rescue::Tries)));
    assert_eq!(rescue.begin().outcome, BootOutcome::Rescue(Rescue::Tries));
    rescue.firmware.phase("network", 1).unwrap();
    rescue.firmware.healthy(Duration::from_secs(9)).unwrap();
    assert_eq!(disk.copies(), before, "rescue mode changed the boot control");
    assert!(
        !disk.state().join("boot/attempt.json").exists(),
        "rescue mode wrote to state"
    );
    rescue.firmware.normal_boot().unwrap();
    drop(rescue);
    let normal = boot(&disk).up();
    assert_eq!((normal.rescue, normal.states()[0]), (None, Committed));
    let menu = {
        drop(normal);
        boot_watched(&disk, Menu::Rescue, &sps_firmware::Steps::default())
    };
    assert_eq!(menu.rescue, Some(Rescue::Menu));
}

#[test]
fn one_bad_copy_is_mended_and_two_are_rebuilt_from_state() {
    let disk = installed();
    let old = boot(&disk).up();
    add(&old.firmware, &forge::version(2)).unwrap();
    drop(old);
    for damaged in 0..2 {
        let mut copies = disk.copies();
        copies[damaged] = [0xff; SIZE];
        disk.write_copies(copies);
        let appliance = boot(&disk);
        assert_eq!(appliance.rescue, None);
        let problems = appliance.begin().problems;
        assert!(
            problems.iter().any(|problem| problem.contains("boot control")),
            "{problems:?}"
        );
        let copies = disk.copies();
        assert_eq!(copies[0], copies[1]);
        appliance.up();
    }
    disk.write_copies([[0xff; SIZE]; 2]);
    let appliance = boot(&disk);
    assert_eq!(appliance.rescue, Some(Rescue::Control));
    let started = appliance.begin();
    assert_eq!(started.outcome, BootOutcome::Rebuilt);
    assert!(started.reboot);
    drop(appliance);
    let appliance = boot(&disk);
    assert_eq!((appliance.slot, appliance.rescue), (slot(1), None));
    drop(appliance);
    // Lost again before anything was healthy: not rebuilt in a circle.
    disk.write_copies([[0; SIZE]; 2]);
    let appliance = boot(&disk);
    let started = appliance.begin();
    assert_eq!(started.outcome, BootOutcome::Rescue(Rescue::Control));
    assert!(!started.reboot);
    appliance.firmware.normal_boot().unwrap();
    drop(appliance);
    let appliance = boot(&disk).up();
    assert_eq!((appliance.slot, appliance.rescue), (slot(1), None));
    assert!(!disk.state().join("boot/control-rebuilt.json").exists());
}
