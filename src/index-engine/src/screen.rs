//! The terminal of one channel: its output goes through an emulator, and lines are told as they leave the screen, before something
//! clears it, and every two seconds in which it changed.

use std::num::NonZeroU16;

use vt100::capture::{BasicFormattedCaptureState, RowContents, basic_formatted_to_plain};
use vt100::{Callbacks, Parser, Screen};

use crate::bulk::{Bulk, without_overwritten};
use crate::lines::Lines;
use crate::moment::Moment;

/// What takes away everything that is on the screen: clearing it all (also from its first corner), leaving the screen of an editor, a
/// reset.
const CLEARS: [&[u8]; 6] = [
    b"\x1b[2J",
    b"\x1b[H\x1b[J",
    b"\x1b[?1049l",
    b"\x1b[?1047l",
    b"\x1b[?47l",
    b"\x1bc",
];
/// How often a screen that changes is looked at, milliseconds.
const LOOK_EVERY: u64 = 2_000;
/// Most columns and rows that are emulated: some 6 MB with the second screen that terminals have.
const MOST: [u32; 2] = [400, 120];
/// Longest title that is kept, bytes.
const MAX_TITLE: usize = 512;

/// A terminal.
pub(crate) struct Terminal {
    parser: Parser<Gathered>,
    /// The last line that left is not at its end: it was wrapped.
    open: String,
    lines: Lines,
    /// Lines that were not emulated.
    bulk: Bulk,
    /// The cursor stands in an empty last row, and a line that ends there scrolls all rows.
    is_settled: bool,
    /// What was emulated last ended a line: no sequence was cut there.
    is_new_line: bool,
    /// No sequence is being read.
    is_ground: bool,
    /// The row that left last goes on in the first row.
    left_wrapped: bool,
    #[cfg(test)]
    is_slow: bool,
    looked: u64,
    /// When output came last.
    last: u64,
    changed: bool,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

/// What the emulator tells.
#[derive(Default)]
struct Gathered {
    formatted: String,
    scrolls: u64,
    state: BasicFormattedCaptureState,
    title: Option<String>,
}

impl Callbacks for Gathered {
    fn on_scroll(&mut self, contents: RowContents<'_>, _alternate_screen: bool) {
        self.scrolls += 1;
        // Writing to a string does not fail.
        let _done = contents.write_formatted_basic(&mut self.formatted, &mut self.state);
    }

    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        let title = &title[..title.len().min(MAX_TITLE)];
        self.title = Some(String::from_utf8_lossy(title).into_owned());
    }
}

impl Terminal {
    pub(crate) fn new(channel: u32) -> Self {
        let (rows, columns) = (<Parser>::DEFAULT_ROWS, <Parser>::DEFAULT_COLS);
        Self {
            parser: Parser::new_with_callbacks(rows, columns, 0, Gathered::default()),
            open: String::new(),
            lines: Lines::new(channel),
            bulk: Bulk::default(),
            is_settled: false,
            is_new_line: false,
            is_ground: true,
            left_wrapped: false,
            #[cfg(test)]
            is_slow: false,
            looked: 0,
            last: 0,
            changed: false,
        }
    }

    /// A size of zero is none (RFC 4254, 6.2): it stays as it was.
    pub(crate) fn resize(&mut self, columns: u32, rows: u32, out: &mut impl FnMut(Moment)) {
        self.unsettle(self.last, out);
        let (now_rows, now_columns) = self.parser.screen().size();
        let fit = |number: u32, most: u32, now| match number {
            0 => now,
            number => u16::try_from(number.clamp(2, most))
                .ok()
                .and_then(NonZeroU16::new)
                .unwrap_or(now),
        };
        let size = (fit(rows, MOST[1], now_rows), fit(columns, MOST[0], now_columns));
        self.parser.set_size(size.0, size.1);
    }

    /// What the server sent; returns the title, when it gave one.
    pub(crate) fn output(
        &mut self,
        at: u64,
        mut data: &[u8],
        out: &mut impl FnMut(Moment),
    ) -> Option<String> {
        if self.changed && at.saturating_sub(self.looked) >= LOOK_EVERY {
            self.look(self.last, false, out);
        }
        self.last = at;
        while let Some(place) = next_clear(data) {
            let (before, after) = data.split_at(place);
            self.process(at, before, out);
            self.look(at, true, out);
            // So that the same place is not found again.
            let (mark, rest) = after.split_at(1);
            self.process(at, mark, out);
            data = rest;
        }
        self.process(at, data, out);
        self.changed = true;
        self.parser.callbacks_mut().title.take()
    }

    /// What a program without a terminal wrote: its lines end without a return.
    pub(crate) fn program(&mut self, at: u64, data: &[u8], out: &mut impl FnMut(Moment)) {
        let mut text = Vec::with_capacity(data.len() + data.len() / 16);
        for line in data.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => {
                    text.extend_from_slice(line);
                    text.extend_from_slice(b"\r\n");
                }
                None => text.extend_from_slice(line),
            }
        }
        self.output(at, &text, out);
    }

    /// Everything that was not told yet.
    pub(crate) fn finish(&mut self, out: &mut impl FnMut(Moment)) {
        let at = self.last;
        self.look(at, true, out);
        self.close(at, out);
        self.lines.flush(out);
    }

    fn process(&mut self, at: u64, data: &[u8], out: &mut impl FnMut(Moment)) {
        /// Bytes after which lines are taken out: an escape sequence of some bytes may scroll many.
        const PIECE: usize = 16 * 1024;
        for mut piece in data.chunks(PIECE) {
            while !piece.is_empty() {
                if self.is_settled {
                    let taken = self.plain(at, piece, out);
                    piece = piece.get(taken..).unwrap_or_default();
                    if piece.is_empty() {
                        break;
                    }
                    self.unsettle(at, out);
                }
                let end = piece.iter().position(|byte| *byte == b'\n');
                let (line, rest) = piece.split_at(end.map_or(piece.len(), |end| end + 1));
                self.emulate(at, line, out);
                piece = rest;
            }
        }
    }

    /// Emulates a line, or what came of one.
    fn emulate(&mut self, at: u64, line: &[u8], out: &mut impl FnMut(Moment)) {
        let before = self.parser.callbacks().scrolls;
        let screen = self.parser.screen();
        self.left_wrapped = screen.row_wrapped(0);
        let (row, begin) = screen.cursor_position();
        let begin = usize::from(begin);
        let columns = usize::from(screen.size().1.get());
        let has_sequence = has_sequence(line);
        if self.is_ground && !has_sequence && !self.is_slow() {
            self.plain_colours(&without_overwritten(line, columns));
        } else {
            self.plain_colours(line);
        }
        self.scrolled(at, out);
        let screen = self.parser.screen();
        let (rows, columns) = screen.size();
        // With its two bytes of an end, and not wrapped.
        let fits = begin + line.len() <= usize::from(columns.get()) + 2;
        self.is_settled = !self.is_slow()
            && self.is_new_line
            && is_plain(line)
            && fits
            && self.parser.callbacks().scrolls == before + 1
            && screen.cursor_position() == (rows.get() - 1, 0)
            && !screen.alternate_screen();
        // A line that went down a row was swallowed by no sequence.
        let went_down = screen.cursor_position() == (row + 1, 0)
            || screen.cursor_position() == (row, 0) && self.parser.callbacks().scrolls == before + 1;
        let ended = self.is_new_line && is_plain(line) && went_down;
        self.is_ground = (self.is_ground || ended) && !has_sequence;
        self.is_new_line = line.ends_with(b"\n");
    }

    /// Every line is emulated, and all of it: what the quick way is compared with.
    #[cfg(test)]
    const fn is_slow(&self) -> bool {
        self.is_slow
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests compare with another way")]
    const fn is_slow(&self) -> bool {
        false
    }

    /// Takes plain lines without emulating them; returns how many bytes.
    fn plain(&mut self, at: u64, data: &[u8], out: &mut impl FnMut(Moment)) -> usize {
        let (rows, columns) = self.parser.screen().size();
        let (rows, columns) = (usize::from(rows.get()), usize::from(columns.get()));
        let mut bulk = std::mem::take(&mut self.bulk);
        let taken = bulk.take(data, columns, |bulk, line| {
            if bulk.is_full(rows) && !bulk.is_alone {
                self.leave_all(at, out);
                bulk.is_alone = true;
            }
            if let Some(left) = bulk.push(line, rows) {
                self.lines.leave(at, &left, out);
            }
        });
        self.bulk = bulk;
        taken
    }

    /// What was emulated leaves the screen, before what was not does.
    fn leave_all(&mut self, at: u64, out: &mut impl FnMut(Moment)) {
        self.scrolled(at, out);
        let screen = self.parser.screen();
        let (_, columns) = screen.size();
        // The first row may go on with what left last.
        let mut line = std::mem::take(&mut self.open);
        let mut goes_on = self.left_wrapped;
        for (row, text) in screen.rows(0, columns.get()).enumerate() {
            if !goes_on {
                self.lines.leave(at, &line, out);
                line.clear();
            }
            line.push_str(&text);
            goes_on = u16::try_from(row).is_ok_and(|row| screen.row_wrapped(row));
        }
        self.lines.leave(at, &line, out);
        self.parser.process(b"\x1b[2J");
    }

    /// The emulator has everything again.
    fn unsettle(&mut self, at: u64, out: &mut impl FnMut(Moment)) {
        if self.bulk.is_alone {
            // So many lines that the cursor is in the last row again: nothing scrolls.
            self.parser.process(b"\x1b[H");
        }
        let shown = self.bulk.drain();
        self.is_settled = false;
        self.plain_colours(&shown);
        self.scrolled(at, out);
    }

    /// The line that left last is whole: nothing goes on in the row behind it.
    fn close(&mut self, at: u64, out: &mut impl FnMut(Moment)) {
        let open = std::mem::take(&mut self.open);
        self.lines.leave(at, &open, out);
    }

    /// Feeds the emulator, without colours: they change no text, and cost more than it does. A sequence that is cut reaches it.
    fn plain_colours(&mut self, mut data: &[u8]) {
        let mut from = 0;
        while let Some(place) = data
            .get(from..)
            .and_then(|rest| rest.iter().position(|byte| *byte == 0x1b))
        {
            let place = from + place;
            match colour(&data[place..]) {
                Some(length) => {
                    self.parser.process(&data[..place]);
                    data = &data[place + length..];
                    from = 0;
                }
                None => from = place + 1,
            }
        }
        self.parser.process(data);
    }

    /// Tells the lines that left the screen. One that is wrapped goes on in the next row.
    fn scrolled(&mut self, at: u64, out: &mut impl FnMut(Moment)) {
        let gathered = self.parser.callbacks_mut();
        if gathered.formatted.is_empty() {
            return;
        }
        self.open.extend(basic_formatted_to_plain(&gathered.formatted));
        gathered.formatted.clear();
        let mut begin = 0;
        while let Some(end) = self.open[begin..].find('\n') {
            self.lines.leave(at, &self.open[begin..begin + end], out);
            begin += end + 1;
        }
        self.open.drain(..begin);
        if self.open.len() > crate::MAX_TEXT {
            let open = std::mem::take(&mut self.open);
            self.lines.leave(at, &open, out);
        }
    }

    /// Tells the lines of the screen that are new; the one where the cursor stands only when it is the `last` look, since it is being
    /// written. What is wrapped is one line.
    fn look(&mut self, at: u64, last: bool, out: &mut impl FnMut(Moment)) {
        self.unsettle(at, out);
        let screen = self.parser.screen();
        let (_, columns) = screen.size();
        let cursor = usize::from(screen.cursor_position().0);
        let mut line = String::new();
        let mut has_cursor = false;
        for (row, text) in screen.rows(0, columns.get()).enumerate() {
            line.push_str(&text);
            has_cursor |= row == cursor;
            if u16::try_from(row).is_ok_and(|row| screen.row_wrapped(row)) {
                continue;
            }
            if last || !has_cursor {
                self.lines.draw(at, &line, out);
            }
            line.clear();
            has_cursor = false;
        }
        if !line.is_empty() && (last || !has_cursor) {
            self.lines.draw(at, &line, out);
        }
        (self.looked, self.changed) = (at, false);
    }
}

/// Length of the sequence that sets a colour or a like attribute (`CSI … m`, ECMA-48 8.3.117) at the beginning; none when there is another.
pub(crate) fn colour(data: &[u8]) -> Option<usize> {
    /// Longest that is looked at: colours of 24 bits before and behind.
    const LONGEST: usize = 48;
    let parameters = data.strip_prefix(b"\x1b[")?;
    let end = parameters
        .iter()
        .take(LONGEST)
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (parameters[end] == b'm').then_some(end + 3)
}

/// Whether it is a whole line in which a sequence that came before it cannot go on: a letter ends those that do not swallow what follows.
fn is_plain(line: &[u8]) -> bool {
    line.strip_suffix(b"\r\n").is_some_and(|text| {
        text.iter().all(|byte| matches!(byte, b' '..=b'~')) && text.iter().any(u8::is_ascii_alphabetic)
    })
}

/// Whether something in it may begin a sequence, other than one that sets colours and is whole.
fn has_sequence(mut line: &[u8]) -> bool {
    while let Some(place) = line.iter().position(|byte| *byte == 0x1b || *byte >= 0x80) {
        let rest = &line[place..];
        match colour(rest) {
            Some(length) if rest[0] == 0x1b => line = &rest[length..],
            _ => return true,
        }
    }
    false
}

fn next_clear(data: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(place) = data[from..].iter().position(|byte| *byte == 0x1b) {
        let place = from + place;
        // Most sequences are of another kind: their first bytes say so.
        let is_like = matches!(
            data.get(place + 1..),
            Some([b'c', ..] | [b'[', b'2' | b'H' | b'?', ..])
        );
        if is_like && CLEARS.iter().any(|clear| data[place..].starts_with(clear)) {
            return Some(place);
        }
        from = place + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// All lines that are told, each once, when it comes in these pieces; `is_slow`: every line is emulated. How often is not the same: a line that
    /// left the screen is told apart from one like it that is drawn only when the next has left.
    fn told(pieces: &[Vec<u8>], is_slow: bool) -> BTreeSet<String> {
        let mut text = Vec::new();
        let mut out = |moment: Moment| text.push(moment.text);
        let mut terminal = Terminal::new(0);
        terminal.is_slow = is_slow;
        terminal.resize(12, 5, &mut out);
        for (at, piece) in (0..).zip(pieces) {
            terminal.output(at * 300, piece, &mut out);
        }
        terminal.finish(&mut out);
        text.iter()
            .flat_map(|text| text.lines())
            .map(str::to_owned)
            .collect()
    }

    fn part() -> impl Strategy<Value = Vec<u8>> {
        let fixed = |texts: &'static [&'static str]| {
            prop::sample::select(texts).prop_map(|text| text.as_bytes().to_vec())
        };
        prop_oneof![
            12 => "[a-z]{0,12}\r\n".prop_map(String::into_bytes),
            4 => "(\x1b\\[3[1-7]m[a-z]{1,4}\x1b\\[0m ){1,3}\r\n".prop_map(String::into_bytes),
            2 => "[a-z ]{0,40}".prop_map(String::into_bytes),
            3 => "(\r[a-z =]{0,13}){1,9}(\r\n)?".prop_map(String::into_bytes),
            1 => fixed(&["\r", "\n", "\t", "ä", "\x08", "\x1b[A", "\x1b[2;3H", "\x1b[K", "\x1b[L", "\x1b["]),
            1 => fixed(&["\x1b[2;4r", "\x1b[r", "\x1b[?1049h", "\x1b[?1049l", "\x1b[2J", "\x1bc", "\x1bM", "\x1b[?7l"]),
        ]
    }

    proptest! {
        #[test]
        fn lines_that_are_not_emulated_are_told_as_if_they_were(
            parts in prop::collection::vec(part(), 0..60),
            cuts in prop::collection::vec(0..400_usize, 0..12),
        ) {
            let all = parts.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(all.len())).chain([0, all.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<Vec<u8>> = cuts.windows(2).map(|ends| all[ends[0]..ends[1]].to_vec()).collect();
            prop_assert_eq!(told(&pieces, false), told(&pieces, true));
        }
    }
}
