//! The release file: what a running appliance knows about itself. Small and signed on its own, so that another
//! version or a broken variant for a test is a repack of a second instead of a build.
//!
//! Invariant: faults exist in development builds only; a release build with a fault is refused when it is made
//! and when it is read.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::manifest::MAX_BUILD_TIME;
use crate::names;
use crate::version::{Channel, Version};

/// Format of the release file this code reads and writes.
pub const FORMAT: u32 = 1;
/// A release file is a few hundred bytes; anything longer is not one.
pub const MAX_SIZE: usize = 16 * 1024;
/// Bounds on texts and lists, so that a page or a log line never grows without end.
const MAX_TEXT: usize = 64;
const MAX_FAULTS: usize = 16;

/// What the running appliance is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// [`FORMAT`].
    pub format: u32,
    /// [`names::PRODUCT`].
    pub product: String,
    /// The firmware's version.
    pub version: Version,
    /// The channel of that version.
    pub channel: Channel,
    /// Which build: a short hexadecimal name of its content.
    pub build_id: String,
    /// Seconds since 1970; the clock of the appliance is never earlier.
    pub build_time: u64,
    /// Whether it is signed with the published development key.
    pub development: bool,
    /// Faults for tests, such as `panic-pid1`, `panic-pid1-early`, `hang-supervisor`, `crash-service`.
    pub faults: Vec<String>,
}

/// Why a release file is refused.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// It is too long.
    #[error("the release file has {size} bytes, at most {MAX_SIZE} are accepted")]
    TooLong {
        /// Bytes found.
        size: usize,
    },
    /// It is not the JSON expected.
    #[error("the release file cannot be read")]
    Json(#[from] serde_json::Error),
    /// A field holds what it must not hold.
    #[error("the release file is refused: {reason}")]
    Field {
        /// Which field and why.
        reason: String,
    },
}

impl Release {
    /// The exact bytes that are signed and stored.
    ///
    /// # Errors
    /// When the release would be refused on reading.
    pub fn to_json(&self) -> Result<Vec<u8>, ReleaseError> {
        self.check()?;
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads and checks a release file.
    ///
    /// # Errors
    /// When it is too long, not the JSON expected, or breaks a rule.
    pub fn from_json(text: &[u8]) -> Result<Self, ReleaseError> {
        if text.len() > MAX_SIZE {
            return Err(ReleaseError::TooLong { size: text.len() });
        }
        let release: Self = serde_json::from_slice(text)?;
        release.check()?;
        Ok(release)
    }

    /// The faults to act on: none unless this is a development build.
    #[must_use]
    pub fn honoured_faults(&self) -> &[String] {
        if self.development { &self.faults } else { &[] }
    }

    fn check(&self) -> Result<(), ReleaseError> {
        let field = |reason: String| Err(ReleaseError::Field { reason });
        if self.format != FORMAT {
            return field(format!("its format is {}, this code knows {FORMAT}", self.format));
        }
        if self.product != names::PRODUCT {
            return field(format!("its product is not {:?}", names::PRODUCT));
        }
        if self.channel != self.version.channel() {
            return field(format!("version {} is no {}", self.version, self.channel));
        }
        if !is_word(&self.build_id) {
            return field("the build id must be 1 to 64 letters, digits or dashes".to_owned());
        }
        if self.build_time > MAX_BUILD_TIME {
            return field("the build time is after the year 2099".to_owned());
        }
        if self.faults.len() > MAX_FAULTS || !self.faults.iter().all(|fault| is_word(fault)) {
            return field(format!(
                "at most {MAX_FAULTS} faults, each 1 to 64 letters, digits or dashes"
            ));
        }
        if !self.development && !self.faults.is_empty() {
            return field("only a development build may carry faults".to_owned());
        }
        Ok(())
    }
}

/// A plain word: what build ids and names of faults are made of.
pub(crate) fn is_word(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=MAX_TEXT).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release() -> Release {
        Release {
            format: FORMAT,
            product: names::PRODUCT.to_owned(),
            version: Version::new(0, 1, 0),
            channel: Channel::Feature,
            build_id: "0123456789abcdef".to_owned(),
            build_time: 1_700_000_000,
            development: true,
            faults: vec!["panic-pid1".to_owned()],
        }
    }

    #[test]
    fn it_is_read_back() {
        let text = release().to_json().unwrap();
        insta::assert_snapshot!(String::from_utf8(text.clone()).unwrap());
        assert_eq!(Release::from_json(&text).unwrap(), release());
    }

    #[test]
    fn only_development_builds_carry_faults() {
        let mut text = String::from_utf8(release().to_json().unwrap()).unwrap();
        text = text.replace("\"development\": true", "\"development\": false");
        assert!(
            Release::from_json(text.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("development")
        );
        let claimed = Release {
            development: false,
            ..release()
        };
        assert!(claimed.to_json().is_err());
        assert!(claimed.honoured_faults().is_empty());
    }

    #[test]
    fn rules_are_kept() {
        let wrong: [fn(&mut Release); 5] = [
            |release| release.format = 2,
            |release| release.product = "toaster".to_owned(),
            |release| release.channel = Channel::Lts,
            |release| release.build_id = "a b".to_owned(),
            |release| release.faults = vec![String::new()],
        ];
        for (number, change) in wrong.into_iter().enumerate() {
            let mut broken = release();
            change(&mut broken);
            assert!(broken.to_json().is_err(), "change {number} was taken");
        }
    }
}
