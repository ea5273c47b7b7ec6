//! Disks whose partition table or data is damaged, and a disk that is there twice: what can be mended is mended, what
//! cannot is told, and nothing is written over in silence.

use anyhow::{Result, ensure};
use sps_boot_tests::{BOOT, Installed, Operator, PASSWORD, SOON, one_line, power_off};
use sps_harness::{Firmware, FirmwareKind, Testbed};
use sps_image::disk::layout::{BACKUP_BLOCKS, BLOCK, Part};
use sps_image::source::Extent;

/// The header of the primary table.
const HEADER: Extent = Extent {
    offset: BLOCK,
    size: BLOCK,
};
/// Its entries.
const ENTRIES: Extent = Extent {
    offset: 2 * BLOCK,
    size: (BACKUP_BLOCKS - 1) * BLOCK,
};

/// The whole backup table.
fn backup(disk: &Installed) -> Result<Extent> {
    let end = disk.path().metadata()?.len();
    let size = BACKUP_BLOCKS * BLOCK;
    Ok(Extent {
        offset: end - size,
        size,
    })
}

/// GRUB reads the primary alone. Without it, it finds the partitions by their places; the appliance mends the table and starts again.
#[test]
fn a_damaged_partition_table_is_mended_under_bios() -> Result<()> {
    Testbed::run("table-bios", 1, |bed| {
        let disk = Installed::used(bed)?;
        for places in [&[HEADER, ENTRIES][..], &[ENTRIES]] {
            for place in places {
                disk.spoil(*place)?;
            }
            let guest = bed.start("damaged", disk.machine())?;
            guest.expect("Rescue mode: table", BOOT)?;
            guest.expect("disk vda: one copy of the partition table was damaged", BOOT)?;
            guest.expect("the partition table was mended: starting again", SOON)?;
            guest.qmp().wait_event("RESET", SOON)?;
            guest.expect("Starting slot 1", BOOT)?;
            guest.expect("the firmware is healthy", BOOT)?;
            power_off(guest)?;
            ensure!(!disk.table()?.needs_mending(), "the table is still damaged");
        }
        Ok(())
    })
}

/// The firmware of the machine mends the table before GRUB reads it, or the appliance does.
#[test]
fn a_damaged_partition_table_is_mended_under_uefi() -> Result<()> {
    Testbed::run("table-uefi", 1, |bed| {
        let disk = Installed::used(bed)?;
        let machine = || disk.machine().firmware(FirmwareKind::Uefi);
        disk.spoil(HEADER)?;
        disk.spoil(ENTRIES)?;
        let guest = bed.start("primary", machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        power_off(guest)?;
        ensure!(!disk.table()?.needs_mending(), "the primary is still damaged");

        disk.spoil(backup(&disk)?)?;
        let guest = bed.start("backup", machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        power_off(guest)?;
        ensure!(!disk.table()?.needs_mending(), "the backup is still damaged");
        Ok(())
    })
}

/// With both copies gone the firmware still starts under BIOS and says what to do; the medium makes a new table, and state
/// and data are what they were.
#[test]
fn with_both_partition_tables_lost_state_and_data_are_kept() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("table-both", 1, |bed| {
        let disk = Installed::used(bed)?;
        let uuid = disk.superblock(Part::Data, "Filesystem UUID")?;
        for place in [HEADER, ENTRIES, backup(&disk)?] {
            disk.spoil(place)?;
        }
        let guest = bed.start("damaged", disk.machine())?;
        guest.expect("Rescue mode: table", BOOT)?;
        let person = Operator::greeted(&guest)?;
        person.command_line()?;
        let told = one_line(&person.run("status")?);
        for words in [
            "vda: both copies of the partition table are damaged",
            "keep the data",
        ] {
            ensure!(told.contains(words), "{told}");
        }
        guest.https()?.get("/")?;
        guest.cut_power()?;

        let guest = bed.start("medium", disk.machine().cd(firmware.iso()))?;
        Operator::greeted(&guest)?.install_and_keep("vda", "its partition table is damaged")?;
        guest.cut_power()?;
        ensure!(!disk.table()?.needs_mending(), "the table is still damaged");
        ensure!(
            disk.superblock(Part::Data, "Filesystem UUID")? == uuid,
            "data is another"
        );

        let guest = bed.start("mended", disk.machine().firmware(FirmwareKind::Uefi))?;
        guest.expect("the firmware is healthy", BOOT)?;
        Operator::known(&guest, PASSWORD).map(drop)
    })
}

/// A copy of the appliance's own disk in the same machine: neither is used until one is taken out.
#[test]
fn two_disks_with_one_identity_are_not_mixed() -> Result<()> {
    Testbed::run("twins", 1, |bed| {
        let disk = Installed::used(bed)?;
        let copy = disk.copy("copy")?;
        let guest = bed.start("twins", disk.machine().disk(copy.disk()))?;
        guest.expect("rescue mode: the phase disk failed", BOOT)?;
        let person = Operator::greeted(&guest)?;
        person.command_line()?;
        let told = one_line(&person.run("status")?);
        let words = "vda and vdb have the same identity: one is a copy of the other; detach the copy";
        ensure!(told.contains(words), "{told}");
        guest.https()?.get("/")?;
        power_off(guest)?;
        for part in [Part::Boot, Part::State, Part::Meta, Part::Data] {
            let same = disk.is_same(&copy, disk.partition(part)?)?;
            ensure!(same, "{part:?} of one of the disks was changed");
        }
        let guest = bed.start("alone", copy.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        Operator::known(&guest, PASSWORD).map(drop)
    })
}

/// The content of `data` is gone: everything else works, and nothing is formatted.
#[test]
fn a_lost_data_is_told_and_not_formatted() -> Result<()> {
    Testbed::run("data-lost", 1, |bed| {
        let disk = Installed::used(bed)?;
        let data = disk.partition(Part::Data)?;
        disk.clear(data)?;
        degraded(bed, &disk, "there is no file system on /dev/drbd0 any more")?;
        ensure!(disk.is_clear(data)?, "something was written to data");
        Ok(())
    })
}

/// What replication knows of `data` is gone: the data itself is not touched.
#[test]
fn lost_replication_metadata_is_told_and_not_made_anew() -> Result<()> {
    Testbed::run("meta-lost", 1, |bed| {
        let disk = Installed::used(bed)?;
        let (meta, before) = (disk.partition(Part::Meta)?, disk.copy("before")?);
        disk.clear(meta)?;
        degraded(bed, &disk, "the replicated device of data is not available")?;
        ensure!(disk.is_clear(meta)?, "metadata was made");
        let same = disk.is_same(&before, disk.partition(Part::Data)?)?;
        ensure!(same, "data was changed");
        Ok(())
    })
}

/// Boots; the appliance says why `data` is not there, and console and boot page work.
fn degraded(bed: &Testbed, disk: &Installed, reason: &str) -> Result<()> {
    let guest = bed.start("damaged", disk.machine())?;
    guest.expect(&format!("service data.*{reason}"), BOOT)?;
    guest.expect("press Enter on the console for the menu", SOON)?;
    let person = Operator::log_in(&guest)?;
    person.command_line()?;
    let told = one_line(&person.run("status")?);
    ensure!(told.contains(reason), "{told}");
    let page = guest.https()?.json("/api/boot/status")?;
    ensure!(page["body"]["health"] != "healthy", "{page}");
    ensure!(page.to_string().contains(reason), "{page}");
    ensure!(!guest.serial().said("data is mounted")?, "data was mounted");
    power_off(guest)
}
