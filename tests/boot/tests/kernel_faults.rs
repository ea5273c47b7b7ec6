//! The kernel's own ends: an oops and a soft lock-up panic and reboot, a hard lock-up is reset by a watchdog.
//!
//! Part of the long tests: `SPS_TEST_KERNEL` names a kernel with LKDTM (`cargo xtask build-kernel --variant test`).

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{SOON, machine};
use sps_harness::{Firmware, Testbed};

/// The soft lock-up detector strikes after twice `kernel.watchdog_thresh`, 20 s; emulation is slow.
const LOCKUP: Duration = Duration::from_secs(240);

#[test]
fn an_oops_panics_and_reboots() -> Result<()> {
    story(
        &["kernel-oops"],
        "Kernel panic - not syncing: Fatal exception",
        Some(false),
    )
}

/// The kernel takes 20 s to notice and waits 10 s after its panic: the watchdog, not fed meanwhile, may reset the machine first.
#[test]
fn a_soft_lock_up_panics_and_reboots() -> Result<()> {
    story(
        &["kernel-soft-lockup"],
        "Kernel panic - not syncing: softlockup: hung tasks",
        None,
    )
}

/// Emulated processors have no performance counters, so the kernel cannot see it; the watchdog does.
#[test]
fn a_hard_lock_up_is_reset_by_the_watchdog() -> Result<()> {
    story(
        &["kernel-hard-lockup", "short-watchdog"],
        "fault kernel-hard-lockup",
        Some(true),
    )
}

fn story(faults: &[&str], words: &str, bitten: Option<bool>) -> Result<()> {
    let kernel = env::var_os("SPS_TEST_KERNEL");
    let kernel = kernel.context("SPS_TEST_KERNEL names no kernel: run `cargo xtask test --long`")?;
    let firmware = Firmware::built()?;
    Testbed::run(faults[0], 1, |bed| {
        let mut direct = firmware.direct(faults, bed.files())?;
        direct.kernel = kernel.into();
        let mut guest = bed.start("appliance", machine().no_reboot().direct(direct))?;
        guest.expect(words, LOCKUP)?;
        let event = guest.qmp().wait_event("SHUTDOWN", LOCKUP)?;
        ensure!(
            event["data"]["reason"] == "guest-reset",
            "that was no reboot: {event}"
        );
        ensure!(guest.wait_exit(SOON)?.success());
        let by_watchdog = guest.qmp().wait_event("WATCHDOG", Duration::ZERO).is_ok();
        ensure!(
            bitten.is_none_or(|bitten| bitten == by_watchdog),
            "reset by the watchdog: {by_watchdog}"
        );
        Ok(())
    })
}
