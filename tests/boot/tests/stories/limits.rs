//! Little memory and a clock that starts in 1970.

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, SOON, check_boot_page, machine, wait_healthy};
use sps_harness::{Firmware, FirmwareKind, Testbed};

/// MiB of memory the appliance must boot in.
const LEAST_MEMORY: u32 = 256;
/// MiB that `sps` may use when it has nothing to do.
const MOST_RESIDENT: u64 = 40;

#[test]
fn it_boots_in_little_memory_and_uses_less() -> Result<()> {
    small("little-memory-bios", FirmwareKind::Bios)
}

#[test]
fn it_boots_in_little_memory_under_uefi() -> Result<()> {
    small("little-memory-uefi", FirmwareKind::Uefi)
}

fn small(name: &str, kind: FirmwareKind) -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run(name, 1, |bed| {
        let machine = machine().firmware(kind).memory(LEAST_MEMORY).cd(firmware.iso());
        let guest = bed.start("appliance", machine)?;
        wait_healthy(&guest)?;
        check_boot_page(&guest, &firmware)?;
        let told = guest
            .serial()
            .expect_anywhere(r"memory: sps uses (\d+) MiB", SOON)?;
        let resident: u64 = told.groups[1].parse()?;
        ensure!(
            resident <= MOST_RESIDENT,
            "sps uses {resident} MiB, at most {MOST_RESIDENT} are allowed"
        );
        Ok(())
    })
}

#[test]
fn a_clock_in_1970_is_raised_to_the_build_time() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("clock-1970", 1, |bed| {
        let machine = machine()
            .rtc("1970-01-01T00:00:00")
            .direct(firmware.direct(&[], bed.files())?);
        let guest = bed.start("appliance", machine)?;
        guest
            .serial()
            .expect_anywhere(r"\[ *\d+\.\d{3}\] .*\bclock\b", BOOT)?;
        wait_healthy(&guest)?;
        guest.serial().expect_anywhere("from DHCP server", SOON)?;
        let log = guest.https()?.json("/api/boot/log?limit=500")?;
        let newest = log["items"]
            .as_array()
            .and_then(|items| items.last())
            .context("the log has entries")?;
        let told = newest["body"]["unix_ms"]
            .as_u64()
            .context("an entry has a time")?
            / 1000;
        let built = firmware.release().build_time;
        ensure!(
            (built..built + 3600).contains(&told),
            "the log says {told}, the build is of {built}"
        );
        Ok(())
    })
}
