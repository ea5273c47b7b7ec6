//! Once on each day, at a time of the appliance's zone.

use jiff::civil::Time;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use thiserror::Error;

/// Days that are looked at for the next start: the one there is, the next, and one more where a zone left a day out.
const DAYS: u32 = 3;

/// Why there is no time of the day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DailyError {
    /// It is no time.
    #[error("{text:?} is no time of the day: give one such as 03:00")]
    Time {
        /// What was given.
        text: String,
    },
    /// The zone is unknown.
    #[error("there is no time zone {name:?}: choose another under Basic Settings > Date & Time")]
    Zone {
        /// What was given.
        name: String,
    },
}

/// A time of the day in a zone.
#[derive(Clone, Debug)]
pub struct Daily {
    time: Time,
    zone: TimeZone,
}

impl Daily {
    /// `HH:MM` in a zone of the IANA database.
    ///
    /// # Errors
    /// There is no such time, or no such zone.
    pub fn new(start: &str, zone: &str) -> Result<Self, DailyError> {
        let number = |text: &str| {
            let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i8>().ok().filter(|_| plain)
        };
        let time = start
            .split_once(':')
            .and_then(|(hour, minute)| Time::new(number(hour)?, number(minute)?, 0, 0).ok());
        let time = time.ok_or_else(|| DailyError::Time { text: start.into() })?;
        let zone = TimeZoneDatabase::bundled()
            .get(zone)
            .map_err(|_| DailyError::Zone { name: zone.into() })?;
        Ok(Self { time, zone })
    }

    /// The first start after `after`, seconds since 1970. A time that clocks leave out comes as much later as they leap; of one that
    /// they show twice the first counts.
    #[must_use]
    pub fn next(&self, after: u64) -> Option<u64> {
        let after = Timestamp::from_second(i64::try_from(after).ok()?).ok()?;
        let mut day = after.to_zoned(self.zone.clone()).date();
        for _ in 0..DAYS {
            let start = day.to_datetime(self.time).to_zoned(self.zone.clone()).ok()?;
            if start.timestamp() > after {
                return u64::try_from(start.timestamp().as_second()).ok();
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_second()).unwrap()
    }

    fn starts(start: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let daily = Daily::new(start, zone).unwrap();
        let mut now = at(from);
        let mut found = Vec::new();
        for _ in 0..count {
            now = daily.next(now).unwrap();
            found.push(
                Timestamp::from_second(i64::try_from(now).unwrap())
                    .unwrap()
                    .to_string(),
            );
        }
        found
    }

    #[test]
    fn the_next_start_is_today_or_tomorrow_in_the_zone() {
        assert_eq!(
            starts("03:00", "Europe/Vienna", "2026-01-10T01:59:59Z", 2),
            ["2026-01-10T02:00:00Z", "2026-01-11T02:00:00Z"]
        );
        assert_eq!(
            starts("03:00", "UTC", "2026-01-10T03:00:00Z", 1),
            ["2026-01-11T03:00:00Z"]
        );
        assert_eq!(
            starts("23:59", "Pacific/Auckland", "2026-07-01T00:00:00Z", 1),
            ["2026-07-01T11:59:00Z"]
        );
    }

    #[test]
    fn where_clocks_change_it_runs_once_a_day() {
        assert_eq!(
            starts("02:30", "Europe/Vienna", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"],
            "02:30 is left out: 03:30"
        );
        assert_eq!(
            starts("02:30", "Europe/Vienna", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
            "02:30 comes twice: the first"
        );
        assert_eq!(
            starts("12:00", "Pacific/Apia", "2011-12-29T20:00:00Z", 2),
            ["2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"],
            "a day was left out"
        );
    }

    #[test]
    fn what_is_no_time_and_no_zone_is_refused() {
        for text in ["24:00", "3:00", "03:60", "", "03", "+3:00", "aa:bb"] {
            assert_eq!(
                Daily::new(text, "UTC").unwrap_err(),
                DailyError::Time { text: text.into() }
            );
        }
        assert!(matches!(
            Daily::new("03:00", "Mars/Base"),
            Err(DailyError::Zone { .. })
        ));
        assert_eq!(Daily::new("03:00", "UTC").unwrap().next(u64::MAX), None);
    }
}
