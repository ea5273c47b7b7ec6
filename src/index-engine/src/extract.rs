//! Events of a trail become moments.

use std::collections::BTreeMap;

use sps_trail::{Event, Kind};

use crate::binary::Text;
use crate::moment::{MAX_TEXT, Moment, Source};
use crate::screen::Terminal;

/// Most channels of a session that are emulated at once, some 6 MB each at the most; what more there are give the oldest's place.
const MOST_CHANNELS: usize = 16;
/// Kinds of channels that carry files, pictures and other connections: only what is told of them is text.
const NO_TEXT: [&str; 7] = [
    "session-exec-scp",
    "session-sftp",
    "local-forward",
    "remote-forward",
    "x11-forward",
    "agent-forward",
    "drawing",
];

/// Makes moments of the events of one session, in the order in which they are given.
#[derive(Debug, Default)]
pub struct Extractor {
    channels: BTreeMap<u32, Channel>,
    /// How far it is, milliseconds since the session began.
    at: u64,
}

#[derive(Debug)]
enum Channel {
    /// It has a terminal.
    Terminal { terminal: Box<Terminal>, title: String },
    /// A program without a terminal, as long as it writes text.
    Plain { terminal: Box<Terminal>, text: Text },
    /// No text comes here.
    Closed,
}

impl Extractor {
    /// Takes an event; gives what is complete by it to `out`.
    pub fn event(&mut self, event: &Event<'_>, out: &mut impl FnMut(Moment)) {
        self.at = self.at.max(event.at / 1000);
        let channel = event.channel;
        match &event.kind {
            Kind::ChannelOpened { kind, detail } => {
                if NO_TEXT.contains(&kind.as_ref()) {
                    self.channels.insert(channel, Channel::Closed);
                }
                let source = if kind.starts_with("session-exec") {
                    Source::Command
                } else {
                    Source::Note
                };
                self.tell(channel, source, detail, out);
            }
            Kind::ChannelClosed => self.close(channel, out),
            Kind::Terminal { columns, rows, .. } | Kind::Resize { columns, rows } => {
                let has_terminal = matches!(event.kind, Kind::Terminal { .. });
                self.resize(channel, has_terminal, *columns, *rows, out);
            }
            Kind::Subsystem { name } if name == "sftp" => {
                self.close(channel, out);
                self.channels.insert(channel, Channel::Closed);
            }
            Kind::Output { data, .. } => self.output(channel, data, out),
            kind => {
                if let Some((source, text)) = told(kind) {
                    self.tell(channel, source, &text, out);
                }
            }
        }
    }

    /// What is left when no more events come.
    pub fn finish(&mut self, out: &mut impl FnMut(Moment)) {
        for channel in self.channels.keys().copied().collect::<Vec<_>>() {
            self.close(channel, out);
        }
    }

    fn tell(&self, channel: u32, source: Source, text: &str, out: &mut impl FnMut(Moment)) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        out(Moment {
            at: self.at,
            channel,
            source,
            text: text[..text.floor_char_boundary(MAX_TEXT)].to_owned(),
        });
    }

    fn resize(
        &mut self,
        number: u32,
        has_terminal: bool,
        columns: u32,
        rows: u32,
        out: &mut impl FnMut(Moment),
    ) {
        if has_terminal && !matches!(self.channels.get(&number), Some(Channel::Terminal { .. })) {
            self.close(number, out);
            self.open(
                number,
                Channel::Terminal {
                    terminal: Box::new(Terminal::new(number)),
                    title: String::new(),
                },
                out,
            );
        }
        if let Some(Channel::Terminal { terminal, .. }) = self.channels.get_mut(&number) {
            terminal.resize(columns, rows, out);
        }
    }

    fn output(&mut self, number: u32, data: &[u8], out: &mut impl FnMut(Moment)) {
        if !self.channels.contains_key(&number) {
            let plain = Channel::Plain {
                terminal: Box::new(Terminal::new(number)),
                text: Text::default(),
            };
            self.open(number, plain, out);
        }
        let at = self.at;
        match self.channels.get_mut(&number) {
            Some(Channel::Terminal { terminal, title }) => {
                let given = terminal.output(at, data, out);
                if let Some(given) = given.filter(|given| given != title) {
                    title.clone_from(&given);
                    self.tell(number, Source::Title, &given, out);
                }
            }
            Some(Channel::Plain { terminal, text }) => {
                if text.takes(data) {
                    terminal.program(at, data, out);
                } else {
                    self.channels.insert(number, Channel::Closed);
                }
            }
            Some(Channel::Closed) | None => {}
        }
    }

    fn open(&mut self, number: u32, channel: Channel, out: &mut impl FnMut(Moment)) {
        let is_emulated = |channel: &Channel| !matches!(channel, Channel::Closed);
        let emulated: Vec<u32> = self
            .channels
            .iter()
            .filter(|(_, channel)| is_emulated(channel))
            .map(|(number, _)| *number)
            .collect();
        if let (true, Some(oldest)) = (emulated.len() >= MOST_CHANNELS, emulated.first()) {
            self.close(*oldest, out);
            self.channels.insert(*oldest, Channel::Closed);
        }
        self.channels.insert(number, channel);
    }

    fn close(&mut self, number: u32, out: &mut impl FnMut(Moment)) {
        match self.channels.remove(&number) {
            Some(Channel::Terminal { mut terminal, .. } | Channel::Plain { mut terminal, .. }) => {
                terminal.finish(out);
            }
            Some(Channel::Closed) | None => {}
        }
    }
}

/// What an event says in words. What was typed says nothing: it is the upstream's. The kind for commands that are found on screens
/// belongs here when trails have it.
fn told(kind: &Kind<'_>) -> Option<(Source, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT)]).into_owned();
    Some(match kind {
        Kind::Exec { command } => (Source::Command, text(command)),
        Kind::File {
            operation,
            path,
            result,
            ..
        } => (Source::File, format!("{operation} {}: {result}", text(path))),
        Kind::Forward {
            address,
            port,
            origin,
        } => (Source::Note, format!("{origin} to {address} port {port}")),
        Kind::Found { kind, text } => match kind.as_ref() {
            "command" => (Source::Command, text.to_string()),
            "window title" => (Source::Title, text.to_string()),
            kind => (Source::Note, format!("{kind}: {text}")),
        },
        Kind::Note { text } => (Source::Note, text.to_string()),
        _ => return None,
    })
}
