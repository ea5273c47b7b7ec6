//! How long an installation takes, and the boot of the disk it leaves.
//!
//! Two comparisons: `dd` writing as many bytes to the same blank disk, which neither verifies nor reads back, and the boot of the medium the disk
//! was installed from. The installation itself is timed by `src/storage/examples/bench_install.rs` on a loop device, which needs
//! root.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use sps_harness::{Bus, Disk, Firmware, FirmwareKind, Guest, Machine, Nic, Testbed};

use super::Figure;
use super::boot::{BOOT, median};
use crate::cache::Lock;
use crate::project::Project;
use crate::reproduce;

/// An installation, as a multiple of `dd`.
const INSTALL_RATIO: f64 = 1.5;
/// Power-on until healthy from the disk, as a multiple of the same from the medium.
const BOOT_RATIO: f64 = 1.3;
/// Installations; the median counts.
const INSTALLS: usize = 15;
/// Boots of each kind; the median counts.
const BOOTS: usize = 5;
/// Bytes of the disk that is booted.
const DISK: u64 = 8_000_000_000;
/// What an appliance says when everything runs.
const HEALTHY: &str = "services healthy";

/// What the example prints.
#[derive(Deserialize)]
struct Timed {
    install_ms: f64,
    dd_ms: f64,
}

/// Installing, and power-on to healthy under both firmwares.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let iso = reproduce::build(project)?;
    let mut figures = vec![installation(project, &iso)?];
    let firmware = Firmware::open(&iso)?;
    Testbed::run("bench-install", 1, |bed| {
        for (name, kind) in [("BIOS", FirmwareKind::Bios), ("UEFI", FirmwareKind::Uefi)] {
            figures.push(boots(bed, name, kind, &firmware)?);
        }
        Ok(())
    })?;
    Ok(figures)
}

fn installation(project: &Project, iso: &Path) -> Result<Figure> {
    let lock = Lock::take(&project.cache().join("bench"))?;
    let scratch = lock.scratch("install")?;
    let cargo = |what: &str| {
        let mut command = Command::new("cargo");
        command
            .args([
                what,
                "--quiet",
                "--locked",
                "--release",
                "--package",
                "sps-storage",
            ])
            .args(["--example", "bench_install"])
            .current_dir(project.root());
        command
    };
    // Compiled first: every round begins with a sync, which writes back what that left.
    let built = cargo("build").status().context("start cargo")?;
    ensure!(built.success(), "the example bench_install does not compile");
    let output = cargo("run")
        .arg("--")
        .args([iso, scratch.path()])
        .arg(INSTALLS.to_string())
        .output()
        .context("start cargo")?;
    ensure!(
        output.status.success(),
        "the example bench_install failed (it needs root and loop devices): {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let timed: Timed = serde_json::from_slice(&output.stdout).context("read what bench_install measured")?;
    let figure = Figure::new(
        "install to a blank 8 GB disk, read back",
        timed.install_ms / 1e3,
        "s",
    );
    Ok(figure.against(timed.dd_ms / 1e3).ratio_at_most(INSTALL_RATIO))
}

fn boots(bed: &Testbed, name: &str, kind: FirmwareKind, firmware: &Firmware) -> Result<Figure> {
    let disk = bed.files().join(format!("{name}.img"));
    firmware.install(&disk, DISK, bed.files())?;
    // The first start makes the identity and the file systems.
    power_off(&bed.start("first", from_disk(kind, &disk))?)?;
    let (mut installed, mut live) = (Vec::new(), Vec::new());
    for _ in 0..BOOTS {
        live.push(healthy(&bed.start("live", machine(kind).cd(firmware.iso()))?)?);
        let guest = bed.start("installed", from_disk(kind, &disk))?;
        installed.push(healthy(&guest)?);
        power_off(&guest)?;
    }
    fs::remove_file(&disk).with_context(|| format!("remove {}", disk.display()))?;
    let figure = Figure::new(
        format!("{name}: power-on to healthy, installed"),
        median(installed),
        "s",
    );
    Ok(figure.against(median(live)).ratio_at_most(BOOT_RATIO))
}

fn machine(kind: FirmwareKind) -> Machine {
    Machine::new().firmware(kind).watchdog().nic(Nic::user())
}

fn from_disk(kind: FirmwareKind, disk: &Path) -> Machine {
    machine(kind).disk(Disk::new(disk, Bus::Virtio))
}

/// As people do: the next start finds clean file systems and a boot that counted as good.
fn power_off(guest: &Guest) -> Result<()> {
    guest.expect("the firmware is healthy", BOOT)?;
    guest.press_power_button()?;
    guest.expect("power off", BOOT).map(drop)
}

/// Seconds from power-on until everything runs.
fn healthy(guest: &Guest) -> Result<f64> {
    let found = guest.serial().expect_anywhere(HEALTHY, BOOT)?;
    Ok((found.at - guest.powered_on()).as_secs_f64())
}
