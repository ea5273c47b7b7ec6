//! What a licence says of a firmware and of a day.

use sps_image::day::Day;
use sps_image::version::Version;

use crate::feature::Feature;
use crate::licence::{Licence, Limit, LimitType};

/// What there may be without a licence: enough to try everything with a few servers. Every feature is on, without end.
pub const DEMO: Limit = Limit {
    limit_type: LimitType::Host,
    most: 5,
};

/// What a licence means for one version of the firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The LTS the version counts as: 7 for 7.0.3 and for 7.2.0.
    pub lts: u32,
    /// Whether the licence covers that LTS.
    pub covered: bool,
    /// Licensed features that are lost until a licence for that LTS is uploaded; none when it is covered.
    pub lost: Vec<Feature>,
}

/// What a licence for these LTS and features means for `version`.
#[must_use]
pub fn coverage(lts: &[u32], features: &[Feature], version: Version) -> Coverage {
    let covered = lts.contains(&version.major());
    Coverage {
        lts: version.major(),
        covered,
        lost: if covered { Vec::new() } else { features.to_vec() },
    }
}

/// Whether a licence is valid on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its first day has not come; so many days are missing.
    NotYet(u32),
    /// It is valid, today and so many days more; none: without end.
    Valid(Option<u32>),
    /// Its last day was so many days ago.
    Expired(u32),
}

impl Licence {
    /// What it means for `version`.
    #[must_use]
    pub fn covers(&self, version: Version) -> Coverage {
        coverage(&self.lts, &self.features, version)
    }

    /// Whether it is valid at `now`, in seconds since 1970; days are those of UTC.
    #[must_use]
    pub fn state(&self, now: u64) -> State {
        state(self.valid_from, self.valid_until, Day::of(now))
    }
}

/// Whether a licence from `first` to `last` is valid `today`.
#[must_use]
pub fn state(first: Day, last: Option<Day>, today: Day) -> State {
    if today < first {
        return State::NotYet(first.since(today));
    }
    match last {
        Some(last) if last < today => State::Expired(today.since(last)),
        last => State::Valid(last.map(|last| last.since(today))),
    }
}

/// Whether a feature may be used with this licence, or without one, in `version` at `now`.
#[must_use]
pub fn allows(licence: Option<&Licence>, feature: &Feature, version: Version, now: u64) -> bool {
    licence.is_none_or(|licence| {
        let valid = matches!(licence.state(now), State::Valid(_));
        valid && licence.covers(version).covered && licence.features.contains(feature)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn licence(until: Option<&str>) -> Licence {
        Licence {
            customer: "Example Ltd.".to_owned(),
            serial: "A-1".to_owned(),
            limit_type: LimitType::Session,
            limit: 100,
            valid_from: "2026-01-01".parse().unwrap(),
            valid_until: until.map(|day| day.parse().unwrap()),
            lts: vec![6, 7],
            features: vec![feature("analytics"), feature("cluster")],
        }
    }

    fn feature(name: &str) -> Feature {
        name.to_owned().try_into().unwrap()
    }

    fn at(day: &str) -> u64 {
        day.parse::<Day>().unwrap().start()
    }

    #[test]
    fn an_lts_is_covered_with_the_feature_releases_that_follow_it() {
        let licence = licence(None);
        for covered in [
            Version::new(6, 0, 11),
            Version::new(6, 13, 0),
            Version::new(7, 0, 0),
        ] {
            assert_eq!(licence.covers(covered).lost, [], "{covered}");
        }
        for other in [
            Version::new(5, 11, 0),
            Version::new(8, 0, 0),
            Version::new(8, 1, 0),
        ] {
            let coverage = licence.covers(other);
            assert!(!coverage.covered && coverage.lost == licence.features, "{other}");
            assert_eq!(coverage.lts, other.major());
        }
    }

    #[test]
    fn first_and_last_day_count() {
        let ends = licence(Some("2027-05-31"));
        assert_eq!(ends.state(at("2025-12-30")), State::NotYet(2));
        assert_eq!(ends.state(at("2026-01-01") - 1), State::NotYet(1));
        assert_eq!(ends.state(at("2026-01-01")), State::Valid(Some(515)));
        assert_eq!(ends.state(at("2027-06-01") - 1), State::Valid(Some(0)));
        assert_eq!(ends.state(at("2027-06-01")), State::Expired(1));
        assert_eq!(licence(None).state(u64::MAX), State::Valid(None));
    }

    #[test]
    fn features_need_a_valid_licence_that_names_them_and_the_demo_has_all() {
        let (ends, version) = (licence(Some("2027-05-31")), Version::new(7, 1, 0));
        let now = at("2026-06-01");
        let (named, other) = (feature("cluster"), feature("plugins"));
        assert!(allows(Some(&ends), &named, version, now));
        assert!(!allows(Some(&ends), &other, version, now));
        assert!(!allows(Some(&ends), &named, Version::new(8, 0, 0), now));
        assert!(!allows(Some(&ends), &named, version, at("2027-06-01")));
        assert!(allows(None, &other, version, now));
        assert_eq!((DEMO.limit_type, DEMO.most), (LimitType::Host, 5));
    }
}
