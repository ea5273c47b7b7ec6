//! A calendar day in UTC, written `YYYY-MM-DD`: ends of support and of licences.
//!
//! Invariant: one day has one spelling, and every day can be written and read back. No clock here: the caller says
//! what time it is.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use thiserror::Error;

const SECONDS: u64 = 24 * 60 * 60;
/// 9999-12-31: years have four digits.
const LAST: u32 = 2_932_896;
/// Characters of `YYYY-MM-DD`.
const LENGTH: usize = 10;

/// A day; the order is the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(u32);

/// Why a text is no day.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{text:?} is not a day: write it as 2027-05-31, from 1970-01-01 on")]
pub struct DayError {
    text: String,
}

impl Day {
    /// The day in which a moment lies, in seconds since 1970; moments after the year 9999 count as its last day.
    #[must_use]
    pub fn of(seconds: u64) -> Self {
        Self(u32::try_from(seconds / SECONDS).unwrap_or(LAST).min(LAST))
    }

    /// The first second of the day, since 1970.
    #[must_use]
    pub const fn start(self) -> u64 {
        self.0 as u64 * SECONDS
    }

    /// Days from `earlier` to this one; 0 when it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = UNIX_EPOCH + Duration::from_secs(self.start());
        let text = humantime::format_rfc3339_seconds(moment).to_string();
        f.write_str(text.get(..LENGTH).unwrap_or_default())
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        parse(text).ok_or_else(|| DayError {
            text: text.chars().take(2 * LENGTH).collect(),
        })
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

fn parse(text: &str) -> Option<Day> {
    if text.len() != LENGTH {
        return None;
    }
    let moment = humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok()?;
    let day = Day::of(moment.duration_since(UNIX_EPOCH).ok()?.as_secs());
    (day.to_string() == text).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_one_spelling() {
        for good in ["1970-01-01", "2000-02-29", "2027-05-31", "9999-12-31"] {
            assert_eq!(good.parse::<Day>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "2027-5-31",
            "2027-02-29",
            "2027-13-01",
            "1969-12-31",
            "27-05-31",
            "2027/05/31",
            "2027-05-31 ",
            "+027-05-31",
            "10000-01-0",
            "2027-05-3ä",
        ] {
            assert!(bad.parse::<Day>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn moments_lie_in_days_and_days_are_counted() {
        let day: Day = "2027-05-31".parse().unwrap();
        assert_eq!(Day::of(day.start()), day);
        assert_eq!(Day::of(day.start() + SECONDS - 1), day);
        assert_eq!(Day::of(day.start() + SECONDS).since(day), 1);
        assert_eq!(day.since(Day::of(u64::MAX)), 0);
        assert_eq!(Day::of(u64::MAX).to_string(), "9999-12-31");
    }
}
