//! Names of licensed features. A word: a licence may name a feature that the reading firmware does not have.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest name.
const LONGEST: usize = 32;
/// What people call the features there are.
const TITLES: [(&str, &str); 5] = [
    ("analytics", "user behaviour analytics"),
    ("cluster", "central management of several appliances"),
    ("external-indexer", "indexing on external hosts"),
    ("forwarding", "forwarding to SIEM systems"),
    ("plugins", "authentication and credential store plugins"),
];

/// A licensed feature.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Feature(String);

/// The text is no name of a feature.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "the name of a feature is 1 to {LONGEST} lower-case letters, digits or dashes, such as external-indexer"
)]
pub struct FeatureError;

impl Feature {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// What people call it; its name when this firmware does not have it.
    #[must_use]
    pub fn title(&self) -> &str {
        let known = TITLES.iter().find(|(name, _)| *name == self.0);
        known.map_or(&self.0, |(_, title)| title)
    }

    /// Whether this firmware has it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        TITLES.iter().any(|(name, _)| *name == self.0)
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Feature {
    type Error = FeatureError;

    fn try_from(text: String) -> Result<Self, FeatureError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(FeatureError)
        }
    }
}

impl From<Feature> for String {
    fn from(feature: Feature) -> Self {
        feature.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_nobody_knows_is_called_by_its_name() {
        let feature = |name: &str| Feature::try_from(name.to_owned());
        assert_eq!(feature("analytics").unwrap().title(), "user behaviour analytics");
        let novel = feature("telepathy-2").unwrap();
        assert_eq!((novel.title(), novel.is_known()), ("telepathy-2", false));
        for bad in ["", "Analytics", "a b", "ä", &"a".repeat(33)] {
            assert_eq!(feature(bad), Err(FeatureError), "{bad:?} was taken");
        }
    }
}
