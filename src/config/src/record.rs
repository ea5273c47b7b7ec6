//! One revision as a file: the document, what changed, and a digest over both.
//!
//! The digest finds damage that still is JSON, such as a flipped digit of an address. The number of the format is read
//! first and leniently, so that a file of a later version is recognised and not taken for a damaged one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::check::CheckError;
use crate::node::{FORMAT, Node};
use crate::secret::REDACTED;

/// Largest file that is read: the document is a few KiB, certificates included.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Who changed what, when, from where and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Wall clock, seconds since 1970.
    pub time: u64,
    /// Who, and from where: `console tty1`, `admin by SSH from 192.0.2.9`.
    pub who: String,
    /// Why, in that person's words; may be empty.
    pub message: String,
    /// Paths of the values that changed. The store fills it in.
    pub what: Vec<String>,
}

/// One revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Format of the document.
    pub format: u32,
    /// Number of the revision, from 1; 0 is the document nobody has changed.
    pub revision: u64,
    /// How it came about.
    pub change: Change,
    /// The document.
    pub node: Node,
    /// SHA-256 over the rest, hexadecimal.
    pub sha256: String,
}

/// Why a file is no revision.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Written by a later version.
    #[error(
        "format {found} is newer than {FORMAT}, which this firmware reads: boot the firmware that wrote it"
    )]
    Newer {
        /// The format it says.
        found: u32,
    },
    /// Not a document.
    #[error("{path}: {reason}")]
    Form {
        /// Path of the value.
        path: String,
        /// What is wrong there.
        reason: String,
    },
    /// Larger than any document.
    #[error("larger than {MOST_BYTES} bytes")]
    TooLarge,
    /// The digest does not fit.
    #[error("its digest does not fit: the file is damaged")]
    Digest,
    /// A value cannot be.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// It could not be written out.
    #[error("could not write the document out: {0}")]
    Encode(serde_json::Error),
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl Record {
    /// A revision with its digest.
    pub(crate) fn new(revision: u64, change: Change, node: Node) -> Result<Self, RecordError> {
        let mut record = Self {
            format: FORMAT,
            revision,
            change,
            node,
            sha256: String::new(),
        };
        record.sha256 = record.digest()?;
        Ok(record)
    }

    /// Reads and judges a file.
    ///
    /// # Errors
    /// Why it is no revision.
    pub fn from_json(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MOST_BYTES {
            return Err(RecordError::TooLarge);
        }
        if let Ok(Head { format }) = serde_json::from_slice(bytes)
            && format > FORMAT
        {
            return Err(RecordError::Newer { found: format });
        }
        let mut text = serde_json::Deserializer::from_slice(bytes);
        let record: Self = serde_path_to_error::deserialize(&mut text).map_err(|error| {
            let path = error.path().to_string();
            RecordError::Form {
                path,
                reason: without_values(error.inner()),
            }
        })?;
        text.end().map_err(|error| RecordError::Form {
            path: "the end of the file".into(),
            reason: without_values(&error),
        })?;
        if record.digest()? != record.sha256 {
            return Err(RecordError::Digest);
        }
        record.node.check()?;
        Ok(record)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// None is known.
    pub fn to_json(&self) -> Result<Vec<u8>, RecordError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(RecordError::Encode)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn digest(&self) -> Result<String, RecordError> {
        let covered = (self.format, self.revision, &self.change, &self.node);
        let bytes = serde_json::to_vec(&covered).map_err(RecordError::Encode)?;
        Ok(Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }

    /// This revision for strangers: without secrets, and without a digest, which could confirm a guess.
    #[must_use]
    pub fn redacted(&self) -> Self {
        Self {
            node: self.node.redacted(),
            sha256: REDACTED.into(),
            ..self.clone()
        }
    }
}

/// What serde says quotes the value it stumbled on, which may be a secret: only kind and place are told.
fn without_values(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "the file ends too early",
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Data => "unknown, missing or of the wrong kind",
        serde_json::error::Category::Io => "not readable",
    };
    format!("{kind} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn written(change: impl FnOnce(&mut Node)) -> Vec<u8> {
        let mut node = Node::default();
        change(&mut node);
        Record::new(3, Change::default(), node)
            .unwrap()
            .to_json()
            .unwrap()
    }

    fn altered(from: &str, to: &str) -> String {
        let text = String::from_utf8(written(|_| ())).unwrap();
        assert!(text.contains(from), "{text}");
        Record::from_json(text.replacen(from, to, 1).as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = written(|node| node.sealed = true);
        let record = Record::from_json(&bytes).unwrap();
        assert!(record.node.sealed && record.revision == 3);
        assert_eq!(record.to_json().unwrap(), bytes);
    }

    #[test]
    fn the_file_is_for_people_too() {
        insta::assert_snapshot!(String::from_utf8(written(|_| ())).unwrap());
    }

    #[test]
    fn damage_strangers_and_later_versions_are_told_apart() {
        let texts = [
            altered("\"sps\"", "\"spt\""),
            altered("\"sealed\": false", "\"sealed\": 7"),
            altered("\"sealed\"", "\"sealedd\""),
            altered("\"format\": 1", "\"format\": 2"),
            altered("\n}", "\n} x"),
            Record::from_json(b"{\"format\": 2, \"unheard\": of}")
                .unwrap_err()
                .to_string(),
            Record::from_json(&vec![b' '; MOST_BYTES + 1])
                .unwrap_err()
                .to_string(),
            Record::from_json(b"").unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn an_error_never_quotes_a_value() {
        let bytes = written(|node| node.keys.node = Some(Secret::from("hunter2".to_owned())));
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("\"hunter2\"", "[\"hunter2\"]"),
            ("\"node\": \"hunter2\"", "\"hunter2\": 1"),
        ] {
            let error = Record::from_json(text.replace(from, to).as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("[\"hunter2"), "{error}");
        }
    }

    #[test]
    fn every_cut_of_a_file_is_refused() {
        let bytes = written(|_| ());
        for length in 0..bytes.len() - 2 {
            assert!(Record::from_json(&bytes[..length]).is_err(), "cut at {length}");
        }
    }
}
