//! The licence: shown, taken, and what it means for the running firmware.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sps_admin::{Failure, LicenceFile, LicensedFeature, Licensing, Reply, Response};
use sps_image::day::Day;
use sps_image::version::Version;
use sps_licence::{DEMO, Keys, Licence, State, validity};
use tracing::warn;

use super::appliance::Appliance;
use crate::node::{LicenceStore, LicenceStoreError, now};

/// The licence of this appliance; clones share it. Where nothing is kept it is a demo.
#[derive(Clone, Default)]
pub(crate) struct Licences {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    store: Option<LicenceStore>,
    licence: Option<Licence>,
    /// Why there is a file and no licence.
    problem: Option<String>,
}

impl Licences {
    /// The licence kept in `folder`, if one of `keys` signed it. Blocking.
    pub(crate) fn open(folder: &Path, keys: Keys) -> Self {
        let mut inner = Inner {
            store: Some(LicenceStore::new(folder, keys)),
            ..Inner::default()
        };
        inner.read_back();
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// The licence in force.
    fn current(&self) -> Option<Licence> {
        self.lock().licence.clone()
    }

    /// Why there is a file and no licence.
    fn problem(&self) -> Option<String> {
        self.lock().problem.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a file would mean at `now`. Blocking.
    fn judge(&self, file: &LicenceFile, now: u64) -> Result<(), Failure> {
        let guard = self.lock();
        let given = guard
            .store()?
            .judge(file.text().as_bytes())
            .map_err(|error| refusal(&error))?;
        match given.state(now) {
            State::Valid(_) => Ok(()),
            State::Expired(days) => Err(Failure::invalid(format!(
                "the licence {} expired {days} days ago, by this appliance's clock on {}; the one before stays: ask for a new one",
                given.serial,
                Day::of(now)
            ))),
            State::NotYet(days) if guard.is_valid(now) => Err(Failure::invalid(format!(
                "the licence {} becomes valid in {days} days, and the one before is valid today: upload it on {}",
                given.serial, given.valid_from
            ))),
            State::NotYet(_) => Ok(()),
        }
    }

    /// Judges a file, and keeps it. Blocking.
    pub(super) fn take(&self, file: &LicenceFile, now: u64) -> Result<(), Failure> {
        self.judge(file, now)?;
        let mut inner = self.lock();
        let store = inner.store.as_mut().ok_or_else(nowhere)?;
        let kept = store.keep(file.text().as_bytes());
        // Whatever a failed step left is what counts from now on.
        inner.read_back();
        kept.map_err(|error| Failure::failed(sps_bootlog::causes(&error)))
    }
}

impl Inner {
    fn store(&self) -> Result<&LicenceStore, Failure> {
        self.store.as_ref().ok_or_else(nowhere)
    }

    fn is_valid(&self, now: u64) -> bool {
        let state = self.licence.as_ref().map(|licence| licence.state(now));
        matches!(state, Some(State::Valid(_)))
    }

    fn read_back(&mut self) {
        let read = self.store.as_ref().map_or(Ok(None), LicenceStore::load);
        (self.licence, self.problem) = match read {
            Ok(licence) => (licence, None),
            Err(error) => {
                let problem = sps_bootlog::causes(&error);
                warn!("{problem}");
                (None, Some(problem))
            }
        };
    }
}

/// The licence in force; none: it is a demo.
pub(super) fn current(own: &Appliance) -> Option<Licence> {
    own.parts.licences.current()
}

/// What the appliance is licensed for.
pub(super) fn show(own: &Appliance) -> Response {
    let version = own.parts.release.as_ref().map(|release| release.version);
    let problem = own.parts.licences.problem();
    Response::Licence(licensing(current(own).as_ref(), problem, version, now()))
}

/// Takes a licence file.
pub(super) fn set(own: &Appliance, file: &LicenceFile) -> Reply {
    own.parts.licences.take(file, now())?;
    Ok(show(own))
}

fn nowhere() -> Failure {
    Failure::refused("no licence can be kept here: the log says why; boot an installed appliance")
}

fn refusal(error: &LicenceStoreError) -> Failure {
    Failure::invalid(sps_bootlog::causes(error))
}

fn licensing(
    licence: Option<&Licence>,
    problem: Option<String>,
    version: Option<Version>,
    now: u64,
) -> Licensing {
    let limit = licence.map_or(DEMO, Licence::limit);
    let concerns = licence.map(|licence| concerns(licence, version, now));
    Licensing {
        licence: licence.map(|licence| view(licence, version)),
        limit_type: limit.limit_type.to_string(),
        limit: limit.most,
        problems: problem
            .into_iter()
            .chain(concerns.into_iter().flatten())
            .collect(),
    }
}

fn view(licence: &Licence, version: Option<Version>) -> sps_admin::Licence {
    let feature = |feature: &sps_licence::Feature| LicensedFeature {
        name: feature.name().into(),
        title: feature.title().into(),
    };
    sps_admin::Licence {
        customer: licence.customer.clone(),
        serial: licence.serial.clone(),
        valid_from: licence.valid_from.to_string(),
        valid_until: licence.valid_until.map(|day| day.to_string()),
        lts: licence.lts.clone(),
        lts_covered: version.is_some_and(|version| licence.covers(version).covered),
        features: licence.features.iter().map(feature).collect(),
    }
}

/// What an administrator should see to.
fn concerns(licence: &Licence, version: Option<Version>, now: u64) -> Vec<String> {
    let validity = match licence.state(now) {
        State::Valid(_) => None,
        State::NotYet(days) => Some(format!(
            "the licence becomes valid in {days} days ({}): its features are off until then",
            validity(licence)
        )),
        State::Expired(days) => Some(format!(
            "the licence expired {days} days ago: its features are off; upload a new one"
        )),
    };
    let coverage = version.map(|version| licence.covers(version));
    let uncovered = coverage.filter(|coverage| !coverage.covered).map(|coverage| {
        let lts = coverage.lts;
        format!(
            "the licence is not for {lts} LTS, which runs: its features are off until there is one for it"
        )
    });
    validity.into_iter().chain(uncovered).collect()
}

#[cfg(test)]
mod tests {
    use sps_image::keys::{KEY_SIZE, SecretKey};
    use sps_licence::{LimitType, development};

    use super::*;

    const LATER: &str = "2027-01-15";

    fn licence(serial: &str, from: &str, until: Option<&str>) -> Licence {
        Licence {
            customer: "Example Ltd.".into(),
            serial: serial.into(),
            limit_type: LimitType::Session,
            limit: 200,
            valid_from: from.parse().unwrap(),
            valid_until: until.map(|day| day.parse().unwrap()),
            lts: vec![0, 6],
            features: vec!["cluster".to_owned().try_into().unwrap()],
        }
    }

    fn file(licence: &Licence, key: &SecretKey) -> LicenceFile {
        LicenceFile::new(licence.to_text(key).unwrap().into_bytes()).unwrap()
    }

    fn at(day: &str) -> u64 {
        day.parse::<Day>().unwrap().start()
    }

    fn open(folder: &Path) -> Licences {
        Licences::open(folder, Keys::development())
    }

    impl Licences {
        fn show(&self, version: Option<Version>, now: u64) -> Licensing {
            licensing(self.current().as_ref(), self.problem(), version, now)
        }
    }

    #[test]
    fn a_licence_is_taken_shown_and_there_after_a_reboot() {
        let folder = tempfile::tempdir().unwrap();
        let (own, version) = (open(folder.path()), Some(Version::new(0, 1, 0)));
        let demo = own.show(version, at(LATER));
        assert_eq!(
            (demo.licence, demo.limit_type.as_str(), demo.limit),
            (None, "Host", 5)
        );
        let good = licence("A-1", "2026-01-01", Some("2027-05-31"));
        own.take(&file(&good, &development()), at(LATER)).unwrap();
        for own in [own, open(folder.path())] {
            let shown = own.show(version, at(LATER));
            let seen = shown.licence.unwrap();
            assert_eq!((seen.serial.as_str(), seen.lts_covered), ("A-1", true));
            assert_eq!((shown.limit_type.as_str(), shown.limit), ("Session", 200));
            assert_eq!(seen.features[0].title, "central management of several appliances");
            assert!(shown.problems.is_empty(), "{:?}", shown.problems);
        }
        let other = open(folder.path()).show(Some(Version::new(7, 1, 0)), at("2027-06-02"));
        assert!(!other.licence.unwrap().lts_covered);
        assert!(
            other.problems[0].contains("expired 2 days ago"),
            "{:?}",
            other.problems
        );
        assert!(
            other.problems[1].contains("not for 7 LTS"),
            "{:?}",
            other.problems
        );
    }

    #[test]
    fn what_is_refused_says_why_and_the_one_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        let own = open(folder.path());
        own.take(
            &file(&licence("A-1", "2026-01-01", None), &development()),
            at(LATER),
        )
        .unwrap();
        let good = licence("B-2", "2026-01-01", None)
            .to_text(&development())
            .unwrap();
        let text = |text: String| LicenceFile::new(text.into_bytes()).unwrap();
        let foreign = SecretKey::from_seed(&[9; KEY_SIZE]);
        for (given, words) in [
            (text(good.replace("200", "900")), "changed after it was signed"),
            (text(good[..good.len() - 3].to_owned()), "no licence file"),
            (text(String::new()), "no licence file"),
            (text("x".repeat(16 * 1024)), "no licence file"),
            (
                file(&licence("B-2", "2026-01-01", None), &foreign),
                "does not know",
            ),
            (
                file(&licence("B-2", "2020-01-01", Some("2027-01-14")), &development()),
                "expired 1 days ago",
            ),
            (
                file(&licence("B-2", "2027-02-01", None), &development()),
                "upload it on 2027-02-01",
            ),
        ] {
            let failure = own.take(&given, at(LATER)).unwrap_err();
            assert!(failure.message.contains(words), "{words}: {failure}");
            let kept = open(folder.path()).show(None, at(LATER)).licence.unwrap();
            assert_eq!(kept.serial, "A-1", "{words}");
        }
        own.take(&text(good), at(LATER)).unwrap();
        assert_eq!(own.show(None, at(LATER)).licence.unwrap().serial, "B-2");
    }

    #[test]
    fn without_a_disk_it_is_a_demo_and_takes_none() {
        let own = Licences::default();
        let given = file(&licence("A-1", "2026-01-01", None), &development());
        assert!(own.take(&given, at(LATER)).is_err());
        assert_eq!(own.show(None, at(LATER)).limit, 5);
    }

    #[test]
    fn a_licence_that_is_damaged_on_the_disk_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("licence"), "sps-licence-2\n").unwrap();
        let shown = open(folder.path()).show(None, at(LATER));
        assert!(shown.licence.is_none());
        assert!(
            shown.problems[0].contains("upload it again"),
            "{:?}",
            shown.problems
        );
    }
}
