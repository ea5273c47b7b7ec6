//! What the boot loader says on the kernel command line: where this firmware was started from and why.
//!
//! The words are those of the boot protocol (`image/DECISION-boot-control.md`); the kernel ignores them.

use std::fs;

use sps_firmware_engine::Rescue;
use tracing::warn;

/// Where this firmware was started from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The firmware medium: nothing is installed, or nothing of it is used.
    Medium,
    /// A slot of an installed disk.
    Slot {
        /// Its number.
        slot: u8,
        /// The mark of the disk, as the boot loader writes it.
        disk: String,
        /// Set in rescue mode.
        rescue: Option<Rescue>,
        /// This firmware was never healthy yet: whatever fails, the machine restarts and the try counts.
        trial: bool,
    },
}

/// Reads `/proc/cmdline`; without it the firmware behaves as on its medium, which touches no disk.
pub(crate) fn start() -> Start {
    match fs::read_to_string("/proc/cmdline") {
        Ok(line) => parse(&line),
        Err(error) => {
            warn!("could not read the kernel command line ({error}); no disk will be used");
            Start::Medium
        }
    }
}

fn parse(line: &str) -> Start {
    let word = |name: &str| {
        line.split_whitespace()
            .filter_map(|word| word.split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .next_back()
    };
    let slot = word("sps.slot").and_then(|text| text.parse().ok());
    match (slot, word("sps.disk")) {
        (Some(slot), Some(disk)) => Start::Slot {
            slot,
            disk: disk.to_owned(),
            // A word of a newer boot loader still means rescue.
            rescue: word("sps.rescue").map(|word| word.parse().unwrap_or(Rescue::Unreadable)),
            trial: word("sps.trial") == Some("1"),
        },
        _ => Start::Medium,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_told_from_the_medium() {
        assert_eq!(parse("console=tty0 quiet\n"), Start::Medium);
        assert_eq!(parse("sps.slot=2"), Start::Medium);
        let slot = |rescue| Start::Slot {
            slot: 2,
            disk: "0b5a".into(),
            rescue,
            trial: false,
        };
        assert_eq!(parse("quiet sps.slot=2 sps.disk=0b5a\n"), slot(None));
        assert_eq!(
            parse("sps.slot=2 sps.disk=0b5a sps.rescue=tries"),
            slot(Some(Rescue::Tries))
        );
        assert!(matches!(
            parse("sps.slot=2 sps.disk=0b5a sps.trial=1"),
            Start::Slot { trial: true, .. }
        ));
        assert_eq!(
            parse("sps.slot=2 sps.disk=0b5a sps.rescue=later"),
            slot(Some(Rescue::Unreadable))
        );
    }
}
