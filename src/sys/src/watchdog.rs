//! The kernel's watchdog device (`linux/watchdog.h`, Documentation/watchdog/watchdog-api.rst).
//!
//! Opening the device arms it. The kernel is built with `WATCHDOG_NOWAYOUT`, so nothing disarms it again:
//! dropping a [`Watchdog`] lets the machine reset when the time runs out, which is the point.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::ioctl::{Getter, NoArg, Updater, ioctl, opcode};
use thiserror::Error;

/// `WDIOC_KEEPALIVE`, `_IOR('W', 5, int)`.
const KEEPALIVE: rustix::ioctl::Opcode = opcode::read::<i32>(b'W', 5);
/// `WDIOC_SETTIMEOUT`, `_IOWR('W', 6, int)`; seconds, answered with what the hardware took.
const SETTIMEOUT: rustix::ioctl::Opcode = opcode::read_write::<i32>(b'W', 6);
/// `WDIOC_GETTIMEOUT`, `_IOR('W', 7, int)`; seconds.
const GETTIMEOUT: rustix::ioctl::Opcode = opcode::read::<i32>(b'W', 7);
/// Assumed where a device neither takes nor tells a timeout; feeding every second is well inside it.
const SHORTEST_SECONDS: i32 = 10;
/// `WDIOC_GETSUPPORT`, `_IOR('W', 0, struct watchdog_info)`.
const GETSUPPORT: rustix::ioctl::Opcode = opcode::read::<WatchdogInfo>(b'W', 0);
/// Where the kernel lists its watchdogs.
const CLASS: &str = "/sys/class/watchdog";

/// What the kernel's `softdog` driver calls itself. Its place in sysfs does not tell it: drivers of real hardware
/// stand among the virtual devices too.
const SOFTDOG_IDENTITY: &str = "Software Watchdog";

/// `struct watchdog_info`.
#[repr(C)]
struct WatchdogInfo {
    options: u32,
    firmware_version: u32,
    identity: [u8; 32],
}

/// Why the watchdog could not be armed or fed.
#[derive(Debug, Error)]
pub enum WatchdogError {
    /// The kernel lists none at all.
    #[error("no watchdog found under {CLASS}: the kernel lacks even softdog; rebuild it from kernel-config/")]
    None,
    /// The list could not be read.
    #[error("could not list {CLASS}")]
    List(#[source] io::Error),
    /// The device could not be opened.
    #[error("could not open watchdog {}", path.display())]
    Open {
        /// The device.
        path: PathBuf,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
    /// The device refused to be fed.
    #[error("could not feed watchdog {identity}")]
    Feed {
        /// The device's name for itself.
        identity: String,
        /// The kernel's answer.
        #[source]
        source: Errno,
    },
}

/// One armed device: fed less often than its timeout, it resets the machine.
#[derive(Debug)]
pub struct Device {
    file: OwnedFd,
    identity: String,
    software: bool,
    timeout: Duration,
}

impl Device {
    fn arm(path: &Path, timeout: Duration) -> Result<Self, WatchdogError> {
        let opened = open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
        let file = opened.map_err(|source| WatchdogError::Open {
            path: path.to_path_buf(),
            source,
        })?;
        let identity = identity_of(&file);
        let software = identity == SOFTDOG_IDENTITY;
        let mut device = Self {
            file,
            identity,
            software,
            timeout,
        };
        device.set_timeout(timeout);
        Ok(device)
    }

    /// Softdog gets twice the time: it stands behind the hardware and must not come before it.
    fn set_timeout(&mut self, timeout: Duration) {
        let timeout = if self.software { timeout * 2 } else { timeout };
        self.timeout = set_timeout(&self.file, timeout);
    }

    fn feed(&self) -> Result<(), WatchdogError> {
        // SAFETY: WDIOC_KEEPALIVE takes no argument from memory; its encoded size is never dereferenced by the
        // kernel's watchdog core, and the descriptor is a watchdog opened by `arm`.
        let fed = unsafe { ioctl(&self.file, NoArg::<KEEPALIVE>::new()) };
        fed.map_err(|source| WatchdogError::Feed {
            identity: self.identity.clone(),
            source,
        })
    }

    /// The device's name for itself, for people.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Time without feeding after which it resets the machine.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// Every watchdog of the machine, armed, softdog among them: a chipset's may be strapped never to reset, which no
/// driver can see; it does not matter beside one that works.
#[derive(Debug)]
pub struct Watchdog {
    devices: Vec<Device>,
    software: bool,
}

impl Watchdog {
    /// Arms with `timeout`, rounded to seconds. Hardware that cannot take it keeps its own, which
    /// [`Device::timeout`] then tells.
    ///
    /// # Errors
    /// When no watchdog exists or none can be armed.
    pub fn arm(timeout: Duration) -> Result<Self, WatchdogError> {
        let mut last = WatchdogError::None;
        let (mut devices, mut software) = (Vec::new(), true);
        for path in device_files(Path::new(CLASS))? {
            match Device::arm(&path, timeout) {
                Ok(device) => {
                    software &= device.software;
                    devices.push(device);
                }
                Err(error) => last = error,
            }
        }
        if devices.is_empty() {
            Err(last)
        } else {
            Ok(Self { devices, software })
        }
    }

    /// Postpones the reset by one timeout.
    ///
    /// # Errors
    /// When a device refuses; the others are fed all the same. The caller logs it and goes on trying.
    pub fn feed(&self) -> Result<(), WatchdogError> {
        self.devices.iter().map(Device::feed).fold(Ok(()), Result::and)
    }

    /// Asks every device for another timeout.
    pub fn change_timeout(&mut self, timeout: Duration) {
        for device in &mut self.devices {
            device.set_timeout(timeout);
        }
    }

    /// What is armed.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Whether only the kernel's own timer plays watchdog: it cannot save a machine whose interrupts are dead.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.software
    }
}

/// The device files of the kernel's watchdogs, by name.
fn device_files(class: &Path) -> Result<Vec<PathBuf>, WatchdogError> {
    let entries = match fs::read_dir(class) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(WatchdogError::None),
        entries => entries.map_err(WatchdogError::List)?,
    };
    let file = |entry: io::Result<fs::DirEntry>| Ok(Path::new("/dev").join(entry?.file_name()));
    let mut found: Vec<_> = entries
        .map(file)
        .collect::<io::Result<_>>()
        .map_err(WatchdogError::List)?;
    found.sort();
    Ok(found)
}

/// The device's name for itself (`WDIOC_GETSUPPORT`).
fn identity_of(device: &OwnedFd) -> String {
    // SAFETY: WDIOC_GETSUPPORT writes one `struct watchdog_info`, which `Getter` reserves; any bytes are a valid one.
    let info = unsafe { ioctl(device, Getter::<GETSUPPORT, WatchdogInfo>::new()) };
    let Ok(info) = info else {
        return "of unknown make".to_owned();
    };
    let name = info.identity.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// Asks for `timeout` and returns the timeout in force: hardware may round it or keep its own.
fn set_timeout(device: &OwnedFd, timeout: Duration) -> Duration {
    let mut seconds = i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX);
    // SAFETY: WDIOC_SETTIMEOUT reads and writes one int behind the pointer, and `seconds` is one.
    let set = unsafe { ioctl(device, Updater::<SETTIMEOUT, i32>::new(&mut seconds)) };
    if set.is_err() {
        // SAFETY: WDIOC_GETTIMEOUT writes one int, which `Getter` reserves.
        let kept = unsafe { ioctl(device, Getter::<GETTIMEOUT, i32>::new()) };
        seconds = kept.unwrap_or(SHORTEST_SECONDS);
    }
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_watchdog_of_the_list_has_its_device_file() {
        let class = tempfile::tempdir().unwrap();
        for name in ["watchdog1", "watchdog0"] {
            fs::create_dir(class.path().join(name)).unwrap();
        }
        let found = device_files(class.path()).unwrap();
        assert_eq!(
            found,
            [PathBuf::from("/dev/watchdog0"), PathBuf::from("/dev/watchdog1")]
        );
    }

    #[test]
    fn no_class_folder_means_no_watchdog() {
        let gone = tempfile::tempdir().unwrap().path().join("gone");
        assert!(matches!(device_files(&gone), Err(WatchdogError::None)));
    }

    #[test]
    fn ioctl_numbers_are_the_kernels() {
        assert_eq!(KEEPALIVE, 0x8004_5705);
        assert_eq!(SETTIMEOUT, 0xc004_5706);
        assert_eq!(GETTIMEOUT, 0x8004_5707);
        assert_eq!(GETSUPPORT, 0x8028_5700);
    }
}
