//! How old is old enough.

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// What ended before this moment (milliseconds since 1970) is older than `days` at `now` (seconds since 1970). Before anything
/// when that is not a moment: then nothing is older.
#[must_use]
pub fn ended_before(now: u64, days: u32) -> i64 {
    let now = i64::try_from(now).ok().and_then(|now| now.checked_mul(1000));
    let age = i64::from(days) * DAY;
    now.and_then(|now| now.checked_sub(age))
        .map_or(i64::MIN, |at| at.max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_are_counted_back_and_nothing_is_older_than_the_beginning() {
        assert_eq!(ended_before(1_800_000_000, 1), 1_799_913_600_000);
        assert_eq!(ended_before(1_800_000_000, 0), 1_800_000_000_000);
        assert_eq!(ended_before(1000, 1), 0);
        assert_eq!(ended_before(u64::MAX, 1), i64::MIN);
        assert_eq!(ended_before(1_800_000_000, u32::MAX), 0);
    }
}
