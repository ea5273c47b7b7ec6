//! How the ext4 file systems of a disk are made, so that images and appliances have the same.
//!
//! Both run Debian's `mke2fs` with the `mke2fs.conf` of the root file system; what differs from its defaults stands here.

use super::layout::BOOT_SIZE;
use crate::boot_control::SLOTS;

/// UUID of `boot` in images and after an installation; the first boot gives it a random one.
pub const TEMPLATE_BOOT_UUID: &str = "3f3a7bc5-f43f-4cd6-82e3-ea183534d76d";

/// What `mke2fs` is told for `boot`, before the device: a slot has ten files, so few inodes and a small journal do.
pub const BOOT_ARGUMENTS: [&str; 8] = ["-q", "-F", "-t", "ext4", "-N", "1024", "-J", "size=4"];

/// Bytes of `boot` that its file system needs for itself; measured 4.4 MiB.
const BOOT_OVERHEAD: u64 = 8 << 20;
/// Bytes of `boot` that one slot may count on.
pub const SLOT_SHARE: u64 = (BOOT_SIZE - BOOT_OVERHEAD) / SLOTS as u64;
/// Bytes a slot's files may have when a firmware is built: 60 % of its share, for partitions cannot grow in the field.
pub const SLOT_LIMIT: u64 = SLOT_SHARE / 10 * 6;

/// Folder of a slot on `boot`.
#[must_use]
pub fn slot_folder(slot: crate::boot_control::SlotNumber) -> String {
    format!("slots/{slot}")
}
