//! A secret inside the document.

use serde::{Deserialize, Serialize};
use sps_config::{REDACTED, Secret};

/// A secret of the document. In a document that is written out it is `{"plain": …}` (on its way to be encrypted, and inside an
/// export with a password), `{"encrypted": …}`, or the mark `[redacted]`. The store never writes a plain one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Protected {
    /// It is known.
    Known(Secret),
    /// It is there but its key is not: the text it was encrypted to. Kept, so that nothing is lost when the key comes back.
    Lost(String),
    /// It was left out of an export: somebody has to enter it again.
    LeftOut,
}

impl Protected {
    /// The secret, where it is known.
    #[must_use]
    pub const fn known(&self) -> Option<&Secret> {
        match self {
            Self::Known(secret) => Some(secret),
            Self::Lost(_) | Self::LeftOut => None,
        }
    }
}

impl From<Secret> for Protected {
    fn from(secret: Secret) -> Self {
        Self::Known(secret)
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Mark(Mark),
    Plain(Plain),
    Encrypted(Encrypted),
}

#[derive(Clone, Serialize, Deserialize)]
enum Mark {
    #[serde(rename = "[redacted]")]
    Redacted,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    plain: Secret,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encrypted {
    encrypted: String,
}

impl From<Written> for Protected {
    fn from(written: Written) -> Self {
        match written {
            Written::Mark(Mark::Redacted) => Self::LeftOut,
            Written::Plain(Plain { plain }) => Self::Known(plain),
            Written::Encrypted(Encrypted { encrypted }) => Self::Lost(encrypted),
        }
    }
}

impl From<Protected> for Written {
    fn from(protected: Protected) -> Self {
        match protected {
            Protected::Known(plain) => Self::Plain(Plain { plain }),
            Protected::Lost(encrypted) => Self::Encrypted(Encrypted { encrypted }),
            Protected::LeftOut => Self::Mark(Mark::Redacted),
        }
    }
}

/// What stands where a secret was left out.
pub(crate) const MARK: &str = REDACTED;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_read_and_written_and_debug_shows_nothing() {
        for text in [
            r#"{"plain":"hunter2"}"#,
            r#"{"encrypted":"1.x.y"}"#,
            r#""[redacted]""#,
        ] {
            let protected: Protected = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&protected).unwrap(), text);
            assert!(!format!("{protected:?}").contains("hunter2"));
        }
        assert_eq!(serde_json::to_value(Protected::LeftOut).unwrap(), MARK);
        for text in [r#""hunter2""#, r#"{"plain":"a","more":1}"#, "null"] {
            let error = serde_json::from_str::<Protected>(text).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
