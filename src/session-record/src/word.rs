//! Names of kinds: protocols, verdicts, channels, events.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest word, bytes.
const MAX_WORD: usize = 32;

/// A kind of something: 1 to 32 of `a`–`z`, `0`–`9` and `-`, such as `ssh` or `window-title`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Word(Cow<'static, str>);

/// It is no word.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no kind of anything: 1 to {MAX_WORD} of a-z, 0-9 and - are")]
pub struct WordError(String);

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Word {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($text));)*
        }
        #[cfg(test)]
        const KNOWN: &[Word] = &[$(Word::$name),*];
    };
}

words! {
    /// Protocol: Secure Shell.
    SSH = "ssh";
    /// Protocol: Remote Desktop.
    RDP = "rdp";
    /// Protocol: Telnet.
    TELNET = "telnet";
    /// Protocol: Virtual Network Computing.
    VNC = "vnc";
    /// Protocol: HTTP.
    HTTP = "http";
    /// Protocol: Microsoft SQL Server.
    MSSQL = "mssql";
    /// Verdict: the session was let through.
    ACCEPT = "accept";
    /// Verdict: a policy refused it.
    DENY = "deny";
    /// Verdict: authentication to the gateway or to the server failed.
    AUTH_FAIL = "auth-fail";
    /// Verdict: somebody or a content policy ended it.
    TERMINATED = "terminated";
    /// Verdict: the server could not be reached.
    CONNECTION_FAILED = "connection-failed";
    /// Event: a command.
    COMMAND = "command";
    /// Event: a window title.
    WINDOW_TITLE = "window-title";
    /// Event: a file went through.
    FILE_TRANSFER = "file-transfer";
    /// Event: a content policy matched.
    ALERT = "alert";
    /// Indexing: nothing to index, or nobody asked for it.
    NOT_INDEXED = "not-indexed";
    /// Indexing: waits.
    QUEUED = "queued";
    /// Indexing: done.
    INDEXED = "indexed";
    /// Indexing: the trail is encrypted, and no key of an indexer opens it.
    NO_KEY = "no-key";
    /// Indexing: an earlier version of the indexer did it. Shown, and never kept.
    OBSOLETE = "obsolete";
    /// Indexing: failed.
    INDEXING_FAILED = "indexing-failed";
}

impl Word {
    /// The word as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Word {
    type Error = WordError;

    fn try_from(text: String) -> Result<Self, WordError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=MAX_WORD).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(Cow::Owned(text)))
        } else {
            let mut text = text;
            text.truncate(text.floor_char_boundary(MAX_WORD));
            Err(WordError(text))
        }
    }
}

impl TryFrom<&str> for Word {
    type Error = WordError;

    fn try_from(text: &str) -> Result<Self, WordError> {
        text.to_owned().try_into()
    }
}

impl From<Word> for String {
    fn from(word: Word) -> Self {
        word.0.into_owned()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_house_is_one() {
        for word in KNOWN {
            assert_eq!(Word::try_from(word.as_str()).as_ref(), Ok(word));
        }
    }

    #[test]
    fn what_is_no_word_is_refused() {
        for text in ["", "SSH", "a b", "ä", "x/y", "a\n", &"x".repeat(33)] {
            assert!(Word::try_from(text).is_err(), "{text:?}");
        }
        assert_eq!(Word::try_from("ä".repeat(99)).unwrap_err().0.len(), 32);
    }
}
