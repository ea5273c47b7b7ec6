//! A GPT as values and as bytes (UEFI specification, 5.3).
//!
//! Invariants: what is decoded is bounded, internally consistent and encodes to the same bytes again; only the
//! form that nearly every tool writes is taken, [`ENTRIES`] entries of [`ENTRY_SIZE`] bytes directly beside their header. Why
//! not the `gpt` crate: DECISION-partition-table.md.

use thiserror::Error;

use super::guid::{GUID_SIZE, Guid};
use super::layout::{BACKUP_BLOCKS, BLOCK, ENTRIES, Identity, Layout, Part, TEMPLATE_DISK, last_end};
use crate::source::Extent;

/// Bytes of an entry.
pub const ENTRY_SIZE: usize = 128;
/// Bytes of all entries.
pub const ENTRIES_SIZE: usize = ENTRIES * ENTRY_SIZE;
/// Bytes of a block in memory.
pub const BLOCK_SIZE: usize = BLOCK as usize;

/// UTF-16 units of a name (UEFI specification, 5.3.3).
const NAME_UNITS: usize = 36;
const SIGNATURE: [u8; 8] = *b"EFI PART";
/// Revision 1.0, the only one there is.
const REVISION: u32 = 0x0001_0000;
/// Bytes of the header's fields; the rest of its block is zero.
const HEADER_SIZE: usize = 92;
/// Where the header keeps its own checksum.
const CHECKSUM: std::ops::Range<usize> = 16..20;
/// The checksum of the specification (5.3.1): CRC-32 as of ISO 3309.
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// Which of the two copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// At the beginning of the disk.
    Primary,
    /// At its end.
    Backup,
}

/// Why a copy is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// The disk is too short, or the system could not read it.
    #[error("it cannot be read")]
    Unreadable,
    /// There is no table at all.
    #[error("there is none")]
    Absent,
    /// The checksum of the header is wrong.
    #[error("the checksum of its header is wrong")]
    HeaderChecksum,
    /// The checksum of the entries is wrong.
    #[error("the checksum of its entries is wrong")]
    EntriesChecksum,
    /// A number contradicts another, or is not as our tables have it.
    #[error("its {0} is not possible")]
    Field(&'static str),
}

/// A used entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Guid,
    /// Its own GUID.
    pub guid: Guid,
    /// First block.
    pub first: u64,
    /// Last block.
    pub last: u64,
    /// Attributes (5.3.3).
    pub attributes: u64,
    name: [u16; NAME_UNITS],
}

impl Entry {
    /// Its place in bytes.
    #[must_use]
    pub const fn extent(&self) -> Extent {
        Extent {
            offset: self.first * BLOCK,
            size: (self.last - self.first + 1) * BLOCK,
        }
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> String {
        let units = self.name.split(|unit| *unit == 0).next().unwrap_or_default();
        String::from_utf16_lossy(units)
    }
}

/// A partition table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    disk: Guid,
    /// Blocks of the disk the table was made for.
    blocks: u64,
    /// By index, from 0; as many as the last used one.
    entries: Vec<Option<Entry>>,
}

/// The bytes of a table, in the order they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The entries, the same in both copies.
    pub entries: Vec<u8>,
    /// Header of the backup.
    pub backup_header: [u8; BLOCK_SIZE],
    /// Header of the primary.
    pub primary_header: [u8; BLOCK_SIZE],
}

/// Why a partition table is not an appliance's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("partition {} is not an appliance's {}", part.number(), part.name())]
pub struct NotAppliance {
    /// The first partition that is not as it has to be.
    pub part: Part,
}

impl Table {
    /// The table of an appliance's disk.
    #[must_use]
    pub fn new(layout: &Layout, identity: &Identity) -> Self {
        let entry = |part: Part| {
            let extent = layout.extent(part);
            Some(Entry {
                kind: part.kind(),
                guid: identity.parts[part.index()],
                first: extent.offset / BLOCK,
                last: extent.end() / BLOCK - 1,
                attributes: 0,
                name: name(part.name()),
            })
        };
        Self {
            disk: identity.disk,
            blocks: layout.disk_size() / BLOCK,
            entries: Part::ALL.map(entry).to_vec(),
        }
    }

    /// GUID of the disk.
    #[must_use]
    pub const fn disk(&self) -> Guid {
        self.disk
    }

    /// Bytes of the disk the table was made for.
    #[must_use]
    pub const fn disk_size(&self) -> u64 {
        self.blocks * BLOCK
    }

    /// The used entries with their numbers, from 1.
    pub fn entries(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (1..)
            .zip(&self.entries)
            .filter_map(|(number, entry)| Some((number, entry.as_ref()?)))
    }

    /// Whether the disk waits for its first boot: see [`Identity::TEMPLATE`].
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.disk == TEMPLATE_DISK
    }

    /// The entry of an appliance's partition.
    ///
    /// # Errors
    /// When the partition of that number is absent or has another type.
    pub fn entry(&self, part: Part) -> Result<&Entry, NotAppliance> {
        let entry = self.entries.get(part.index()).and_then(Option::as_ref);
        entry
            .filter(|entry| entry.kind == part.kind())
            .ok_or(NotAppliance { part })
    }

    /// Whether this is the table of an appliance: every partition has its number and type.
    ///
    /// # Errors
    /// Names the first partition that has not.
    pub fn check_appliance(&self) -> Result<(), NotAppliance> {
        Part::ALL.iter().try_for_each(|part| self.entry(*part).map(drop))
    }

    /// The same disk with another identity: the commit point of the first boot. Partitions that are none of an
    /// appliance keep their GUIDs.
    #[must_use]
    pub fn with_identity(&self, identity: &Identity) -> Self {
        let mut table = self.clone();
        table.disk = identity.disk;
        for (entry, guid) in table.entries.iter_mut().flatten().zip(identity.parts) {
            entry.guid = guid;
        }
        table
    }

    /// The table for the same disk after it became larger: the last partition takes what it can. `None` when the
    /// disk has not grown or its last partition is not an appliance's.
    #[must_use]
    pub fn grown(&self, disk_size: u64) -> Option<Self> {
        let blocks = disk_size / BLOCK;
        let data = self.entry(Part::Data).ok()?;
        let is_last = self.entries().all(|(_, entry)| entry.first <= data.first);
        if blocks <= self.blocks || self.entries.len() != Part::ALL.len() || !is_last {
            return None;
        }
        let end = last_end(data.first * BLOCK, blocks * BLOCK) / BLOCK;
        let mut table = self.clone();
        table.blocks = blocks;
        if let Some(Some(entry)) = table.entries.last_mut() {
            entry.last = entry.last.max(end.saturating_sub(1));
        }
        Some(table)
    }

    /// The bytes of both copies.
    #[must_use]
    pub fn encode(&self) -> Encoded {
        let mut entries = vec![0; ENTRIES_SIZE];
        let (slots, _) = entries.as_chunks_mut::<ENTRY_SIZE>();
        for (slot, entry) in slots.iter_mut().zip(&self.entries) {
            if let Some(entry) = entry {
                *slot = encode_entry(entry);
            }
        }
        let checksum = CRC.checksum(&entries);
        Encoded {
            entries,
            backup_header: self.header(Copy::Backup, checksum),
            primary_header: self.header(Copy::Primary, checksum),
        }
    }

    fn header(&self, copy: Copy, entries_checksum: u32) -> [u8; BLOCK_SIZE] {
        let (own, other) = match copy {
            Copy::Primary => (1, self.blocks - 1),
            Copy::Backup => (self.blocks - 1, 1),
        };
        let fields: [&[u8]; 14] = [
            &SIGNATURE,
            &REVISION.to_le_bytes(),
            &(HEADER_SIZE as u32).to_le_bytes(),
            &[0; 4],
            &[0; 4],
            &own.to_le_bytes(),
            &other.to_le_bytes(),
            &(1 + BACKUP_BLOCKS).to_le_bytes(),
            &(self.blocks - 1 - BACKUP_BLOCKS).to_le_bytes(),
            &self.disk.to_bytes(),
            &entries_block(copy, self.blocks).to_le_bytes(),
            &(ENTRIES as u32).to_le_bytes(),
            &(ENTRY_SIZE as u32).to_le_bytes(),
            &entries_checksum.to_le_bytes(),
        ];
        let mut block = [0; BLOCK_SIZE];
        let header = fields.concat();
        block[..header.len()].copy_from_slice(&header);
        let checksum = CRC.checksum(&block[..HEADER_SIZE]);
        block[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
        block
    }
}

/// First block of the entries of a copy on a disk of `blocks` blocks.
pub(super) const fn entries_block(copy: Copy, blocks: u64) -> u64 {
    match copy {
        Copy::Primary => 2,
        Copy::Backup => blocks - BACKUP_BLOCKS,
    }
}

fn name(text: &str) -> [u16; NAME_UNITS] {
    let mut units = [0; NAME_UNITS];
    for (unit, value) in units.iter_mut().zip(text.encode_utf16()) {
        *unit = value;
    }
    units
}

fn encode_entry(entry: &Entry) -> [u8; ENTRY_SIZE] {
    let mut bytes = [0; ENTRY_SIZE];
    bytes[0..16].copy_from_slice(&entry.kind.to_bytes());
    bytes[16..32].copy_from_slice(&entry.guid.to_bytes());
    for (at, value) in [(32, entry.first), (40, entry.last), (48, entry.attributes)] {
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    for (pair, unit) in bytes[56..].chunks_exact_mut(2).zip(entry.name) {
        pair.copy_from_slice(&unit.to_le_bytes());
    }
    bytes
}

/// A header as far as it can be believed: its checksum is right and its numbers are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    disk: Guid,
    /// Blocks of the disk the table was made for.
    pub(super) blocks: u64,
    entries_checksum: u32,
}

/// Believes a header that lies in block `own` or says why not.
pub(super) fn decode_header(block: &[u8; BLOCK_SIZE], copy: Copy, own: u64) -> Result<Header, Damage> {
    if block[..8] != SIGNATURE {
        return Err(Damage::Absent);
    }
    let mut blank = *block;
    blank[CHECKSUM].fill(0);
    if CRC.checksum(&blank[..HEADER_SIZE]) != u32_at(block, CHECKSUM.start) {
        return Err(Damage::HeaderChecksum);
    }
    let other = u64_at(block, 32);
    // 2^63 bytes: above, offsets would not fit what the system can seek to.
    let most = i64::MAX as u64 / BLOCK;
    let blocks = match copy {
        Copy::Primary => other,
        Copy::Backup => own,
    }
    .checked_add(1)
    .filter(|blocks| *blocks <= most && *blocks > 2 * (1 + BACKUP_BLOCKS))
    .ok_or(Damage::Field("size"))?;
    let wants = [
        ("revision", u64::from(u32_at(block, 8)), u64::from(REVISION)),
        ("header size", u64::from(u32_at(block, 12)), HEADER_SIZE as u64),
        ("own place", u64_at(block, 24), own),
        (
            "other copy's place",
            other,
            if copy == Copy::Primary { blocks - 1 } else { 1 },
        ),
        ("first usable block", u64_at(block, 40), 1 + BACKUP_BLOCKS),
        ("last usable block", u64_at(block, 48), blocks - 1 - BACKUP_BLOCKS),
        ("place of entries", u64_at(block, 72), entries_block(copy, blocks)),
        ("number of entries", u64::from(u32_at(block, 80)), ENTRIES as u64),
        ("size of entries", u64::from(u32_at(block, 84)), ENTRY_SIZE as u64),
    ];
    if let Some((field, ..)) = wants.iter().find(|(_, have, want)| have != want) {
        return Err(Damage::Field(field));
    }
    Ok(Header {
        disk: guid_at(block, 56),
        blocks,
        entries_checksum: u32_at(block, 88),
    })
}

impl Header {
    /// Believes the entries that belong to this header or says why not.
    pub(super) fn with_entries(&self, bytes: &[u8]) -> Result<Table, Damage> {
        if bytes.len() != ENTRIES_SIZE || CRC.checksum(bytes) != self.entries_checksum {
            return Err(Damage::EntriesChecksum);
        }
        let (slots, _) = bytes.as_chunks::<ENTRY_SIZE>();
        let mut entries: Vec<Option<Entry>> = slots.iter().map(decode_entry).collect();
        while entries.last() == Some(&None) {
            entries.pop();
        }
        let mut places: Vec<(u64, u64)> = entries.iter().flatten().map(|e| (e.first, e.last)).collect();
        places.sort_unstable();
        let (first, last) = (1 + BACKUP_BLOCKS, self.blocks - 1 - BACKUP_BLOCKS);
        let inside = places
            .iter()
            .all(|(from, to)| first <= *from && from <= to && *to <= last);
        if !inside || places.windows(2).any(|pair| pair[0].1 >= pair[1].0) {
            return Err(Damage::Field("list of partitions"));
        }
        Ok(Table {
            disk: self.disk,
            blocks: self.blocks,
            entries,
        })
    }
}

fn decode_entry(bytes: &[u8; ENTRY_SIZE]) -> Option<Entry> {
    let kind = guid_at(bytes, 0);
    let mut name = [0; NAME_UNITS];
    for (unit, pair) in name.iter_mut().zip(bytes[56..].as_chunks::<2>().0) {
        *unit = u16::from_le_bytes(*pair);
    }
    (kind != Guid::NIL).then(|| Entry {
        kind,
        guid: guid_at(bytes, 16),
        first: u64_at(bytes, 32),
        last: u64_at(bytes, 40),
        attributes: u64_at(bytes, 48),
        name,
    })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|n| bytes[at + n])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn guid_at(bytes: &[u8], at: usize) -> Guid {
    Guid::from_bytes(array::<GUID_SIZE>(bytes, at))
}
