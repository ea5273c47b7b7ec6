//! The disks of the machine, from sysfs (Documentation/ABI/stable/sysfs-block, testing/sysfs-class-*).

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::usage::{self, Use};

/// The kernel counts in sectors of 512 bytes whatever the disk's own are.
const SECTOR: u64 = 512;
/// Disks listed; a server with more has them in an enclosure, of which some are enough.
const MOST_DISKS: usize = 256;
/// Length of a text from a device that is kept; what follows would only fill the line.
const MOST_TEXT: usize = 80;

/// Which devices count as disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Hardware, and what a hypervisor shows as hardware.
    Hardware,
    /// Loop devices too, for tests.
    WithLoop,
}

/// How a disk is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// NVM Express.
    Nvme,
    /// Serial or parallel ATA.
    Ata,
    /// USB.
    Usb,
    /// Given by a hypervisor: virtio, VMware's or Xen's.
    Hypervisor,
    /// SAS, Fibre Channel, hardware RAID.
    Scsi,
    /// A file of this machine.
    Loop,
    /// Anything else.
    Other,
}

/// A disk or optical drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Kernel name, such as `nvme0n1`.
    pub name: String,
    /// Its file in `/dev`.
    pub path: PathBuf,
    /// Its folder in sysfs.
    pub sys: PathBuf,
    /// Maker and model, as the device tells them.
    pub model: String,
    /// Serial number, as the device tells it.
    pub serial: Option<String>,
    /// World-wide name or another identifier that no two devices share.
    pub wwid: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
    /// Bytes of a logical block.
    pub logical_block: u64,
    /// How it is connected.
    pub bus: Bus,
    /// Its medium can be taken out.
    pub removable: bool,
    /// The kernel refuses writes.
    pub read_only: bool,
    /// It is an optical drive.
    pub optical: bool,
    /// What uses it.
    pub in_use: Option<Use>,
}

impl Disk {
    /// Whether `id` is its serial number, its world-wide identifier or both parted by nothing people would see.
    #[must_use]
    pub fn has_id(&self, id: &str) -> bool {
        let ids = [self.serial.as_deref(), self.wwid.as_deref()];
        !id.is_empty() && ids.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(id))
    }

    /// The file in `/dev` of a partition: the kernel puts a `p` before the number when the disk's name ends in a digit
    /// (`block/partitions/core.c`).
    #[must_use]
    pub fn partition(&self, number: u32) -> PathBuf {
        let p = if self.name.ends_with(|last: char| last.is_ascii_digit()) {
            "p"
        } else {
            ""
        };
        PathBuf::from(format!("{}{p}{number}", self.path.display()))
    }
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nvme => "NVMe",
            Self::Ata => "SATA",
            Self::Usb => "USB",
            Self::Hypervisor => "virtual",
            Self::Scsi => "SCSI",
            Self::Loop => "loop",
            Self::Other => "other",
        })
    }
}

/// The disks there are now, by name.
#[must_use]
pub fn list(scope: Scope) -> Vec<Disk> {
    let mountinfo = fs::read_to_string("/proc/thread-self/mountinfo").unwrap_or_default();
    list_in(Path::new("/sys/block"), &mountinfo, scope)
}

fn list_in(block: &Path, mountinfo: &str, scope: Scope) -> Vec<Disk> {
    let entries = fs::read_dir(block).into_iter().flatten().flatten();
    let disks = entries.filter_map(|entry| disk(&entry.path(), mountinfo, scope));
    let mut found: Vec<_> = disks.take(MOST_DISKS).collect();
    found.sort_by(|a, b| (a.name.len(), &a.name).cmp(&(b.name.len(), &b.name)));
    found
}

fn disk(sys: &Path, mountinfo: &str, scope: Scope) -> Option<Disk> {
    let name = sys.file_name()?.to_string_lossy().into_owned();
    let place = fs::canonicalize(sys).ok()?.to_string_lossy().into_owned();
    let bus = bus(&name, &place, sys)?;
    let bytes = number(&sys.join("size"))?.checked_mul(SECTOR)?;
    if bus == Bus::Loop && (scope == Scope::Hardware || bytes == 0) {
        return None;
    }
    let device = sys.join("device");
    Some(Disk {
        path: Path::new("/dev").join(&name),
        sys: sys.to_path_buf(),
        model: model(&device),
        serial: serial(sys),
        wwid: text(&sys.join("wwid")).or_else(|| text(&device.join("wwid"))),
        bytes,
        logical_block: number(&sys.join("queue/logical_block_size")).unwrap_or(SECTOR),
        bus,
        removable: number(&sys.join("removable")) == Some(1),
        read_only: number(&sys.join("ro")) == Some(1),
        // SCSI peripheral device type 5: CD and DVD (SPC-4 6.6.2).
        optical: name.starts_with("sr") || number(&device.join("type")) == Some(5),
        in_use: usage::in_use(sys, mountinfo),
        name,
    })
}

/// The bus, from the device's place in the tree of devices; `None` for what the kernel makes up.
fn bus(name: &str, place: &str, sys: &Path) -> Option<Bus> {
    if name.starts_with("loop") {
        return Some(Bus::Loop);
    }
    // NVMe disks with several paths stand among the virtual devices.
    if name.starts_with("nvme") {
        return Some(Bus::Nvme);
    }
    if place.contains("/devices/virtual/") {
        return None;
    }
    let vendor = text(&sys.join("device/vendor")).unwrap_or_default();
    let parts = [
        ("/usb", Bus::Usb),
        ("/virtio", Bus::Hypervisor),
        ("/vbd-", Bus::Hypervisor),
        ("/VMBUS", Bus::Hypervisor),
        ("/ata", Bus::Ata),
        ("/host", Bus::Scsi),
    ];
    let bus = parts
        .iter()
        .find(|(part, _)| place.contains(part))
        .map_or(Bus::Other, |(_, bus)| *bus);
    Some(if bus == Bus::Scsi && vendor.starts_with("VMware") {
        Bus::Hypervisor
    } else {
        bus
    })
}

/// SCSI tells maker and model apart, ATA behind SCSI has `ATA` for the maker, others have a model only.
fn model(device: &Path) -> String {
    let vendor = text(&device.join("vendor")).filter(|vendor| vendor != "ATA" && !vendor.starts_with("0x"));
    let model = text(&device.join("model"));
    let words: Vec<String> = [vendor, model].into_iter().flatten().collect();
    if words.is_empty() {
        "no model name".to_owned()
    } else {
        words.join(" ")
    }
}

/// NVMe and virtio tell it as text; SCSI as the vital product data page "unit serial number" (SPC-4 7.8.18), whose four first
/// bytes are a header.
fn serial(sys: &Path) -> Option<String> {
    text(&sys.join("serial"))
        .or_else(|| text(&sys.join("device/serial")))
        .or_else(|| {
            let page = fs::read(sys.join("device/vpd_pg80")).ok()?;
            printable(&String::from_utf8_lossy(page.get(4..)?))
        })
}

/// First line of a small sysfs file, `None` when empty or missing.
fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    printable(text.lines().next()?)
}

/// What a device tells ends up on terminals.
fn printable(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    let text: String = text.chars().filter(|c| plain(*c)).take(MOST_TEXT).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree like sysfs: `block/NAME` links to the device's folder.
    fn device(root: &Path, place: &str, name: &str, files: &[(&str, &str)]) {
        let folder = root.join("devices").join(place).join("block").join(name);
        for (file, content) in [("size", "16777216"), ("removable", "0"), ("ro", "0")]
            .iter()
            .chain(files)
        {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        fs::create_dir_all(root.join("block")).unwrap();
        std::os::unix::fs::symlink(folder, root.join("block").join(name)).unwrap();
    }

    #[test]
    fn disks_of_every_bus_tell_who_they_are() {
        let root = tempfile::tempdir().unwrap();
        let scsi = [
            ("device/vendor", "ATA     "),
            ("device/model", "Samsung SSD 870 "),
            ("device/vpd_pg80", "\0\u{80}\0\u{8}S5Y1   \u{1b}"),
            ("wwid", "naa.5002538f"),
        ];
        device(root.path(), "pci0/ata1/host0/target0", "sda", &scsi);
        let stick = [
            ("removable", "1"),
            ("device/vendor", "Acme"),
            ("device/model", "Stick"),
        ];
        device(root.path(), "pci0/usb1/1-1/host6/target6", "sdb", &stick);
        device(
            root.path(),
            "pci0/virtio1",
            "vda",
            &[("serial", "disk-1"), ("device/vendor", "0x1af4")],
        );
        device(
            root.path(),
            "pci0/host2/target2",
            "sr0",
            &[("device/type", "5"), ("ro", "1")],
        );
        device(root.path(), "virtual", "loop0", &[]);
        device(root.path(), "virtual", "dm-0", &[]);
        let found = list_in(&root.path().join("block"), "", Scope::Hardware);
        let names: Vec<_> = found.iter().map(|disk| disk.name.as_str()).collect();
        assert_eq!(names, ["sda", "sdb", "sr0", "vda"]);
        assert_eq!(
            (found[0].model.as_str(), found[0].bus),
            ("Samsung SSD 870", Bus::Ata)
        );
        assert_eq!(found[0].serial.as_deref(), Some("S5Y1"));
        assert!(found[0].has_id("NAA.5002538F") && found[0].has_id("s5y1") && !found[0].has_id(""));
        assert_eq!(
            (found[1].model.as_str(), found[1].bus, found[1].removable),
            ("Acme Stick", Bus::Usb, true)
        );
        assert!(found[2].optical && found[2].read_only);
        assert_eq!(
            (found[3].model.as_str(), found[3].bus),
            ("no model name", Bus::Hypervisor)
        );
        assert_eq!(found[3].bytes, 8 << 30);
        assert_eq!(list_in(&root.path().join("block"), "", Scope::WithLoop).len(), 5);
    }

    #[test]
    fn partitions_are_named_as_the_kernel_names_them() {
        let root = tempfile::tempdir().unwrap();
        device(root.path(), "pci0/nvme/nvme0", "nvme0n1", &[]);
        device(root.path(), "pci0/virtio1", "vda", &[]);
        let found = list_in(&root.path().join("block"), "", Scope::Hardware);
        let part = |name: &str| found.iter().find(|disk| disk.name == name).unwrap().partition(6);
        assert_eq!(part("vda"), Path::new("/dev/vda6"));
        assert_eq!(part("nvme0n1"), Path::new("/dev/nvme0n1p6"));
    }
}
