//! Whether what a program wrote is text. Only channels without a terminal are asked about: what a terminal is sent is emulated.

/// Bytes looked at before it is decided.
const LOOK: usize = 4096;
/// One in so many bytes that no text has makes it binary.
const SHARE: usize = 20;

/// Looks at the beginning of what a program wrote.
#[derive(Debug, Default)]
pub(crate) struct Text {
    looked: usize,
    strange: usize,
    is_binary: bool,
}

impl Text {
    /// Takes what came next; false when it is no text, then and from then on.
    pub(crate) fn takes(&mut self, data: &[u8]) -> bool {
        if self.is_binary || self.looked >= LOOK {
            return !self.is_binary;
        }
        let data = &data[..data.len().min(LOOK)];
        self.looked += data.len();
        self.strange += data.iter().filter(|byte| is_control(**byte)).count() + invalid(data);
        self.is_binary = data.contains(&0) || self.strange * SHARE > self.looked.max(SHARE);
        !self.is_binary
    }
}

/// Control characters that no text has; colours and bells it has.
const fn is_control(byte: u8) -> bool {
    matches!(byte, 1..=6 | 14..=26 | 28..=31)
}

/// Bytes that are no UTF-8, but for a character that is cut at the end; of other character sets single ones.
fn invalid(data: &[u8]) -> usize {
    let chunks = data.utf8_chunks();
    chunks
        .map(|chunk| usize::from(chunk.invalid().len() > 1) * chunk.invalid().len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_what_is_none() {
        for text in [
            &b"total 12\r\n\x1b[31mred\x1b[0m\n"[..],
            "Größe €".as_bytes(),
            b"latin \xe4 one",
            b"",
        ] {
            assert!(Text::default().takes(text), "{text:?}");
        }
        for data in [
            &b"\x7fELF\x02\x01\x01\0\0"[..],
            b"\x1f\x8b\x08\x10\x01\x02\x03\x04\x05\x06",
        ] {
            let mut seen = Text::default();
            assert!(!seen.takes(data), "{data:?}");
            assert!(!seen.takes(b"plain text afterwards"), "{data:?}");
        }
    }
}
