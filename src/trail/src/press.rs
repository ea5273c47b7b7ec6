//! Compression: one context a thread, none a session, since two thousand sessions wait at a time.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

/// Level of zstd. Measured by `cargo xtask bench trail`: DECISION-trail.md.
const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Appends `plain` compressed to `out`: whether that made it smaller; if not, it is appended as it is. None when the library failed.
pub(crate) fn compress(plain: &[u8], out: &mut Vec<u8>) -> Option<bool> {
    let start = out.len();
    out.resize(start + zstd::zstd_safe::compress_bound(plain.len()), 0);
    let length = COMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Compressor::new(LEVEL).ok();
        }
        kept.as_mut()?.compress_to_buffer(plain, &mut out[start..]).ok()
    });
    let smaller = length? < plain.len();
    if smaller {
        out.truncate(start + length?);
    } else {
        out.truncate(start);
        out.extend_from_slice(plain);
    }
    Some(smaller)
}

/// The plain bytes, at most `limit`; none when they are no zstd frame, or longer.
pub(crate) fn decompress(compressed: &[u8], limit: usize) -> Option<Vec<u8>> {
    let told = zstd::zstd_safe::get_frame_content_size(compressed).ok()??;
    let capacity = usize::try_from(told).ok().filter(|told| *told <= limit)?;
    DECOMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Decompressor::new().ok();
        }
        kept.as_mut()?.decompress(compressed, capacity).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_stays_as_it_is_and_what_is_too_long_is_refused() {
        let mut out = b"before".to_vec();
        assert_eq!(compress(&[b'a'; 1000], &mut out), Some(true));
        assert!(out.len() < 60 && out.starts_with(b"before"));
        assert_eq!(decompress(&out[6..], 1000).unwrap(), [b'a'; 1000]);
        assert_eq!(decompress(&out[6..], 999), None);
        for place in 6..out.len() {
            let mut changed = out.clone();
            changed[place] ^= 0x10;
            let _ends = decompress(&changed[6..], 1000);
            assert_eq!(decompress(&out[6..place], 1000), None);
        }
        let mut out = Vec::new();
        assert_eq!(compress(b"x", &mut out), Some(false));
        assert_eq!(out, b"x");
    }
}
