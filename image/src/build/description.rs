//! `image/firmware.toml`: what the source says of a firmware, beside its version.
//!
//! Invariant: what it leaves to be computed, the latest maintenance releases, is computed from the versions it lists
//! itself: the same file and version always give the same rules.

use serde::Deserialize;
use thiserror::Error;

use super::bundle::Firmware;
use crate::day::Day;
use crate::upgrade_path::{self, Rule};
use crate::version::Version;

/// Why the description of a firmware is refused; the source names the field, a rule also itself.
#[derive(Debug, Error)]
#[error("cannot understand the description of the firmware")]
pub struct DescriptionError(#[from] Box<toml::de::Error>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    data_layout: u32,
    boot_protocol: u32,
    hardware: Vec<String>,
    upgrade_from: Vec<Rule>,
    upgrade_from_latest_of: usize,
    released: Vec<Version>,
    supported_until: Option<Day>,
    upgrade_notes: String,
    upgrade_news: String,
}

impl Firmware {
    /// Reads the TOML form, for the firmware `version`.
    ///
    /// # Errors
    /// When a field is missing, unknown or of the wrong type, or a rule cannot be understood.
    pub fn from_toml(text: &str, version: Version) -> Result<Self, DescriptionError> {
        let text: Text = toml::from_str(text).map_err(Box::new)?;
        let latest = upgrade_path::latest_maintenance(&text.released, version, text.upgrade_from_latest_of);
        let mut upgrade_from = text.upgrade_from;
        upgrade_from.extend(latest);
        Ok(Self {
            data_layout: text.data_layout,
            boot_protocol: text.boot_protocol,
            hardware: text.hardware,
            upgrade_from,
            supported_until: text.supported_until,
            upgrade_notes: text.upgrade_notes,
            upgrade_news: text.upgrade_news,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const TEXT: &str = r#"
        data_layout = 1
        boot_protocol = 1
        hardware = ["generic-x86-64"]
        upgrade_from = ["7 LTS"]
        upgrade_from_latest_of = 2
        released = ["6.11.0", "6.12.0", "6.12.1", "6.13.0"]
        supported_until = "2029-05-31"
        upgrade_notes = ""
        upgrade_news = ""
    "#;

    fn refused(from: &str, to: &str) -> String {
        let text = TEXT.replace(from, to);
        let error = Firmware::from_toml(&text, Version::new(7, 0, 3)).unwrap_err();
        error.source().map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn the_latest_maintenance_releases_become_rules() {
        let firmware = Firmware::from_toml(TEXT, Version::new(7, 0, 3)).unwrap();
        let rules: Vec<String> = firmware.upgrade_from.iter().map(Rule::to_string).collect();
        assert_eq!(rules, ["7 LTS", ">=6.13.0 in 6.13", ">=6.12.1 in 6.12"]);
        assert_eq!(firmware.supported_until, "2029-05-31".parse().ok());
        let earlier = Firmware::from_toml(TEXT, Version::new(6, 12, 2)).unwrap();
        assert_eq!(earlier.upgrade_from.len(), 2, "nothing after itself");
    }

    #[test]
    fn a_rule_that_cannot_be_understood_ends_the_build() {
        assert!(refused("7 LTS", "7 ELTS").contains("the upgrade rule \"7 ELTS\" is refused"));
        assert!(refused("6.12.1", "6.12").contains("\"6.12\" is not a version"));
        assert!(refused("2029-05-31", "May 2029").contains("\"May 2029\" is not a day"));
    }
}
