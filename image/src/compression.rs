//! Payloads that are stored compressed, as one zstd frame with a checksum.
//!
//! Invariant: unpacking is bounded: a frame that claims or holds more than its limit is refused.

use std::io::{self, Read as _};

#[cfg(feature = "build")]
use std::io::Write as _;

/// Level of zstd for payloads that are unpacked once, at an installation.
#[cfg(feature = "build")]
const LEVEL: i32 = 19;

/// What [`pack`] depends on beside the payload, for a cache key.
#[cfg(feature = "build")]
#[must_use]
pub fn recipe() -> String {
    format!(
        "zstd {}, level {LEVEL}, checksum",
        zstd::zstd_safe::version_string()
    )
}

/// Compresses a payload; the same bytes always give the same frame.
///
/// # Errors
/// When the compressor fails.
#[cfg(feature = "build")]
pub fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Decompresses at most `limit` bytes.
///
/// # Errors
/// When it is no zstd frame, is damaged, or holds more.
pub fn unpack(frame: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    zstd::Decoder::new(frame)?
        .take(limit + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

#[cfg(all(test, feature = "build"))]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_back_within_its_limit() {
        let bytes = vec![7; 100_000];
        let packed = pack(&bytes).unwrap();
        assert_eq!(unpack(&packed, 100_000).unwrap(), bytes);
        assert!(unpack(&packed, 99_999).is_err());
        assert!(unpack(&packed[..packed.len() - 1], 100_000).is_err());
        let mut flipped = packed;
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        assert!(unpack(&flipped, 100_000).is_err());
    }
}
