//! The licence file on `state`: the bytes that were given, replaced as a whole.
//!
//! Invariant: what is read back is judged again, signature first, with the keys of the running firmware. A file that this
//! firmware does not take stays where it is: another one may.

use std::io;
use std::path::Path;

use sps_durable::{Folder, Medium, ReplaceError, replace};
use sps_licence::{Keys, Licence, LicenceError, MAX_SIZE};
use thiserror::Error;

const NAME: &str = "licence";

/// Where the licence is kept.
#[derive(Debug)]
pub(crate) struct LicenceStore {
    medium: Box<dyn Medium>,
    keys: Keys,
}

/// Why there is a file and no licence, or why none was kept.
#[derive(Debug, Error)]
pub(crate) enum LicenceStoreError {
    #[error("could not read the licence")]
    Read(#[source] io::Error),
    #[error("the licence that is kept cannot be used; upload it again")]
    Kept(#[source] LicenceError),
    #[error("the licence was not taken; the one before stays")]
    Given(#[source] LicenceError),
    #[error("could not keep the licence")]
    Replace(#[source] ReplaceError),
}

impl LicenceStore {
    /// In `folder`, which need not exist.
    pub(crate) fn new(folder: &Path, keys: Keys) -> Self {
        Self::on(Box::new(Folder::new(folder)), keys)
    }

    fn on(medium: Box<dyn Medium>, keys: Keys) -> Self {
        Self { medium, keys }
    }

    /// The licence that is kept; none where nobody gave one.
    pub(crate) fn load(&self) -> Result<Option<Licence>, LicenceStoreError> {
        // A byte more than a licence may have is enough to refuse it.
        let file = self
            .medium
            .read(NAME, MAX_SIZE + 1)
            .map_err(LicenceStoreError::Read)?;
        let licence = file.map(|file| Licence::parse(&file, &self.keys));
        licence.transpose().map_err(LicenceStoreError::Kept)
    }

    /// What a file says that somebody gives.
    pub(crate) fn judge(&self, file: &[u8]) -> Result<Licence, LicenceStoreError> {
        Licence::parse(file, &self.keys).map_err(LicenceStoreError::Given)
    }

    /// Keeps a file that was judged.
    pub(crate) fn keep(&mut self, file: &[u8]) -> Result<(), LicenceStoreError> {
        replace(self.medium.as_mut(), NAME, file).map_err(LicenceStoreError::Replace)
    }
}

#[cfg(test)]
mod tests {
    use sps_durable::simulation::{CrashDisk, Unsynced};
    use sps_image::keys::{KEY_SIZE, SecretKey, Trust};
    use sps_licence::{LimitType, development};

    use super::*;

    fn file(serial: &str, key: &SecretKey) -> String {
        let licence = Licence {
            customer: "Example Ltd.".into(),
            serial: serial.into(),
            limit_type: LimitType::Host,
            limit: 500,
            valid_from: "2026-01-01".parse().unwrap(),
            valid_until: None,
            lts: vec![0],
            features: Vec::new(),
        };
        licence.to_text(key).unwrap()
    }

    fn on(disk: &CrashDisk) -> LicenceStore {
        LicenceStore::on(Box::new(disk.clone()), Keys::development())
    }

    fn serial(store: &LicenceStore) -> Option<String> {
        store.load().unwrap().map(|licence| licence.serial)
    }

    #[test]
    fn what_is_kept_is_judged_again_when_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("licence");
        let mut store = LicenceStore::new(&path, Keys::development());
        assert_eq!(serial(&store), None);
        let good = file("A-1", &development());
        store.keep(good.as_bytes()).unwrap();
        assert_eq!(
            serial(&LicenceStore::new(&path, Keys::development())).unwrap(),
            "A-1"
        );
        let place = path.join(NAME);
        for changed in [
            good.replace("500", "501"),
            good[..good.len() / 2].to_owned(),
            String::new(),
        ] {
            std::fs::write(&place, changed).unwrap();
            let error = store.load().unwrap_err();
            assert!(error.to_string().contains("upload it again"), "{error}");
        }
        std::fs::write(&place, &good).unwrap();
        let seller = SecretKey::from_seed(&[11; KEY_SIZE]).public();
        let release = Keys::new(Trust::only(seller), false).unwrap();
        assert!(
            LicenceStore::new(&path, release).load().is_err(),
            "another firmware took it"
        );
        assert_eq!(serial(&store).unwrap(), "A-1");
    }

    /// The power fails before every step: the old licence or the new one is there, and one that was promised is.
    #[test]
    fn a_power_cut_leaves_the_old_or_the_new_licence() {
        let key = development();
        let disk = CrashDisk::default();
        on(&disk).keep(file("A-1", &key).as_bytes()).unwrap();
        let (mut tried, mut promises) = (0, 0);
        for cut in 0..8 {
            let disk = disk.copy();
            disk.fail_after(cut);
            let promised = on(&disk).keep(file("B-2", &key).as_bytes()).is_ok();
            promises += usize::from(promised);
            for names in 0..disk.journal_length().max(1) {
                for unsynced in [Unsynced::Lost, Unsynced::Half, Unsynced::Kept] {
                    let left = serial(&on(&disk.after_cut(names, unsynced))).unwrap();
                    assert!(left == "B-2" || (left == "A-1" && !promised), "cut {cut}: {left}");
                    tried += 1;
                }
            }
        }
        assert!(tried > 20 && (1..8).contains(&promises), "{tried} {promises}");
    }
}
