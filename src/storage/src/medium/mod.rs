//! Sticks and discs that strangers made: files on them are found, listed and read, and one can be written, without mounting anything.
//!
//! Read: FAT12, FAT16, FAT32 and ISO 9660, with or without a partition table. Written: FAT.
//!
//! Invariants: a medium may come from an enemy, so everything read from it is bounded and checked; the kernel mounts none of them; a file is
//! written whole or not at all, and no moment at which the power may go loses another file.

mod error;
mod fat;
mod file;
mod find;
mod iso;
mod sheet;
mod sticks;
mod volume;
mod write;

pub use error::MediumError;
pub use file::MediumFile;
pub(crate) use find::volumes;
pub use find::{FirmwareFile, firmware_files, open};
pub use sticks::{Stick, sticks, write_to_stick};
pub use volume::{Entry, MOST_FILE, find, is_readable, list, read};
pub use write::{WriteError, write};
