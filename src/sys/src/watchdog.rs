//! The kernel's watchdog device (`linux/watchdog.h`, Documentation/watchdog/watchdog-api.rst).
//!
//! Opening the device arms it. The kernel is built with `WATCHDOG_NOWAYOUT`, so nothing disarms it again:
//! dropping a [`Watchdog`] lets the machine reset when its time runs out, which is the point.

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
/// What the kernel's `softdog` driver calls itself in sysfs.
const SOFTDOG_IDENTITY: &str = "Software Watchdog";
/// Where the kernel lists its watchdogs.
const CLASS: &str = "/sys/class/watchdog";

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

/// An armed watchdog: feed it more often than [`Watchdog::timeout`], or the machine resets.
#[derive(Debug)]
pub struct Watchdog {
    device: OwnedFd,
    identity: String,
    timeout: Duration,
}

impl Watchdog {
    /// Arms the first hardware watchdog, or softdog where there is none, with `timeout` rounded to seconds.
    /// Hardware that cannot take the timeout keeps its own, which [`Watchdog::timeout`] then tells.
    ///
    /// # Errors
    /// When no watchdog exists or none can be opened.
    pub fn arm(timeout: Duration) -> Result<Self, WatchdogError> {
        let mut last = WatchdogError::None;
        for (identity, path) in candidates(Path::new(CLASS))? {
            match open(&path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
                Ok(device) => {
                    let timeout = set_timeout(&device, timeout);
                    return Ok(Self {
                        device,
                        identity,
                        timeout,
                    });
                }
                Err(source) => last = WatchdogError::Open { path, source },
            }
        }
        Err(last)
    }

    /// Postpones the reset by one timeout.
    ///
    /// # Errors
    /// When the device refuses; the caller logs it and goes on trying.
    pub fn feed(&self) -> Result<(), WatchdogError> {
        // SAFETY: WDIOC_KEEPALIVE takes no argument from memory; its encoded size is never dereferenced by the
        // kernel's watchdog core, and the descriptor is a watchdog opened by `arm`.
        let fed = unsafe { ioctl(&self.device, NoArg::<KEEPALIVE>::new()) };
        fed.map_err(|source| WatchdogError::Feed {
            identity: self.identity.clone(),
            source,
        })
    }

    /// Asks for another timeout; [`Watchdog::timeout`] then tells what the device took.
    pub fn change_timeout(&mut self, timeout: Duration) {
        self.timeout = set_timeout(&self.device, timeout);
    }

    /// The device's name for itself, for people.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Whether the kernel's own timer plays watchdog: it cannot save a machine whose interrupts are dead.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.identity == SOFTDOG_IDENTITY
    }

    /// Time without feeding after which the machine resets.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// Watchdogs as (identity, device), hardware before softdog, each group by name.
fn candidates(class: &Path) -> Result<Vec<(String, PathBuf)>, WatchdogError> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(class) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(WatchdogError::None),
        entries => entries.map_err(WatchdogError::List)?,
    };
    for entry in entries {
        let entry = entry.map_err(WatchdogError::List)?;
        let identity = fs::read_to_string(entry.path().join("identity"))
            .unwrap_or_default()
            .trim()
            .to_owned();
        found.push((identity, Path::new("/dev").join(entry.file_name())));
    }
    found.sort_by_key(|(identity, path)| (identity == SOFTDOG_IDENTITY, path.clone()));
    Ok(found)
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
    fn hardware_comes_before_softdog() {
        let class = tempfile::tempdir().unwrap();
        for (name, identity) in [
            ("watchdog0", "Software Watchdog"),
            ("watchdog1", "i6300ESB timer"),
        ] {
            fs::create_dir(class.path().join(name)).unwrap();
            fs::write(class.path().join(name).join("identity"), format!("{identity}\n")).unwrap();
        }
        let found = candidates(class.path()).unwrap();
        assert_eq!(
            found[0],
            ("i6300ESB timer".to_owned(), PathBuf::from("/dev/watchdog1"))
        );
        assert_eq!(found[1].0, SOFTDOG_IDENTITY);
    }

    #[test]
    fn no_class_folder_means_no_watchdog() {
        let gone = tempfile::tempdir().unwrap().path().join("gone");
        assert!(matches!(candidates(&gone), Err(WatchdogError::None)));
    }

    #[test]
    fn ioctl_numbers_are_the_kernels() {
        assert_eq!(KEEPALIVE, 0x8004_5705);
        assert_eq!(SETTIMEOUT, 0xc004_5706);
    }
}
