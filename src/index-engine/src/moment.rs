//! A piece of a session's content.

/// Version of the indexer: of the terminal, of what becomes a moment and of what is a word. Another one finds other things: sessions
/// indexed by an earlier one are indexed anew.
pub const VERSION: u32 = 1;
/// Longest text of a moment, bytes.
pub const MAX_TEXT: usize = 8 * 1024;

/// Something that is found, and when it was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the session began.
    pub at: u64,
    /// Number of the channel.
    pub channel: u32,
    /// What it is.
    pub source: Source,
    /// The text, at most [`MAX_TEXT`].
    pub text: String,
}

/// What a moment was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What stood on a terminal, or what a program wrote.
    Screen,
    /// A command.
    Command,
    /// The title of a window.
    Title,
    /// Something was done with a file.
    File,
    /// A word of the appliance's own, a forwarded connection, and what a content policy found.
    Note,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Screen, Self::Command, Self::Title, Self::File, Self::Note];

    /// Its number in the index and between processes.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Screen => 1,
            Self::Command => 2,
            Self::Title => 3,
            Self::File => 4,
            Self::Note => 5,
        }
    }

    /// The source of a number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.number() == number)
    }

    /// The word for people and programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Command => "command",
            Self::Title => "window-title",
            Self::File => "file-transfer",
            Self::Note => "note",
        }
    }
}
