//! Sticks that a file can be written to.

use std::path::Path;

use super::find::{first_fat, volumes};
use super::write::write;
use super::{MediumError, fat};
use crate::device::BlockDevice;
use crate::disks::{Bus, Content, Disk};

/// A stick, or a foreign disk that a hypervisor shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stick {
    /// Name of the disk or of its FAT partition.
    pub device: String,
    /// Maker and model.
    pub model: String,
    /// Bytes of the disk.
    pub bytes: u64,
    /// Why nothing can be written to it.
    pub problem: Option<String>,
}

/// The sticks of the machine. Built-in disks are none, nor are media with firmware.
#[must_use]
pub fn sticks(disks: &[Disk]) -> Vec<Stick> {
    disks.iter().filter_map(stick).collect()
}

fn stick(disk: &Disk) -> Option<Stick> {
    let pluggable = disk.removable || matches!(disk.bus, Bus::Usb | Bus::Hypervisor | Bus::Loop);
    if !pluggable || disk.optical {
        return None;
    }
    let (content, volumes) = volumes(disk)?;
    let fat = volumes.into_iter().find(|(_, volume)| fat::is_fat(volume));
    let problem = match (&fat, disk.read_only, &disk.in_use) {
        (_, true, _) => Some("it is write-protected".to_owned()),
        (_, _, Some(by)) => Some(format!("it is {by}")),
        (None, ..) if disk.bus == Bus::Hypervisor && content == Content::Blank => return None,
        (None, ..) => Some(format!("it holds {content}: format it as FAT32")),
        (Some(_), ..) => None,
    };
    Some(Stick {
        device: fat.map_or_else(|| disk.name.clone(), |(name, _)| name),
        model: disk.model.clone(),
        bytes: disk.bytes,
        problem,
    })
}

/// Writes a file to the root folder of a stick, or of the first FAT partition on it, and returns when it is there. Says which.
///
/// # Errors
/// When it cannot be written; then it is not there.
pub fn write_to_stick(device: &str, name: &str, bytes: &[u8]) -> Result<String, MediumError> {
    let device = first_fat(device)?;
    let opened = BlockDevice::exclusive(&Path::new("/dev").join(&device));
    let mut volume = opened.map_err(|source| MediumError::Open {
        device: device.clone(),
        source,
    })?;
    write(&mut volume, name, bytes).map_err(|source| MediumError::Write {
        device: device.clone(),
        path: name.to_owned(),
        source,
    })?;
    Ok(device)
}
