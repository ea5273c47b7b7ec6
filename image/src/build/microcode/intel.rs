//! Intel's microcode updates (Intel SDM volume 3A, 10.11.1 "Microcode Update").
//!
//! Invariant: of all updates for the same processors only the newest revision is kept, byte for byte, and every
//! update that is kept has a right checksum.

use std::collections::BTreeMap;

use super::{Blobs, MicrocodeError, word};

/// Bytes of the header.
const HEADER: usize = 48;
/// Data and total size when the header says 0.
const OLD_DATA: usize = 2000;
const OLD_TOTAL: usize = 2048;

/// Which processors an update is for: signature, platform flags, and the table of further signatures.
type Processors = (u32, u32, Vec<u8>);

struct Update<'a> {
    processors: Processors,
    revision: i32,
    bytes: &'a [u8],
}

/// All updates of all files, one after the other, ordered by processor.
pub(super) fn merge(files: &Blobs) -> Result<Vec<u8>, MicrocodeError> {
    let mut newest: BTreeMap<Processors, (i32, &[u8])> = BTreeMap::new();
    for (name, content) in files {
        for update in updates(content) {
            let Update {
                processors,
                revision,
                bytes,
            } = update.map_err(|reason| MicrocodeError::Damaged {
                name: name.clone(),
                reason,
            })?;
            let kept = newest.entry(processors).or_insert((revision, bytes));
            if revision > kept.0 {
                *kept = (revision, bytes);
            }
        }
    }
    Ok(newest
        .into_values()
        .flat_map(|(_, bytes)| bytes)
        .copied()
        .collect())
}

/// A file holds one update after another.
fn updates(mut rest: &[u8]) -> impl Iterator<Item = Result<Update<'_>, &'static str>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let update = update(rest);
        rest = update
            .as_ref()
            .map_or(&[][..], |update| &rest[update.bytes.len()..]);
        Some(update)
    })
}

fn update(bytes: &[u8]) -> Result<Update<'_>, &'static str> {
    let field = |at| word(bytes, at).ok_or("its header is truncated");
    if field(0)? != 1 || field(20)? != 1 {
        return Err("its header is of an unknown version");
    }
    let (data, total) = match (field(28)? as usize, field(32)? as usize) {
        (0, _) => (OLD_DATA, OLD_TOTAL),
        sizes => sizes,
    };
    let bytes = bytes.get(..total).ok_or("it is truncated")?;
    let further = bytes.get(HEADER + data..).ok_or("its sizes lie")?;
    if total % 4 != 0 || sum(bytes) != 0 {
        return Err("its checksum is wrong");
    }
    let revision = field(4)?.cast_signed();
    Ok(Update {
        processors: (field(12)?, field(24)?, further.to_vec()),
        revision,
        bytes,
    })
}

/// The 32-bit words of an update add up to 0.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.as_chunks::<4>().0;
    words
        .iter()
        .fold(0_u32, |sum, word| sum.wrapping_add(u32::from_le_bytes(*word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(signature: u32, flags: u32, revision: u32, fill: u8) -> Vec<u8> {
        let mut words = vec![0_u32; OLD_TOTAL / 4];
        words[HEADER / 4..].fill(u32::from_ne_bytes([fill; 4]));
        words[..6].copy_from_slice(&[1, revision, 0x0101_2025, signature, 0, 1]);
        words[6] = flags;
        words[4] = words
            .iter()
            .fold(0_u32, |sum, word| sum.wrapping_add(*word))
            .wrapping_neg();
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn blobs(files: &[Vec<u8>]) -> Blobs {
        files
            .iter()
            .enumerate()
            .map(|(number, content)| (format!("file-{number}"), content.clone()))
            .collect()
    }

    #[test]
    fn only_the_newest_revision_is_kept() {
        let (old, new) = (sample(0x806f8, 0x87, 5, 1), sample(0x806f8, 0x87, 6, 2));
        let other = sample(0x806f8, 0x10, 5, 3);
        let both = [old.clone(), other.clone()].concat();
        let merged = merge(&blobs(&[both, new.clone(), old, new.clone()])).unwrap();
        assert_eq!(merged, [other, new].concat());
    }

    #[test]
    fn damage_names_the_file() {
        let good = sample(0x806f8, 0x87, 5, 1);
        let mut flipped = good.clone();
        flipped[100] ^= 1;
        let mut lying = good.clone();
        lying[28..36].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0, 8, 0, 0]);
        for bad in [
            flipped,
            lying,
            good[..40].to_vec(),
            good[..1000].to_vec(),
            b"text".to_vec(),
        ] {
            let error = merge(&blobs(&[good.clone(), bad])).unwrap_err().to_string();
            assert!(error.starts_with("file-1"), "{error}");
        }
    }
}
