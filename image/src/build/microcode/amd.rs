//! AMD's microcode containers (kernel: arch/x86/kernel/cpu/microcode/amd.c).
//!
//! Invariant: a container is taken whole or the build fails; the kernel reads one container after another.

use super::{Blobs, MicrocodeError, word};

/// `AMD` and a zero byte, as a little-endian number.
const MAGIC: u32 = 0x0041_4d44;
const SECTION_EQUIVALENCE: u32 = 0;
const SECTION_PATCH: u32 = 1;

/// All containers, one after the other.
pub(super) fn merge(files: &Blobs) -> Result<Vec<u8>, MicrocodeError> {
    let mut merged = Vec::new();
    for (name, content) in files {
        check(content).map_err(|reason| MicrocodeError::Damaged {
            name: name.clone(),
            reason,
        })?;
        merged.extend_from_slice(content);
    }
    Ok(merged)
}

/// A container is the magic number, the table of equivalent processors and the patches.
fn check(bytes: &[u8]) -> Result<(), &'static str> {
    if word(bytes, 0) != Some(MAGIC) {
        return Err("it does not begin as a container does");
    }
    let (mut at, mut expected) = (4, SECTION_EQUIVALENCE);
    while at < bytes.len() {
        let (Some(kind), Some(size)) = (word(bytes, at), word(bytes, at + 4)) else {
            return Err("a section is truncated");
        };
        if kind != expected {
            return Err("a section is of an unexpected kind");
        }
        at = at.saturating_add(8).saturating_add(size as usize);
        if size == 0 || at > bytes.len() {
            return Err("a section has an impossible size");
        }
        expected = SECTION_PATCH;
    }
    if at == 4 { Err("it is empty") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(kind: u32, content: &[u8]) -> Vec<u8> {
        [
            &kind.to_le_bytes()[..],
            &(content.len() as u32).to_le_bytes(),
            content,
        ]
        .concat()
    }

    #[test]
    fn containers_are_checked_and_joined() {
        let container = [
            MAGIC.to_le_bytes().to_vec(),
            section(0, b"table"),
            section(1, b"patch"),
        ]
        .concat();
        let files = vec![
            ("a".to_owned(), container.clone()),
            ("b".to_owned(), container.clone()),
        ];
        assert_eq!(
            merge(&files).unwrap(),
            [container.clone(), container.clone()].concat()
        );
        let wrong_kind = [MAGIC.to_le_bytes().to_vec(), section(1, b"patch")].concat();
        for bad in [
            container[..10].to_vec(),
            container[..container.len() - 1].to_vec(),
            b"AMD".to_vec(),
            wrong_kind,
        ] {
            let error = merge(&vec![("broken".to_owned(), bad)]).unwrap_err().to_string();
            assert!(error.starts_with("broken"), "{error}");
        }
    }
}
