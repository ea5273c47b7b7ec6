//! Commands as people see them: the line of the terminal on which Enter is pressed.
//!
//! What is typed is no command: it may complete, recall, correct. So the line is read from an emulated screen: where the first key of a line finds the
//! cursor the prompt ends, and what stands behind that when Enter comes is the command. Since only that line counts, a screen is emulated from the
//! first key of a line to its Enter, and what was shown before that is kept as the bytes of a few screens: a terminal on which nobody types
//! costs nothing but those.
//!
//! Whoever is watched decides what is on the screen: a line counts too on which nobody typed, and while a program says it has the whole screen.
//! Nothing of that is believed but to tell what is recorded as a command. A line that cannot be read whole says so.
//!
//! This is detection, not a sandbox. Not seen is what a script does, what a shell makes of aliases and variables, and a key that somebody
//! taught a shell to take for Enter.

use std::fmt;
use std::num::NonZeroU16;

use vt100::{Parser, Screen};

/// Bytes of output that are kept until somebody types: some screens.
const KEPT: usize = 16 * 1024;
/// Sizes of screens: smallest, and largest that is emulated.
const ROWS: std::ops::RangeInclusive<u16> = 2..=200;
const COLUMNS: std::ops::RangeInclusive<u16> = 10..=500;
/// Longest line that is followed key by key.
const LONGEST: usize = 64 * 1024;
/// Switches to the other screen and back, which programs use that take the whole of it (xterm's control sequences).
const OTHER_SCREEN: [&[u8]; 3] = [b"\x1b[?1049", b"\x1b[?1047", b"\x1b[?47"];

/// A line that was entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// The command, as it stands on the screen behind its prompt; empty while a program has the whole screen.
    pub shown: String,
    /// All that stands on the line, as far as no prompt is known to be before it: what a policy looks at besides.
    pub line: String,
    /// The line is longer than what can be read.
    pub unreadable: bool,
    /// What was typed when it is not what is shown: with the echo off, or ahead of the program. It may be a password.
    pub typed: String,
}

/// The line on which somebody types.
#[derive(Debug)]
pub struct CommandLine {
    rows: NonZeroU16,
    columns: NonZeroU16,
    /// Output that no screen has seen yet.
    unseen: Vec<u8>,
    /// Whether a program has the whole screen.
    other_screen: bool,
    /// The end of what was shown, where a switch may have begun.
    tail: Vec<u8>,
    line: Option<Line>,
}

struct Line {
    parser: Box<Parser>,
    prompt: String,
    typed: Typed,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was typed may be a password.
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// What was typed, as far as it can be followed without a screen.
#[derive(Default)]
struct Typed {
    text: String,
    /// A key came that moves, recalls or completes.
    edited: bool,
    /// Where in the sequence of such a key what comes next is.
    sequence: Sequence,
}

/// A key that is no letter comes as escape and letters.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Sequence {
    #[default]
    None,
    /// Behind the escape.
    Begun,
    /// Up to a final byte.
    Within,
}

impl CommandLine {
    /// A terminal of this size.
    #[must_use]
    pub fn new(rows: u32, columns: u32) -> Self {
        let (rows, columns) = bounded(rows, columns);
        Self {
            rows,
            columns,
            unseen: Vec::new(),
            other_screen: false,
            tail: Vec::new(),
            line: None,
        }
    }

    /// The terminal has another size.
    pub fn resize(&mut self, rows: u32, columns: u32) {
        (self.rows, self.columns) = bounded(rows, columns);
        self.see();
        if let Some(line) = &mut self.line {
            line.parser.screen_mut().set_size(self.rows, self.columns);
        }
    }

    /// What the terminal is sent.
    pub fn output(&mut self, data: &[u8]) {
        self.follow_switches(data);
        let data = data.get(data.len().saturating_sub(KEPT)..).unwrap_or(data);
        let over = (self.unseen.len() + data.len()).saturating_sub(KEPT);
        if over > 0 {
            // From the beginning of a line: what is before it is not on the screen any more.
            let cut = self.unseen.get(over..).unwrap_or_default();
            let line = cut
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(over, |place| over + place);
            self.unseen.drain(..line.min(self.unseen.len()));
        }
        self.unseen.extend_from_slice(data);
    }

    /// Keys, none of which enters the line ([`entering`]).
    pub fn keys(&mut self, keys: &[u8]) {
        if keys.is_empty() {
            return;
        }
        let mut line = match self.line.take() {
            Some(line) => line,
            None => self.begin(),
        };
        let behind = keys
            .iter()
            .rposition(|key| *key == INTERRUPT)
            .map(|place| place + 1);
        if let Some(behind) = behind {
            if behind == keys.len() {
                return;
            }
            // What follows is typed ahead of the prompt: which that is nobody knows yet.
            line.prompt = UNKNOWN.into();
        }
        line.typed.take(keys);
        self.line = Some(line);
    }

    /// Whether what was typed is on the screen: then there is nothing to wait for before Enter.
    pub fn is_shown(&mut self) -> bool {
        self.see();
        match &self.line {
            None => true,
            Some(line) => {
                let typed = line.typed.text.trim_end();
                !line.typed.edited
                    && !typed.is_empty()
                    && logical_line(line.parser.screen(), true).ends_with(typed)
            }
        }
    }

    /// Whether a key came that recalls, moves or completes: only the screen tells what the line is.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.typed.edited)
    }

    /// Whether words were typed among keys that recall, move or complete: with the echo off, nothing would tell what became of them.
    #[must_use]
    pub fn is_put_together(&self) -> bool {
        let typed = self.line.as_ref().map(|line| &line.typed);
        typed.is_some_and(|typed| typed.edited && !typed.text.trim().is_empty())
    }

    /// Enter: what stands on the line, unless there is nothing. Whether the screen was seen to answer the keys before decides what is
    /// believed of it.
    pub fn enter(&mut self, is_answered: bool) -> Option<Entered> {
        let is_blind = self.is_put_together() && !is_answered;
        self.see();
        let typed_on = self.line.is_some();
        let line = match self.line.take() {
            Some(line) => line,
            // Nobody typed: what stands there was put there, and runs all the same.
            None if self.unseen.is_empty() => return None,
            None => self.begin(),
        };
        let whole = logical_line(line.parser.screen(), false);
        let behind = behind_a_prompt(&whole);
        let shown = match whole.strip_prefix(line.prompt.trim_end()) {
            Some(command) if typed_on => command.trim(),
            None => behind.unwrap_or(&whole).trim(),
            // Without a prompt it is what a program shows, and not what somebody runs.
            Some(_) => behind.unwrap_or_default().trim(),
        };
        let typed = line.typed.text.trim();
        let same = line.typed.edited || shown.contains(typed);
        let entered = Entered {
            shown: if self.other_screen {
                String::new()
            } else {
                shown.to_owned()
            },
            line: behind.unwrap_or(&whole).trim().to_owned(),
            unreadable: is_blind || line.typed.edited && fills(line.parser.screen()),
            typed: if same { String::new() } else { typed.to_owned() },
        };
        let nothing = entered.line.is_empty() && entered.typed.is_empty() && !entered.unreadable;
        (!nothing).then_some(entered)
    }

    /// A line that begins where the cursor is.
    fn begin(&mut self) -> Line {
        let mut parser = Box::new(Parser::new(self.rows, self.columns, 0));
        parser.process(&self.unseen);
        self.unseen.clear();
        let prompt = logical_line(parser.screen(), true);
        Line {
            parser,
            prompt,
            typed: Typed::default(),
        }
    }

    /// Shows what was not shown yet, where there is a screen.
    fn see(&mut self) {
        if let Some(line) = &mut self.line {
            line.parser.process(&self.unseen);
            self.unseen.clear();
        }
    }

    /// Whether a program takes the whole screen, or gives it back.
    fn follow_switches(&mut self, data: &[u8]) {
        const LONGEST_SWITCH: usize = 8;
        let mut text = std::mem::take(&mut self.tail);
        if !data.contains(&0x1b) && !text.contains(&0x1b) {
            return;
        }
        text.extend_from_slice(data);
        for (place, _) in text.iter().enumerate().filter(|(_, byte)| **byte == 0x1b) {
            let rest = text.get(place..).unwrap_or_default();
            let end = OTHER_SCREEN
                .iter()
                .filter(|switch| rest.starts_with(switch))
                .find_map(|switch| rest.get(switch.len()));
            match end {
                Some(b'h') => self.other_screen = true,
                Some(b'l') => self.other_screen = false,
                _ => {}
            }
        }
        let from = text.len().saturating_sub(LONGEST_SWITCH - 1);
        self.tail = text.split_off(from);
    }
}

const INTERRUPT: u8 = 0x03;
/// No prompt: no screen shows this.
const UNKNOWN: &str = "\0";

/// Whether a key enters the line: return, line feed, Ctrl-O (enter, and fetch the next), and Ctrl-D (a terminal hands over what there is).
#[must_use]
pub const fn entering(key: u8) -> bool {
    matches!(key, b'\r' | b'\n' | 0x0f | 0x04)
}

impl Typed {
    fn take(&mut self, keys: &[u8]) {
        for c in String::from_utf8_lossy(keys).chars() {
            if self.is_in_sequence(c) {
                continue;
            }
            match c {
                '\x08' | '\x7f' => drop(self.text.pop()),
                '\x15' => self.text.clear(),
                '\x03' => *self = Self::default(),
                c if c.is_control() || c == char::REPLACEMENT_CHARACTER => self.edited = true,
                c if self.text.len() < LONGEST => self.text.push(c),
                _ => self.edited = true,
            }
        }
    }

    /// Whether this is no letter, but a part of a key (ECMA-48: CSI, SS3).
    fn is_in_sequence(&mut self, c: char) -> bool {
        let was = self.sequence;
        self.sequence = match (was, c) {
            (_, '\x1b') => {
                self.edited = true;
                Sequence::Begun
            }
            (Sequence::Begun, '[' | 'O') => Sequence::Within,
            (Sequence::Within, ' '..='?') => Sequence::Within,
            _ => Sequence::None,
        };
        was != Sequence::None || c == '\x1b'
    }
}

/// The line on which the cursor is, as one, however often it is broken at the border: up to the cursor, or all of it.
fn logical_line(screen: &Screen, to_cursor: bool) -> String {
    let (row, column) = screen.cursor_position();
    let (rows, columns) = screen.size();
    let mut first = row;
    while first > 0 && screen.row_wrapped(first - 1) {
        first -= 1;
    }
    if to_cursor {
        return screen.contents_between(first, 0, row, column);
    }
    let mut last = row;
    while last + 1 < rows.get() && screen.row_wrapped(last) {
        last += 1;
    }
    screen.contents_between(first, 0, last, columns.get())
}

/// What stands behind the end of a prompt that was not there when the line began: the screen was cleared, or the terminal has another size.
fn behind_a_prompt(line: &str) -> Option<&str> {
    let ends = ["$ ", "# ", "> ", "% "];
    let place = ends
        .iter()
        .filter_map(|end| line.find(end).map(|place| place + end.len()));
    place.min().and_then(|place| line.get(place..))
}

/// Whether the line reaches to the top of the screen: what was before may have gone.
fn fills(screen: &Screen) -> bool {
    let (row, _) = screen.cursor_position();
    row > 0 && (0..row).all(|above| screen.row_wrapped(above))
}

fn bounded(rows: u32, columns: u32) -> (NonZeroU16, NonZeroU16) {
    let or = |wanted: u32, usual: u16| {
        if wanted == 0 {
            usual
        } else {
            u16::try_from(wanted).unwrap_or(u16::MAX)
        }
    };
    let some = |number: u16| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN);
    (
        some(or(rows, 24).clamp(*ROWS.start(), *ROWS.end())),
        some(or(columns, 80).clamp(*COLUMNS.start(), *COLUMNS.end())),
    )
}

#[cfg(test)]
mod tests;
