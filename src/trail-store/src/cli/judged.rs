//! Timestamps of a trail, judged or at least counted.

use std::path::{Path, PathBuf};

use sps_timestamp::{Authority, Stamp, judge};
use sps_trail::Item;

use super::reading::{Failure, read};
use super::seals::{Seal, Seals};
use super::table::time;

/// What `--timestamp-ca` names.
pub(super) fn authority(path: Option<&PathBuf>) -> Result<Option<Authority>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let texts = read(path)?;
    let authority = Authority::from_pem([texts.as_slice()]);
    authority.map(Some).map_err(|source| Failure::Authority {
        path: path.clone(),
        source,
    })
}

/// What is known of the timestamps of one trail.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    authority: Option<&'a Authority>,
    seals: Seals,
    count: u64,
    first: Option<(Stamp, Seal)>,
    last: Option<(Stamp, Seal)>,
    wrong: Option<String>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(authority: Option<&'a Authority>) -> Self {
        Self {
            authority,
            seals: Seals::default(),
            count: 0,
            first: None,
            last: None,
            wrong: None,
        }
    }

    pub(super) fn item(&mut self, item: &Item) {
        let Some(stamped) = self.seals.read(item) else {
            return;
        };
        self.count += 1;
        let Some(authority) = self.authority else { return };
        let judged = match stamped.seal {
            None => Err("it is about no seal before it".to_owned()),
            Some(seal) => judge(stamped.token, stamped.about, authority)
                .map(|stamp| (stamp, seal))
                .map_err(|error| error.to_string()),
        };
        match judged {
            Ok(good) => {
                self.first.get_or_insert_with(|| good.clone());
                self.last = Some(good);
            }
            Err(why) => {
                let number = self.count;
                self.wrong
                    .get_or_insert_with(|| format!("timestamp {number} does not count: {why}"));
            }
        }
    }

    /// The first thing that is wrong with one.
    pub(super) fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    /// What is to be said beside the verdict about the trail.
    pub(super) fn said(&self, file: &Path) -> Option<String> {
        let (name, count) = (file.display(), self.count);
        let plural = if count == 1 { "timestamp" } else { "timestamps" };
        match (self.authority, &self.first, &self.last) {
            (None, ..) => {
                (count > 0).then(|| format!("{name}: {count} {plural}, not judged (--timestamp-ca)"))
            }
            (Some(_), Some((first, _)), Some((last, seal))) => Some(format!(
                "{name}: {count} {plural} of {}, {} to {}; what was sealed until {} was there at {}",
                last.authority,
                time(first.time),
                time(last.time),
                time(seal.time),
                exact(last),
            )),
            (Some(_), ..) => (count == 0).then(|| format!("{name}: no timestamps")),
        }
    }
}

/// A time as exact as its authority says.
fn exact(stamp: &Stamp) -> String {
    match stamp.accuracy {
        Some(milliseconds @ 1..) => format!(
            "{}, give or take {}.{:03} s",
            time(stamp.time),
            milliseconds / 1000,
            milliseconds % 1000
        ),
        _ => time(stamp.time),
    }
}
