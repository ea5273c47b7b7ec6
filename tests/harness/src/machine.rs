//! The one definition of the QEMU command line: a machine described by what it has.
//!
//! Pure: nothing here starts a process or touches a file. Tests add their serial line and QMP sockets to it,
//! `cargo xtask qemu` a terminal; both boot the same machine.
//!
//! The machine runs under software emulation (`tcg,thread=multi`): the build machines have no usable KVM.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::media::{Disk, Media};
use crate::nic::Nic;

/// QEMU's program name, from Debian's `qemu-system-x86`.
pub const QEMU: &str = "qemu-system-x86_64";
/// UEFI code of Debian's `ovmf`, mapped read-only.
pub const OVMF_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
/// Empty UEFI variables of Debian's `ovmf`: each guest writes to a copy of its own.
pub const OVMF_VARS: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// Which firmware starts the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirmwareKind {
    /// SeaBIOS, built into QEMU.
    Bios,
    /// OVMF.
    Uefi,
}

/// The machine's chipset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chipset {
    /// Q35: PCI Express, AHCI and the TCO watchdog of Intel's I/O controller hubs.
    Q35,
    /// I440FX: PCI, IDE and no watchdog.
    I440fx,
}

/// A kernel started by QEMU itself, past firmware and boot loader.
#[derive(Clone, Debug)]
pub struct DirectBoot {
    /// The kernel image (bzImage).
    pub kernel: PathBuf,
    /// The initramfs, when there is one.
    pub initramfs: Option<PathBuf>,
    /// The kernel command line.
    pub command_line: String,
}

/// A machine: what it has, and with that its QEMU command line.
#[derive(Clone, Debug)]
pub struct Machine {
    firmware: FirmwareKind,
    chipset: Chipset,
    memory_mib: u32,
    cpus: u8,
    media: Vec<Media>,
    disks: Vec<Disk>,
    nics: Vec<Nic>,
    direct: Option<DirectBoot>,
    watchdog: bool,
    rtc_base: Option<String>,
    no_reboot: bool,
    display: String,
    number: u8,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// A BIOS machine with one processor and 512 MiB, without disks, network or added watchdog.
    #[must_use]
    pub fn new() -> Self {
        Self {
            firmware: FirmwareKind::Bios,
            chipset: Chipset::Q35,
            memory_mib: 512,
            cpus: 1,
            media: Vec::new(),
            disks: Vec::new(),
            nics: Vec::new(),
            direct: None,
            watchdog: false,
            rtc_base: None,
            no_reboot: false,
            display: "none".into(),
            number: 1,
        }
    }

    /// Firmware that starts it.
    #[must_use]
    pub fn firmware(mut self, kind: FirmwareKind) -> Self {
        self.firmware = kind;
        self
    }

    /// Which firmware starts it.
    #[must_use]
    pub fn firmware_kind(&self) -> FirmwareKind {
        self.firmware
    }

    /// Chipset; Q35 unless said otherwise.
    #[must_use]
    pub fn chipset(mut self, chipset: Chipset) -> Self {
        self.chipset = chipset;
        self
    }

    /// Memory in MiB.
    #[must_use]
    pub fn memory(mut self, mib: u32) -> Self {
        self.memory_mib = mib;
        self
    }

    /// Number of processors.
    #[must_use]
    pub fn cpus(mut self, cpus: u8) -> Self {
        self.cpus = cpus;
        self
    }

    /// Puts `image` into a CD drive the machine boots from.
    #[must_use]
    pub fn cd(mut self, image: impl Into<PathBuf>) -> Self {
        self.media.push(Media::Cd(image.into()));
        self
    }

    /// Plugs `image` in as a USB stick that the guest may write to; the machine does not boot from it.
    #[must_use]
    pub fn stick(mut self, image: impl Into<PathBuf>) -> Self {
        self.media.push(Media::Stick(image.into()));
        self
    }

    /// Plugs `image` in as a USB stick the machine boots from; the guest cannot write to it.
    #[must_use]
    pub fn usb(mut self, image: impl Into<PathBuf>) -> Self {
        self.media.push(Media::Usb(image.into()));
        self
    }

    /// Puts `image` into a CD drive the machine does not boot from.
    #[must_use]
    pub fn tray(mut self, image: impl Into<PathBuf>) -> Self {
        self.media.push(Media::Tray(image.into()));
        self
    }

    /// Adds a disk; disks follow the media in boot order.
    #[must_use]
    pub fn disk(mut self, disk: Disk) -> Self {
        self.disks.push(disk);
        self
    }

    /// Adds a network card.
    #[must_use]
    pub fn nic(mut self, nic: Nic) -> Self {
        self.nics.push(nic);
        self
    }

    /// The network cards, in the order added: card `n` is the QEMU device `nic<n>`.
    #[must_use]
    pub fn nics(&self) -> &[Nic] {
        &self.nics
    }

    /// Starts a kernel directly.
    #[must_use]
    pub fn direct(mut self, boot: DirectBoot) -> Self {
        self.direct = Some(boot);
        self
    }

    /// Adds an Intel 6300ESB watchdog beside what the chipset has.
    #[must_use]
    pub fn watchdog(mut self) -> Self {
        self.watchdog = true;
        self
    }

    /// Date and time of the real-time clock at power-on, `YYYY-MM-DDTHH:MM:SS` in UTC.
    #[must_use]
    pub fn rtc(mut self, base: &str) -> Self {
        self.rtc_base = Some(base.into());
        self
    }

    /// QEMU ends when the guest reboots, so that a test sees the reboot as an exit.
    #[must_use]
    pub fn no_reboot(mut self) -> Self {
        self.no_reboot = true;
        self
    }

    /// QEMU's `-display` value (`none`, `gtk`, …).
    #[must_use]
    pub fn display(mut self, display: &str) -> Self {
        self.display = display.into();
        self
    }

    /// A number that tells the machines of one test apart; it enters the MAC addresses.
    #[must_use]
    pub fn number(mut self, number: u8) -> Self {
        self.number = number;
        self
    }

    /// The QEMU arguments. `vars` is this machine's own copy of [`OVMF_VARS`], needed for UEFI alone.
    ///
    /// # Errors
    /// When the machine is a UEFI one and `vars` is missing.
    pub fn arguments(&self, vars: Option<&Path>) -> anyhow::Result<Vec<OsString>> {
        let mut line = CommandLine::default();
        self.base(&mut line);
        if self.firmware == FirmwareKind::Uefi {
            let vars = vars.ok_or_else(|| anyhow::anyhow!("a UEFI machine needs a copy of {OVMF_VARS}"))?;
            line.block(
                &json!({"driver": "raw", "node-name": "ovmf-code", "read-only": true,
                "file": {"driver": "file", "filename": OVMF_CODE}}),
            );
            line.block(&json!({"driver": "raw", "node-name": "ovmf-vars",
                "file": {"driver": "file", "filename": vars}}));
        }
        self.storage(&mut line);
        for (index, nic) in self.nics.iter().enumerate() {
            nic.arguments(index, self.number, &mut line);
        }
        if let Some(direct) = &self.direct {
            line.path("-kernel", &direct.kernel);
            if let Some(initramfs) = &direct.initramfs {
                line.path("-initrd", initramfs);
            }
            line.pair("-append", &direct.command_line);
        }
        Ok(line.0)
    }

    fn base(&self, line: &mut CommandLine) {
        let flash = match self.firmware {
            FirmwareKind::Bios => "",
            FirmwareKind::Uefi => ",pflash0=ovmf-code,pflash1=ovmf-vars",
        };
        line.word("-nodefaults");
        line.word("-no-user-config");
        match self.chipset {
            Chipset::Q35 => {
                line.pair("-machine", &format!("q35{flash}"));
                // QEMU 7.2 straps the TCO watchdog so that it does not reset, which no driver can see.
                line.pair("-global", "ICH9-LPC.noreboot=off");
            }
            Chipset::I440fx => line.pair("-machine", &format!("pc{flash}")),
        }
        line.pair("-accel", "tcg,thread=multi");
        line.pair("-cpu", "max");
        line.pair("-smp", &self.cpus.to_string());
        line.pair("-m", &format!("{}M", self.memory_mib));
        line.pair("-vga", "std");
        line.pair("-display", &self.display);
        if let Some(base) = &self.rtc_base {
            line.pair("-rtc", &format!("base={base},clock=vm"));
        }
        if self.no_reboot {
            line.pair("-action", "reboot=shutdown");
        }
        if self.watchdog {
            line.pair("-device", "i6300esb");
        }
        line.pair("-action", "watchdog=reset");
    }

    fn storage(&self, line: &mut CommandLine) {
        if self.media.iter().any(Media::is_usb) {
            line.pair("-device", "qemu-xhci,id=xhci");
        }
        for (index, media) in self.media.iter().enumerate() {
            media.arguments(index, line);
        }
        for (index, disk) in self.disks.iter().enumerate() {
            disk.arguments(index, self.media.len() + index, line);
        }
    }
}

/// The arguments as they grow.
#[derive(Debug, Default)]
pub(crate) struct CommandLine(Vec<OsString>);

impl CommandLine {
    /// A lone word.
    pub(crate) fn word(&mut self, word: &str) {
        self.0.push(word.into());
    }

    /// An option with its value.
    pub(crate) fn pair(&mut self, option: &str, value: &str) {
        self.0.push(option.into());
        self.0.push(value.into());
    }

    /// An option whose value is a path alone.
    pub(crate) fn path(&mut self, option: &str, path: &Path) {
        self.0.push(option.into());
        self.0.push(path.into());
    }

    /// A block node. JSON, so that no comma in a path is taken for a separator.
    pub(crate) fn block(&mut self, node: &serde_json::Value) {
        self.pair("-blockdev", &node.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Bus;

    fn text(machine: &Machine) -> String {
        let words = machine.arguments(Some(Path::new("/v"))).unwrap();
        words
            .iter()
            .map(|w| w.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn a_uefi_machine_without_variables_is_refused() {
        let machine = Machine::new().firmware(FirmwareKind::Uefi);
        assert!(
            machine
                .arguments(None)
                .unwrap_err()
                .to_string()
                .contains("OVMF_VARS")
        );
        assert!(text(&machine).contains("pflash0=ovmf-code,pflash1=ovmf-vars"));
    }

    #[test]
    fn media_boot_before_disks() {
        let line = text(&Machine::new().disk(Disk::new("/d,1", Bus::Nvme)).usb("/a"));
        assert!(
            line.contains("usb-storage,bus=xhci.0,drive=media0,removable=on,bootindex=0"),
            "{line}"
        );
        assert!(line.contains("drive=disk0,serial=disk0,bootindex=1"), "{line}");
        assert!(line.contains(r#""filename":"/d,1""#), "{line}");
    }

    #[test]
    fn cards_of_two_machines_have_different_addresses() {
        let one = text(&Machine::new().number(1).nic(Nic::user()));
        let two = text(&Machine::new().number(2).nic(Nic::user()));
        assert!(one.contains("mac=52:54:00:53:01:00") && two.contains("mac=52:54:00:53:02:00"));
    }
}
