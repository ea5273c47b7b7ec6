//! Firmware files on the sticks and discs of the machine.

use std::path::Path;

use sps_image::version::Version;
use tracing::warn;

use super::{Entry, MediumError, MediumFile, fat, find, is_readable, list};
use crate::device::BlockDevice;
use crate::disks::{Content, Disk, Scope, probe};
use crate::own::known;

/// Ending of the files that are listed.
const ENDING: &str = ".iso";
/// Files listed of one volume: as many as a person reads through.
const MOST_FILES: usize = 50;
/// The longest path asked for.
const MOST_PATH: usize = 512;

/// A file that may be a firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareFile {
    /// Name of the disk or partition.
    pub device: String,
    /// Model of the disk.
    pub model: String,
    /// Name of the file in the root folder, or why the medium cannot be read.
    pub file: Result<String, String>,
    /// Its bytes, or those of the volume.
    pub size: u64,
    /// What it says its version is; nothing has been verified.
    pub version: Option<Version>,
}

/// The files `*.iso` in the root folders of sticks, discs and foreign disks; of a stick without a file system that can be read, why.
#[must_use]
pub fn firmware_files(disks: &[Disk]) -> Vec<FirmwareFile> {
    disks.iter().flat_map(on_disk).collect()
}

fn on_disk(disk: &Disk) -> Vec<FirmwareFile> {
    let Some((content, volumes)) = volumes(disk) else {
        return Vec::new();
    };
    let readable: Vec<_> = volumes.iter().filter(|(_, volume)| is_readable(volume)).collect();
    if readable.is_empty() && disk.removable && !matches!(content, Content::Blank) {
        return vec![FirmwareFile {
            device: disk.name.clone(),
            model: disk.model.clone(),
            file: Err(unreadable(&disk.name, &volumes).to_string()),
            size: disk.bytes,
            version: None,
        }];
    }
    let files = readable
        .into_iter()
        .flat_map(|(name, volume)| on_volume(disk, name, volume));
    files.collect()
}

/// The disk itself and its partitions, by name; nothing of the appliance's own disk and of firmware media.
pub(crate) fn volumes(disk: &Disk) -> Option<(Content, Vec<(String, BlockDevice)>)> {
    let device = BlockDevice::read_only(&disk.path).ok()?;
    let content = probe(&device);
    if matches!(
        content,
        Content::Appliance(_) | Content::Firmware(_) | Content::NoMedium | Content::Unreadable(_)
    ) {
        return None;
    }
    let mut volumes = vec![(disk.name.clone(), device)];
    for partition in known(&disk.sys) {
        let path = disk.partition(partition.number);
        if let Ok(device) = BlockDevice::read_only(&path) {
            volumes.push((name_of(&path), device));
        }
    }
    Some((content, volumes))
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn on_volume(disk: &Disk, device: &str, volume: &BlockDevice) -> Vec<FirmwareFile> {
    let entries = list(volume).unwrap_or_else(|error| {
        warn!("could not look for firmware files on {device}: {error}");
        Vec::new()
    });
    let is_iso = |entry: &Entry| {
        let end = entry.name.len().checked_sub(ENDING.len());
        end.and_then(|at| entry.name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ENDING))
    };
    let described = |entry: Entry| FirmwareFile {
        device: device.to_owned(),
        model: disk.model.clone(),
        version: version(volume, &entry.name),
        size: entry.size,
        file: Ok(entry.name),
    };
    entries
        .into_iter()
        .filter(is_iso)
        .take(MOST_FILES)
        .map(described)
        .collect()
}

fn version(volume: &BlockDevice, name: &str) -> Option<Version> {
    let places = find(volume, name).ok()??;
    match probe(&MediumFile::new(volume, places)) {
        Content::Firmware(medium) => Some(medium.version),
        _ => None,
    }
}

/// Opens the file at `path` on a disk, on its first partition that has it, or on a partition.
///
/// # Errors
/// When there is no such device, it cannot be read, or has no such file.
pub fn open(device: &str, path: &str) -> Result<MediumFile<BlockDevice>, MediumError> {
    let path: String = path.chars().take(MOST_PATH).collect();
    let mut volumes = Vec::new();
    for opened in opened(device) {
        let (name, volume) = opened?;
        let found = find(&volume, &path).map_err(|source| MediumError::Read {
            device: name.clone(),
            path: path.clone(),
            source,
        })?;
        if let Some(places) = found {
            return Ok(MediumFile::new(volume, places));
        }
        volumes.push((name, volume));
    }
    if !volumes.iter().any(|(_, volume)| is_readable(volume)) {
        return Err(unreadable(device, &volumes));
    }
    Err(MediumError::NoFile {
        device: device.to_owned(),
        path,
    })
}

/// A disk and then its partitions, or the partition itself, each opened when it is asked for.
fn opened(device: &str) -> impl Iterator<Item = Result<(String, BlockDevice), MediumError>> {
    let names = std::iter::once(device.to_owned()).chain(partitions(device));
    names.map(|name| {
        let opened = BlockDevice::read_only(&Path::new("/dev").join(&name));
        match opened {
            Ok(volume) => Ok((name, volume)),
            Err(source) => Err(MediumError::Open { device: name, source }),
        }
    })
}

/// Names of the partitions of a disk; none of a partition.
fn partitions(device: &str) -> Vec<String> {
    let disks = crate::disks::list(Scope::WithLoop);
    let Some(disk) = disks.iter().find(|disk| disk.name == device) else {
        return Vec::new();
    };
    let names = known(&disk.sys).into_iter();
    names
        .map(|partition| name_of(&disk.partition(partition.number)))
        .collect()
}

/// What is on the volumes instead of a file system that can be read: the partition's, if there is one.
fn unreadable(device: &str, volumes: &[(String, BlockDevice)]) -> MediumError {
    let described = volumes.iter().rev().map(|(_, volume)| probe(volume));
    let holds = described
        .into_iter()
        .find(|content| matches!(content, Content::FileSystem(_)));
    let holds = holds.or_else(|| volumes.first().map(|(_, volume)| probe(volume)));
    MediumError::Unreadable {
        device: device.to_owned(),
        holds: holds.map_or_else(|| "nothing".to_owned(), |content| content.to_string()),
    }
}

/// The first FAT volume of a disk, or the partition itself.
pub(super) fn first_fat(device: &str) -> Result<String, MediumError> {
    for opened in opened(device) {
        let (name, volume) = opened?;
        if fat::is_fat(&volume) {
            return Ok(name);
        }
    }
    Err(MediumError::NotFat {
        device: device.to_owned(),
    })
}
