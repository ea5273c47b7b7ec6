//! A page that plays one terminal in any browser, with nothing but itself: player, recording, what happened, and a field to find it.
//!
//! What was recorded stands in it as JSON with every `<` escaped; its script puts that into the page as text. The page may load nothing
//! (its content security policy).

use serde_json::json;

use super::asciicast::Asciicast;
use crate::event::{Event, Exit, Kind};
use crate::head::Head;

pub(super) const START: &str = include_str!("../../assets/player/page.html");
pub(super) const PLAYER_STYLE: &str = include_str!("../../assets/player/asciinema-player.css");
pub(super) const STYLE: &str = include_str!("../../assets/player/page.css");
pub(super) const PLAYER: &str = include_str!("../../assets/player/asciinema-player.min.js");
const SCRIPT: &str = include_str!("../../assets/player/page.js");
const BODY: &str = r#"</style>
</head>
<body>
<h1 id="session"></h1>
<p id="facts"></p>
<div id="player"></div>
<input id="find" type="search" placeholder="Find" aria-label="Find in what happened">
<ul id="events"></ul>
<script type="text/plain" id="cast">
"#;
/// Most things that happened in the list.
const MOST: usize = 20_000;
/// Most characters of each.
pub(super) const MOST_TEXT: usize = 500;

/// The page of one channel.
#[derive(Debug)]
pub struct Page {
    cast: Asciicast,
    line: Vec<u8>,
    facts: Vec<String>,
    session: String,
    /// When the recording begins, microseconds.
    start: Option<u64>,
    events: Vec<(u64, String)>,
    left_out: u64,
}

impl Page {
    /// Begins the page, of channel `wanted`, or of the first that shows anything.
    #[must_use]
    pub fn new(head: &Head, wanted: Option<u32>, out: &mut Vec<u8>) -> Self {
        for part in [START, PLAYER_STYLE, STYLE, BODY] {
            out.extend_from_slice(part.as_bytes());
        }
        let own = [head.protocol.to_string(), head.connection.clone()];
        let facts = head
            .facts
            .iter()
            .map(|fact| format!("{}: {}", fact.name, fact.text));
        Self {
            cast: Asciicast::new(head, wanted),
            line: Vec::new(),
            facts: own.into_iter().chain(facts).collect(),
            session: head.session.clone(),
            start: None,
            events: Vec::new(),
            left_out: 0,
        }
    }

    /// Whether other channels had something to show, which is not in here.
    #[must_use]
    pub const fn has_others(&self) -> bool {
        self.cast.has_others()
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        self.cast.event(event, &mut self.line);
        if !self.line.is_empty() {
            self.start.get_or_insert(event.at);
        }
        escape(&self.line, out);
        self.line.clear();
        let Some(text) = told(&event.kind) else { return };
        if self.events.len() < MOST {
            self.events
                .push((event.at, text.chars().take(MOST_TEXT).collect()));
        } else {
            self.left_out += 1;
        }
    }

    /// The rest of the page.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.cast.finish(&mut self.line);
        escape(&self.line, out);
        let start = self.start.unwrap_or_default();
        let seconds = |at: u64| at.saturating_sub(start) as f64 / 1e6;
        let events: Vec<_> = self
            .events
            .iter()
            .map(|(at, text)| json!([seconds(*at), text]))
            .collect();
        let data = json!({
            "session": self.session, "facts": self.facts, "events": events, "left_out": self.left_out,
            "begins": start as f64 / 1e6,
        });
        out.extend_from_slice(b"</script>\n<script type=\"application/json\" id=\"data\">");
        escape(data.to_string().as_bytes(), out);
        for script in [PLAYER, SCRIPT] {
            out.extend_from_slice(b"</script>\n<script>\n");
            out.extend_from_slice(script.as_bytes());
        }
        out.extend_from_slice(b"</script>\n</body>\n</html>\n");
    }
}

/// JSON inside of HTML: in JSON `<` stands in texts only.
pub(super) fn escape(json: &[u8], out: &mut Vec<u8>) {
    for part in json.split_inclusive(|byte| *byte == b'<') {
        match part.strip_suffix(b"<") {
            Some(before) => {
                out.extend_from_slice(before);
                out.extend_from_slice(b"\\u003c");
            }
            None => out.extend_from_slice(part),
        }
    }
}

/// What is told in the list; nothing of what the terminal shows anyhow.
pub(super) fn told(kind: &Kind<'_>) -> Option<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match kind {
        Kind::ChannelOpened { kind, detail } => Some(format!("{kind} {detail}")),
        Kind::ChannelClosed => Some("closed".into()),
        Kind::Exec { command } => Some(text(command)),
        Kind::Subsystem { name } => Some(name.to_string()),
        Kind::Input { data } => Some(format!("> {}", text(data))),
        Kind::File {
            operation,
            path,
            bytes,
            result,
        } => Some(format!("{operation} {} ({bytes} B): {result}", text(path))),
        Kind::Forward {
            address,
            port,
            origin,
        } => Some(format!("{origin} to {address} port {port}")),
        Kind::Exit(Exit::Status(status)) => Some(format!("exit {status}")),
        Kind::Exit(Exit::Signal(signal)) => Some(format!("ended by {signal}")),
        Kind::Found { kind, text } => Some(format!("{kind}: {text}")),
        Kind::Note { text } => Some(text.to_string()),
        Kind::Terminal { .. } | Kind::Resize { .. } | Kind::Output { .. } => None,
    }
}
