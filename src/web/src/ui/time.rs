//! Times as people see them: in the appliance's time zone, with the zone's name.

use jiff::Timestamp;
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
    fn people_choose_from_places() {
        let zones = zones();
        assert_eq!(zones[0], "UTC");
        assert!(zones.len() > 300 && zones.iter().all(|zone| exists(zone)));
        assert!(zones.contains(&"Europe/Vienna".to_owned()) && !zones.contains(&"EST5EDT".to_owned()));
    }
}
