//! Whatever goes wrong ends in a reboot: panics of PID 1 and of the kernel, a supervisor that hangs, a vital
//! service that does not come back. And Ctrl-Alt-Del is an orderly one.

use std::time::Duration;

use anyhow::{Result, ensure};
use sps_boot_tests::{BOOT, SOON, machine, wait_healthy};
use sps_harness::{Chipset, Firmware, Guest, Machine, Testbed};
use sps_image::build::repack::Changes;

/// Who reboots the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The appliance or its kernel.
    Itself,
    /// A hardware watchdog.
    Watchdog,
}

/// A story with `faults` that ends in a reboot, seen as QEMU's end.
fn story(
    name: &str,
    faults: &[&str],
    machine: Machine,
    by: By,
    tell: impl FnOnce(&Guest) -> Result<()>,
) -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run(name, 1, |bed| {
        let direct = firmware.direct(faults, bed.files())?;
        let mut guest = bed.start("appliance", machine.no_reboot().direct(direct))?;
        tell(&guest)?;
        let event = guest.qmp().wait_event("SHUTDOWN", SOON)?;
        ensure!(
            event["data"]["reason"] == "guest-reset",
            "that was no reboot: {event}"
        );
        let status = guest.wait_exit(SOON)?;
        ensure!(status.success(), "QEMU ended with {status}");
        let bitten = guest.qmp().wait_event("WATCHDOG", Duration::ZERO).is_ok();
        ensure!(
            bitten == (by == By::Watchdog),
            "expected {by:?} to reboot the machine"
        );
        Ok(())
    })
}

#[test]
fn a_panic_of_pid_1_reboots_in_order() -> Result<()> {
    story("panic-pid1", &["panic-pid1"], machine(), By::Itself, |guest| {
        guest.expect("services healthy", BOOT)?;
        guest.expect("PID 1 panicked .*fault panic-pid1.*: rebooting", SOON)?;
        guest.expect(r"\] exit +reboot", SOON).map(drop)
    })
}

#[test]
fn a_panic_in_a_boot_phase_reboots() -> Result<()> {
    story(
        "panic-pid1-early",
        &["panic-pid1-early"],
        machine(),
        By::Itself,
        |guest| {
            guest.expect("PID 1 panicked .*fault panic-pid1-early", BOOT)?;
            guest.expect(r"\] exit +reboot", SOON).map(drop)
        },
    )
}

#[test]
fn a_kernel_panic_reboots() -> Result<()> {
    story("panic-kernel", &[], machine(), By::Itself, |guest| {
        wait_healthy(guest)?;
        guest.inject_nmi()?;
        guest.expect("Kernel panic - not syncing: NMI", SOON).map(drop)
    })
}

#[test]
fn a_hung_supervisor_is_reset_by_the_watchdog() -> Result<()> {
    let machine = Machine::new().chipset(Chipset::I440fx).watchdog();
    hang(
        "hang-6300esb",
        machine,
        By::Watchdog,
        "watchdog i6300ESB timer armed",
    )
}

#[test]
fn a_hung_supervisor_is_reset_by_the_chipset() -> Result<()> {
    hang(
        "hang-tco",
        Machine::new(),
        By::Watchdog,
        "watchdog iTCO_wdt armed",
    )
}

#[test]
fn a_hung_supervisor_is_reset_without_a_hardware_watchdog() -> Result<()> {
    hang(
        "hang-softdog",
        Machine::new().chipset(Chipset::I440fx),
        By::Itself,
        "no hardware watchdog",
    )
}

fn hang(name: &str, machine: Machine, by: By, armed: &str) -> Result<()> {
    story(
        name,
        &["hang-supervisor", "short-watchdog"],
        machine,
        by,
        |guest| {
            guest.serial().expect_anywhere("fault hang-supervisor", BOOT)?;
            guest.serial().expect_anywhere(armed, SOON).map(drop)
        },
    )
}

#[test]
fn a_vital_service_beyond_its_limits_reboots() -> Result<()> {
    story(
        "vital-service",
        &["vital-service"],
        machine(),
        By::Itself,
        |guest| {
            guest.expect(
                "service vital-service: vital and beyond its limits .*: rebooting",
                BOOT,
            )?;
            guest.expect(r"\] exit +reboot", SOON).map(drop)
        },
    )
}

#[test]
fn ctrl_alt_del_reboots_in_order() -> Result<()> {
    story("ctrl-alt-del", &[], machine(), By::Itself, |guest| {
        wait_healthy(guest)?;
        guest.press_keys(&["ctrl", "alt", "delete"])?;
        guest.expect("stopping services: Ctrl-Alt-Del on the console", SOON)?;
        guest.expect("services stopped", SOON)?;
        guest.expect(r"\] exit +reboot", SOON).map(drop)
    })
}

/// The whole circle, from a medium: a variant that panics is reset into the same firmware and boots again.
#[test]
fn a_repacked_firmware_boots_again_after_its_panic() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("panic-repacked", 1, |bed| {
        let changes = Changes {
            faults: Some(vec!["panic-pid1".into()]),
            ..Changes::default()
        };
        let broken = firmware.repack(&changes, &bed.files().join("broken.iso"))?;
        ensure!(broken.release().build_id != firmware.release().build_id);
        let guest = bed.start("appliance", machine().cd(broken.iso()))?;
        for _ in 0..2 {
            guest.expect("services healthy", BOOT)?;
            guest.expect("PID 1 panicked", SOON)?;
            guest.qmp().wait_event("RESET", SOON)?;
        }
        guest.expect(&broken.release().build_id, BOOT).map(drop)
    })
}
