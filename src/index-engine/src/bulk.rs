//! Plain lines at the bottom of a screen, which scroll one row each: what most of the output of shells is. They need no emulation but for the last
//! of them, which are what stands there when something else comes.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::screen::colour;

/// Leaves out of a line what is written over before anybody could read it: progress that begins at the margin again and again, as far as the next
/// is as long.
pub(crate) fn without_overwritten(line: &[u8], columns: usize) -> Cow<'_, [u8]> {
    if line.iter().filter(|byte| **byte == b'\r').count() < 3 {
        return Cow::Borrowed(line);
    }
    let is_plain = |part: &[u8]| part.len() <= columns && part.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let mut kept = Vec::with_capacity(line.len());
    let mut parts = line.split_inclusive(|byte| *byte == b'\r').peekable();
    let mut at_margin = false;
    while let Some(part) = parts.next() {
        let text = part.strip_suffix(b"\r");
        let next = parts.peek().map(|next| next.strip_suffix(b"\r").unwrap_or(next));
        let is_covered = at_margin
            && text
                .zip(next)
                .is_some_and(|(text, next)| text.len() <= next.len() && is_plain(text) && is_plain(next));
        at_margin = text.is_some();
        if !is_covered {
            kept.extend_from_slice(part);
        }
    }
    Cow::Owned(kept)
}

/// What is kept of them.
#[derive(Debug, Default)]
pub(crate) struct Bulk {
    /// The last lines, fewer than a screen has rows.
    lines: VecDeque<String>,
    /// What came of the next.
    open: String,
    /// Nothing of what was emulated before is on the screen any more.
    pub(crate) is_alone: bool,
}

impl Bulk {
    /// Takes what is plain from the beginning of `data`, and gives whole lines to `line`; returns how many bytes. A line must fit into a row.
    pub(crate) fn take(
        &mut self,
        data: &[u8],
        columns: usize,
        mut line: impl FnMut(&mut Self, String),
    ) -> usize {
        let mut taken = 0;
        loop {
            let rest = data.get(taken..).unwrap_or_default();
            let plain = rest.iter().position(|byte| !matches!(byte, b' '..=b'~'));
            let (text, after) = rest.split_at(plain.unwrap_or(rest.len()));
            if self.open.len() + text.len() > columns {
                return taken;
            }
            // ASCII alone.
            self.open.push_str(std::str::from_utf8(text).unwrap_or_default());
            taken += text.len();
            if after.starts_with(b"\r\n") {
                let whole = std::mem::take(&mut self.open);
                line(self, whole);
                taken += 2;
            } else if let Some(length) = after
                .first()
                .filter(|byte| **byte == 0x1b)
                .and_then(|_| colour(after))
            {
                taken += length;
            } else {
                return taken;
            }
        }
    }

    /// Adds a line; returns the one that leaves a screen of so many rows by that.
    pub(crate) fn push(&mut self, line: String, rows: usize) -> Option<String> {
        self.lines.push_back(line);
        // The last row is the one where the next line is written.
        (self.lines.len() >= rows).then(|| self.lines.pop_front().unwrap_or_default())
    }

    /// Whether one more line fills a screen of so many rows.
    pub(crate) fn is_full(&self, rows: usize) -> bool {
        self.lines.len() + 1 >= rows
    }

    /// What stands on the screen, as it came; nothing is kept.
    pub(crate) fn drain(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in self.lines.drain(..) {
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(self.open.as_bytes());
        self.open.clear();
        self.is_alone = false;
        bytes
    }
}
