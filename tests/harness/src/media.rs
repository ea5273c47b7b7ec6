//! What a machine boots from and writes to: CD, USB stick, disks on the buses the firmware supports.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::machine::CommandLine;

/// A removable medium. What carries the firmware ISO is read-only.
#[derive(Clone, Debug)]
pub(crate) enum Media {
    Cd(PathBuf),
    Usb(PathBuf),
    /// A CD that lies in a drive the machine does not boot from.
    Tray(PathBuf),
    /// A USB stick of a person, which the guest may write to and the machine does not boot from.
    Stick(PathBuf),
}

impl Media {
    pub(crate) fn is_usb(&self) -> bool {
        matches!(self, Self::Usb(_) | Self::Stick(_))
    }

    /// The node `media<index>` and its device, at boot position `index`.
    pub(crate) fn arguments(&self, index: usize, line: &mut CommandLine) {
        let (Self::Cd(image) | Self::Usb(image) | Self::Tray(image) | Self::Stick(image)) = self;
        let read_only = !matches!(self, Self::Stick(_));
        line.block(
            &json!({"driver": "raw", "node-name": format!("media{index}"), "read-only": read_only,
            "file": {"driver": "file", "filename": image}}),
        );
        let device = match self {
            // One drive a bus: IDE drives of one chipset, SATA ports of the other.
            Self::Cd(_) | Self::Tray(_) => format!("ide-cd,bus=ide.{index}"),
            Self::Usb(_) | Self::Stick(_) => "usb-storage,bus=xhci.0".to_owned(),
        };
        let removable = if self.is_usb() { ",removable=on" } else { "" };
        let boot = match self {
            Self::Cd(_) | Self::Usb(_) => format!(",bootindex={index}"),
            Self::Tray(_) | Self::Stick(_) => String::new(),
        };
        line.pair(
            "-device",
            &format!("{device},drive=media{index}{removable}{boot}"),
        );
    }
}

/// Seconds a server of disks has to open its socket, on a shared machine.
const SERVER_STARTS: u32 = 30;

/// How a disk is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// virtio block device (`vda`).
    Virtio,
    /// SATA disk on the chipset's AHCI controller (`sda`).
    Ahci,
    /// NVMe controller with one namespace (`nvme0n1`).
    Nvme,
    /// SCSI disk on a virtio SCSI controller (`sda`).
    Scsi,
}

/// A disk image and how the guest sees it.
#[derive(Clone, Debug)]
pub struct Disk {
    image: PathBuf,
    bus: Bus,
    format: &'static str,
    log: Option<PathBuf>,
    socket: Option<PathBuf>,
}

impl Disk {
    /// The raw image `image` on `bus`.
    #[must_use]
    pub fn new(image: impl Into<PathBuf>, bus: Bus) -> Self {
        Self {
            image: image.into(),
            bus,
            format: "raw",
            log: None,
            socket: None,
        }
    }

    /// A new, empty raw disk of `bytes` in the sparse file `image`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn blank(image: impl Into<PathBuf>, bytes: u64, bus: Bus) -> Result<Self> {
        let image = image.into();
        File::create(&image)
            .and_then(|file| file.set_len(bytes))
            .with_context(|| format!("create the disk {}", image.display()))?;
        Ok(Self::new(image, bus))
    }

    /// The image is of QEMU's `format` (`qcow2`, `vmdk`) instead of raw.
    #[must_use]
    pub fn format(mut self, format: &'static str) -> Self {
        self.format = format;
        self
    }

    /// Records every write and flush to `log` in the dm-log-writes format, for
    /// [`WriteLog`](crate::WriteLog). The file must exist (empty).
    #[must_use]
    pub fn recorded_to(mut self, log: impl Into<PathBuf>) -> Self {
        self.log = Some(log.into());
        self
    }

    /// A server of network block devices at a unix socket has the image open, see [`DiskServer`](crate::DiskServer).
    #[must_use]
    pub(crate) fn served_at(mut self, socket: &Path) -> Self {
        self.socket = Some(socket.to_owned());
        self
    }

    /// The image file.
    #[must_use]
    pub fn image(&self) -> &Path {
        &self.image
    }

    fn node(&self, name: &str) -> Value {
        let file = match &self.socket {
            None => json!({"driver": "file", "filename": self.image, "discard": "unmap"}),
            Some(socket) => json!({"driver": "nbd", "server": {"type": "unix", "path": socket},
                "open-timeout": SERVER_STARTS, "discard": "unmap"}),
        };
        match &self.log {
            None => json!({"driver": self.format, "node-name": name, "discard": "unmap", "file": file}),
            Some(log) => json!({"driver": "blklogwrites", "node-name": name,
                "file": {"driver": self.format, "discard": "unmap", "file": file},
                "log": {"driver": "raw", "file": {"driver": "file", "filename": log}}}),
        }
    }

    /// The node `disk<index>` and its device, at position `boot` of the boot order.
    pub(crate) fn arguments(&self, index: usize, boot: usize, line: &mut CommandLine) {
        let name = format!("disk{index}");
        line.block(&self.node(&name));
        let device = match self.bus {
            // QEMU joins requests up to 1,024 pieces (IOV_MAX); the recorder adds one, which is then one too many, and the
            // guest sees an I/O error.
            Bus::Virtio if self.log.is_some() => "virtio-blk-pci,request-merging=off".to_owned(),
            Bus::Virtio => "virtio-blk-pci".to_owned(),
            Bus::Ahci => format!("ide-hd,bus=ide.{boot}"),
            Bus::Nvme => "nvme".to_owned(),
            Bus::Scsi => {
                line.pair("-device", &format!("virtio-scsi-pci,id=scsi{index}"));
                format!("scsi-hd,bus=scsi{index}.0")
            }
        };
        line.pair(
            "-device",
            &format!("{device},drive={name},serial={name},bootindex={boot}"),
        );
    }
}
