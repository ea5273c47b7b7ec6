//! How long a boot takes, and what the appliance adds to it.
//!
//! The comparison is the same ISO with another root file system: a program that does nothing. It is the floor that
//! kernel, firmware and boot loader leave; the difference is ours. Everything is timed by this machine's clock, at
//! the arrival of texts on the serial line. The appliance opens that line a little after PID 1 has begun: when it
//! wrote its first entry follows from the times its entries carry and from the arrival of a later one.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sps_harness::{Firmware, FirmwareKind, Found, Guest, Machine, Nic, Testbed};
use sps_image::archive::{Entry, Kind, Tree};
use sps_image::build::initramfs;

use super::Figure;
use crate::project::Project;
use crate::reproduce;

/// Boots of each kind; the median counts.
const ROUNDS: usize = 5;
/// Longest boot.
pub(super) const BOOT: Duration = Duration::from_secs(240);
/// Longest wait for one answer of a page that may not be there yet.
const ANSWER: Duration = Duration::from_millis(50);
/// Time between two questions.
const PAUSE: Duration = Duration::from_millis(5);
/// What the program that does nothing says first.
const FLOOR_SAYS: &str = "floor: PID 1";
/// An entry of the boot log, with its time in seconds since the kernel started; the kernel's own lines have six
/// digits after the point.
const ENTRY: &str = r"\[ *(\d+\.\d{3})\] ";
/// Power-on to PID 1, as a multiple of the floor.
const FLOOR_RATIO: f64 = 1.4;
/// Seconds from PID 1 to an answer of the boot page.
const PAGE_LIMIT: f64 = 1.0;
/// MiB that `sps` uses when it has nothing to do.
const MEMORY_LIMIT: f64 = 40.0;

/// A program that does nothing, as PID 1, but say that it is there.
const FLOOR: &str = r#"
use std::io::Write;
fn main() {
    let line = std::fs::OpenOptions::new().write(true).open("/dev/ttyS0");
    line.and_then(|mut line| line.write_all(b"floor: PID 1\n")).expect("the serial line");
    loop {
        std::thread::park();
    }
}
"#;

/// What one boot of the appliance shows.
#[derive(Clone, Copy)]
struct Boot {
    pid_1: f64,
    healthy: f64,
    page: f64,
    memory: f64,
}

/// Power-on to PID 1 on both firmwares, and PID 1 to the boot page.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let firmware = Firmware::open(&reproduce::build(project)?)?;
    let mut figures = Vec::new();
    Testbed::run("bench-boot", 1, |bed| {
        let floor = firmware.with_initramfs(floor(bed.files())?, &bed.files().join("floor.iso"))?;
        for (name, kind) in [("BIOS", FirmwareKind::Bios), ("UEFI", FirmwareKind::Uefi)] {
            let (mut boots, mut floors) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                floors.push(floor_pid_1(&bed.start("floor", machine(kind, &floor))?)?);
                boots.push(boot(&bed.start("appliance", machine(kind, &firmware))?)?);
            }
            figures.extend(summary(name, &boots, floors));
        }
        Ok(())
    })?;
    Ok(figures)
}

fn summary(name: &str, boots: &[Boot], floors: Vec<f64>) -> Vec<Figure> {
    let middle = |pick: fn(&Boot) -> f64| median(boots.iter().map(pick).collect());
    vec![
        Figure::new(
            format!("{name}: power-on to PID 1"),
            middle(|boot| boot.pid_1),
            "s",
        )
        .against(median(floors))
        .ratio_at_most(FLOOR_RATIO),
        Figure::new(
            format!("{name}: PID 1 to boot page"),
            middle(|boot| boot.page),
            "s",
        )
        .at_most(PAGE_LIMIT),
        Figure::new(
            format!("{name}: PID 1 to services healthy"),
            middle(|boot| boot.healthy),
            "s",
        ),
        Figure::new(
            format!("{name}: memory of sps"),
            middle(|boot| boot.memory),
            "MiB",
        )
        .at_most(MEMORY_LIMIT),
    ]
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn machine(kind: FirmwareKind, firmware: &Firmware) -> Machine {
    Machine::new()
        .firmware(kind)
        .watchdog()
        .nic(Nic::user().forward(80))
        .cd(firmware.iso())
}

/// Seconds from power-on to the floor's PID 1.
fn floor_pid_1(guest: &Guest) -> Result<f64> {
    let began = guest.expect(FLOOR_SAYS, BOOT)?.at;
    Ok((began - guest.powered_on()).as_secs_f64())
}

fn boot(guest: &Guest) -> Result<Boot> {
    let page = answer(guest.address(80)?)?;
    let first = guest.serial().expect_anywhere(ENTRY, BOOT)?;
    let healthy = guest
        .serial()
        .expect_anywhere(&format!("{ENTRY}.*services healthy"), BOOT)?;
    let told = guest
        .serial()
        .expect_anywhere(r"memory: sps uses (\d+) MiB", BOOT)?;
    let memory = told.groups[1].parse().context("the memory used")?;
    let after_pid_1 = uptime(&healthy)? - uptime(&first)?;
    let began = healthy.at - Duration::try_from_secs_f64(after_pid_1).context("entries out of order")?;
    Ok(Boot {
        pid_1: (began - guest.powered_on()).as_secs_f64(),
        healthy: after_pid_1,
        page: (page - began).as_secs_f64(),
        memory,
    })
}

/// The time an entry carries.
fn uptime(entry: &Found) -> Result<f64> {
    entry.groups[1].parse().context("the time of an entry")
}

/// Asks until there is an answer; says when it came.
fn answer(address: SocketAddr) -> Result<Instant> {
    let deadline = Instant::now() + BOOT;
    while Instant::now() < deadline {
        if ask(address).is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 3")) {
            return Ok(Instant::now());
        }
        // Not at once: the emulator needs the processor.
        thread::park_timeout(PAUSE);
    }
    bail!("the boot page did not answer within {BOOT:?}")
}

fn ask(address: SocketAddr) -> std::io::Result<[u8; 12]> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: appliance\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// The root file system of the floor: a static binary, built as the appliance's is, and its console.
fn floor(scratch: &Path) -> Result<Vec<u8>> {
    let (source, binary) = (scratch.join("floor.rs"), scratch.join("floor"));
    fs::write(&source, FLOOR).with_context(|| format!("write {}", source.display()))?;
    let built = Command::new("rustc")
        .args([
            "--edition",
            "2024",
            "-O",
            "-C",
            "strip=symbols",
            "-C",
            "target-feature=+crt-static",
            "-o",
        ])
        .args([&binary, &source])
        .status()
        .context("start rustc")?;
    ensure!(built.success(), "rustc failed ({built})");
    let program = fs::read(&binary).with_context(|| format!("read {}", binary.display()))?;
    let serial = Entry {
        mode: 0o600,
        kind: Kind::CharacterDevice { major: 4, minor: 64 },
    };
    let console = Entry {
        mode: 0o600,
        kind: Kind::CharacterDevice { major: 5, minor: 1 },
    };
    let tree = Tree::from([
        ("dev".to_owned(), Entry::directory()),
        ("dev/console".to_owned(), console),
        ("dev/ttyS0".to_owned(), serial),
        (
            "init".to_owned(),
            Entry {
                mode: 0o755,
                kind: Kind::File(program),
            },
        ),
    ]);
    Ok(initramfs::compress(&initramfs::archive(&tree)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn bars_are_on_the_ratio_the_page_and_the_memory() {
        let boot = Boot {
            pid_1: 3.0,
            healthy: 1.0,
            page: 2.0,
            memory: 30.0,
        };
        let figures = summary("BIOS", &[boot], vec![2.0]);
        let json: Vec<_> = figures
            .iter()
            .map(|figure| serde_json::to_value(figure).unwrap())
            .collect();
        let met: Vec<_> = json.iter().map(|figure| figure["met"].as_bool()).collect();
        assert_eq!(met, [Some(false), Some(false), None, Some(true)]);
    }
}
