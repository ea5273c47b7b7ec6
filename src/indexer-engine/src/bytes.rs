//! Numbers and texts in frames: little-endian, a text with its length before it.

use crate::frame::FrameError;

/// Reads from the front of bytes; what is not there is an error.
pub(crate) struct Source<'a>(pub(crate) &'a [u8]);

impl<'a> Source<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(FrameError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(FrameError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, FrameError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FrameError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A text of one line, for people: no control characters.
    pub(crate) fn text(&mut self, most: usize) -> Result<String, FrameError> {
        let length = usize::from(self.u16()?);
        if length > most {
            return Err(FrameError::Malformed);
        }
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| FrameError::Malformed)?;
        if text.chars().any(char::is_control) {
            return Err(FrameError::Malformed);
        }
        Ok(text.to_owned())
    }

    /// Nothing is left.
    pub(crate) const fn end(&self) -> Result<(), FrameError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(FrameError::Malformed)
        }
    }
}

/// Appends a text, cut where it is too long, without control characters.
pub(crate) fn put_text(text: &str, most: usize, out: &mut Vec<u8>) {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let text = &text[..text.floor_char_boundary(most)];
    // It fits: no text may have more than 64 KiB.
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}
