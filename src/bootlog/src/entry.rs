//! One line of the boot log and how it is written out as text.

use std::fmt;

use serde::Serialize;

/// How serious an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Detail for developers; kept in the ring, not shown on the console.
    Debug,
    /// A milestone.
    Info,
    /// Something is not as it should be, and the boot goes on.
    Warning,
    /// Something failed.
    Error,
}

impl Level {
    /// The lower-case word used on every surface.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One entry. `Display` gives the line that console, serial and boot page all show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Number of the entry, from 1, without gaps.
    pub seq: u64,
    /// Milliseconds since the kernel started (monotonic clock, suspended time excluded).
    pub uptime_ms: u64,
    /// Milliseconds since 1970-01-01 UTC by the wall clock of that moment; may step when the clock is set.
    pub unix_ms: u64,
    /// Name of the boot phase in which the entry was written.
    pub phase: String,
    /// Seriousness.
    pub level: Level,
    /// The component that wrote it (a crate's or service's name).
    pub source: String,
    /// The text: one line, control characters replaced.
    pub text: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, ms) = (self.uptime_ms / 1000, self.uptime_ms % 1000);
        write!(f, "[{s:>5}.{ms:03}] {:<9} ", self.phase)?;
        match self.level {
            Level::Debug | Level::Info => {}
            Level::Warning => f.write_str("WARNING: ")?,
            Level::Error => f.write_str("ERROR: ")?,
        }
        f.write_str(&self.text)
    }
}

/// Longest text of an entry in bytes: a line that no screen shows helps nobody, and the ring stays bounded.
pub(crate) const MAX_TEXT: usize = 1024;

/// Makes one safe line of any text: control characters (terminal escapes among them) become spaces, the
/// length is bounded.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_TEXT));
    for c in text.trim_end().chars() {
        if out.len() + c.len_utf8() > MAX_TEXT {
            out.push('…');
            break;
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_time_phase_and_level() {
        let mut entry = Entry {
            seq: 7,
            uptime_ms: 1_305,
            unix_ms: 0,
            phase: "network".into(),
            level: Level::Info,
            source: "net".into(),
            text: "eth0: link up".into(),
        };
        assert_eq!(entry.to_string(), "[    1.305] network   eth0: link up");
        entry.level = Level::Warning;
        assert_eq!(entry.to_string(), "[    1.305] network   WARNING: eth0: link up");
    }

    #[test]
    fn terminal_escapes_and_line_feeds_do_not_survive() {
        assert_eq!(one_line("a\x1b[2Jb\nc\n"), "a [2Jb c");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let cut = one_line(&"é".repeat(2 * MAX_TEXT));
        assert!(cut.len() <= MAX_TEXT + '…'.len_utf8());
        assert!(cut.ends_with('…'));
    }
}
