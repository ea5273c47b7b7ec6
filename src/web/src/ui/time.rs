//! Times as people see them: in the appliance's time zone, with the zone's name.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use maud::{Markup, html};

/// The appliance's time zone.
#[derive(Clone, Debug)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// The zone of this name in the IANA database; UTC when there is none.
    pub(crate) fn named(name: &str) -> Self {
        Self(TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC))
    }

    /// A moment, given in seconds since 1970.
    pub(crate) fn moment(&self, unix: u64) -> Markup {
        let seconds = i64::try_from(unix).unwrap_or(i64::MAX);
        let Ok(time) = Timestamp::from_second(seconds) else {
            return html! { "(no time)" };
        };
        let shown = time.to_zoned(self.0.clone()).strftime("%Y-%m-%d %H:%M:%S %Z");
        html! { time datetime=(time.to_string()) { (shown.to_string()) } }
    }
}

impl Zone {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The moment of a clock on the wall here (`2026-11-01T08:00`), milliseconds since 1970.
    pub(crate) fn milliseconds(&self, clock: &str) -> Option<i64> {
        let clock: DateTime = clock.parse().ok()?;
        let moment = clock.to_zoned(self.0.clone()).ok()?;
        Some(moment.timestamp().as_millisecond())
    }
}

/// Whether there is a zone of this name.
pub(crate) fn exists(name: &str) -> bool {
    TimeZoneDatabase::bundled().get(name).is_ok()
}

/// Every zone that people choose from: places, and UTC.
pub(crate) fn zones() -> Vec<String> {
    let all = TimeZoneDatabase::bundled();
    let mut names: Vec<String> = all
        .available()
        .map(|name| name.to_string())
        .filter(|name| is_place(name))
        .collect();
    names.sort_unstable();
    names.insert(0, "UTC".to_owned());
    names
}

/// Names of places; the others are old names and offsets.
fn is_place(name: &str) -> bool {
    const REGIONS: [&str; 10] = [
        "Africa/",
        "America/",
        "Antarctica/",
        "Arctic/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    ];
    REGIONS.iter().any(|region| name.starts_with(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_the_zone() {
        let text = |zone: &str| Zone::named(zone).moment(1_800_000_000).into_string();
        assert!(
            text("UTC").contains(">2027-01-15 08:00:00 UTC<"),
            "{}",
            text("UTC")
        );
        assert!(text("Europe/Vienna").contains(">2027-01-15 09:00:00 CET<"));
        assert!(text("Nowhere/Else").contains("08:00:00 UTC"));
        assert!(
            Zone::named("UTC")
                .moment(u64::MAX)
                .into_string()
                .contains("no time")
        );
    }

    #[test]
    fn a_clock_on_the_wall_is_a_moment() {
        let vienna = Zone::named("Europe/Vienna");
        assert_eq!(vienna.milliseconds("1970-01-01T01:00"), Some(0));
        assert_eq!(Zone::named("UTC").milliseconds("1970-01-02"), Some(86_400_000));
        assert_eq!(vienna.milliseconds("soon"), None);
        assert_eq!(
            (vienna.name(), Zone::named("Nowhere").name()),
            ("Europe/Vienna", "UTC")
        );
    }

    #[test]
    fn people_choose_from_places() {
        let zones = zones();
        assert_eq!(zones[0], "UTC");
        assert!(zones.len() > 300 && zones.iter().all(|zone| exists(zone)));
        assert!(zones.contains(&"Europe/Vienna".to_owned()) && !zones.contains(&"EST5EDT".to_owned()));
    }
}
