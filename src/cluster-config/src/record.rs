//! One revision as a file: the document with its secrets encrypted, what changed, and a digest over both.
//!
//! The digest finds damage that still is JSON, such as a flipped digit of an address. Format and layout are read first and
//! leniently, so that a file of a later version is recognised and not taken for a damaged one.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sps_config::Change;
use thiserror::Error;

use crate::check::CheckError;
use crate::cluster::{Cluster, LAYOUT};
use crate::key::ClusterKey;
use crate::lost::LostSecret;
use crate::seal::{self, SealError};

/// Largest file that is read: a large configuration has some hundred kilobytes, certificates most of it.
pub(crate) const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Format of the record.
pub(crate) const FORMAT: u32 = 1;

/// One revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) format: u32,
    /// Layout of the document.
    pub(crate) layout: u32,
    /// Number of the revision, from 1.
    pub(crate) revision: u64,
    /// Identifier of the document, the same in every revision: its secrets open here and nowhere else.
    pub(crate) id: String,
    /// What tells the key its secrets are encrypted with; none when there was none.
    pub(crate) key: Option<String>,
    pub(crate) change: Change,
    /// The document, without a secret in plain.
    pub(crate) document: Value,
    /// SHA-256 over the rest, hexadecimal.
    pub(crate) sha256: String,
}

/// Why a file is no revision.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Written by a later version.
    #[error(
        "format {format} with layout {layout}, and this firmware reads {FORMAT} with {LAYOUT}: boot the firmware that wrote it"
    )]
    Newer {
        /// The format it says.
        format: u32,
        /// The layout it says.
        layout: u32,
    },
    /// Written by an earlier version: the data store was not reorganized.
    #[error("layout {layout}, and this firmware reads {LAYOUT}: let the upgrade reorganize the data store")]
    Older {
        /// The layout it says.
        layout: u32,
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
    /// A secret cannot be encrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It could not be written out.
    #[error("could not write the document out: {0}")]
    Encode(serde_json::Error),
}

#[derive(Deserialize)]
struct Head {
    format: u32,
    layout: u32,
}

/// A document that was read, and the secrets in it that cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) document: Cluster,
    pub(crate) lost: Vec<LostSecret>,
}

impl Record {
    /// A revision with its secrets encrypted and its digest.
    pub(crate) fn new(
        (revision, id): (u64, &str),
        change: Change,
        document: &Cluster,
        key: Option<&ClusterKey>,
    ) -> Result<Self, RecordError> {
        let mut written = serde_json::to_value(document).map_err(RecordError::Encode)?;
        let sealed = seal::seal(&mut written, key, id);
        if sealed.is_err() {
            seal::wipe(&mut written);
        }
        sealed?;
        let mut record = Self {
            format: FORMAT,
            layout: LAYOUT,
            revision,
            id: id.to_owned(),
            key: key.map(|key| key.id().to_string()),
            change,
            document: written,
            sha256: String::new(),
        };
        record.sha256 = record.digest()?;
        Ok(record)
    }

    /// Reads a file; the document in it is judged by [`Record::open`].
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MOST_BYTES {
            return Err(RecordError::TooLarge);
        }
        if let Ok(Head { format, layout }) = serde_json::from_slice(bytes) {
            if format > FORMAT || layout > LAYOUT {
                return Err(RecordError::Newer { format, layout });
            }
            if layout < LAYOUT {
                return Err(RecordError::Older { layout });
            }
        }
        let mut text = serde_json::Deserializer::from_slice(bytes);
        let record: Self =
            serde_path_to_error::deserialize(&mut text).map_err(|error| RecordError::Form {
                path: error.path().to_string(),
                reason: without_values(error.inner()),
            })?;
        text.end().map_err(|error| RecordError::Form {
            path: "the end of the file".into(),
            reason: without_values(&error),
        })?;
        if record.digest()? != record.sha256 {
            return Err(RecordError::Digest);
        }
        Ok(record)
    }

    /// The document with the secrets that `key` opens.
    pub(crate) fn open(&self, key: Option<&ClusterKey>) -> Result<Opened, RecordError> {
        let mut written = self.document.clone();
        let lost = seal::open(&mut written, key, &self.id);
        let document = typed(&written);
        seal::wipe(&mut written);
        let document = document?;
        document.check()?;
        Ok(Opened { document, lost })
    }

    /// The file's bytes.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, RecordError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(RecordError::Encode)?;
        bytes.push(b'\n');
        if bytes.len() > MOST_BYTES {
            return Err(RecordError::TooLarge);
        }
        Ok(bytes)
    }

    fn digest(&self) -> Result<String, RecordError> {
        let covered = (
            self.format,
            self.layout,
            self.revision,
            &self.id,
            &self.key,
            &self.change,
            &self.document,
        );
        let bytes = serde_json::to_vec(&covered).map_err(RecordError::Encode)?;
        Ok(hex(&Sha256::digest(bytes)))
    }
}

/// The document of JSON.
pub(crate) fn typed(written: &Value) -> Result<Cluster, RecordError> {
    serde_path_to_error::deserialize(written).map_err(|error| RecordError::Form {
        path: error.path().to_string(),
        reason: of_value(&error.inner().to_string()),
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

/// The same for a value of JSON, which has no lines: keys are told, and what was expected.
fn of_value(said: &str) -> String {
    let key = said.split(", expected").next().unwrap_or_default();
    if said.starts_with("unknown field") {
        return format!("{key}: leave it out, or upgrade");
    }
    if said.starts_with("missing field") {
        return format!("{key}: give it, null where nothing is set");
    }
    if said.contains("IP address syntax") {
        return "no address such as 192.0.2.5, or of a network, such as 192.0.2.0/24".to_owned();
    }
    if said.contains("untagged enum Written") {
        return "not a secret; enter it as {\"plain\": \"…\"}".to_owned();
    }
    if said.contains("expected struct") {
        return "of the wrong kind".to_owned();
    }
    match said.rsplit_once("expected ") {
        Some((_, expected)) => format!("not {expected}"),
        None => "of the wrong kind".to_owned(),
    }
}

#[cfg(test)]
mod tests;
