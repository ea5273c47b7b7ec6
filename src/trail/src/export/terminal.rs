//! The text that stood on a terminal: its output goes through an emulator (DECISION-emulator.md), and lines are given out as they leave
//! the screen, or before something clears it. Nothing that was on the screen when a piece of output came is missing; what was drawn and
//! overdrawn within one piece may be.

use std::num::NonZeroU16;

use vt100::capture::{BasicFormattedCaptureState, RowContents, basic_formatted_to_plain};
use vt100::{Callbacks, Parser};

use super::picked::{Picked, size};
use crate::event::{Event, Kind};

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

/// The text of one channel.
pub struct TerminalText {
    picked: Picked,
    parser: Parser<Lines>,
    /// The channel has a terminal: else lines end without a return.
    terminal: bool,
    /// What was given out last because it was cleared: an editor that draws the same again is not told again.
    told: String,
    /// Something was given out; the line that was last is still open.
    wrote: bool,
    /// The last of it was a screen: what scrolls off next begins a line.
    screen: bool,
}

impl std::fmt::Debug for TerminalText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TerminalText").finish_non_exhaustive()
    }
}

/// Lines that left the screen.
#[derive(Default)]
struct Lines {
    formatted: String,
    state: BasicFormattedCaptureState,
}

impl Callbacks for Lines {
    fn on_scroll(&mut self, contents: RowContents<'_>, _alternate_screen: bool) {
        // Writing to a string does not fail.
        let _done = contents.write_formatted_basic(&mut self.formatted, &mut self.state);
    }
}

impl TerminalText {
    /// Of channel `wanted`, or of the first that shows anything.
    #[must_use]
    pub fn new(wanted: Option<u32>) -> Self {
        let (rows, columns) = (<Parser>::DEFAULT_ROWS, <Parser>::DEFAULT_COLS);
        Self {
            picked: Picked::new(wanted),
            parser: Parser::new_with_callbacks(rows, columns, 0, Lines::default()),
            terminal: false,
            told: String::new(),
            wrote: false,
            screen: false,
        }
    }

    /// Whether other channels had something to show, which is not in here.
    #[must_use]
    pub const fn has_others(&self) -> bool {
        self.picked.others()
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if !self.picked.takes(event) {
            return;
        }
        match &event.kind {
            Kind::Terminal { columns, rows, .. } | Kind::Resize { columns, rows } => {
                self.terminal |= matches!(event.kind, Kind::Terminal { .. });
                let (columns, rows) = size(*columns, *rows);
                if let (Some(rows), Some(columns)) = (NonZeroU16::new(rows), NonZeroU16::new(columns)) {
                    self.parser.set_size(rows, columns);
                }
            }
            Kind::Output { data, .. } if self.terminal => self.output(data, out),
            Kind::Output { data, .. } => {
                for line in data.split_inclusive(|byte| *byte == b'\n') {
                    self.output(line, out);
                    if line.ends_with(b"\n") {
                        self.output(b"\r", out);
                    }
                }
            }
            _ => {}
        }
        self.scrolled(out);
    }

    /// What still stands on the screen.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.scrolled(out);
        self.tell(out);
        if self.wrote {
            out.push(b'\n');
        }
    }

    fn output(&mut self, mut data: &[u8], out: &mut Vec<u8>) {
        while let Some(place) = next_clear(data) {
            let (before, after) = data.split_at(place);
            self.parser.process(before);
            self.scrolled(out);
            self.tell(out);
            // So that the same place is not found again.
            let (mark, rest) = after.split_at(1);
            self.parser.process(mark);
            data = rest;
        }
        self.parser.process(data);
    }

    /// Gives out the lines that left the screen.
    fn scrolled(&mut self, out: &mut Vec<u8>) {
        let lines = self.parser.callbacks_mut();
        let plain: String = basic_formatted_to_plain(&lines.formatted).collect();
        lines.formatted.clear();
        if plain.is_empty() {
            return;
        }
        if self.screen && !plain.starts_with('\n') {
            out.push(b'\n');
        }
        out.extend_from_slice(plain.as_bytes());
        (self.wrote, self.screen) = (true, false);
    }

    /// Gives out the screen, when anything is on it that was not given out the same just before.
    fn tell(&mut self, out: &mut Vec<u8>) {
        let contents = self.parser.screen().contents();
        let text = contents.trim_end();
        if text.is_empty() || text == self.told {
            return;
        }
        if self.wrote {
            out.push(b'\n');
        }
        out.extend_from_slice(text.as_bytes());
        self.told = text.to_owned();
        (self.wrote, self.screen) = (true, true);
    }
}

fn next_clear(data: &[u8]) -> Option<usize> {
    let mut places = (0..data.len()).filter(|place| data[*place] == 0x1b);
    places.find(|place| CLEARS.iter().any(|clear| data[*place..].starts_with(clear)))
}
