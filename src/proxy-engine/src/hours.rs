//! Time policies: intervals of a day of the week, in the time zone of the appliance.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use sps_cluster_config::sections::policies::TimePolicy;

/// A moment, as a clock on the wall shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Day of the week, 0 is Monday.
    pub day: u8,
    /// Minute of the day, 0 to 1439.
    pub minute: u16,
}

impl Moment {
    /// What the wall shows `now`, seconds since 1970, in a zone of the IANA database; UTC where nobody knows that zone.
    #[must_use]
    pub fn at(now: u64, zone: &str) -> Self {
        let zone = TimeZoneDatabase::bundled().get(zone).unwrap_or(TimeZone::UTC);
        let seconds = i64::try_from(now).unwrap_or(i64::MAX);
        let shown = Timestamp::from_second(seconds)
            .unwrap_or(Timestamp::MAX)
            .to_zoned(zone);
        let number = |part: i8| u16::try_from(part).unwrap_or(0);
        Self {
            day: u8::try_from(shown.weekday().to_monday_zero_offset()).unwrap_or(0),
            minute: number(shown.hour()) * 60 + number(shown.minute()),
        }
    }
}

/// `20260517-081530`: a moment, seconds since 1970, in the names of sessions; UTC.
#[must_use]
pub fn stamp(seconds: i64) -> String {
    let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%Y%m%d-%H%M%S").to_string()
}

const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Whether the policy lets somebody in now. The last minute of an interval still belongs to it, so that `00:00-23:59` is a whole day.
#[must_use]
pub fn is_within(policy: &TimePolicy, now: Moment) -> bool {
    let Some(intervals) = DAYS
        .get(usize::from(now.day))
        .and_then(|day| policy.days.get(*day))
    else {
        return false;
    };
    intervals.iter().any(|interval| {
        let ends = interval
            .split_once('-')
            .and_then(|(from, to)| Some((minutes(from)?, minutes(to)?)));
        ends.is_some_and(|(from, to)| (from..=to).contains(&now.minute))
    })
}

/// `HH:MM`, checked when the configuration was.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    Some(hours.parse::<u16>().ok()? * 60 + minutes.parse::<u16>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_shows_another_time_elsewhere() {
        // 2026-11-22 23:30:00 UTC, a Sunday.
        let now = 1_795_390_200;
        let told = |zone| Moment::at(now, zone);
        assert_eq!(
            told("UTC"),
            Moment {
                day: 6,
                minute: 23 * 60 + 30
            }
        );
        assert_eq!(told("Europe/Vienna"), Moment { day: 0, minute: 30 });
        assert_eq!(told("Nowhere/Else"), told("UTC"));
    }

    #[test]
    fn a_stamp_is_of_utc() {
        assert_eq!(stamp(1_795_390_200), "20261122-233000");
    }

    #[test]
    fn nothing_outside_the_intervals() {
        let intervals = vec!["08:00-12:00".to_owned(), "13:00-17:59".to_owned()];
        let policy = TimePolicy {
            days: [("monday".to_owned(), intervals)].into(),
        };
        let at = |day, hour: u16, minute: u16| Moment {
            day,
            minute: hour * 60 + minute,
        };
        for (moment, open) in [
            (at(0, 7, 59), false),
            (at(0, 8, 0), true),
            (at(0, 12, 0), true),
            (at(0, 12, 1), false),
            (at(0, 17, 59), true),
            (at(0, 18, 0), false),
            (at(1, 9, 0), false),
            (at(9, 9, 0), false),
        ] {
            assert_eq!(is_within(&policy, moment), open, "{moment:?}");
        }
        assert!(!is_within(&TimePolicy::default(), at(0, 9, 0)));
    }
}
