//! What outlives a new installation: state and data when they shall be kept. And the console password, which whoever has the
//! medium can reset.

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Installed, Operator, PASSWORD, SOON, power_off};
use sps_harness::{Firmware, Testbed};
use sps_image::disk::layout::Part;

/// Another password than [`PASSWORD`].
const FORGOTTEN: &str = "nobody knows this one";

#[test]
fn a_new_installation_keeps_state_and_data() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("keep", 1, |bed| {
        let disk = Installed::used(bed)?;
        let guest = bed.start("named", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        person.run_and_see("network set --host-name keeper", "keeper")?;
        power_off(guest)?;
        disk.put_on_data("kept", b"what people wrote")?;
        let table = disk.table()?.table;
        let uuids = identities(&disk)?;

        let mut guest = bed.start("medium", disk.machine().cd(firmware.iso()).no_reboot())?;
        let person = Operator::greeted(&guest)?;
        person.install_and_keep("vda", "appliance")?;
        person.choose("Reboot now")?;
        ensure!(guest.wait_exit(SOON)?.success());
        ensure!(disk.table()?.table == table, "the disk has another identity");
        ensure!(identities(&disk)? == uuids, "a file system was made anew");

        let guest = bed.start("again", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        guest.serial().expect_anywhere("data is mounted", SOON)?;
        let person = Operator::known(&guest, PASSWORD)?;
        person.command_line()?;
        person.run_and_see("status", "keeper")?;
        power_off(guest)?;
        ensure!(disk.from_data("kept")? == b"what people wrote");
        Ok(())
    })
}

/// UUIDs of the file systems that are kept.
fn identities(disk: &Installed) -> Result<[String; 2]> {
    let uuid = |part| disk.superblock(part, "Filesystem UUID");
    Ok([uuid(Part::State)?, uuid(Part::Data)?])
}

/// The password is lost: the medium removes it, the appliance asks for a new one, and everything else is as it was.
#[test]
fn the_medium_resets_a_lost_password() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("password", 1, |bed| {
        let disk = Installed::used(bed)?;
        let guest = bed.start("forgotten", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.choose("Change the console password")?;
        for _ in 0..2 {
            person.expect("New password|The same once more")?;
            person.type_line(FORGOTTEN)?;
        }
        person.expect("(?m)^Choice: ")?;
        power_off(guest)?;

        let guest = bed.start("medium", disk.machine().cd(firmware.iso()))?;
        let person = Operator::greeted(&guest)?;
        person.choose("Rescue: reset password")?;
        person.expect("(?m)^Choice: ")?;
        person.choose("Reset the console password")?;
        person.expect("(?m)^Choice: ")?;
        person.choose("vda:")?;
        person.expect("Type vda to go on")?;
        person.type_line("vda")?;
        person.expect("asks for a new console password at its next start")?;
        power_off(guest)?;

        let guest = bed.start("reset", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        Operator::log_in(&guest)?.type_line("0")?;
        ensure!(
            guest.serial().said("no console password yet")?,
            "the password was still known"
        );
        power_off(guest)?;
        let guest = bed.start("known", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        Operator::known(&guest, PASSWORD).context("the new password")?;
        Ok(())
    })
}
