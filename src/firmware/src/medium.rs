//! Where a firmware comes from: a file, or a medium it was written to whole, such as a disc or a USB stick.
//!
//! A medium is longer than the ISO on it; its size is taken from the ISO's own volume descriptor (ECMA-119 8.4.8), and
//! whether that is true is found out when the firmware is verified.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use sps_image::source::Source;

/// Where the primary volume descriptor lies: block 16 of 2,048 bytes (ECMA-119 6.2.1, 8.4).
const DESCRIPTOR: u64 = 16 * 2048;
/// Type and identifier of a primary volume descriptor.
const PRIMARY: &[u8; 7] = b"\x01CD001\x01";
/// Place of the volume's size in blocks, in both byte orders; the first is the little-endian one.
const SPACE_SIZE: usize = 80;

/// An open file or block device with a firmware ISO.
#[derive(Debug)]
pub struct Medium {
    file: File,
    size: u64,
}

impl Medium {
    /// Opens the file or block device at `path`.
    ///
    /// # Errors
    /// When it cannot be opened or is neither of the two.
    pub fn open(path: &Path) -> io::Result<Self> {
        // A symbolic link on a foreign medium leads anywhere; a pipe would wait for ever.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)?;
        let kind = file.metadata()?.file_type();
        if !kind.is_file() && !kind.is_block_device() {
            let text = "neither a file nor a disk, stick or disc";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let end = file.seek(SeekFrom::End(0))?;
        let size = if kind.is_file() {
            end
        } else {
            volume_size(&file)?.map_or(end, |size| size.min(end))
        };
        Ok(Self { file, size })
    }
}

/// What the volume says its size is, if there is a volume.
fn volume_size(file: &File) -> io::Result<Option<u64>> {
    let mut descriptor = [0; SPACE_SIZE + 4];
    match file.read_exact_at(&mut descriptor, DESCRIPTOR) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let [.., a, b, c, d] = descriptor;
    let blocks = u32::from_le_bytes([a, b, c, d]);
    Ok(descriptor
        .starts_with(PRIMARY)
        .then_some(u64::from(blocks) * 2048))
}

impl Source for Medium {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}
