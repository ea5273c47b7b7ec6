//! A line typed at a terminal that knows nothing but to show characters. Pure: bytes in, echo and lines out.
//!
//! Backspace and Ctrl-U erase, Ctrl-C and Ctrl-D give up, escape sequences of arrow keys and the like are swallowed. A
//! hidden line is not echoed at all, so that not even its length shows.

use zeroize::{Zeroize, Zeroizing};

/// Longest line, bytes: any command, and more than the longest password.
pub const LINE_BYTES: usize = 1024;

const BELL: u8 = 0x07;

/// What becomes of the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Nothing is read; giving up is heard.
    #[default]
    Nothing,
    /// A line, echoed.
    Shown,
    /// A line, not echoed: a password.
    Hidden,
}

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line, without its end.
    Line(Zeroizing<String>),
    /// Ctrl-C or Ctrl-D.
    Cancel,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    Sequence,
}

/// The line being typed.
#[derive(Debug, Default)]
pub struct LineEditor {
    reading: Reading,
    bytes: Zeroizing<Vec<u8>>,
    escape: Escape,
    after_return: bool,
}

impl LineEditor {
    /// Begins anew; what was typed so far is gone.
    pub fn read(&mut self, reading: Reading) {
        self.reading = reading;
        self.bytes.zeroize();
        // Never grown while a password is typed: growing would leave a copy behind.
        self.bytes.reserve_exact(LINE_BYTES);
        self.escape = Escape::None;
    }

    /// Takes one byte; what is to be echoed is appended to `echo`.
    pub fn key(&mut self, byte: u8, echo: &mut Vec<u8>) -> Option<Typed> {
        let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
        if self.in_escape(byte) {
            return None;
        }
        match byte {
            0x03 | 0x04 => return Some(self.cancel(echo)),
            b'\n' if after_return => {}
            b'\r' | b'\n' => return self.end(echo),
            0x08 | 0x7f => self.erase(echo),
            0x15 => {
                while !self.bytes.is_empty() {
                    self.erase(echo);
                }
            }
            0x00..0x20 => {}
            _ => self.add(byte, echo),
        }
        None
    }

    fn in_escape(&mut self, byte: u8) -> bool {
        let (inside, next) = match (self.escape, byte) {
            (Escape::None, 0x1b) => (true, Escape::Begun),
            (Escape::None, _) => (false, Escape::None),
            (Escape::Begun, b'[' | b'O') => (true, Escape::Sequence),
            // A control character is never part of a sequence: it acts, so that nobody is caught in one.
            (_, 0x00..0x20) if byte != 0x1b => (false, Escape::None),
            (Escape::Begun, _) | (Escape::Sequence, 0x40..=0x7e) => (true, Escape::None),
            (Escape::Sequence, _) => (true, Escape::Sequence),
        };
        self.escape = next;
        inside
    }

    fn cancel(&mut self, echo: &mut Vec<u8>) -> Typed {
        self.bytes.zeroize();
        if self.reading != Reading::Nothing {
            echo.extend(b"\r\n");
        }
        Typed::Cancel
    }

    fn end(&mut self, echo: &mut Vec<u8>) -> Option<Typed> {
        if self.reading == Reading::Nothing {
            return None;
        }
        echo.extend(b"\r\n");
        let text = Zeroizing::new(String::from_utf8_lossy(&self.bytes).into_owned());
        self.bytes.zeroize();
        Some(Typed::Line(text))
    }

    fn add(&mut self, byte: u8, echo: &mut Vec<u8>) {
        if self.reading == Reading::Nothing {
            return;
        }
        if self.bytes.len() == LINE_BYTES {
            echo.push(BELL);
            return;
        }
        self.bytes.push(byte);
        match byte {
            _ if self.reading == Reading::Hidden => {}
            b' '..=b'~' => echo.push(byte),
            // The first byte of a character stands for all of it.
            0xc0.. => echo.push(b'?'),
            _ => {}
        }
    }

    /// Removes the last character.
    fn erase(&mut self, echo: &mut Vec<u8>) {
        let Some(mut last) = self.bytes.pop() else { return };
        while (0x80..0xc0).contains(&last) {
            match self.bytes.pop() {
                Some(before) => last = before,
                // Continuation bytes without a beginning were not echoed.
                None => return,
            }
        }
        if self.reading == Reading::Shown {
            echo.extend(b"\x08 \x08");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(reading: Reading, bytes: &[u8]) -> (Vec<Typed>, String) {
        let mut editor = LineEditor::default();
        editor.read(reading);
        let mut echo = Vec::new();
        let events = bytes
            .iter()
            .filter_map(|byte| editor.key(*byte, &mut echo))
            .collect();
        (events, String::from_utf8(echo).unwrap())
    }

    fn line(text: &str) -> Typed {
        Typed::Line(Zeroizing::new(text.into()))
    }

    #[test]
    fn lines_end_with_return_line_feed_or_both() {
        let (events, echo) = typed(Reading::Shown, b"one\rtwo\r\nthree\nfour");
        assert_eq!(events, [line("one"), line("two"), line("three")]);
        assert_eq!(echo, "one\r\ntwo\r\nthree\r\nfour");
    }

    #[test]
    fn erasing_works_for_whole_characters() {
        let (events, echo) = typed(Reading::Shown, "ab\x7fcé\x08\x15xy\x7f\x7f\x7f\x7fz\r".as_bytes());
        assert_eq!(events, [line("z")]);
        assert!(!echo.contains('é') && echo.is_ascii(), "{echo:?}");
    }

    #[test]
    fn a_password_is_not_echoed() {
        let (events, echo) = typed(Reading::Hidden, b"secret\x7ft\x15geheim\r");
        assert_eq!((events, echo.as_str()), (vec![line("geheim")], "\r\n"));
    }

    #[test]
    fn arrow_keys_and_controls_leave_no_trace() {
        let (events, echo) = typed(Reading::Shown, b"\x1b[A\x1bOPa\x1b[3~b\x00\x01\x1b[1;5C\x1bx\r");
        assert_eq!((events, echo.as_str()), (vec![line("ab")], "ab\r\n"));
        assert_eq!(
            typed(Reading::Shown, b"a\x1b\rb\x1b[\r").0,
            [line("a"), line("b")],
            "Enter always acts"
        );
    }

    #[test]
    fn giving_up_is_heard_even_when_nothing_is_read() {
        assert_eq!(typed(Reading::Nothing, b"abc\r\x03").0, [Typed::Cancel]);
        assert_eq!(typed(Reading::Shown, b"abc\x04x\r").0, [Typed::Cancel, line("x")]);
    }

    #[test]
    fn an_endless_line_is_bounded_and_bytes_that_are_no_text_do_no_harm() {
        let mut bytes = vec![b'x'; 5 * LINE_BYTES];
        bytes.push(b'\r');
        assert_eq!(typed(Reading::Shown, &bytes).0, [line(&"x".repeat(LINE_BYTES))]);
        for byte in 0..=255_u8 {
            let (_, echo) = typed(Reading::Shown, &[byte, byte, 0x7f, byte, b'\r']);
            assert!(echo.is_ascii());
        }
    }
}
