//! A value that no log, error or bundle may show.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// What stands where a secret was.
pub const REDACTED: &str = "[redacted]";

/// A secret text. `Debug` hides it, its memory is wiped when it goes; serde writes it out, because the document
/// on disk and the request on the socket hold it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The mark that replaces a secret in a document for strangers.
    #[must_use]
    pub fn redacted() -> Self {
        Self(REDACTED.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_it() {
        let secret = Secret::from("hunter2".to_owned());
        assert_eq!(
            format!("{secret:?} {:?}", Some(&secret)),
            "[redacted] Some([redacted])"
        );
        assert_eq!(secret.expose(), "hunter2");
    }
}
