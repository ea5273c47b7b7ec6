//! QEMU killed at random moments.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sps_boot_tests::machine;
use sps_harness::{Bus, Disk, Firmware, Guest, Testbed};

use crate::scene::{DISK, at_the_command_line, comes_back, next, random, seed, setting, tell};

/// A kill comes at most so long after the power went on, or after the command was given: a little more than either takes.
const LATEST: Duration = Duration::from_secs(25);

/// Waits for a moment that nothing in the guest decides.
fn until_killed(guest: Guest, moment: Duration) -> Result<()> {
    let early = guest.qmp().wait_event("SHUTDOWN", moment);
    ensure!(early.is_err(), "the machine ended by itself: {early:?}");
    guest.cut_power()
}

#[test]
fn an_appliance_that_is_killed_at_any_moment_comes_back() -> Result<()> {
    Testbed::run("kills", 1, |bed| {
        let (firmware, seed) = (Firmware::built()?, seed());
        let path = bed.files().join("disk");
        firmware.install(&path, DISK, bed.files())?;
        let next = next(&firmware, bed.files())?;
        let machine = || machine().disk(Disk::new(&path, Bus::Virtio)).tray(next.iso());
        let kills: u64 = setting("SPS_KILLS", 3);
        for number in 0..kills {
            let moment = Duration::from_millis(random(seed, number, LATEST.as_millis() as u64));
            let (guest, begun) = (bed.start("killed", machine())?, Instant::now());
            // Every other one during the boot; it is the first boot at number 0.
            let during = if number % 2 == 1 { "an add" } else { "a boot" };
            if number % 2 == 1 {
                let person = at_the_command_line(&guest)?;
                // What an earlier one left there.
                person.run("firmware delete 2")?;
                person.type_line("firmware add /dev/sr0")?;
            }
            until_killed(guest, moment)?;
            let what = format!("kill {number} of {kills}, {moment:?} into {during}, seed {seed}");
            comes_back(bed, &path).with_context(|| what.clone())?;
            tell(&format!("{what}: healthy after {:?}", begun.elapsed()))?;
        }
        Ok(())
    })
}
