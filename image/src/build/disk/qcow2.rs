//! qcow2, version 3 (QEMU: docs/interop/qcow2.txt): clusters where the disk is not zero, nothing where it is.
//!
//! Invariant: the file is written from its beginning to its end; every cluster is used once, so every reference count is 1.

use std::io::{self, Write};

use crate::disk::sparse::{CHUNK, Sparse};
use crate::source::Source;

const MAGIC: [u8; 4] = *b"QFI\xfb";
const VERSION: u32 = 3;
/// 64 KiB: [`CHUNK`].
const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = CHUNK as u64;
/// Entries of an L2 table, which is one cluster of 64-bit entries.
const L2_ENTRIES: u64 = CLUSTER / 8;
/// Reference counts have 16 bits.
const REFCOUNT_ORDER: u32 = 4;
/// Reference counts of a cluster.
const REFCOUNTS: u64 = CLUSTER / 2;
/// Bytes of the header of version 3 without extensions.
const HEADER_SIZE: u32 = 104;
/// The cluster is referred to once and may be written in place.
const COPIED: u64 = 1 << 63;

/// Where things lie, in clusters. The order: header, table of reference counts, reference counts, L1 table, L2
/// tables, data.
struct Plan {
    /// Clusters of data in their order on the disk.
    data: Vec<u64>,
    /// Numbers of the L2 tables there are.
    l2: Vec<u64>,
    l1_size: u64,
    l1: u64,
    first_l2: u64,
    first_data: u64,
    refcount_blocks: u64,
    end: u64,
}

impl Plan {
    fn new(disk: &Sparse) -> Self {
        let data: Vec<u64> = disk.filled().map(|(number, _)| number).collect();
        let mut l2: Vec<u64> = data.iter().map(|number| number / L2_ENTRIES).collect();
        l2.dedup();
        let l1_size = disk.size().div_ceil(CLUSTER * L2_ENTRIES);
        let others = 2 + (l1_size * 8).div_ceil(CLUSTER) + l2.len() as u64 + data.len() as u64;
        // The counts also count the clusters that hold them.
        let mut refcount_blocks = 1;
        while (others + refcount_blocks).div_ceil(REFCOUNTS) > refcount_blocks {
            refcount_blocks += 1;
        }
        let l1 = 2 + refcount_blocks;
        let first_l2 = l1 + (l1_size * 8).div_ceil(CLUSTER);
        let first_data = first_l2 + l2.len() as u64;
        Self {
            end: first_data + data.len() as u64,
            data,
            l2,
            l1_size,
            l1,
            first_l2,
            first_data,
            refcount_blocks,
        }
    }

    fn header(&self, size: u64) -> Vec<u8> {
        let mut header = MAGIC.to_vec();
        let short = |header: &mut Vec<u8>, value: u32| header.extend(value.to_be_bytes());
        let long = |header: &mut Vec<u8>, value: u64| header.extend(value.to_be_bytes());
        short(&mut header, VERSION);
        // No backing file: offset and size.
        long(&mut header, 0);
        short(&mut header, 0);
        short(&mut header, CLUSTER_BITS);
        long(&mut header, size);
        // No encryption.
        short(&mut header, 0);
        // A table of 2^32 bytes of disk a entry: a disk of 8 EiB does not overflow it.
        short(&mut header, self.l1_size as u32);
        long(&mut header, self.l1 * CLUSTER);
        // The table of reference counts: one cluster from the second.
        long(&mut header, CLUSTER);
        short(&mut header, 1);
        // No snapshots: number and offset.
        short(&mut header, 0);
        long(&mut header, 0);
        // No incompatible, compatible or automatically cleared features.
        header.extend([0; 24]);
        short(&mut header, REFCOUNT_ORDER);
        short(&mut header, HEADER_SIZE);
        header
    }

    fn refcount_table(&self) -> impl Iterator<Item = u64> {
        (2..2 + self.refcount_blocks).map(|cluster| cluster * CLUSTER)
    }

    fn l1_table(&self) -> impl Iterator<Item = u64> {
        (0..self.l1_size).map(|number| {
            let place = self.l2.binary_search(&number).ok();
            place.map_or(0, |at| ((self.first_l2 + at as u64) * CLUSTER) | COPIED)
        })
    }

    /// All L2 tables, one after the other.
    fn l2_tables(&self) -> Vec<u64> {
        let mut tables = vec![0; self.l2.len() * L2_ENTRIES as usize];
        let mut table = 0;
        for (cluster, number) in (self.first_data..).zip(&self.data) {
            while self.l2[table] != number / L2_ENTRIES {
                table += 1;
            }
            // Below 8,192.
            let entry = (number % L2_ENTRIES) as usize;
            tables[table * L2_ENTRIES as usize + entry] = (cluster * CLUSTER) | COPIED;
        }
        tables
    }
}

/// Writes the disk.
///
/// # Errors
/// When the output cannot be written.
pub fn write(disk: &Sparse, output: &mut dyn Write) -> io::Result<()> {
    let plan = Plan::new(disk);
    padded(output, &plan.header(disk.size()))?;
    padded(output, &big_endian(plan.refcount_table()))?;
    let mut counts = vec![0; (plan.refcount_blocks * CLUSTER) as usize];
    for count in counts.as_chunks_mut::<2>().0.iter_mut().take(plan.end as usize) {
        *count = 1_u16.to_be_bytes();
    }
    output.write_all(&counts)?;
    padded(output, &big_endian(plan.l1_table()))?;
    padded(output, &big_endian(plan.l2_tables().into_iter()))?;
    disk.filled().try_for_each(|(_, chunk)| output.write_all(chunk))
}

fn big_endian(values: impl Iterator<Item = u64>) -> Vec<u8> {
    values.flat_map(u64::to_be_bytes).collect()
}

/// Writes bytes and zeros up to a whole cluster.
fn padded(output: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    output.write_all(bytes)?;
    let rest = bytes.len().next_multiple_of(CHUNK) - bytes.len();
    output.write_all(&vec![0; rest])
}
