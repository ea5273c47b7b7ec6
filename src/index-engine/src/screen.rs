//! The terminal of one channel: its output goes through an emulator, and lines are told as they leave the screen, before something
//! clears it, and every two seconds in which it changed.

use std::num::NonZeroU16;

use vt100::capture::{BasicFormattedCaptureState, RowContents, basic_formatted_to_plain};
use vt100::{Callbacks, Parser, Screen};

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
    state: BasicFormattedCaptureState,
    title: Option<String>,
}

impl Callbacks for Gathered {
    fn on_scroll(&mut self, contents: RowContents<'_>, _alternate_screen: bool) {
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
            looked: 0,
            last: 0,
            changed: false,
        }
    }

    /// A size of zero is none (RFC 4254, 6.2): it stays as it was.
    pub(crate) fn resize(&mut self, columns: u32, rows: u32) {
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
    pub(crate) fn plain(&mut self, at: u64, data: &[u8], out: &mut impl FnMut(Moment)) {
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
        self.scrolled(at, out);
        self.look(at, true, out);
        let open = std::mem::take(&mut self.open);
        self.lines.leave(at, &open, out);
        self.lines.flush(out);
    }

    fn process(&mut self, at: u64, data: &[u8], out: &mut impl FnMut(Moment)) {
        /// Bytes after which lines are taken out: an escape sequence of some bytes may scroll many.
        const PIECE: usize = 16 * 1024;
        for piece in data.chunks(PIECE) {
            self.plain_colours(piece);
            self.scrolled(at, out);
        }
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
fn colour(data: &[u8]) -> Option<usize> {
    /// Longest that is looked at: colours of 24 bits before and behind.
    const LONGEST: usize = 48;
    let parameters = data.strip_prefix(b"\x1b[")?;
    let end = parameters
        .iter()
        .take(LONGEST)
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (parameters[end] == b'm').then_some(end + 3)
}

fn next_clear(data: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(place) = data[from..].iter().position(|byte| *byte == 0x1b) {
        let place = from + place;
        if CLEARS.iter().any(|clear| data[place..].starts_with(clear)) {
            return Some(place);
        }
        from = place + 1;
    }
    None
}
