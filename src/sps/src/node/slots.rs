//! The firmware slots of this node, and what this start means for them.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use sps_firmware::{ByteRange, Evidence, Firmware, PartitionStore, Settings, Started, Steps};
use sps_firmware_engine::Rescue;
use sps_image::boot_control::SlotNumber;
use sps_image::disk::file_extents;
use sps_image::disk::layout::Part;
use sps_image::keys::Trust;
use sps_image::source::Extent;
use sps_image::version::Version;
use sps_init::phases::PhaseError;
use sps_storage::device::BlockDevice;

use super::disk::Node;
use super::state::{BOOT_FOLDER, STATE_FOLDER, State};

/// Names of the copies on the EFI system partition.
const COPIES: [&str; 2] = ["sps/control-a.env", "sps/control-b.env"];

/// What the slots are opened with.
pub(crate) struct Who {
    pub(crate) slot: u8,
    pub(crate) rescue: Option<Rescue>,
    pub(crate) version: Version,
    pub(crate) trust: Trust,
}

/// Opens the slots and does what this start means: a rollback is noted, an interrupted write is cleaned.
pub(crate) fn open_slots(node: &Node, state: &State, who: &Who) -> Result<(Firmware, Started), PhaseError> {
    let settings = Settings {
        boot: PathBuf::from(BOOT_FOLDER),
        state: Some(PathBuf::from(STATE_FOLDER)),
        running: SlotNumber::try_from(who.slot).ok(),
        rescue: who.rescue,
        version: who.version,
        trust: who.trust,
        boot_id: fs::read_to_string("/proc/sys/kernel/random/boot_id")?
            .trim()
            .to_owned(),
    };
    let firmware = Firmware::open(settings, Box::new(control(node)?), &Steps::default())?;
    let kernel = state.kernel.as_ref().map(|words| words.lines.join("\n"));
    let log = state.last.as_ref().and_then(|last| {
        let slot = SlotNumber::try_from(last.slot).ok()?;
        Some((slot, last.lines.join("\n")))
    });
    let started = firmware.boot_started(&Evidence {
        now: now(),
        log,
        kernel: kernel.unwrap_or_default(),
    })?;
    Ok((firmware, started))
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// The boot control on the raw EFI system partition.
fn control(node: &Node) -> Result<PartitionStore, PhaseError> {
    let device = node.own.partition(Part::Esp);
    let volume = BlockDevice::read_only(&device)?;
    let mut ranges = Vec::new();
    for name in COPIES {
        match file_extents::find(&volume, name)?.as_slice() {
            &[Extent { offset, size }] => ranges.push(ByteRange { offset, length: size }),
            pieces => {
                return Err(format!(
                    "{name} lies in {} pieces: install the boot loader again",
                    pieces.len()
                )
                .into());
            }
        }
    }
    Ok(PartitionStore::open(&device, ranges[0], ranges[1])?)
}
