//! What the kernel complains of, carried into the boot log so that every surface shows it.
//!
//! Drivers report as an error what people would call a warning (a device that is not there), and as a warning
//! what is a detail; so each severity counts one step less here, and details are kept but not shown on consoles.
//!
//! Format of `/dev/kmsg` records: Documentation/ABI/testing/dev-kmsg, `priority,sequence,microseconds,flags;text`.

use std::fs::File;
use std::io::{self, Read};
use std::thread;

use sps_bootlog::{BootLog, Level};
use thiserror::Error;

/// Largest record the kernel gives (`PRINTK_MESSAGE_MAX`).
const RECORD: usize = 2048;
/// Least urgent severity that is carried over: KERN_WARNING.
const WARNING: u32 = 4;
/// Least urgent severity that counts as a warning: KERN_ERR.
const ERROR: u32 = 3;
/// Least urgent severity that counts as an error: KERN_CRIT.
const CRITICAL: u32 = 2;

/// Why the kernel cannot be heard.
#[derive(Debug, Error)]
pub enum KernelLogError {
    /// `/dev/kmsg` could not be opened.
    #[error("could not open /dev/kmsg")]
    Open(#[source] io::Error),
    /// The thread could not be started.
    #[error("could not start the kernel log thread")]
    Thread(#[source] io::Error),
}

/// Copies the kernel's warnings and errors into `log`, those of before included, from a thread of its own.
///
/// # Errors
/// When `/dev/kmsg` cannot be opened or the thread cannot be made.
pub fn follow(log: BootLog) -> Result<(), KernelLogError> {
    let mut kmsg = File::open("/dev/kmsg").map_err(KernelLogError::Open)?;
    let work = move || {
        let mut record = [0; RECORD];
        loop {
            match kmsg.read(&mut record) {
                Ok(0) => break,
                Ok(length) => {
                    if let Some((level, text)) = parse(&String::from_utf8_lossy(&record[..length])) {
                        log.push(level, "kernel", &text);
                    }
                }
                // The ring was overwritten before it was read: go on with what is there.
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::PIPE.raw_os_error()) => {}
                Err(error) => {
                    log.push(Level::Warning, "init", &format!("lost the kernel's log: {error}"));
                    break;
                }
            }
        }
    };
    thread::Builder::new()
        .name("kernel-log".into())
        .spawn(work)
        .map_err(KernelLogError::Thread)?;
    Ok(())
}

/// The level and text of a record worth showing. Records written from user space (facility not 0) are not.
fn parse(record: &str) -> Option<(Level, String)> {
    let (prefix, text) = record.split_once(';')?;
    let priority: u32 = prefix.split(',').next()?.parse().ok()?;
    let (facility, severity) = (priority >> 3, priority & 7);
    if facility != 0 || severity > WARNING {
        return None;
    }
    let level = match severity {
        0..=CRITICAL => Level::Error,
        ERROR => Level::Warning,
        _ => Level::Debug,
    };
    let first_line = text.lines().next().unwrap_or_default();
    Some((level, format!("kernel: {first_line}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_carried_over_and_the_rest_is_not() {
        let parsed = parse("4,339,5140900,-;NET: odd\n SUBSYSTEM=pci\n");
        assert_eq!(parsed, Some((Level::Debug, "kernel: NET: odd".to_owned())));
        assert_eq!(parse("3,1,2,-;bad").map(|p| p.0), Some(Level::Warning));
        assert_eq!(parse("2,1,2,-;worse").map(|p| p.0), Some(Level::Error));
        assert_eq!(parse("6,1,2,-;chatty"), None);
        assert_eq!(parse("12,1,2,-;from user space"), None);
        assert_eq!(parse("garbage"), None);
    }
}
