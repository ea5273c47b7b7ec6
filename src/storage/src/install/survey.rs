//! What the plan needs to know of a disk.

use sps_image::disk::layout::{Layout, Part};
use sps_image::disk::read;
use sps_image::disk::table::Table;
use sps_image::source::{Section, Source};

use crate::device::BlockDevice;
use crate::disks::{Content, Disk, probe};
use crate::ext4::Superblock;

/// A disk, looked at.
#[derive(Clone, Debug)]
pub struct Survey {
    /// What it is.
    pub disk: Disk,
    /// What is on it.
    pub content: Content,
    /// Its partition table, when that is an appliance's.
    pub table: Option<Table>,
    /// Where an appliance's state would be is an ext4 file system, whatever the partition table says.
    pub has_state: bool,
}

/// Looks at a disk.
#[must_use]
pub fn survey(disk: &Disk) -> Survey {
    let mut survey = Survey {
        disk: disk.clone(),
        content: Content::NoMedium,
        table: None,
        has_state: false,
    };
    match BlockDevice::read_only(&disk.path) {
        Ok(device) => {
            survey.content = probe(&device);
            let table = read::read(&device).ok().map(|found| found.table);
            survey.table = table.filter(|table| table.check_appliance().is_ok());
            survey.has_state = has_state(&device);
        }
        Err(_) if disk.removable => {}
        Err(error) => survey.content = Content::Unreadable(error.to_string()),
    }
    survey
}

fn has_state(disk: &BlockDevice) -> bool {
    let Ok(layout) = Layout::for_size(disk.size()) else {
        return false;
    };
    let part = Section::new(disk, layout.extent(Part::State));
    Superblock::read(&part).is_ok_and(|superblock| superblock.size <= part.size())
}
