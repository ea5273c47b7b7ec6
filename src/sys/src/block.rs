//! Block devices: size, caches, discarding, and telling the kernel about partitions (`linux/fs.h`, `linux/blkpg.h`).
//!
//! Every function wants the descriptor of a whole disk or, where it says so, of a partition. Numbers are bytes.

use std::ffi::{c_char, c_int, c_longlong, c_void};
use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::ioctl::{Getter, NoArg, Opcode, Updater, ioctl, opcode};

/// `BLKROGET`, `_IO(0x12, 94)`: writes an int.
const BLKROGET: Opcode = opcode::none(0x12, 94);
/// `BLKFLSBUF`, `_IO(0x12, 97)`.
const BLKFLSBUF: Opcode = opcode::none(0x12, 97);
/// `BLKPG`, `_IO(0x12, 105)`: reads a `struct blkpg_ioctl_arg`.
const BLKPG: Opcode = opcode::none(0x12, 105);
/// `BLKGETSIZE64`, `_IOR(0x12, 114, size_t)`: writes 64 bits whatever its name says.
const BLKGETSIZE64: Opcode = opcode::read::<usize>(0x12, 114);
/// `BLKDISCARD`, `_IO(0x12, 119)`: reads start and length.
const BLKDISCARD: Opcode = opcode::none(0x12, 119);
/// `BLKZEROOUT`, `_IO(0x12, 127)`: reads start and length.
const BLKZEROOUT: Opcode = opcode::none(0x12, 127);

const BLKPG_ADD_PARTITION: c_int = 1;
const BLKPG_DEL_PARTITION: c_int = 2;
const BLKPG_RESIZE_PARTITION: c_int = 3;

/// `struct blkpg_partition`.
#[repr(C)]
struct BlkpgPartition {
    start: c_longlong,
    length: c_longlong,
    pno: c_int,
    devname: [c_char; 64],
    volname: [c_char; 64],
}

/// `struct blkpg_ioctl_arg`.
#[repr(C)]
struct BlkpgArgument {
    op: c_int,
    flags: c_int,
    datalen: c_int,
    data: *mut c_void,
}

/// Where a partition lies on its disk, for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionExtent {
    /// Number, from 1.
    pub number: u32,
    /// First byte; a multiple of the disk's sector.
    pub start: u64,
    /// Bytes; a multiple of the disk's sector.
    pub length: u64,
}

/// Bytes of a disk or partition.
///
/// # Errors
/// When the descriptor is no block device.
pub fn size(device: impl AsFd) -> Result<u64, Errno> {
    // SAFETY: BLKGETSIZE64 writes 64 bits, which `Getter` reserves.
    unsafe { ioctl(device, Getter::<BLKGETSIZE64, u64>::new()) }
}

/// Whether the kernel refuses writes to a disk or partition.
///
/// # Errors
/// When the descriptor is no block device.
pub fn is_read_only(device: impl AsFd) -> Result<bool, Errno> {
    // SAFETY: BLKROGET writes one int, which `Getter` reserves.
    let flag = unsafe { ioctl(device, Getter::<BLKROGET, c_int>::new()) }?;
    Ok(flag != 0)
}

/// Writes back and forgets what the kernel remembers of the content, so that the next read comes from the device.
///
/// # Errors
/// When the descriptor is no block device or the kernel cannot write back.
pub fn forget_cache(device: impl AsFd) -> Result<(), Errno> {
    // SAFETY: BLKFLSBUF takes no argument.
    unsafe { ioctl(device, NoArg::<BLKFLSBUF>::new()) }
}

/// Tells the device that a range is of no use; what is read there afterwards is undefined.
///
/// # Errors
/// `OPNOTSUPP` when the device cannot; otherwise when the range is unaligned or beyond the end.
pub fn discard(device: impl AsFd, start: u64, length: u64) -> Result<(), Errno> {
    let mut range = [start, length];
    // SAFETY: BLKDISCARD reads two 64-bit numbers behind the pointer, and `range` is two.
    unsafe { ioctl(device, Updater::<BLKDISCARD, [u64; 2]>::new(&mut range)) }
}

/// Makes a range read as zeros, by the cheapest means the device has.
///
/// # Errors
/// When the range is unaligned or beyond the end, or the device fails.
pub fn zero_out(device: impl AsFd, start: u64, length: u64) -> Result<(), Errno> {
    let mut range = [start, length];
    // SAFETY: BLKZEROOUT reads two 64-bit numbers behind the pointer, and `range` is two.
    unsafe { ioctl(device, Updater::<BLKZEROOUT, [u64; 2]>::new(&mut range)) }
}

/// Makes a partition known to the kernel, whatever the table on the disk says.
///
/// # Errors
/// `BUSY` when the number exists or the range overlaps another partition.
pub fn add_partition(disk: impl AsFd, partition: PartitionExtent) -> Result<(), Errno> {
    blkpg(disk, BLKPG_ADD_PARTITION, partition)
}

/// Makes the kernel forget a partition; the bytes stay.
///
/// # Errors
/// `BUSY` while it is mounted or opened by another, `NXIO` when the number does not exist.
pub fn delete_partition(disk: impl AsFd, number: u32) -> Result<(), Errno> {
    let partition = PartitionExtent {
        number,
        start: 0,
        length: 0,
    };
    blkpg(disk, BLKPG_DEL_PARTITION, partition)
}

/// Changes the length of a partition the kernel knows, also while it is in use.
///
/// # Errors
/// `INVAL` when its start is another, `BUSY` when it would overlap the next.
pub fn resize_partition(disk: impl AsFd, partition: PartitionExtent) -> Result<(), Errno> {
    blkpg(disk, BLKPG_RESIZE_PARTITION, partition)
}

fn blkpg(disk: impl AsFd, op: c_int, partition: PartitionExtent) -> Result<(), Errno> {
    let number = |value: u64| c_longlong::try_from(value).map_err(|_| Errno::INVAL);
    let mut data = BlkpgPartition {
        start: number(partition.start)?,
        length: number(partition.length)?,
        pno: c_int::try_from(partition.number).map_err(|_| Errno::INVAL)?,
        devname: [0; 64],
        volname: [0; 64],
    };
    let mut argument = BlkpgArgument {
        op,
        flags: 0,
        // 152, which fits.
        datalen: size_of::<BlkpgPartition>() as c_int,
        data: (&raw mut data).cast(),
    };
    // SAFETY: BLKPG reads one `struct blkpg_ioctl_arg` and behind its pointer one `struct blkpg_partition`; both
    // live until the call returns, and the kernel keeps no pointer to them.
    unsafe { ioctl(disk, Updater::<BLKPG, BlkpgArgument>::new(&mut argument)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn ioctl_numbers_are_the_kernels() {
        assert_eq!(BLKROGET, 0x125e);
        assert_eq!(BLKFLSBUF, 0x1261);
        assert_eq!(BLKPG, 0x1269);
        assert_eq!(BLKGETSIZE64, 0x8008_1272);
        assert_eq!(BLKDISCARD, 0x1277);
        assert_eq!(BLKZEROOUT, 0x127f);
        assert_eq!(size_of::<BlkpgPartition>(), 152);
    }

    #[test]
    fn a_file_is_no_block_device() {
        let file = File::open("/proc/self/exe").unwrap();
        assert_eq!(size(&file), Err(Errno::NOTTY));
        let far = PartitionExtent {
            number: 1,
            start: u64::MAX,
            length: 1,
        };
        assert_eq!(add_partition(&file, far), Err(Errno::INVAL));
    }
}
