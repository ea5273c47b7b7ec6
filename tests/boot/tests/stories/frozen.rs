//! A disk that does not answer any more, as a storage network that has gone away: whoever uses it waits, and nothing else
//! stops.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sps_boot_tests::{BOOT, Installed, Operator, PASSWORD, SOON, power_off};
use sps_harness::{Bus, DiskServer, Guest, Machine, Nic, Testbed};

/// How long the disk is frozen: twice the time of the watchdog.
const FROZEN: Duration = Duration::from_secs(60);
/// What the log says when the change is on the disk.
const CHANGED: &str = "network set .*thawed.*: done";
/// Ctrl-C.
const CANCEL: &str = "\u{3}";

#[test]
fn a_frozen_disk_stops_nothing_but_its_users() -> Result<()> {
    Testbed::run("frozen", 1, |bed| {
        let disk = Installed::used(bed)?;
        let server = DiskServer::start(disk.path(), &bed.files().join("disk-socket"))?;
        let machine = Machine::new()
            .watchdog()
            .nic(Nic::user().forward(443))
            .disk(server.disk(Bus::Virtio));
        let guest = bed.start("appliance", machine)?;
        guest.expect("watchdog i6300ESB timer armed, 30 s", BOOT)?;
        guest.expect("the firmware is healthy", BOOT)?;

        let begun = Instant::now();
        server.freeze()?;
        answers(&guest)?;
        let person = Operator::known(&guest, PASSWORD)?;
        person.command_line()?;
        // This one has to wait for the disk; the person does not.
        person.type_line("network set --host-name thawed")?;
        guest.serial().send(CANCEL)?;
        guest.expect("It goes on; how it ends is written to the log", SOON)?;
        guest.expect("(?m)^Choice: ", SOON)?;
        person.command_line()?;
        let shown = person.run("network show")?;
        ensure!(!shown.contains("thawed"), "the disk was not frozen: {shown}");
        person.type_line("")?;
        guest.expect("(?m)^Choice: ", SOON)?;
        person.command_line()?;
        let shown = person.run("network show")?;
        ensure!(!shown.contains("thawed"), "the disk was not frozen: {shown}");
        person.type_line("")?;
        guest.expect("(?m)^Choice: ", SOON)?;
        person.type_line("0")?;
        while begun.elapsed() < FROZEN {
            stays(&guest, FROZEN / 2)?;
            answers(&guest)?;
            Operator::known(&guest, PASSWORD)?.type_line("0")?;
        }
        ensure!(!guest.serial().said(CHANGED)?, "the disk was not frozen");
        server.thaw()?;
        guest.expect(CHANGED, SOON)?;

        let person = Operator::known(&guest, PASSWORD)?;
        person.command_line()?;
        person.run_and_see("network show", "thawed")?;
        person.run_and_see("status", "healthy")?;
        power_off(guest)
    })
}

/// The boot page is shown and says that all is well.
fn answers(guest: &Guest) -> Result<()> {
    let web = guest.https()?;
    ensure!(web.get("/boot")?.status == 200);
    let status = web.json("/api/boot/status")?;
    ensure!(status["body"]["health"] == "healthy", "{status}");
    Ok(())
}

/// Nothing resets the machine for a while.
fn stays(guest: &Guest, time: Duration) -> Result<()> {
    let reset = guest.qmp().wait_event("RESET", time);
    ensure!(reset.is_err(), "the machine was reset: {reset:?}");
    Ok(())
}
