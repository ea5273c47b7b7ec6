//! Lines of one channel become moments: those of some seconds together, and what was drawn again only once.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use crate::moment::{MAX_TEXT, Moment, Source};

/// Longest time of a moment, milliseconds: who follows a hit sees it within that.
const LONGEST: u64 = 5_000;
/// Text from which on a moment is full, bytes.
const FULL: usize = 2 * 1024;
/// Lines remembered of what was drawn last: some screens of a large terminal.
const REMEMBERED: usize = 1024;

/// Gathers the lines of a channel.
#[derive(Debug)]
pub(crate) struct Lines {
    channel: u32,
    /// When the first line of what is gathered came.
    since: u64,
    text: String,
    /// Digests of lines that were drawn, newest last.
    order: VecDeque<u64>,
    drawn: HashSet<u64>,
}

impl Lines {
    pub(crate) fn new(channel: u32) -> Self {
        Self {
            channel,
            since: 0,
            text: String::new(),
            order: VecDeque::new(),
            drawn: HashSet::new(),
        }
    }

    /// A line that stands on the screen: told unless it was drawn before.
    pub(crate) fn draw(&mut self, at: u64, line: &str, out: &mut impl FnMut(Moment)) {
        let line = line.trim();
        if line.is_empty() || !self.drawn.insert(digest(line)) {
            return;
        }
        self.order.push_back(digest(line));
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.drawn.remove(&oldest);
        }
        self.add(at, line, out);
    }

    /// A line that left the screen: told unless it was when it stood there; the same line may come again.
    pub(crate) fn leave(&mut self, at: u64, line: &str, out: &mut impl FnMut(Moment)) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        if !self.drawn.is_empty() && self.drawn.remove(&digest(line)) {
            self.order.retain(|known| *known != digest(line));
            return;
        }
        self.add(at, line, out);
    }

    /// What is gathered becomes a moment.
    pub(crate) fn flush(&mut self, out: &mut impl FnMut(Moment)) {
        if !self.text.is_empty() {
            out(Moment {
                at: self.since,
                channel: self.channel,
                source: Source::Screen,
                text: std::mem::take(&mut self.text),
            });
        }
    }

    fn add(&mut self, at: u64, line: &str, out: &mut impl FnMut(Moment)) {
        let is_late = at.saturating_sub(self.since) > LONGEST;
        if !self.text.is_empty() && (is_late || self.text.len() + line.len() >= FULL) {
            self.flush(out);
        }
        let mut rest = line;
        while rest.len() > MAX_TEXT {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_TEXT));
            (self.since, self.text) = (at, piece.to_owned());
            self.flush(out);
            rest = after;
        }
        if self.text.is_empty() {
            self.since = at;
        } else {
            self.text.push('\n');
        }
        self.text.push_str(rest);
    }
}

fn digest(line: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_time_are_one_moment_and_long_ones_are_cut() {
        let mut lines = Lines::new(3);
        let mut moments = Vec::new();
        let mut out = |moment: Moment| moments.push((moment.at, moment.text.len()));
        lines.leave(10, "aa", &mut out);
        lines.leave(20, "bb", &mut out);
        lines.leave(20 + LONGEST, "cc", &mut out);
        lines.leave(20 + LONGEST, &"ä".repeat(MAX_TEXT), &mut out);
        lines.flush(&mut out);
        assert_eq!(moments, [(10, 5), (5020, 2), (5020, MAX_TEXT), (5020, MAX_TEXT)]);
    }

    #[test]
    fn what_is_drawn_again_is_told_once_and_what_comes_again_is_told_again() {
        let mut lines = Lines::new(0);
        let mut moments = Vec::new();
        let mut out = |moment: Moment| moments.push(moment.text);
        lines.draw(0, "$ ls", &mut out);
        lines.draw(0, "$ ls", &mut out);
        lines.leave(0, "$ ls", &mut out);
        lines.leave(0, "$ ls", &mut out);
        lines.flush(&mut out);
        assert_eq!(moments, ["$ ls\n$ ls"]);
    }

    #[test]
    fn memory_of_what_was_drawn_is_bounded() {
        let mut lines = Lines::new(0);
        for number in 0..10 * REMEMBERED {
            lines.draw(0, &number.to_string(), &mut |_| {});
        }
        assert_eq!((lines.drawn.len(), lines.order.len()), (REMEMBERED, REMEMBERED));
    }
}
