//! The harness against QEMU itself: a boot sector stands in for the firmware, so that these tests need no
//! kernel and take a second each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sps_harness::{Bus, Disk, Guest, Kind, Machine, Nic, Testbed, WriteLog};

const SOON: Duration = Duration::from_secs(60);

/// Assembles the boot sector and lays it on a disk of 1 MiB.
fn boot_disk(folder: &Path) -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guest/echo.S");
    let (object, binary, disk) = (
        folder.join("echo.o"),
        folder.join("echo.bin"),
        folder.join("disk.img"),
    );
    let assembled = Command::new("as")
        .arg("--32")
        .arg("-o")
        .arg(&object)
        .arg(source)
        .status()?;
    ensure!(assembled.success(), "as failed (Debian package binutils)");
    let copied = Command::new("objcopy")
        .args(["-O", "binary", "-j", ".text"])
        .args([&object, &binary])
        .status()
        .context("objcopy (Debian package binutils)")?;
    ensure!(copied.success(), "objcopy failed");
    let mut image = fs::read(&binary)?;
    ensure!(image.len() == 512, "the boot sector has {} bytes", image.len());
    image.resize(1 << 20, 0);
    fs::write(&disk, image)?;
    Ok(disk)
}

fn boot(bed: &Testbed, machine: impl FnOnce(Machine) -> Machine) -> Result<Guest> {
    let disk = Disk::new(boot_disk(bed.files())?, Bus::Ahci);
    let guest = bed.start("echo", machine(Machine::new().memory(32).disk(disk)))?;
    guest.expect("ready", SOON)?;
    Ok(guest)
}

#[test]
fn a_guest_talks_reboots_and_powers_off() -> Result<()> {
    Testbed::run("harness-talks", 1, |bed| {
        let mut guest = boot(bed, |machine| machine)?;
        guest.serial().send("x")?;
        guest.expect("<x>", SOON)?;
        guest.serial().send("r")?;
        guest.qmp().wait_event("RESET", SOON)?;
        guest.expect("ready", SOON)?;
        guest.reset()?;
        guest.expect("ready", SOON)?;
        let picture = bed.files().join("screen.png");
        guest.screenshot(&picture)?;
        ensure!(fs::read(picture)?.starts_with(b"\x89PNG"));
        guest.serial().send("p")?;
        ensure!(guest.wait_exit(SOON)?.success());
        Ok(())
    })
}

#[test]
fn a_reboot_ends_a_guest_that_may_not_reboot() -> Result<()> {
    Testbed::run("harness-no-reboot", 1, |bed| {
        let mut guest = boot(bed, Machine::no_reboot)?;
        guest.serial().send("r")?;
        let event = guest.qmp().wait_event("SHUTDOWN", SOON)?;
        ensure!(event["data"]["reason"] == "guest-reset", "{event}");
        ensure!(guest.wait_exit(SOON)?.success());
        Ok(())
    })
}

#[test]
fn a_paused_guest_says_nothing_and_a_cut_one_is_gone() -> Result<()> {
    Testbed::run("harness-power-cut", 1, |bed| {
        let guest = boot(bed, |machine| machine)?;
        guest.pause()?;
        guest.serial().send("x")?;
        ensure!(guest.expect("<x>", Duration::from_millis(300)).is_err());
        guest.resume()?;
        guest.expect("<x>", SOON)?;
        guest.cut_power()
    })
}

#[test]
fn forwarded_ports_are_told_and_cables_are_pulled() -> Result<()> {
    Testbed::run("harness-ports", 1, |bed| {
        let guest = boot(bed, |machine| {
            machine
                .nic(Nic::user().dead())
                .nic(Nic::user().forward(80).forward(443))
        })?;
        ensure!(guest.address(80)? != guest.address(443)?);
        ensure!(guest.address(80)?.ip().is_loopback());
        ensure!(guest.address(22).is_err());
        let network = guest.qmp().monitor("info network")?;
        ensure!(network.contains("nic0") && network.contains("nic1"), "{network}");
        guest.set_link(1, false)?;
        ensure!(guest.set_link(7, false).is_err());
        Ok(())
    })
}

#[test]
fn a_failed_story_keeps_its_logs_and_says_where() -> Result<()> {
    let mut logs = PathBuf::new();
    let story = Testbed::run("harness-failure", 1, |bed| {
        logs = bed.logs().to_owned();
        let _guest = boot(bed, |machine| machine)?;
        anyhow::bail!("as intended")
    });
    let message = format!("{:#}", story.expect_err("the story fails"));
    ensure!(
        message.contains("as intended") && message.contains("guest-logs/harness-failure"),
        "{message}"
    );
    for file in ["serial.log", "qmp.log", "qemu.log", "screen.png"] {
        ensure!(logs.join("1-echo").join(file).exists(), "{file} was not kept");
    }
    fs::remove_dir_all(logs)?;
    Ok(())
}

#[test]
fn a_machine_qemu_refuses_is_an_error_with_its_words() -> Result<()> {
    Testbed::run("harness-refused", 1, |bed| {
        let guest = bed.start(
            "echo",
            Machine::new().disk(Disk::new("/no/such/disk", Bus::Virtio)),
        );
        let message = format!("{:#}", guest.expect_err("there is no such disk"));
        ensure!(message.contains("/no/such/disk"), "{message}");
        Ok(())
    })
}

#[test]
fn a_recorded_disk_is_replayed_write_by_write() -> Result<()> {
    Testbed::run("harness-record", 1, |bed| {
        let image = boot_disk(bed.files())?;
        let (before, log) = (bed.files().join("before.img"), bed.files().join("writes.log"));
        fs::copy(&image, &before)?;
        fs::write(&log, [])?;
        let disk = Disk::new(&image, Bus::Ahci).recorded_to(&log);
        let guest = bed.start("echo", Machine::new().memory(32).disk(disk))?;
        guest.expect("ready", SOON)?;
        for _ in 0..3 {
            guest.serial().send("w")?;
            guest.expect("written", SOON)?;
        }
        guest.cut_power()?;
        let log = WriteLog::open(&log)?;
        let writes: Vec<_> = log
            .entries()
            .iter()
            .map(|entry| (entry.kind, entry.offset))
            .collect();
        ensure!(
            writes == [(Kind::Write, 512), (Kind::Write, 1024), (Kind::Write, 1536)],
            "{writes:?}"
        );
        log.replay(&before, 0..2)?;
        ensure!(sector(&before, 2)? == [2; 512] && sector(&before, 3)? == [0; 512]);
        log.replay(&before, 2..3)?;
        ensure!(fs::read(&before)? == fs::read(&image)?);
        Ok(())
    })
}

fn sector(image: &Path, number: usize) -> Result<Vec<u8>> {
    Ok(fs::read(image)?[number * 512..][..512].to_vec())
}
