//! What a trail says of itself before anything is recorded.

use sps_session_record::Word;

use crate::error::TrailError;

/// Longest text of a head, bytes.
pub const MAX_TEXT: usize = 1024;
/// Most facts of a head.
pub const MAX_FACTS: usize = 64;

/// Readable by everybody who has the file, and signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Identifier of the session, the one of its record.
    pub session: String,
    /// When it began, milliseconds since 1970, UTC.
    pub start: i64,
    /// Protocol, such as [`Word::SSH`].
    pub protocol: Word,
    /// Name of the connection policy.
    pub connection: String,
    /// What else is to be known: who, where from, where to.
    pub facts: Vec<Fact>,
}

/// One fact of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about, such as `client`, `server`, `gateway-user`, `server-user`.
    pub name: Word,
    /// The text.
    pub text: String,
}

impl Head {
    /// Whether it is within its bounds.
    ///
    /// # Errors
    /// The first field that is not.
    pub fn check(&self) -> Result<(), TrailError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let id = self.session.bytes().all(plain) && !self.session.starts_with('.');
        let fits = (1..=sps_session_record::MAX_ID).contains(&self.session.len());
        need(id && fits, "session", "is no identifier")?;
        need(self.connection.len() <= MAX_TEXT, "connection", "is too long")?;
        need(self.facts.len() <= MAX_FACTS, "facts", "are too many")?;
        let short = self.facts.iter().all(|fact| fact.text.len() <= MAX_TEXT);
        need(short, "facts", "hold a text that is too long")
    }

    /// The text of a fact.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        let found = self.facts.iter().find(|fact| fact.name.as_str() == name);
        found.map(|fact| fact.text.as_str())
    }
}

fn need(holds: bool, field: &'static str, problem: &'static str) -> Result<(), TrailError> {
    if holds {
        Ok(())
    } else {
        Err(TrailError::Head { field, problem })
    }
}
