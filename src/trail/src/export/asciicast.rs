//! asciicast v3: what asciinema and its player in the browser play. One JSON document a line: a header, then `[seconds since the line
//! before, code, text]`, with the codes `o` output, `i` input, `r` size, `m` mark, `x` exit.

use serde_json::json;

use super::picked::{Picked, size};
use super::utf8::Utf8;
use crate::event::{Event, Exit, Kind};
use crate::head::Head;

/// The recording of one channel.
#[derive(Debug)]
pub struct Asciicast {
    picked: Picked,
    title: String,
    start: i64,
    /// The header was written.
    begun: bool,
    /// The channel has a terminal: else lines end without a return.
    terminal: bool,
    at: u64,
    output: Utf8,
    input: Utf8,
}

impl Asciicast {
    /// Of channel `wanted`, or of the first that shows anything.
    #[must_use]
    pub fn new(head: &Head, wanted: Option<u32>) -> Self {
        Self {
            picked: Picked::new(wanted),
            title: format!("{}, {}", head.session, head.connection),
            start: head.start,
            begun: false,
            terminal: false,
            at: 0,
            output: Utf8::default(),
            input: Utf8::default(),
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
            Kind::Terminal { term, columns, rows } if !self.begun => {
                self.terminal = true;
                self.begin(event.at, Some(term), size(*columns, *rows), out);
            }
            Kind::Terminal { columns, rows, .. } | Kind::Resize { columns, rows } => {
                let (columns, rows) = size(*columns, *rows);
                self.line(event.at, "r", &format!("{columns}x{rows}"), out);
            }
            Kind::Output { data, .. } => {
                let mut text = self.output.push(data);
                if !self.terminal {
                    text = text.replace('\n', "\r\n");
                }
                self.line(event.at, "o", &text, out);
            }
            Kind::Input { data } => {
                let text = self.input.push(data);
                self.line(event.at, "i", &text, out);
            }
            Kind::Found { kind, text } => self.line(event.at, "m", &format!("{kind}: {text}"), out),
            Kind::Exit(Exit::Status(status)) => self.line(event.at, "x", &status.to_string(), out),
            _ => {}
        }
    }

    /// What is left; a trail that showed nothing becomes a recording that shows nothing.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(rest) = self.output.finish() {
            self.line(self.at, "o", &rest.to_string(), out);
        }
        if !self.begun {
            self.begin(self.at, None, (80, 24), out);
        }
    }

    fn begin(&mut self, at: u64, term: Option<&str>, (columns, rows): (u16, u16), out: &mut Vec<u8>) {
        self.begun = true;
        self.at = at;
        let started = self.start.div_euclid(1000) + i64::try_from(at / 1_000_000).unwrap_or(0);
        let mut terminal = json!({ "cols": columns, "rows": rows });
        if let Some(term) = term {
            terminal["type"] = term.into();
        }
        let header = json!({ "version": 3, "term": terminal, "timestamp": started, "title": self.title });
        line(&header, out);
    }

    fn line(&mut self, at: u64, code: &str, text: &str, out: &mut Vec<u8>) {
        if !self.begun {
            self.begin(at, None, (80, 24), out);
        }
        if text.is_empty() {
            return;
        }
        let later = at.saturating_sub(self.at);
        self.at = self.at.max(at);
        // Written by hand: six digits, whatever the size of the number.
        let seconds = format!("[{}.{:06}, ", later / 1_000_000, later % 1_000_000);
        out.extend_from_slice(seconds.as_bytes());
        let pair = json!([code, text]).to_string();
        out.extend_from_slice(pair.get(1..).unwrap_or_default().as_bytes());
        out.push(b'\n');
    }
}

fn line(value: &serde_json::Value, out: &mut Vec<u8>) {
    out.extend_from_slice(value.to_string().as_bytes());
    out.push(b'\n');
}
