//! ext4 on the appliance's partitions: made, checked, mounted, grown.

mod make;
mod mount;
mod superblock;

pub use make::{Checked, Ext4Error, FEATURES, Kind, check, grow, make, set_uuid};
pub use mount::{MountError, Mounted, Options, mount};
pub use superblock::{Superblock, SuperblockError};
