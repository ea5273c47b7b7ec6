//! One rule: a set of versions, as a short text that people read and write.
//!
//! ```text
//! any                  every version
//! 7.x                  every version that begins with 7, LTS and feature releases
//! 7 LTS                every version that begins with 7.0
//! 6.9.x                every version of the feature release 6.9
//! =6.9.4               this version; without a build number, every build of it
//! >=6.0.11 in 6 LTS    6.0.11 and what follows in that LTS
//! >=6.9.4 in 6.9       6.9.4 and what follows in that feature release
//! >=6.11 feature       the feature release 6.11 and every later one, of any major number
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::version::{Channel, Version, number};

/// Longest text of a rule that an error repeats: the longest rule there is has 60 characters.
const LONGEST: usize = 64;

/// A set of versions from which a firmware may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule(Form);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Any,
    Major(u32),
    Lts(u32),
    Line(u32, u32),
    Exactly(Version),
    LtsFrom(Version),
    LineFrom(Version),
    FeatureFrom(u32, u32),
}

/// Why a text is no rule.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the upgrade rule {text:?} is refused: {reason}")]
pub struct RuleError {
    text: String,
    reason: &'static str,
}

const UNKNOWN: &str =
    "write any, 7.x, 7 LTS, 6.9.x, =6.9.4, >=6.0.11 in 6 LTS, >=6.9.4 in 6.9 or >=6.11 feature";
const OUTSIDE: &str = "its version is not in the line it names";
const NO_FEATURE: &str = "a minor number of 0 is an LTS, no feature release; write 6 LTS";

impl Rule {
    /// This version and what follows in its LTS or feature release.
    #[must_use]
    pub const fn maintenance_of(version: Version) -> Self {
        Self(match version.channel() {
            Channel::Lts => Form::LtsFrom(version),
            Channel::Feature => Form::LineFrom(version),
        })
    }

    /// Whether `version` is in the set.
    #[must_use]
    pub fn admits(self, version: Version) -> bool {
        let line = (version.major(), version.minor());
        match self.0 {
            Form::Any => true,
            Form::Major(major) => version.major() == major,
            Form::Lts(major) => line == (major, 0),
            Form::Line(major, minor) => line == (major, minor),
            Form::Exactly(only) => version == only || version.without_build() == only,
            Form::LtsFrom(first) | Form::LineFrom(first) => {
                line == (first.major(), first.minor()) && version >= first
            }
            Form::FeatureFrom(major, minor) => {
                version.channel() == Channel::Feature && line >= (major, minor)
            }
        }
    }

    /// The lowest version of the set above `version`, or nothing when the set ends below; for a version that is not in
    /// the set itself.
    pub(super) fn next_after(self, version: Version) -> Option<Version> {
        let lowest = match self.0 {
            Form::Any => return None,
            Form::Major(major) | Form::Lts(major) => Version::new(major, 0, 0),
            Form::Line(major, minor) => Version::new(major, minor, 0),
            Form::Exactly(first) | Form::LtsFrom(first) | Form::LineFrom(first) => first,
            // An LTS lies between feature releases.
            Form::FeatureFrom(major, minor) => {
                Version::new(major, minor, 0).max(Version::new(version.major(), 1, 0))
            }
        };
        (lowest > version).then_some(lowest)
    }

    /// Whether the set goes on with every later maintenance release.
    pub(super) const fn is_open(self) -> bool {
        !matches!(self.0, Form::Exactly(_))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Any => f.write_str("any"),
            Form::Major(major) => write!(f, "{major}.x"),
            Form::Lts(major) => write!(f, "{major} LTS"),
            Form::Line(major, minor) => write!(f, "{major}.{minor}.x"),
            Form::Exactly(only) => write!(f, "={only}"),
            Form::LtsFrom(first) => write!(f, ">={first} in {} LTS", first.major()),
            Form::LineFrom(first) => write!(f, ">={first} in {}.{}", first.major(), first.minor()),
            Form::FeatureFrom(major, minor) => write!(f, ">={major}.{minor} feature"),
        }
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let refused = |reason| RuleError {
            text: text.chars().take(LONGEST).collect(),
            reason,
        };
        let form = parse(text).map_err(refused)?;
        Ok(Self(form))
    }
}

impl TryFrom<String> for Rule {
    type Error = RuleError;

    fn try_from(text: String) -> Result<Self, RuleError> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

fn parse(text: &str) -> Result<Form, &'static str> {
    if text.len() > LONGEST {
        return Err(UNKNOWN);
    }
    let words: Vec<&str> = text.split(' ').collect();
    let form = match *words.as_slice() {
        ["any"] => Some(Form::Any),
        [word] => exactly(word).or_else(|| line(word)),
        [major, "LTS"] => number(major).map(Form::Lts),
        [least, "feature"] => least
            .strip_prefix(">=")
            .and_then(pair)
            .map(|(major, minor)| Form::FeatureFrom(major, minor)),
        [least, "in", major, "LTS"] => {
            let (first, major) = (at_least(least), number(major));
            return inside(first, major.map(|major| (major, 0)), Form::LtsFrom);
        }
        [least, "in", line] => return inside(at_least(least), pair(line), Form::LineFrom),
        _ => None,
    };
    match form.ok_or(UNKNOWN)? {
        Form::Line(_, 0) | Form::FeatureFrom(_, 0) => Err(NO_FEATURE),
        form => Ok(form),
    }
}

/// A rule that names a version and the line it must be in.
fn inside(
    first: Option<Version>,
    line: Option<(u32, u32)>,
    form: fn(Version) -> Form,
) -> Result<Form, &'static str> {
    let (first, line) = first.zip(line).ok_or(UNKNOWN)?;
    let form = form(first);
    match form {
        Form::LineFrom(_) if line.1 == 0 => Err(NO_FEATURE),
        _ if line != (first.major(), first.minor()) => Err(OUTSIDE),
        _ => Ok(form),
    }
}

fn exactly(word: &str) -> Option<Form> {
    let version = word.strip_prefix('=')?.parse().ok()?;
    Some(Form::Exactly(version))
}

fn line(word: &str) -> Option<Form> {
    let numbers = word.strip_suffix(".x")?;
    let major = number(numbers).map(Form::Major);
    major.or_else(|| pair(numbers).map(|(major, minor)| Form::Line(major, minor)))
}

fn at_least(word: &str) -> Option<Version> {
    word.strip_prefix(">=")?.parse().ok()
}

fn pair(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    number(major).zip(number(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn rules_have_one_spelling() {
        for good in [
            "any",
            "7.x",
            "7 LTS",
            "6.9.x",
            "=6.9.4",
            "=7.0.3.1",
            ">=6.0.11 in 6 LTS",
            ">=6.0.11.2 in 6 LTS",
            ">=6.9.4 in 6.9",
            ">=6.11 feature",
        ] {
            let rule: Rule = good.parse().unwrap();
            assert_eq!(rule.to_string(), good);
            assert_eq!(serde_json::to_string(&rule).unwrap(), format!("{good:?}"));
        }
    }

    #[test]
    fn what_is_no_rule_is_named() {
        let bad = [
            "",
            "Any",
            "7",
            "7.0",
            "7.0.x",
            "7.1.2.x",
            "07.x",
            "7 lts",
            "7 LTS ",
            "7  LTS",
            "6.9.4",
            "=6.9",
            "= 6.9.4",
            ">=6.11",
            ">6.11 feature",
            ">=6.11.1 feature",
            ">=6.0 feature",
            ">=6.0.11 in 7 LTS",
            ">=6.1.1 in 6 LTS",
            ">=6.0.11 in 6.0",
            ">=6.9.4 in 6.10",
            ">=6.9.4 in 6",
            ">=4294967296.1 feature",
            "latest maintenance of 3 feature releases",
        ];
        let texts = bad.map(|text| text.parse::<Rule>().expect_err(text).to_string() + "\n");
        insta::assert_snapshot!(texts.concat());
        let long = format!("={}", "9".repeat(100_000)).parse::<Rule>().unwrap_err();
        assert!(long.to_string().len() < 300);
    }

    #[test]
    fn each_rule_admits_its_versions() {
        let cases: [(&str, &[&str], &[&str]); 8] = [
            ("any", &["0.0.0", "6.13.9", "7.0.3.1"], &[]),
            ("7.x", &["7.0.0", "7.5.1"], &["6.13.0", "8.0.0"]),
            ("7 LTS", &["7.0.0", "7.0.3.1"], &["7.1.0", "6.0.11"]),
            ("6.9.x", &["6.9.0", "6.9.9"], &["6.8.9", "6.10.0", "6.0.9"]),
            ("=6.9.4", &["6.9.4", "6.9.4.7"], &["6.9.5", "6.9.3", "7.9.4"]),
            (
                ">=6.0.11 in 6 LTS",
                &["6.0.11", "6.0.11.1", "6.0.12"],
                &["6.0.10.9", "6.1.0", "7.0.0"],
            ),
            (">=6.9.4 in 6.9", &["6.9.4", "6.9.10"], &["6.9.3", "6.10.4"]),
            (
                ">=6.11 feature",
                &["6.11.0", "6.13.2", "7.1.0"],
                &["6.10.9", "7.0.0", "6.0.11"],
            ),
        ];
        for (rule, admitted, others) in cases {
            let parsed: Rule = rule.parse().unwrap();
            assert!(admitted.iter().all(|text| parsed.admits(version(text))), "{rule}");
            assert!(others.iter().all(|text| !parsed.admits(version(text))), "{rule}");
        }
        let build: Rule = "=7.0.3.1".parse().unwrap();
        assert!(build.admits(version("7.0.3.1")) && !build.admits(version("7.0.3")));
    }

    #[test]
    fn maintenance_of_a_version_is_its_line_from_there() {
        assert_eq!(
            Rule::maintenance_of(version("6.0.11")).to_string(),
            ">=6.0.11 in 6 LTS"
        );
        assert_eq!(
            Rule::maintenance_of(version("6.9.4")).to_string(),
            ">=6.9.4 in 6.9"
        );
    }
}
