//! From a medium to an installed appliance, by a person at the serial line.

use anyhow::{Result, ensure};
use sps_boot_tests::{BOOT, Operator, SOON, machine, order_disc};
use sps_harness::{Bus, Disk, Firmware, FirmwareKind, Testbed};

/// Bytes of the disk that is installed to.
const DISK: u64 = 8 << 30;

#[test]
fn a_person_installs_and_the_disk_boots_under_bios() -> Result<()> {
    attended("install-bios", FirmwareKind::Bios, Bus::Virtio, "vda")
}

#[test]
fn a_person_installs_and_the_disk_boots_under_uefi() -> Result<()> {
    attended("install-uefi", FirmwareKind::Uefi, Bus::Nvme, "nvme0n1")
}

fn attended(name: &str, kind: FirmwareKind, bus: Bus, disk: &str) -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run(name, 1, |bed| {
        let blank = Disk::blank(bed.files().join("disk"), DISK, bus)?;
        let with_medium = machine().firmware(kind).cd(firmware.iso()).disk(blank.clone());
        let mut guest = bed.start("medium", with_medium.no_reboot())?;
        let person = Operator::greeted(&guest)?;
        person.choose("Install to a disk")?;
        person.expect("Install to which disk")?;
        person.expect("(?m)^Choice: ")?;
        person.choose(&format!("{disk}:"))?;
        person.expect("EVERYTHING ON THIS DISK WILL BE LOST")?;
        person.type_line("sda or so")?;
        person.expect("Nothing was changed")?;
        person.expect("(?m)^Choice: ")?;
        person.choose("Install to a disk")?;
        person.expect("(?m)^Choice: ")?;
        person.choose(&format!("{disk}:"))?;
        person.expect(&format!("Type {disk} to go on"))?;
        person.type_line(disk)?;
        person.expect("100 %")?;
        person.expect(r"(?s)Installed.*Choice: ")?;
        person.choose("Reboot now")?;
        ensure!(guest.wait_exit(SOON)?.success());

        let guest = bed.start("installed", machine().firmware(kind).disk(blank))?;
        guest.expect("first boot: Give the disk an identity", BOOT)?;
        guest.serial().expect_anywhere("data is mounted", BOOT)?;
        guest.serial().expect_anywhere("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        let version = firmware.release().version.to_string();
        person.run_and_see("status", &version)?;
        person.run_and_see("firmware list", "Committed")?;
        Ok(())
    })
}

/// An order on a second medium installs without anybody, and switches the machine off.
#[test]
fn an_order_on_a_second_medium_installs() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("install-unattended", 1, |bed| {
        let order = order_disc(
            &bed.files().join("order"),
            "after = \"poweroff\"\n\n[disk]\nonly = true\n",
        )?;
        let blank = Disk::blank(bed.files().join("disk"), DISK, Bus::Ahci)?;
        let with_order = machine().cd(firmware.iso()).tray(order).disk(blank.clone());
        let mut guest = bed.start("medium", with_order)?;
        guest.expect("installing on sda without a person", BOOT)?;
        ensure!(guest.wait_exit(BOOT)?.success());
        let guest = bed.start("installed", machine().disk(blank))?;
        guest.expect("the firmware is healthy", BOOT).map(drop)
    })
}
