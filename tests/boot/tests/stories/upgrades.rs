//! Firmware changed on an installed appliance: upgrades that succeed, upgrades that break in every way there is, and the
//! way back by choice.

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Operator, SOON, machine, one_line};
use sps_harness::{Bus, Disk, Firmware, FirmwareKind, Guest, Machine, Testbed};
use sps_image::build::repack::Changes;
use sps_image::version::Version;

/// Bytes of the disk.
const DISK: u64 = 4 << 30;

/// An installed appliance and a disc with the firmware that is to follow.
fn prepare(bed: &Testbed, kind: FirmwareKind, faults: &[&str]) -> Result<(Machine, Firmware)> {
    let firmware = Firmware::built()?;
    let path = bed.files().join("disk");
    firmware.install(&path, DISK, bed.files())?;
    let old = firmware.release().version;
    let next = Changes {
        version: Some(Version::new(old.major(), old.minor() + 1, 0)),
        faults: Some(faults.iter().map(|&fault| fault.to_owned()).collect()),
        ..Changes::default()
    };
    let next = firmware.repack(&next, &bed.files().join("next.iso"))?;
    let machine = machine().firmware(kind).disk(Disk::new(path, Bus::Virtio));
    Ok((machine.tray(next.iso()), next))
}

/// Adds the firmware on the disc, activates it and reboots.
fn upgrade(guest: &Guest, next: &Firmware) -> Result<()> {
    guest.expect("the firmware is healthy", BOOT)?;
    let person = Operator::log_in(guest)?;
    person.command_line()?;
    let version = next.release().version.to_string();
    person.run_and_see("firmware add /dev/sr0", &version)?;
    person.run_and_see("firmware list", "Staged")?;
    person.run_and_see("firmware activate 2", "test it first")?;
    person.test_and_activate(2)?;
    person.run_and_see("status", &version)?;
    person.type_line("reboot")?;
    guest.qmp().wait_event("RESET", SOON).map(drop)
}

#[test]
fn an_upgrade_is_tried_and_committed_under_bios() -> Result<()> {
    good("upgrade-bios", FirmwareKind::Bios)
}

#[test]
fn an_upgrade_is_tried_and_committed_under_uefi() -> Result<()> {
    good("upgrade-uefi", FirmwareKind::Uefi)
}

/// N to N+1 by upgrade, back by choice, N+1 again, commit.
fn good(name: &str, kind: FirmwareKind) -> Result<()> {
    Testbed::run(name, 1, |bed| {
        let (machine, next) = prepare(bed, kind, &[])?;
        let guest = bed.start("appliance", machine)?;
        upgrade(&guest, &next)?;
        guest.expect("this firmware is on trial", BOOT)?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        person.run_and_see("firmware list", "Healthy")?;
        person.run("firmware rollback")?;
        let person = person.restart_into(1)?;
        person.run_and_see("firmware list", "Staged")?;
        person.test_and_activate(2)?;
        let person = person.restart_into(2)?;
        person.run_and_see("firmware commit", "Committed")?;
        let list = person.run("firmware list --json")?;
        let json = &list[list.find('{').context("the answer is JSON")?..];
        let list: serde_json::Value = serde_json::from_str(json.trim()).context("the answer is JSON")?;
        ensure!(list.to_string().contains("committed"), "{list}");
        Ok(())
    })
}

/// What the status says of the log of a firmware that failed.
const LOG: &str = "its log ended with";
const NO_LOG: &str = "it ended before it could keep a log";

#[test]
fn a_firmware_whose_pid_1_panics_is_left() -> Result<()> {
    broken(
        "broken-panic-early",
        FirmwareKind::Bios,
        &["panic-pid1-early"],
        &[NO_LOG],
    )
}

/// UEFI variables keep what the kernel said last.
#[test]
fn a_firmware_whose_kernel_panics_is_left() -> Result<()> {
    let words = "Kernel panic - not syncing: Attempted to kill init";
    broken(
        "broken-kernel",
        FirmwareKind::Uefi,
        &["panic-kernel"],
        &[NO_LOG, words],
    )
}

#[test]
fn a_firmware_that_hangs_early_is_left() -> Result<()> {
    broken(
        "broken-hang-early",
        FirmwareKind::Bios,
        &["hang-early", "short-watchdog"],
        &[NO_LOG],
    )
}

#[test]
fn a_firmware_that_hangs_late_is_left() -> Result<()> {
    broken(
        "broken-hang-late",
        FirmwareKind::Uefi,
        &["never-healthy", "hang-starting", "short-watchdog"],
        &[LOG, "fault hang-starting: the supervisor stops here"],
    )
}

#[test]
fn a_firmware_whose_services_never_become_healthy_is_left() -> Result<()> {
    broken(
        "broken-services",
        FirmwareKind::Bios,
        &["never-healthy"],
        &[LOG, "never-healthy"],
    )
}

/// Three starts are taken, then the machine is back and says why, with all of `words`; the failed firmware is not taken again.
fn broken(name: &str, kind: FirmwareKind, faults: &[&str], words: &[&str]) -> Result<()> {
    Testbed::run(name, 1, |bed| {
        let (machine, next) = prepare(bed, kind, faults)?;
        let guest = bed.start("appliance", machine)?;
        upgrade(&guest, &next)?;
        for _ in 0..3 {
            guest.expect("Starting slot 2", BOOT)?;
            guest.qmp().wait_event("RESET", BOOT)?;
        }
        guest.expect("started from slot 1", BOOT)?;
        let version = next.release().version.to_string();
        guest.expect(
            &format!("rolled back from firmware {}", version.replace('.', r"\.")),
            BOOT,
        )?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        let status = person.run_and_see("status", "did not become healthy")?;
        let told = one_line(&status);
        for words in words {
            ensure!(told.contains(words), "no {words:?} in {status}");
        }
        ensure!(told.contains(LOG) != told.contains(NO_LOG), "{status}");
        // The boot that asked for the upgrade is another one.
        ensure!(!told.contains("firmware slot 2 boots next"), "{status}");
        person.run_and_see("firmware list", "Failed")?;
        let refused = person.run("firmware activate 2")?;
        ensure!(refused.contains("failed"), "{refused}");
        Ok(())
    })
}
