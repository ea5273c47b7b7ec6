//! The licence itself, and the rules its fields obey.

use std::fmt;

use serde::{Deserialize, Serialize};
use sps_image::day::Day;
use thiserror::Error;

use crate::feature::Feature;

const MAX_CUSTOMER: usize = 128;
const MAX_SERIAL: usize = 64;
/// LTS numbers and features a licence may list: far above what there is, short enough to show.
const MAX_LTS: usize = 16;
const MAX_FEATURES: usize = 32;

/// A licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Whom it was given to.
    pub customer: String,
    /// Its number: letters, digits, dashes.
    pub serial: String,
    /// What is counted.
    pub limit_type: LimitType,
    /// How many there may be, at least 1.
    pub limit: u32,
    /// First day.
    pub valid_from: Day,
    /// Last day; none: it does not end.
    pub valid_until: Option<Day>,
    /// Major numbers of the LTS it covers, with the feature releases that follow each; ascending.
    pub lts: Vec<u32>,
    /// Licensed features; ascending.
    pub features: Vec<Feature>,
}

/// What a licence counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitType {
    /// Different servers that are connected to.
    Host,
    /// Sessions at one time.
    Session,
}

impl fmt::Display for LimitType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "Host",
            Self::Session => "Session",
        })
    }
}

/// How many of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is counted.
    pub limit_type: LimitType,
    /// How many there may be.
    pub most: u32,
}

/// A field holds what it must not hold.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: {reason}")]
pub struct FieldError {
    /// The field, as it is written.
    pub field: &'static str,
    /// What is wrong.
    pub reason: &'static str,
}

impl Licence {
    /// Its limit.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        Limit {
            limit_type: self.limit_type,
            most: self.limit,
        }
    }

    /// Whether every field obeys its rule.
    ///
    /// # Errors
    /// The first field that does not.
    pub fn check(&self) -> Result<(), FieldError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let rules: [(bool, &'static str, &'static str); 6] = [
            (
                is_name(&self.customer),
                "customer",
                "must be 1 to 128 printable characters, with nothing blank around",
            ),
            (
                (1..=MAX_SERIAL).contains(&self.serial.len()) && self.serial.bytes().all(word),
                "serial",
                "must be 1 to 64 letters, digits or dashes",
            ),
            (self.limit > 0, "limit", "must be at least 1"),
            (
                self.valid_until.is_none_or(|until| self.valid_from <= until),
                "valid_until",
                "must not be before valid_from",
            ),
            (
                (1..=MAX_LTS).contains(&self.lts.len()) && ascends(&self.lts),
                "lts",
                "must be 1 to 16 major numbers, ascending",
            ),
            (
                self.features.len() <= MAX_FEATURES && ascends(&self.features),
                "features",
                "must be at most 32 names, ascending",
            ),
        ];
        match rules.into_iter().find(|(kept, ..)| !kept) {
            Some((_, field, reason)) => Err(FieldError { field, reason }),
            None => Ok(()),
        }
    }
}

/// Names end up on terminals and pages.
fn is_name(text: &str) -> bool {
    let length = text.chars().count();
    (1..=MAX_CUSTOMER).contains(&length) && text.trim() == text && !text.chars().any(char::is_control)
}

fn ascends<T: PartialOrd>(items: &[T]) -> bool {
    items.is_sorted_by(|a, b| a < b)
}
