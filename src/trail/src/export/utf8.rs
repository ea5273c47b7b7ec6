//! Text out of bytes that come in pieces: a character that is cut goes on in the next piece.

/// Keeps the beginning of a character.
#[derive(Clone, Debug, Default)]
pub(crate) struct Utf8 {
    rest: Vec<u8>,
}

impl Utf8 {
    /// The characters that are whole; bytes that are none become U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let mut text = String::new();
        let mut used = 0;
        for chunk in self.rest.utf8_chunks() {
            let end = used + chunk.valid().len() + chunk.invalid().len();
            text.push_str(chunk.valid());
            // At the very end it may be the beginning of a character.
            let begins = end == self.rest.len() && is_beginning(chunk.invalid());
            if !chunk.invalid().is_empty() && !begins {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            used = if begins { used + chunk.valid().len() } else { end };
        }
        self.rest.drain(..used);
        text
    }

    /// What never was completed.
    pub(crate) fn finish(&mut self) -> Option<char> {
        let cut = !self.rest.is_empty();
        self.rest.clear();
        cut.then_some(char::REPLACEMENT_CHARACTER)
    }
}

/// Whether more bytes could make it a character.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_pieces_is_one_and_what_is_none_is_marked() {
        let text = "aä€😀b".as_bytes();
        for cut in 0..text.len() {
            let mut utf8 = Utf8::default();
            let read = utf8.push(&text[..cut]) + &utf8.push(&text[cut..]);
            assert_eq!((read.as_bytes(), utf8.finish()), (text, None), "cut at {cut}");
        }
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.push(b"a\xff\xc3"), "a\u{fffd}");
        assert_eq!(utf8.push(b"b"), "\u{fffd}b");
        assert_eq!(
            (utf8.push(b"\xe2\x82"), utf8.finish()),
            (String::new(), Some('\u{fffd}'))
        );
    }
}
