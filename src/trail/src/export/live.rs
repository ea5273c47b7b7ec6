//! A page that shows a session while it goes on: as it is sent, a piece at a time, it plays what came. The same rules as for the page of a
//! recording: what was recorded stands in it as JSON with every `<` escaped, and it may load nothing.

use serde_json::json;

use super::asciicast::Asciicast;
use super::page::{MOST_TEXT, PLAYER, PLAYER_STYLE, START, STYLE, escape, told};
use crate::event::Event;
use crate::head::Head;

const SCRIPT: &str = include_str!("../../assets/player/live.js");
const BODY: &str = r#"</style>
</head>
<body>
<p id="state">The session goes on: this is what it shows now.</p>
<div id="player"></div>
<ul id="events"></ul>
"#;

/// The page, as far as it is written.
#[derive(Debug)]
pub struct LivePage {
    cast: Asciicast,
    line: Vec<u8>,
}

impl LivePage {
    /// Begins the page.
    #[must_use]
    pub fn new(head: &Head, out: &mut Vec<u8>) -> Self {
        for part in [START, PLAYER_STYLE, STYLE, BODY] {
            out.extend_from_slice(part.as_bytes());
        }
        for script in [PLAYER, SCRIPT] {
            out.extend_from_slice(b"<script>\n");
            out.extend_from_slice(script.as_bytes());
            out.extend_from_slice(b"</script>\n");
        }
        Self {
            cast: Asciicast::new(head, None),
            line: Vec::new(),
        }
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        self.cast.event(event, &mut self.line);
        for line in self
            .line
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            call(line, out);
        }
        self.line.clear();
        if let Some(text) = told(&event.kind) {
            let text: String = text.chars().take(MOST_TEXT).collect();
            call(json!(text).to_string().as_bytes(), out);
        }
    }

    /// The session has ended: the rest of the page.
    pub fn finish(&self, out: &mut Vec<u8>) {
        call(b"null", out);
        out.extend_from_slice(b"</body>\n</html>\n");
    }
}

fn call(json: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"<script>live(");
    escape(json, out);
    out.extend_from_slice(b")</script>\n");
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sps_session_record::Word;

    use super::*;
    use crate::event::Kind;

    #[test]
    fn what_strangers_send_stays_text() {
        let head = Head {
            session: "s".into(),
            start: 0,
            protocol: Word::SSH,
            connection: "c".into(),
            facts: vec![],
        };
        let mut out = Vec::new();
        let mut page = LivePage::new(&head, &mut out);
        let begun = out.len();
        let bad = "</script><script>alert(1)</script>\u{2028}";
        page.event(&Event::output(1, 0, bad.as_bytes()), &mut out);
        let text = Cow::Borrowed(bad);
        page.event(
            &Event {
                at: 2,
                channel: 0,
                kind: Kind::Note { text },
            },
            &mut out,
        );
        page.finish(&mut out);
        let added = String::from_utf8(out.split_off(begun)).unwrap();
        assert_eq!(added.matches("<script>").count(), 4, "{added}");
        assert_eq!(added.matches("<script>live(").count(), 4, "{added}");
        assert!(added.contains(r"\u003c/script>\u003cscript>alert(1)") && added.ends_with("</html>\n"));
    }
}
