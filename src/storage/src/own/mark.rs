//! What the boot loader knows its disk by: the kernel parameter `sps.disk`.

use std::fmt;
use std::str::FromStr;

use sps_image::disk::guid::{GUID_SIZE, Guid, GuidError};

/// What the word begins with when the boot loader could not read the partition table.
const BOOT: &str = "boot-";

/// A mark that no two appliances share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// GUID of the EFI system partition.
    Esp(Guid),
    /// UUID of the file system of the firmware slots: all there is while the partition table cannot be read.
    Boot([u8; GUID_SIZE]),
}

impl FromStr for Mark {
    type Err = GuidError;

    fn from_str(word: &str) -> Result<Self, GuidError> {
        match word.strip_prefix(BOOT) {
            None => word.parse().map(Self::Esp),
            Some(uuid) => uuid.parse().map(|guid: Guid| Self::Boot(guid.in_order_of_text())),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Esp(guid) => write!(f, "system partition {guid}"),
            Self::Boot(uuid) => write!(f, "firmware file system {}", Guid::from_order_of_text(*uuid)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "01020304-0506-0708-090a-0b0c0d0e0f10";

    #[test]
    fn both_marks_are_read_and_shown() {
        let esp: Mark = UUID.parse().unwrap();
        assert_eq!(esp.to_string(), format!("system partition {UUID}"));
        let boot: Mark = format!("boot-{UUID}").parse().unwrap();
        assert_eq!(boot, Mark::Boot(std::array::from_fn(|at| at as u8 + 1)));
        assert_eq!(boot.to_string(), format!("firmware file system {UUID}"));
        assert!("boot-".parse::<Mark>().is_err() && "vda".parse::<Mark>().is_err());
    }
}
