//! What hardware there is, and what comes and goes: read from sysfs, followed by the kernel's uevents.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_KOBJECT_UEVENT};
use thiserror::Error;
use tracing::{info, warn};

/// The kernel's own multicast group for uevents (`lib/kobject_uevent.c`).
const KERNEL_GROUP: u32 = 1;

/// Why device events cannot be heard.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The netlink socket failed.
    #[error("could not listen for device events")]
    Socket(#[source] io::Error),
    /// The thread could not be started.
    #[error("could not start the device thread")]
    Thread(#[source] io::Error),
}

/// The machine in a few words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Who made it, from DMI.
    pub vendor: String,
    /// What it is, from DMI.
    pub product: String,
    /// Processors that are online.
    pub processors: usize,
    /// Memory the kernel manages, in MiB.
    pub memory_mib: u64,
    /// Whether the firmware that started it was UEFI.
    pub uefi: bool,
}

/// A disk or optical drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Kernel name, such as `nvme0n1`.
    pub name: String,
    /// Model, as the device tells it.
    pub model: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// Reads what there is now and logs it.
#[must_use]
pub fn discover() -> (Machine, Vec<Disk>) {
    let machine = machine(Path::new("/"));
    let disks = disks(Path::new("/sys/block"));
    info!(
        "{} {}: {} processors, {} MiB memory, started by {}",
        machine.vendor,
        machine.product,
        machine.processors,
        machine.memory_mib,
        if machine.uefi { "UEFI" } else { "BIOS" }
    );
    for disk in &disks {
        info!("disk {}: {}, {}", disk.name, disk.model, size_text(disk.bytes));
    }
    (machine, disks)
}

/// Logs disks and network cards that appear or go, from a thread of its own.
///
/// # Errors
/// When the events cannot be had.
pub fn follow() -> Result<(), DeviceError> {
    let mut socket = Socket::new(NETLINK_KOBJECT_UEVENT).map_err(DeviceError::Socket)?;
    socket
        .bind(&SocketAddr::new(0, KERNEL_GROUP))
        .map_err(DeviceError::Socket)?;
    let work = move || {
        while let Ok((message, _)) = socket.recv_from_full() {
            if let Some(text) = event_text(&message) {
                info!("{text}");
            }
        }
        warn!("device events have ended; new disks are seen after a reboot only");
    };
    thread::Builder::new()
        .name("devices".into())
        .spawn(work)
        .map_err(DeviceError::Thread)?;
    Ok(())
}

/// `add@/devices/…/block/sda` with its variables, NUL-separated: text for whole disks and network cards.
fn event_text(message: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    let variable = |name: &str| {
        text.split('\0')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    let name = match (variable("SUBSYSTEM")?, variable("DEVTYPE")) {
        ("block", Some("disk")) => format!("disk {}", variable("DEVNAME")?),
        ("net", _) => format!("network card {}", variable("INTERFACE")?),
        _ => return None,
    };
    if is_virtual(variable("DEVPATH")?) {
        return None;
    }
    match variable("ACTION")? {
        "add" => Some(format!("{name} appeared")),
        "remove" => Some(format!("{name} is gone")),
        _ => None,
    }
}

/// Devices the kernel makes up (loop, ram, device mapper, loopback) are nobody's hardware.
fn is_virtual(path: &str) -> bool {
    path.contains("/devices/virtual/")
}

fn machine(root: &Path) -> Machine {
    let dmi =
        |file: &str| line(&root.join("sys/class/dmi/id").join(file)).unwrap_or_else(|| "unknown".into());
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    let kib = meminfo.lines().find_map(|l| {
        l.strip_prefix("MemTotal:")?
            .trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()
    });
    Machine {
        vendor: dmi("sys_vendor"),
        product: dmi("product_name"),
        processors: thread::available_parallelism().map_or(1, usize::from),
        memory_mib: kib.unwrap_or(0_u64) / 1024,
        uefi: root.join("sys/firmware/efi").exists(),
    }
}

/// Whole disks of real hardware, by name.
fn disks(block: &Path) -> Vec<Disk> {
    let Ok(entries) = fs::read_dir(block) else {
        return Vec::new();
    };
    let disk = |entry: fs::DirEntry| {
        let path = entry.path();
        let target = fs::canonicalize(&path).unwrap_or_default();
        if is_virtual(&target.to_string_lossy()) {
            return None;
        }
        let sectors: u64 = line(&path.join("size"))?.parse().ok()?;
        let model = line(&path.join("device/model")).unwrap_or_else(|| "no model name".into());
        // The kernel counts in sectors of 512 bytes whatever the disk's own are.
        Some(Disk {
            name: entry.file_name().to_string_lossy().into_owned(),
            model,
            bytes: sectors * 512,
        })
    };
    let mut found: Vec<_> = entries.flatten().filter_map(disk).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// First line of a small sysfs file, `None` when empty or missing.
fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// A size for people: disks are sold in powers of ten.
fn size_text(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
    ];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_disks_and_cards_are_told_and_others_are_not() {
        let event = |lines: &[&str]| lines.join("\0").into_bytes();
        let disk = event(&[
            "add@/devices/pci/block/sda",
            "ACTION=add",
            "DEVPATH=/devices/pci/block/sda",
            "SUBSYSTEM=block",
            "DEVNAME=sda",
            "DEVTYPE=disk",
        ]);
        assert_eq!(event_text(&disk).as_deref(), Some("disk sda appeared"));
        let card = event(&[
            "remove@/x",
            "ACTION=remove",
            "DEVPATH=/devices/pci/net/eth1",
            "SUBSYSTEM=net",
            "INTERFACE=eth1",
        ]);
        assert_eq!(event_text(&card).as_deref(), Some("network card eth1 is gone"));
        let part = event(&[
            "add@/x",
            "ACTION=add",
            "DEVPATH=/d",
            "SUBSYSTEM=block",
            "DEVNAME=sda1",
            "DEVTYPE=partition",
        ]);
        assert_eq!(event_text(&part), None);
        let made_up = event(&[
            "add@/x",
            "ACTION=add",
            "DEVPATH=/devices/virtual/net/lo",
            "SUBSYSTEM=net",
            "INTERFACE=lo",
        ]);
        assert_eq!(event_text(&made_up), None);
        assert_eq!(event_text(b"\xff\xfe"), None);
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size_text(512), "512 bytes");
        assert_eq!(size_text(30_100_000), "30.1 MB");
        assert_eq!(size_text(2_000_398_934_016), "2.0 TB");
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(machine(Path::new("/")).memory_mib > 0);
    }
}
