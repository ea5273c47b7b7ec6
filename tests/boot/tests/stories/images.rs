//! Disks as `cargo xtask build-disk` makes them for hypervisors: each format boots, and a disk that was made larger is used
//! to its end.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Installed, Operator, SOON, machine, power_off};
use sps_harness::{Bus, Disk, DiskFormat, Firmware, FirmwareKind, Testbed};
use sps_image::disk::layout::Part;

/// Bytes of the disk that is made.
const DISK: u64 = 4 << 30;
/// Bytes of it when it was made larger.
const ENLARGED: u64 = 7 << 30;
/// What `data` has of them, at least.
const GROWN: u64 = 5 << 30;

#[test]
fn a_raw_disk_boots() -> Result<()> {
    boots("image-raw", DiskFormat::Raw, "raw", FirmwareKind::Uefi)
}

#[test]
fn a_qcow2_disk_boots() -> Result<()> {
    boots("image-qcow2", DiskFormat::Qcow2, "qcow2", FirmwareKind::Bios)
}

#[test]
fn a_vmdk_disk_boots() -> Result<()> {
    boots("image-vmdk", DiskFormat::Vmdk, "vmdk", FirmwareKind::Uefi)
}

#[test]
fn the_disk_of_an_ova_boots() -> Result<()> {
    boots("image-ova", DiskFormat::Ova, "vmdk", FirmwareKind::Bios)
}

/// Writes a disk in `format`, and boots it as QEMU's `driver` reads it.
fn boots(name: &str, format: DiskFormat, driver: &'static str, kind: FirmwareKind) -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run(name, 1, |bed| {
        let image = bed.files().join("image");
        firmware.install_as(format, &image, DISK, bed.files())?;
        let image = match format {
            DiskFormat::Ova => unpacked(&image, bed.files())?,
            _ => image,
        };
        run(
            Command::new("qemu-img").args(["check", "-f", driver]).arg(&image),
            driver != "raw",
        )?;
        let disk = writable(&image, driver, bed.files())?;
        let guest = bed.start("appliance", machine().firmware(kind).disk(disk))?;
        guest.expect("first boot: Give the disk an identity", BOOT)?;
        guest.expect("the firmware is healthy", BOOT)?;
        guest.serial().expect_anywhere("data is mounted", SOON)?;
        power_off(guest)
    })
}

/// The disk inside an OVA.
fn unpacked(ova: &Path, folder: &Path) -> Result<PathBuf> {
    run(
        Command::new("tar").arg("-xf").arg(ova).arg("-C").arg(folder),
        true,
    )?;
    let disks = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let mut disks = disks.filter(|path| path.extension().is_some_and(|kind| kind == "vmdk"));
    disks.next().context("there is no disk in the OVA")
}

/// The image with a layer above it that takes the writes: a stream-optimized disk takes none, hypervisors copy it on import.
fn writable(image: &Path, driver: &str, folder: &Path) -> Result<Disk> {
    let layer = folder.join("layer");
    run(
        Command::new("qemu-img")
            .args(["create", "-q", "-f", "qcow2", "-F", driver, "-b"])
            .arg(image)
            .arg(&layer),
        true,
    )?;
    Ok(Disk::new(layer, Bus::Virtio).format("qcow2"))
}

/// Runs a program, which has to succeed when it is `needed`: `qemu-img` has nothing to check in a raw disk.
fn run(command: &mut Command, needed: bool) -> Result<()> {
    let output = command.output()?;
    ensure!(!needed || output.status.success(), "{command:?}: {output:?}");
    Ok(())
}

/// A file on `data` outlives that the disk grows beneath it.
#[test]
fn a_disk_that_was_made_larger_is_used_to_its_end() -> Result<()> {
    Testbed::run("growth", 1, |bed| {
        let disk = Installed::used(bed)?;
        disk.put_on_data("kept", b"what people wrote")?;
        let uuid = disk.superblock(Part::Data, "Filesystem UUID")?;
        disk.enlarge(ENLARGED)?;
        let guest = bed.start("larger", disk.machine())?;
        guest.expect(
            &format!("disk vda has grown from {DISK} to {ENLARGED} bytes"),
            BOOT,
        )?;
        guest
            .serial()
            .expect_anywhere("the replicated device grows from", BOOT)?;
        guest.expect("the firmware is healthy", BOOT)?;
        Operator::log_in(&guest)?;
        power_off(guest)?;

        let found = disk.table()?;
        ensure!(!found.needs_mending() && found.table.disk_size() == ENLARGED);
        let room = found.table.entry(Part::Data)?.extent().size;
        ensure!(
            size_of_data(&disk)? > GROWN && size_of_data(&disk)? <= room,
            "data has {room}"
        );
        ensure!(
            disk.superblock(Part::Data, "Filesystem UUID")? == uuid,
            "data is another"
        );
        ensure!(disk.from_data("kept")? == b"what people wrote");
        let guest = bed.start("again", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        ensure!(!guest.serial().said("has grown from")?, "it grew again");
        Ok(())
    })
}

/// Bytes of the file system.
fn size_of_data(disk: &Installed) -> Result<u64> {
    let number = |name| -> Result<u64> { Ok(disk.superblock(Part::Data, name)?.parse()?) };
    Ok(number("Block count")? * number("Block size")?)
}
