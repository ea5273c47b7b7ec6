//! Firmware versions `major.minor.patch[.build]` and the channel that follows from them.
//!
//! Invariant: one version has one spelling (no leading zeros, no signs), so versions can be compared as text for
//! equality. Must not know where versions come from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest spelling accepted: four 32-bit numbers and three dots.
const MAX_LENGTH: usize = 43;

/// A firmware version; the order is the order of releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
    build: Option<u32>,
}

/// Why a text is no version.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{text:?} is not a version: write major.minor.patch or major.minor.patch.build, such as 7.0.3")]
pub struct VersionError {
    text: String,
}

impl Version {
    /// A version without build number.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
            build: None,
        }
    }

    /// First number.
    #[must_use]
    pub const fn major(self) -> u32 {
        self.major
    }

    /// Second number; 0 is a long-term-support line.
    #[must_use]
    pub const fn minor(self) -> u32 {
        self.minor
    }

    /// Third number.
    #[must_use]
    pub const fn patch(self) -> u32 {
        self.patch
    }

    /// The same version without its build number.
    #[must_use]
    pub const fn without_build(self) -> Self {
        Self { build: None, ..self }
    }

    /// The channel the minor number says.
    #[must_use]
    pub const fn channel(self) -> Channel {
        if self.minor == 0 {
            Channel::Lts
        } else {
            Channel::Feature
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        self.build.map_or(Ok(()), |build| write!(f, ".{build}"))
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        parse(text).ok_or_else(|| VersionError {
            text: text.chars().take(MAX_LENGTH).collect(),
        })
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

fn parse(text: &str) -> Option<Version> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let numbers: Option<Vec<u32>> = text.split('.').map(number).collect();
    let (version, build) = match *numbers?.as_slice() {
        [major, minor, patch] => (Version::new(major, minor, patch), None),
        [major, minor, patch, build] => (Version::new(major, minor, patch), Some(build)),
        _ => return None,
    };
    Some(Version { build, ..version })
}

/// A number as versions are made of: no sign, no leading zero.
pub(crate) fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if plain && !leading_zero {
        text.parse().ok()
    } else {
        None
    }
}

/// The line of releases a version belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Long-term support: minor number 0.
    Lts,
    /// Feature release: any other minor number.
    Feature,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lts => "LTS",
            Self::Feature => "feature release",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_one_spelling() {
        for good in ["0.1.0", "7.0.3", "7.0.3.1", "6.13.0", "4294967295.0.0.4294967295"] {
            assert_eq!(good.parse::<Version>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "1",
            "1.2",
            "1.2.3.4.5",
            "01.2.3",
            "1.2.x",
            "1.2.-3",
            "+1.2.3",
            "1..3",
            "1.2.3 ",
            "4294967296.0.0",
        ] {
            assert!(bad.parse::<Version>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn the_order_is_the_order_of_releases() {
        let ordered = [
            "0.1.0", "0.2.0", "0.10.0", "6.0.11", "6.11.0", "7.0.0", "7.0.3", "7.0.3.1",
        ];
        let parsed: Vec<Version> = ordered.iter().map(|text| text.parse().unwrap()).collect();
        assert!(parsed.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn the_minor_number_says_the_channel() {
        assert_eq!(Version::new(7, 0, 3).channel(), Channel::Lts);
        assert_eq!(Version::new(6, 13, 0).channel(), Channel::Feature);
    }
}
