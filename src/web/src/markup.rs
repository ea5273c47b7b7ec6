//! Pieces of HTML that the pages share: frame, icons, one line of the log.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use sps_bootlog::Entry;

use crate::assets::{self, Pages};

/// Seconds after which a browser without JavaScript loads the page again.
pub(crate) const RELOAD_SECONDS: u32 = 10;
/// The same for a page with a form, whose input a reload loses.
pub(crate) const RELOAD_SECONDS_WITH_FORM: u32 = 120;

/// One symbol for each word that a state can be (`#i-<word>`), so that no state is told by colour alone.
const SPRITE: &str = include_str!("../assets/sprite.svg");

/// What keeps a page current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// Nothing: it does not change.
    None,
    /// The script, where scripts run.
    Run,
    /// The script; where scripts do not run the page loads itself again after so many seconds.
    OrReload(u32),
}

/// A whole document.
pub(crate) fn document(pages: Pages, title: &str, script: Script, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" type="image/svg+xml" href=(assets::icon());
                @for style in pages.styles() { link rel="stylesheet" href=(style); }
                @if script != Script::None { script type="module" src=(pages.script()) {} }
                @if let Script::OrReload(seconds) = script {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
            }
            (body)
        }
    }
}

/// The symbols that [`icon`] refers to.
pub(crate) fn sprite() -> Markup {
    PreEscaped(SPRITE.to_owned())
}

/// The icon of a state's word. Decoration: the word always stands beside it.
pub(crate) fn icon(word: &str) -> Markup {
    html! {
        svg class="icon" aria-hidden="true" focusable="false" { use href={ "#i-" (word) } {} }
    }
}

/// One line of the log. Its text is exactly what the entry displays; time and phase are only set apart by colour.
pub(crate) fn log_line(entry: &Entry) -> Markup {
    let line = entry.to_string();
    let (time, rest) = line.split_at(line.find(']').map_or(0, |end| end + 1));
    let (phase, text) = rest.split_at((1 + entry.phase.len()).min(rest.len()));
    html! {
        div class={ "line " (entry.level.word()) } data-seq=(entry.seq) {
            span class="at" { (time) } span class="in" { (phase) } (text)
        }
    }
}

#[cfg(test)]
mod tests {
    use sps_bootlog::Level;

    use super::*;

    #[test]
    fn a_line_is_escaped_and_otherwise_the_same_text() {
        let entry = Entry {
            seq: 1,
            uptime_ms: 1_305,
            unix_ms: 0,
            phase: "net<w>".into(),
            level: Level::Error,
            source: "net".into(),
            text: "</div><script>alert(1)</script> & \"".into(),
        };
        let html = log_line(&entry).into_string();
        assert!(!html.contains("<script>"), "{html}");
        let mut text = String::new();
        for part in html.split('<') {
            text += part.split_once('>').map_or(part, |(_, text)| text);
        }
        let text = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&");
        assert_eq!(text, entry.to_string());
    }
}
