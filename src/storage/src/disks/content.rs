//! What is on a disk, in the words that people choose by.

use std::fmt;

use sps_image::disk::guid::Guid;
use sps_image::version::Version;

/// What a look at a disk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Zeros wherever something could be.
    Blank,
    /// An installed appliance, ours or another.
    Appliance(ApplianceDisk),
    /// A partition table whose both copies are damaged; it may have been an appliance's.
    DamagedTable,
    /// A firmware ISO of this product, as on CD or USB stick. Nothing of it has been verified.
    Firmware(FirmwareMedium),
    /// Some other ISO 9660 volume.
    Iso {
        /// Volume identifier.
        volume: String,
    },
    /// A partition table of somebody else.
    PartitionTable {
        /// Which.
        kind: TableKind,
        /// Partitions in it.
        partitions: usize,
    },
    /// A file system or the member of an array, without a partition table.
    FileSystem(&'static str),
    /// Bytes nobody here knows.
    Unknown,
    /// The drive holds no medium.
    NoMedium,
    /// The disk could not be read.
    Unreadable(String),
}

/// Partition tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// GUID partition table.
    Gpt,
    /// Master boot record.
    Mbr,
}

/// A disk with the partition table of an appliance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplianceDisk {
    /// GUID of the disk.
    pub disk: Guid,
    /// GUID of its EFI system partition, by which the boot loader names the disk.
    pub esp: Guid,
    /// It has never booted: there is no state and no data on it.
    pub fresh: bool,
    /// One of the two copies of its partition table is damaged.
    pub needs_mending: bool,
}

/// What a firmware ISO says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareMedium {
    /// Version.
    pub version: Version,
    /// Which build.
    pub build_id: String,
    /// Bytes of the volume; the medium may be larger.
    pub size: u64,
}

impl Content {
    /// Whether somebody's bytes would be lost by writing over it.
    #[must_use]
    pub fn is_worth_asking(&self) -> bool {
        !matches!(self, Self::Blank | Self::NoMedium)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("blank"),
            Self::Appliance(disk) => disk.fmt(f),
            Self::DamagedTable => f.write_str("a damaged partition table"),
            Self::Firmware(medium) => write!(f, "firmware medium, version {}", medium.version),
            Self::Iso { volume } => write!(f, "ISO medium {volume:?}"),
            Self::PartitionTable { kind, partitions } => {
                let plural = if *partitions == 1 { "" } else { "s" };
                write!(f, "{kind} partition table, {partitions} partition{plural}")
            }
            Self::FileSystem(name) => write!(f, "{name}, no partition table"),
            Self::Unknown => f.write_str("unknown data"),
            Self::NoMedium => f.write_str("no medium"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
        }
    }
}

impl fmt::Display for ApplianceDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fresh {
            true => f.write_str("an appliance that has never booted")?,
            false => write!(f, "an appliance with state and data, identity {}", self.disk)?,
        }
        match self.needs_mending {
            true => f.write_str("; one copy of its partition table is damaged"),
            false => Ok(()),
        }
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gpt => "GPT",
            Self::Mbr => "MBR",
        })
    }
}
