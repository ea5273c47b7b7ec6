//! Compression: one context a thread, none a session, since two thousand sessions wait at a time.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

/// Level of zstd. Measured by `cargo xtask bench trail`: DECISION-trail.md.
const LEVEL: i32 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Most chunks that are passed over after one that could not be made smaller.
const MOST_PASSED: u8 = 32;
/// Chunks with fewer bytes are always tried: they cost nothing.
const ALWAYS: usize = 4096;

/// Compresses chunk after chunk. What was encrypted or compressed before does not become smaller, and trying costs more than encrypting: after
/// a chunk of that kind one is passed over, then two, four, and so on.
#[derive(Debug, Default)]
pub(crate) struct Press {
    /// Chunks to pass over still, and after the next failure.
    passing: u8,
    next: u8,
}

impl Press {
    /// As [`compress`].
    pub(crate) fn compress(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Option<bool> {
        if plain.len() >= ALWAYS && self.passing > 0 {
            self.passing -= 1;
            out.extend_from_slice(plain);
            return Some(false);
        }
        let smaller = compress(plain, out)?;
        if smaller {
            *self = Self::default();
        } else if plain.len() >= ALWAYS {
            self.next = (self.next * 2).clamp(1, MOST_PASSED);
            self.passing = self.next;
        }
        Some(smaller)
    }
}

/// Appends `plain` compressed to `out`: whether that made it smaller by a sixteenth; if not, it is appended as it is. None when the library
/// failed.
fn compress(plain: &[u8], out: &mut Vec<u8>) -> Option<bool> {
    let start = out.len();
    out.resize(start + zstd::zstd_safe::compress_bound(plain.len()), 0);
    let length = COMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Compressor::new(LEVEL).ok();
        }
        kept.as_mut()?.compress_to_buffer(plain, &mut out[start..]).ok()
    });
    let smaller = length? < plain.len() - plain.len() / 16;
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

    #[test]
    fn what_cannot_be_made_smaller_is_tried_ever_less_and_then_again() {
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(8192)
        .collect();
        let mut press = Press::default();
        let mut tried = 0;
        for _ in 0..200 {
            let before = press.passing;
            assert_eq!(press.compress(&noise, &mut Vec::new()), Some(false));
            tried += usize::from(before == 0);
        }
        assert!((6..12).contains(&tried), "{tried}");
        // Text is found again after at most 32 chunks, and short ones at once.
        assert_eq!(press.compress(&[b'a'; 1000], &mut Vec::new()), Some(true));
        for _ in 0..20 {
            press.compress(&noise, &mut Vec::new());
        }
        let text = [b'a'; 8192];
        let until = (0..40).position(|_| press.compress(&text, &mut Vec::new()) == Some(true));
        assert!(until.is_some_and(|until| until <= 32), "{until:?}");
    }
}
