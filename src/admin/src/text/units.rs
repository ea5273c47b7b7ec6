//! Sizes, times and dates in words.

use time::OffsetDateTime;

/// Bytes with a binary prefix: `512 B`, `1.5 GiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const PREFIXES: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut tenths = u128::from(count) * 10 / 1024;
    let mut place = 0;
    while tenths >= 10_240 && place + 1 < PREFIXES.len() {
        tenths /= 1024;
        place += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, PREFIXES[place])
}

/// Seconds in the two largest units: `3 d 4 h`, `2 min 5 s`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A moment, UTC: `2026-11-22 02:41:40 UTC`.
#[must_use]
pub fn date(unix: u64) -> String {
    let moment = i64::try_from(unix)
        .ok()
        .and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok());
    moment.map_or_else(
        || "an unknown time".into(),
        |at| {
            let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
            format!(
                "{year}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC",
                at.hour(),
                at.minute(),
                at.second()
            )
        },
    )
}

/// Seconds of a recording: `00:01:05`.
#[must_use]
pub fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_times_and_dates() {
        let sizes = [0, 1023, 1024, 1536, 1024 * 1024, 8_000_000_000, u64::MAX];
        assert_eq!(
            sizes.map(bytes),
            [
                "0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "7.4 GiB", "15.9 EiB"
            ]
        );
        let times = [0, 59, 61, 3600, 90_061, u64::MAX];
        assert_eq!(
            times.map(duration)[..5],
            ["0 s", "59 s", "1 min 1 s", "1 h 0 min", "1 d 1 h"]
        );
        assert_eq!(date(1_700_000_000), "2023-11-14 22:13:20 UTC");
        assert_eq!(date(u64::MAX), "an unknown time");
    }
}
