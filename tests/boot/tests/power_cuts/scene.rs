//! What both stories need: settings, random numbers, the firmware that follows, and the proof that a disk still boots.

use std::env;
use std::io::{Write, stderr};
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Operator, machine};
use sps_harness::{Bus, Disk, Firmware, Guest, Testbed};
use sps_image::build::repack::Changes;
use sps_image::version::Version;

/// Bytes of the disk.
pub(crate) const DISK: u64 = 4 << 30;

/// A number from the environment.
pub(crate) fn setting<T: FromStr>(name: &str, default: T) -> T {
    env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

pub(crate) fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    setting("SPS_SEED", now.map_or(1, |time| u64::from(time.subsec_nanos())))
}

/// The `number`-th random number of `seed`, below `limit`: SplitMix64's mix.
pub(crate) fn random(seed: u64, number: u64, limit: u64) -> u64 {
    let mut z = seed.wrapping_add((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % limit
}

pub(crate) fn tell(text: &str) -> Result<()> {
    writeln!(stderr(), "{text}").context("write to standard error")
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    let done = Command::new("cp")
        .args(["--sparse=always", "--"])
        .args([from, to])
        .status()
        .context("run cp")?;
    ensure!(done.success(), "cp to {} failed", to.display());
    Ok(())
}

/// The firmware that follows, on a disc.
pub(crate) fn next(firmware: &Firmware, folder: &Path) -> Result<Firmware> {
    let old = firmware.release().version;
    let changes = Changes {
        version: Some(Version::new(old.major(), old.minor() + 1, 0)),
        ..Changes::default()
    };
    firmware.repack(&changes, &folder.join("next.iso"))
}

pub(crate) fn at_the_command_line(guest: &Guest) -> Result<Operator<'_>> {
    guest.expect("the firmware is healthy", BOOT)?;
    let person = Operator::log_in(guest)?;
    person.command_line()?;
    Ok(person)
}

/// The disk boots, if need be after a rollback, into a healthy firmware.
pub(crate) fn comes_back(bed: &Testbed, disk: &Path) -> Result<()> {
    let guest = bed.start("after", machine().disk(Disk::new(disk, Bus::Virtio)))?;
    let found = guest.expect("the firmware is healthy|(?i:rescue mode)", BOOT)?;
    ensure!(
        found.groups[0].ends_with("healthy"),
        "the appliance is in rescue mode"
    );
    guest.cut_power()
}
