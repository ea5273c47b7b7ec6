//! The appliance's own disk: found by what the boot loader says, mended and grown, its partitions known to the kernel.
//!
//! Which disk is the own one is decided by the partition table alone: names, labels and the order of the machine's disks
//! decide nothing. Two disks that both claim to be it are an error, never a choice.

mod choose;
mod mark;
mod open;
mod partitions;

pub use choose::{Choice, Seen, choose};
pub use mark::Mark;
pub use open::{OwnDisk, OwnError, WAIT};
pub use partitions::{Change, PartitionError, changes};
pub(crate) use partitions::{known, tell_kernel, wanted};
