//! Text as a terminal shows it, a line at a time, and the titles of its window: for policies that look at screens.
//!
//! Lines are what was printed between two moves to another line; colours and small moves are passed over. A line is also looked at before
//! it ends, since a prompt never does.

use vte::{Params, Parser, Perform};

/// Longest line; a longer one is looked at in pieces that overlap.
const LONGEST: usize = 4096;
/// What the pieces of a longer one have in common.
const OVERLAP: usize = 256;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A line, or the beginning of one.
    Line(String),
    /// The title of the window.
    Title(String),
}

/// Follows what a terminal is sent.
#[derive(Default)]
pub struct ShownText {
    parser: Parser,
    text: Text,
}

#[derive(Debug, Default)]
struct Text {
    line: String,
    /// The line has something that was not looked at.
    fresh: bool,
    shown: Vec<Shown>,
}

impl std::fmt::Debug for ShownText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShownText").finish_non_exhaustive()
    }
}

impl ShownText {
    /// What `data` adds.
    pub fn output(&mut self, data: &[u8]) -> Vec<Shown> {
        self.parser.advance(&mut self.text, data);
        self.text.look();
        std::mem::take(&mut self.text.shown)
    }
}

impl Text {
    fn end_line(&mut self) {
        self.look();
        self.line.clear();
    }

    fn look(&mut self) {
        if std::mem::take(&mut self.fresh) && !self.line.trim().is_empty() {
            self.shown.push(Shown::Line(self.line.clone()));
        }
    }
}

impl Perform for Text {
    fn print(&mut self, c: char) {
        self.line.push(c);
        self.fresh = true;
        if self.line.len() >= LONGEST {
            self.look();
            let from = self.line.floor_char_boundary(LONGEST - OVERLAP);
            self.line.drain(..from);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' | 0x0b | 0x0c => self.end_line(),
            b'\r' => {
                // At the end of a line a line feed follows; else the line is written anew.
                self.end_line();
            }
            0x08 => drop(self.line.pop()),
            b'\t' => self.print(' '),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, _: &[u8], _: bool, action: char) {
        match action {
            // To another place: up, down, a line or a place by its number, or nothing is left of the screen.
            'A' | 'B' | 'E' | 'F' | 'H' | 'J' | 'd' | 'f' => self.end_line(),
            // To the right, or a column: between words.
            'C' | 'G' => self.print(' '),
            'P' | 'X' | 'K' | '@' | 'm' => {
                let _of_no_concern = params;
            }
            _ => {}
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        if let [b"0" | b"2", title, ..] = params {
            self.shown
                .push(Shown::Title(String::from_utf8_lossy(title).into_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut text = ShownText::default();
        let shown = pieces
            .iter()
            .flat_map(|piece| text.output(piece))
            .collect::<Vec<_>>();
        let lines = shown.into_iter().filter_map(|shown| match shown {
            Shown::Line(line) => Some(line),
            Shown::Title(_) => None,
        });
        lines.collect()
    }

    #[test]
    fn colours_and_pieces_do_not_hide_a_text() {
        assert_eq!(lines(&[b"top \x1b[31msec\x1b[0mret\r\n"]), ["top secret"]);
        assert_eq!(lines(&[b"top sec", b"ret\r\n"]).last().unwrap(), "top secret");
        assert_eq!(
            lines(&[b"4111 1111 \x1b[", b"1m1111 1111\n"]).last().unwrap(),
            "4111 1111 1111 1111"
        );
        assert_eq!(lines(&[b"a\x08b\n"]), ["b"]);
    }

    #[test]
    fn a_prompt_is_looked_at_before_its_line_ends_and_not_again() {
        let mut text = ShownText::default();
        assert_eq!(text.output(b"Password: "), [Shown::Line("Password: ".into())]);
        assert_eq!(text.output(b"\x1b[0m"), []);
        assert_eq!(text.output(b"\r\n"), []);
    }

    #[test]
    fn titles_of_windows_are_told() {
        let mut text = ShownText::default();
        let shown = text.output(b"\x1b]0;root@db\x07\x1b]2;vi /etc/shadow\x1b\\$ ");
        assert_eq!(
            shown,
            [
                Shown::Title("root@db".into()),
                Shown::Title("vi /etc/shadow".into()),
                Shown::Line("$ ".into())
            ]
        );
    }

    #[test]
    fn a_line_without_an_end_is_looked_at_in_pieces_that_overlap() {
        let mut text = ShownText::default();
        let mut all = vec![b'x'; LONGEST - 10];
        all.extend_from_slice(b" 4111111111111111 ");
        all.extend(vec![b'y'; 3 * LONGEST]);
        let shown = text.output(&all);
        assert!(
            shown
                .iter()
                .any(|shown| matches!(shown, Shown::Line(line) if line.contains(" 4111111111111111 ")))
        );
        assert!(text.text.line.len() < LONGEST);
    }
}
