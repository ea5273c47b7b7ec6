//! Firmware that an appliance does not take: damaged, somebody else's, older, too large. Each is refused by name, and leaves
//! nothing behind.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use sps_boot_tests::{BOOT, Installed, Operator, one_line};
use sps_harness::{Bus, Disk, Firmware, Testbed};
use sps_image::build::repack::Changes;
use sps_image::names;
use sps_image::version::Version;

/// Bytes of a root file system that no slot holds.
const TOO_LARGE: usize = 120 << 20;

/// A firmware and words of the answer to adding it.
type Case = (&'static str, &'static [&'static str]);

/// In the order of the disks they lie on, from `vdb`.
const REFUSED: [Case; 5] = [
    ("tampered", &["firmware/vmlinuz", "was changed"]),
    ("truncated", &["truncated"]),
    ("foreign", &["signed with the key", "does not trust"]),
    ("older", &["left behind"]),
    ("large", &["bytes in a slot, a slot holds"]),
];

/// Writes every firmware of [`REFUSED`], and the good one, which comes last.
fn make(firmware: &Firmware, folder: &Path) -> Result<Vec<PathBuf>> {
    let paths: Vec<PathBuf> = REFUSED
        .iter()
        .map(|(name, _)| folder.join(name))
        .chain([folder.join("good")])
        .collect();
    let own = firmware.release().version;
    let version = |version| Changes {
        version: Some(version),
        ..Changes::default()
    };
    let next = version(Version::new(own.major(), own.minor() + 1, 0));
    let good = firmware.repack(&next, &paths[5])?;
    good.tamper(names::KERNEL, &paths[0])?;
    std::fs::copy(good.iso(), &paths[1])?;
    let size = good.iso().metadata()?.len();
    // Whole sectors: it lies on a disk.
    let truncated = OpenOptions::new().write(true).open(&paths[1])?;
    truncated.set_len(size / 2 / 512 * 512)?;
    firmware.forge(&next, &paths[2])?;
    firmware.repack(&version(Version::new(0, 0, 1)), &paths[3])?;
    firmware.with_initramfs(vec![0; TOO_LARGE], &paths[4])?;
    Ok(paths)
}

#[test]
fn firmware_that_is_not_good_is_refused_by_name() -> Result<()> {
    let firmware = Firmware::built()?;
    Testbed::run("refusals", 1, |bed| {
        let paths = make(&firmware, bed.files())?;
        let installed = Installed::fresh(bed)?.machine();
        let machine = paths.iter().fold(installed, |machine, path| {
            machine.disk(Disk::new(path, Bus::Virtio))
        });
        let guest = bed.start("appliance", machine)?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        let before = person.run("firmware list")?;
        for ((name, words), disk) in REFUSED.iter().zip('b'..) {
            let answer = person.run(&format!("firmware add /dev/vd{disk}"))?;
            let answer = one_line(&answer);
            for word in *words {
                ensure!(answer.contains(word), "{name}: no {word:?} in {answer}");
            }
            let after = person.run("firmware list")?;
            ensure!(
                states(&after) == states(&before),
                "{name} left something: {after}"
            );
        }
        person.run_and_see("firmware add /dev/vdg", "Staged")?;
        person.run_and_see("firmware list", "Staged")?;
        Ok(())
    })
}

/// The list, without the times that change.
fn states(list: &str) -> Vec<&str> {
    list.lines()
        .map(str::trim)
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .collect()
}
