//! `cargo xtask qemu`: boots what was built, serial line on the terminal.
//!
//! The machine is described by the test harness's [`Machine`], so that people and tests boot the same one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use sps_harness::{Bus, Disk, Firmware, FirmwareKind, Machine, Nic, OVMF_VARS, QEMU, built_iso};

use crate::project::Project;

/// Boots the firmware in a virtual machine, its serial line on this terminal.
///
/// Ctrl-A X ends the machine, Ctrl-A C switches to QEMU's monitor (`system_powerdown` there presses the power
/// button). The boot page is at the address printed first. Needs the Debian package qemu-system-x86, and ovmf
/// for --uefi. The machine is emulated without KVM; a boot takes 4 to 8 seconds.
#[derive(Args, Debug)]
pub(crate) struct Qemu {
    /// Firmware to boot [default: $SPS_ISO, else the newest ISO in out/]
    #[arg(long, value_name = "FILE")]
    iso: Option<PathBuf>,
    /// Start from BIOS (the default)
    #[arg(long, conflicts_with = "uefi")]
    bios: bool,
    /// Start from UEFI
    #[arg(long)]
    uefi: bool,
    /// Put the firmware into a CD drive (the default)
    #[arg(long, conflicts_with = "usb")]
    cd: bool,
    /// Plug the firmware in as a USB stick
    #[arg(long)]
    usb: bool,
    /// Start the kernel of the firmware directly, past firmware and boot loader [development builds]
    #[arg(long, conflicts_with_all = ["uefi", "usb", "cd"])]
    direct: bool,
    /// Fault for tests to boot with, such as panic-pid1; may be given several times
    #[arg(long, value_name = "NAME", requires = "direct")]
    fault: Vec<String>,
    /// Memory in MiB
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    memory: u32,
    /// Number of processors
    #[arg(long, value_name = "N", default_value_t = 2)]
    cpus: u8,
    /// Disk image to attach, in the format its name ends with; may be given several times. Alone it is started from; with --iso, --cd or
    /// --usb the machine starts from the medium, to install
    #[arg(long, value_name = "FILE")]
    disk: Vec<PathBuf>,
    /// Disc in a drive that the machine does not start from: firmware to upgrade to
    #[arg(long, value_name = "FILE")]
    tray: Option<PathBuf>,
    /// How disks are attached
    #[arg(long, value_enum, default_value_t = DiskBus::Virtio)]
    bus: DiskBus,
    /// Port of 127.0.0.1 for the appliance's port 80
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    http: u16,
    /// Port of 127.0.0.1 for the appliance's port 443
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    https: u16,
    /// No network card at all
    #[arg(long)]
    no_network: bool,
    /// Let the appliance reach what this machine reaches
    #[arg(long, conflicts_with = "no_network")]
    outside: bool,
    /// QEMU display for the screen: none, gtk, curses, …
    #[arg(long, default_value = "none")]
    display: String,
}

/// [`Bus`] by the names people type.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum DiskBus {
    Virtio,
    Ahci,
    Nvme,
    Scsi,
}

impl From<DiskBus> for Bus {
    fn from(bus: DiskBus) -> Self {
        match bus {
            DiskBus::Virtio => Self::Virtio,
            DiskBus::Ahci => Self::Ahci,
            DiskBus::Nvme => Self::Nvme,
            DiskBus::Scsi => Self::Scsi,
        }
    }
}

impl Qemu {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let iso = self.medium(project)?;
        let scratch = project.root().join("target/qemu");
        fs::create_dir_all(&scratch).with_context(|| format!("create {}", scratch.display()))?;
        let vars = scratch.join("vars.fd");
        if self.uefi {
            fs::copy(OVMF_VARS, &vars).with_context(|| format!("copy {OVMF_VARS} (Debian package ovmf)"))?;
        }
        println!("{}", self.greeting(iso.as_deref()));
        let machine = match iso {
            Some(iso) => self.start_from(self.machine(), iso, &scratch)?,
            None => self.machine(),
        };
        let machine = match &self.tray {
            Some(disc) => {
                ensure!(disc.is_file(), "there is no firmware {}", disc.display());
                machine.tray(disc)
            }
            None => machine,
        };
        let mut command = Command::new(QEMU);
        command
            .args(machine.arguments(Some(&vars))?)
            .args(["-serial", "mon:stdio"]);
        let status = command
            .status()
            .with_context(|| format!("start {QEMU} (Debian package qemu-system-x86)"))?;
        ensure!(status.success(), "{QEMU} ended with {status}");
        Ok(())
    }

    /// The firmware to start from, or nothing when a disk shall start by itself.
    fn medium(&self, project: &Project) -> Result<Option<PathBuf>> {
        for disk in &self.disk {
            ensure!(disk.is_file(), "there is no disk image {}", disk.display());
            let to_import = disk
                .extension()
                .is_some_and(|extension| extension == "vmdk" || extension == "ova");
            ensure!(
                !to_import,
                "{} is to be imported, QEMU cannot write to it: build raw or qcow2 instead",
                disk.display()
            );
        }
        let wanted = self.iso.is_some() || self.cd || self.usb || self.direct;
        if !self.disk.is_empty() && !wanted {
            return Ok(None);
        }
        let iso = match &self.iso {
            Some(named) => named.clone(),
            None => built_iso(&project.out())?,
        };
        ensure!(iso.is_file(), "there is no firmware {}", iso.display());
        Ok(Some(iso))
    }

    fn greeting(&self, iso: Option<&Path>) -> String {
        let started = iso
            .or(self.disk.first().map(PathBuf::as_path))
            .unwrap_or(Path::new(""));
        let page = if self.no_network {
            "no network".to_owned()
        } else {
            format!(
                "boot page https://127.0.0.1:{}/ (also http://127.0.0.1:{}/)",
                self.https, self.http
            )
        };
        format!("{}: {page}; Ctrl-A X ends the machine", started.display())
    }

    /// Adds what the machine starts from; files of a direct start go to `scratch`.
    fn start_from(&self, machine: Machine, iso: PathBuf, scratch: &Path) -> Result<Machine> {
        if self.direct {
            let faults: Vec<&str> = self.fault.iter().map(String::as_str).collect();
            return Ok(machine.direct(Firmware::open(&iso)?.direct(&faults, scratch)?));
        }
        Ok(if self.usb {
            machine.usb(iso)
        } else {
            machine.cd(iso)
        })
    }

    fn machine(&self) -> Machine {
        let kind = if self.uefi {
            FirmwareKind::Uefi
        } else {
            FirmwareKind::Bios
        };
        let machine = Machine::new()
            .firmware(kind)
            .memory(self.memory)
            .cpus(self.cpus)
            .display(&self.display)
            .watchdog();
        let machine = self.disk.iter().fold(machine, |machine, disk| {
            machine.disk(Disk::new(disk, self.bus.into()).format(format(disk)))
        });
        if self.no_network {
            return machine;
        }
        let nic = Nic::user()
            .forward_from(self.http, 80)
            .forward_from(self.https, 443);
        machine.nic(if self.outside { nic.outside() } else { nic })
    }
}

/// QEMU's name for the format of a disk image.
fn format(disk: &Path) -> &'static str {
    match disk.extension().and_then(|extension| extension.to_str()) {
        Some("qcow2") => "qcow2",
        _ => "raw",
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        qemu: Qemu,
    }

    fn line(words: &[&str]) -> String {
        let line = Line::try_parse_from([&["qemu"], words].concat()).unwrap();
        let machine = line
            .qemu
            .start_from(line.qemu.machine(), "/f.iso".into(), Path::new("/s"))
            .unwrap();
        let words = machine.arguments(Some(Path::new("/vars"))).unwrap();
        words
            .iter()
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn the_line_has_console_and_ports() {
        let usual = line(&[]);
        assert!(
            usual.contains("hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=tcp:127.0.0.1:8443-:443"),
            "{usual}"
        );
        assert!(
            usual.contains("ide-cd,bus=ide.0,drive=media0") && usual.contains("restrict=on"),
            "{usual}"
        );
        let chosen = line(&[
            "--uefi",
            "--usb",
            "--https",
            "9443",
            "--disk",
            "/d",
            "--bus",
            "nvme",
            "--outside",
        ]);
        for part in [
            "pflash0=ovmf-code",
            "usb-storage",
            ":9443-:443",
            "nvme,drive=disk0",
            "restrict=off",
        ] {
            assert!(chosen.contains(part), "{part} is missing in {chosen}");
        }
        assert!(!line(&["--no-network"]).contains("-netdev"));
    }

    #[test]
    fn a_disk_alone_is_started_from() {
        let project = Project::find().unwrap();
        let disk = std::env::temp_dir().join(format!("sps-qemu-{}.qcow2", std::process::id()));
        fs::write(&disk, "").unwrap();
        let path = disk.to_str().unwrap();
        let parse = |words: &[&str]| {
            Line::try_parse_from([&["qemu", "--disk", path], words].concat())
                .unwrap()
                .qemu
        };
        let alone = parse(&[]);
        assert_eq!(alone.medium(&project).unwrap(), None);
        assert!(line(&["--disk", path]).contains("qcow2"));
        let iso = parse(&["--iso", path]).medium(&project).unwrap();
        assert_eq!(iso.as_deref(), Some(disk.as_path()));
        fs::remove_file(&disk).unwrap();
        assert!(
            alone
                .medium(&project)
                .unwrap_err()
                .to_string()
                .contains("no disk image")
        );
    }

    #[test]
    fn contradictions_are_refused() {
        for words in [
            "--bios --uefi",
            "--cd --usb",
            "--outside --no-network",
            "--direct --usb",
            "--fault x",
        ] {
            let line = format!("qemu {words}");
            assert!(Line::try_parse_from(line.split(' ')).is_err(), "{words}");
        }
    }
}
