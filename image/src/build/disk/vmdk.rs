//! VMDK for import, "streamOptimized" (VMware: Virtual Disk Format 5.0): compressed grains from beginning to end.
//!
//! Invariant: written once from front to back; the same disk gives the same bytes, whatever the file's name.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::disk::sparse::{CHUNK, Sparse};
use crate::source::Source;

const SECTOR: u64 = 512;
const MAGIC: [u8; 4] = *b"KDMV";
const VERSION: u32 = 3;
/// Newline detection valid, grains compressed, markers present.
const FLAGS: u32 = 0x3_0001;
/// Sectors of a grain: [`CHUNK`].
const GRAIN: u64 = CHUNK as u64 / SECTOR;
/// Entries of a grain table.
const TABLE_ENTRIES: usize = 512;
/// Sectors of a grain table of 32-bit entries.
const TABLE_SECTORS: u64 = TABLE_ENTRIES as u64 * 4 / SECTOR;
/// Where the descriptor lies and how long it may be, in sectors.
const DESCRIPTOR: u64 = 1;
const DESCRIPTOR_SECTORS: u64 = 20;
/// Sectors before the first grain.
const OVERHEAD: u64 = 128;
/// The directory's place is not known yet: it is in the footer.
const AT_END: u64 = u64::MAX;
const DEFLATE: u16 = 1;
/// Destroyed by a transfer that takes the file for text.
const NEWLINES: [u8; 4] = *b"\n \r\n";

/// Kinds of markers.
const END_OF_STREAM: u32 = 0;
const GRAIN_TABLE: u32 = 1;
const GRAIN_DIRECTORY: u32 = 2;
const FOOTER: u32 = 3;

/// Most that is compressed well is already compressed; the rest is tables with long runs, which the fastest level finds.
const LEVEL: Compression = Compression::fast();

/// Writes the disk.
///
/// # Errors
/// When the output cannot be written or the disk is larger than the format allows.
pub fn write(disk: &Sparse, output: &mut dyn Write) -> io::Result<()> {
    let mut stream = Stream { output, sector: 0 };
    stream.padded(&header(disk.size() / SECTOR, AT_END))?;
    let descriptor = descriptor(disk);
    let mut room = vec![0; ((OVERHEAD - DESCRIPTOR) * SECTOR) as usize];
    room[..descriptor.len()].copy_from_slice(descriptor.as_bytes());
    stream.padded(&room)?;
    let directory = stream.grains(disk)?;
    let place = stream.table(GRAIN_DIRECTORY, &directory)?;
    stream.marker(1, FOOTER)?;
    stream.padded(&header(disk.size() / SECTOR, place))?;
    stream.marker(0, END_OF_STREAM)
}

fn header(capacity: u64, directory: u64) -> Vec<u8> {
    let fields: [&[u8]; 15] = [
        &MAGIC,
        &VERSION.to_le_bytes(),
        &FLAGS.to_le_bytes(),
        &capacity.to_le_bytes(),
        &GRAIN.to_le_bytes(),
        &DESCRIPTOR.to_le_bytes(),
        &DESCRIPTOR_SECTORS.to_le_bytes(),
        &(TABLE_ENTRIES as u32).to_le_bytes(),
        // There is no second directory.
        &0_u64.to_le_bytes(),
        &directory.to_le_bytes(),
        &OVERHEAD.to_le_bytes(),
        // Closed properly.
        &[0],
        &NEWLINES,
        &DEFLATE.to_le_bytes(),
        &[],
    ];
    fields.concat()
}

/// The text part. The content id must change when the disk does and must not be all ones.
fn descriptor(disk: &Sparse) -> String {
    let [a, b, c, d, ..] = *disk.fingerprint().as_bytes();
    let sectors = disk.size() / SECTOR;
    let cylinders = (sectors / (255 * 63)).min(u64::from(u16::MAX));
    format!(
        "# Disk DescriptorFile\nversion=1\nCID={:08x}\nparentCID=ffffffff\ncreateType=\"streamOptimized\"\n\n\
         # Extent description\nRW {sectors} SPARSE \"disk.vmdk\"\n\n# The Disk Data Base\n#DDB\n\n\
         ddb.adapterType = \"lsilogic\"\nddb.geometry.cylinders = \"{cylinders}\"\nddb.geometry.heads = \"255\"\n\
         ddb.geometry.sectors = \"63\"\nddb.virtualHWVersion = \"10\"\n",
        u32::from_le_bytes([a, b, c, d & 0x7f])
    )
}

/// The output and how many sectors it has.
struct Stream<'a> {
    output: &'a mut dyn Write,
    sector: u64,
}

impl Stream<'_> {
    /// Writes bytes and zeros up to a whole sector.
    fn padded(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        let sectors = (bytes.len() as u64).div_ceil(SECTOR);
        let rest = sectors * SECTOR - bytes.len() as u64;
        self.sector += sectors;
        self.output.write_all(&[0; SECTOR as usize][..rest as usize])
    }

    /// A marker for `sectors` sectors of metadata that follow.
    fn marker(&mut self, sectors: u64, kind: u32) -> io::Result<()> {
        let fields: [&[u8]; 3] = [&sectors.to_le_bytes(), &0_u32.to_le_bytes(), &kind.to_le_bytes()];
        self.padded(&fields.concat())
    }

    /// Writes the grains, each table behind its own, and returns the places of all tables.
    fn grains(&mut self, disk: &Sparse) -> io::Result<Vec<u32>> {
        let grains = disk.size().div_ceil(CHUNK as u64);
        let mut directory = vec![
            0;
            usize::try_from(grains)
                .map_err(too_large)?
                .div_ceil(TABLE_ENTRIES)
        ];
        let mut table = vec![0; TABLE_ENTRIES];
        let mut filled = disk.filled().peekable();
        while let Some((number, chunk)) = filled.next() {
            table[number as usize % TABLE_ENTRIES] = self.grain(number, chunk)?;
            let current = number / TABLE_ENTRIES as u64;
            if filled
                .peek()
                .is_none_or(|(next, _)| next / TABLE_ENTRIES as u64 != current)
            {
                let place = self.table(GRAIN_TABLE, &table)?;
                directory[current as usize] = u32::try_from(place).map_err(too_large)?;
                table.fill(0);
            }
        }
        Ok(directory)
    }

    /// Writes one grain: its first sector on the disk, its compressed size, its content. Returns its place.
    fn grain(&mut self, number: u64, chunk: &[u8]) -> io::Result<u32> {
        let place = u32::try_from(self.sector).map_err(too_large)?;
        let mut encoder = ZlibEncoder::new(Vec::new(), LEVEL);
        encoder.write_all(chunk)?;
        let compressed = encoder.finish()?;
        let size = compressed.len() as u32;
        self.padded(
            &[
                &(number * GRAIN).to_le_bytes()[..],
                &size.to_le_bytes(),
                &compressed,
            ]
            .concat(),
        )?;
        Ok(place)
    }

    /// Writes a table or the directory behind its marker and returns its place.
    fn table(&mut self, kind: u32, entries: &[u32]) -> io::Result<u64> {
        let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        let sectors = (bytes.len() as u64).div_ceil(SECTOR);
        debug_assert!(kind != GRAIN_TABLE || sectors == TABLE_SECTORS);
        self.marker(sectors, kind)?;
        let place = self.sector;
        self.padded(&bytes)?;
        Ok(place)
    }
}

fn too_large(_: std::num::TryFromIntError) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        "the disk is larger than a VMDK can be",
    )
}
