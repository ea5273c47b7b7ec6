//! Reading and writing a record, within bounds.

use std::net::IpAddr;

use thiserror::Error;

use crate::record::{Endpoint, FORMAT, SessionRecord};

/// Longest document, bytes: what the bounds below allow has room in it when events are of usual length.
pub const MAX_SIZE: usize = 16 * 1024 * 1024;
/// Longest identifier, bytes: with an ending it is a file's name.
pub const MAX_ID: usize = 128;
/// Longest name of a user, a server, a policy, a file: bytes.
pub const MAX_NAME: usize = 1024;
/// Longest text of an event, bytes.
pub const MAX_TEXT: usize = 64 * 1024;
/// Most channels of a session.
pub const MAX_CHANNELS: usize = 4096;
/// Most events of a session.
pub const MAX_EVENTS: usize = 65_536;

/// Why a document is no session.
#[derive(Debug, Error)]
pub enum RecordError {
    /// It is longer than [`MAX_SIZE`].
    #[error("the record of a session has {size} bytes, at most {MAX_SIZE} are read")]
    TooLong {
        /// Its bytes.
        size: usize,
    },
    /// It is no JSON, or a field is missing or of another kind.
    #[error("the record of a session cannot be read")]
    Json(#[from] serde_json::Error),
    /// It has another format.
    #[error("the record of a session has format {format}, this firmware knows format {FORMAT}")]
    Format {
        /// The format it says it has.
        format: u32,
    },
    /// A field holds what it must not hold.
    #[error("the record of a session is refused: {field} {problem}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl SessionRecord {
    /// Reads a document.
    ///
    /// # Errors
    /// It is no record, or out of bounds.
    pub fn from_json(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_SIZE {
            return Err(RecordError::TooLong { size: bytes.len() });
        }
        let record: Self = serde_json::from_slice(bytes)?;
        record.check()?;
        Ok(record)
    }

    /// Writes the document.
    ///
    /// # Errors
    /// It is out of bounds.
    pub fn to_json(&self) -> Result<Vec<u8>, RecordError> {
        self.check()?;
        let bytes = serde_json::to_vec(self)?;
        if bytes.len() > MAX_SIZE {
            return Err(RecordError::TooLong { size: bytes.len() });
        }
        Ok(bytes)
    }

    /// Whether it is within its bounds.
    ///
    /// # Errors
    /// The first field that is not.
    pub fn check(&self) -> Result<(), RecordError> {
        if self.format != FORMAT {
            return Err(RecordError::Format { format: self.format });
        }
        need(is_id(&self.id), "id", "is no identifier")?;
        name("connection", Some(&self.connection))?;
        name("target", self.target.as_ref())?;
        name("gateway_user", self.gateway_user.as_ref())?;
        name("server_user", self.server_user.as_ref())?;
        endpoint("client", &self.client)?;
        self.server.iter().try_for_each(|end| endpoint("server", end))?;
        let texts_fit = self.events.iter().all(|event| event.text.len() <= MAX_TEXT);
        need(self.channels.len() <= MAX_CHANNELS, "channels", "are too many")?;
        need(self.events.len() <= MAX_EVENTS, "events", "are too many")?;
        need(texts_fit, "events", "hold a text that is too long")?;
        let plain = |trail: &crate::TrailFile| is_relative(&trail.name);
        need(
            self.trail.as_ref().is_none_or(plain),
            "trail",
            "has no plain name",
        )
    }
}

fn need(holds: bool, field: &'static str, problem: &'static str) -> Result<(), RecordError> {
    if holds {
        Ok(())
    } else {
        Err(RecordError::Field { field, problem })
    }
}

fn name(field: &'static str, text: Option<&String>) -> Result<(), RecordError> {
    need(
        text.is_none_or(|text| text.len() <= MAX_NAME),
        field,
        "is too long",
    )
}

fn endpoint(field: &'static str, end: &Endpoint) -> Result<(), RecordError> {
    need(end.address.parse::<IpAddr>().is_ok(), field, "has no address")
}

fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_ID).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(plain)
}

/// A path that stays below the folder it is joined to.
fn is_relative(path: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    path.len() <= MAX_NAME && path.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::example;

    #[test]
    fn the_document_is_frozen() {
        let record = example();
        insta::assert_snapshot!(String::from_utf8(record.to_json().unwrap()).unwrap(), @r#"{"format":1,"id":"ssh-20240517-081530-7f3a","protocol":"ssh","connection":"linux-servers","start":1715933730000,"end":1715934000500,"client":{"address":"192.0.2.7","port":50123},"server":{"address":"2001:db8::22","port":22},"target":"db1.example.com","gateway_user":"alice","server_user":"root","verdict":"accept","channels":[{"kind":"session-shell","start":1715933731000,"end":1715934000000,"verdict":"accept"}],"events":[{"at":1715933740000,"kind":"command","text":"systemctl restart postgresql"}],"trail":{"name":"2024/05/17/ssh-20240517-081530-7f3a.zat","size":48213},"indexing":{"state":"not-indexed","version":0}}"#);
        assert_eq!(
            SessionRecord::from_json(&record.to_json().unwrap()).unwrap(),
            record
        );
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over_and_its_kinds_are_kept() {
        let text = String::from_utf8(example().to_json().unwrap()).unwrap();
        let later = text
            .replacen('{', r#"{"mood":{"x":[1]},"#, 1)
            .replace(r#""protocol":"ssh""#, r#""protocol":"quantum-shell""#);
        let read = SessionRecord::from_json(later.as_bytes()).unwrap();
        assert_eq!(read.protocol.as_str(), "quantum-shell");
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_with_its_field() {
        type Spoil = fn(&mut SessionRecord);
        let cases: [(&str, Spoil); 8] = [
            ("id", |r| r.id = "../etc".into()),
            ("id", |r| r.id = "x".repeat(129)),
            ("trail", |r| r.trail.as_mut().unwrap().name = "a/../b".into()),
            ("trail", |r| r.trail.as_mut().unwrap().name = "/a".into()),
            ("client", |r| r.client.address = "somewhere".into()),
            ("gateway_user", |r| r.gateway_user = Some("x".repeat(1025))),
            ("channels", |r| r.channels = vec![r.channels[0].clone(); 4097]),
            ("too long", |r| r.events[0].text = "x".repeat(65_537)),
        ];
        for (word, spoil) in cases {
            let mut record = example();
            spoil(&mut record);
            let error = record.to_json().unwrap_err().to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
        let mut other = example();
        other.format = 2;
        assert!(matches!(other.check(), Err(RecordError::Format { format: 2 })));
        assert!(SessionRecord::from_json(b"{}").is_err());
    }
}
