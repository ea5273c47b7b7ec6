//! What is kept of a Test, and what it is worth.

use std::fs;

use sps_firmware::{FirmwareError, MAX_REPORT, TestRecord};
use sps_firmware_engine::Refusal;

use crate::appliance::{REVISION, add, boot, installed, passed, slot};
use crate::forge;

#[test]
fn a_firmware_is_activated_only_after_its_test() {
    let disk = installed();
    let appliance = boot(&disk).up();
    let firmware = &appliance.firmware;
    add(firmware, &forge::version(2)).unwrap();
    let refused = |revision| match firmware.activate(slot(2), revision) {
        Err(FirmwareError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(REVISION), Refusal::NotTested { .. }));
    let test = passed(firmware, slot(2)).unwrap();
    let failed = TestRecord {
        passed: false,
        ..test.clone()
    };
    firmware.keep_test(failed).unwrap();
    assert!(matches!(refused(REVISION), Refusal::TestFailed { .. }));
    firmware.keep_test(test.clone()).unwrap();
    assert!(matches!(refused(REVISION + 1), Refusal::TestOutdated { .. }));
    assert_eq!(firmware.tests(), [test], "the last of each firmware");
    firmware.activate(slot(2), REVISION).unwrap();
}

#[test]
fn a_test_is_kept_over_a_restart_and_goes_with_its_firmware() {
    let disk = installed();
    let appliance = boot(&disk).up();
    add(&appliance.firmware, &forge::version(2)).unwrap();
    let of = |number| passed(&appliance.firmware, slot(number)).unwrap();
    let (running, added) = (of(1), of(2));
    appliance.firmware.keep_test(added.clone()).unwrap();
    drop(appliance);
    let appliance = boot(&disk).up();
    assert_eq!(appliance.firmware.tests(), [added]);
    appliance.firmware.delete(slot(2)).unwrap();
    appliance.firmware.keep_test(running.clone()).unwrap();
    assert_eq!(appliance.firmware.tests(), [running]);
}

#[test]
fn a_report_is_bounded_and_a_damaged_list_counts_as_absent() {
    let disk = installed();
    let appliance = boot(&disk).up();
    let test = passed(&appliance.firmware, slot(1)).unwrap();
    let most = TestRecord {
        report: "\u{1}".repeat(MAX_REPORT),
        ..test.clone()
    };
    appliance.firmware.keep_test(most.clone()).unwrap();
    assert_eq!(
        appliance.firmware.tests(),
        [most],
        "escaped it is six times as long"
    );
    let longer = TestRecord {
        report: "x".repeat(MAX_REPORT + 1),
        ..test
    };
    assert!(appliance.firmware.keep_test(longer).is_err());
    fs::write(
        disk.state().join("boot/tests.json"),
        "{\"format\": 1, \"tests\": [{}]}",
    )
    .unwrap();
    assert_eq!(appliance.firmware.tests(), []);
}

#[test]
fn only_what_the_manifest_names_is_handed_out() {
    let disk = installed();
    let appliance = boot(&disk).up();
    add(&appliance.firmware, &forge::version(2)).unwrap();
    let told = |number| appliance.firmware.testable(slot(number)).unwrap_err().to_string();
    assert!(told(3).contains("slot 3 is empty"), "{}", told(3));
    // The forged firmware's root file system is none.
    assert!(told(2).contains("initramfs.zst"), "{}", told(2));
    let file = appliance.mounted.path().join("slots/2/initramfs.zst");
    let mut content = fs::read(&file).unwrap();
    content[9] ^= 1;
    fs::write(&file, content).unwrap();
    assert!(told(2).contains("initramfs.zst was changed"), "{}", told(2));
}
