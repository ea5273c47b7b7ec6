//! The same ISO boots from CD and from USB stick, on BIOS and on UEFI, is followed in a browser, and is switched
//! off in order.

use anyhow::{Result, ensure};
use sps_boot_tests::{SOON, check_boot_page, machine, wait_healthy};
use sps_harness::{Event, Firmware, FirmwareKind, Guest, Machine, Testbed};

type Insert = fn(Machine, &Firmware) -> Machine;

const CD: Insert = |machine, firmware| machine.cd(firmware.iso());
const USB: Insert = |machine, firmware| machine.usb(firmware.iso());

#[test]
fn bios_cd() -> Result<()> {
    story("bios-cd", FirmwareKind::Bios, CD)
}

#[test]
fn bios_usb() -> Result<()> {
    story("bios-usb", FirmwareKind::Bios, USB)
}

#[test]
fn uefi_cd() -> Result<()> {
    story("uefi-cd", FirmwareKind::Uefi, CD)
}

#[test]
fn uefi_usb() -> Result<()> {
    story("uefi-usb", FirmwareKind::Uefi, USB)
}

fn story(name: &str, kind: FirmwareKind, insert: Insert) -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run(name, 1, |bed| {
        let mut guest = bed.start("appliance", insert(machine().firmware(kind), &firmware))?;
        wait_healthy(&guest)?;
        let started_by = format!(
            "started by {}",
            if kind == FirmwareKind::Uefi {
                "UEFI"
            } else {
                "BIOS"
            }
        );
        guest.serial().expect_anywhere(&started_by, SOON)?;
        check_boot_page(&guest, &firmware)?;
        check_screen(bed, &guest)?;
        follow_to_the_end(&mut guest)
    })
}

/// The screen shows text: a blank picture of that size has less than a tenth of the bytes.
fn check_screen(bed: &Testbed, guest: &Guest) -> Result<()> {
    let picture = bed.files().join("screen.png");
    guest.screenshot(&picture)?;
    let size = std::fs::metadata(&picture)?.len();
    ensure!(size > 4000, "the screen is blank: its picture has {size} bytes");
    Ok(())
}

/// Follows the log in the browser, from its start and after a break, while the machine is switched off.
fn follow_to_the_end(guest: &mut Guest) -> Result<()> {
    let web = guest.https()?;
    let log = |event: &Event, text: &str| event.name == "log" && event.data.contains(text);
    let events = web.events("/api/boot/log/events", None)?;
    let healthy = events.find(SOON, |event| log(event, "services healthy"))?;
    drop(events);
    let resumed = web.events("/api/boot/log/events", Some(&healthy.id))?;
    guest.press_power_button()?;
    let pressed = resumed.find(SOON, |event| {
        assert!(
            !log(event, "services healthy"),
            "an entry came again after the break"
        );
        log(event, "power button pressed")
    })?;
    ensure!(pressed.id.parse::<u64>()? > healthy.id.parse::<u64>()?);
    guest.expect("stopping services: power button pressed", SOON)?;
    guest.expect("power off", SOON)?;
    let status = guest.wait_exit(SOON)?;
    ensure!(status.success(), "QEMU ended with {status}");
    let event = guest.qmp().wait_event("SHUTDOWN", SOON)?;
    ensure!(event["data"]["reason"] == "guest-shutdown", "{event}");
    Ok(())
}
