//! The projection as a file on the node's own `state`.
//!
//! It is replaced as a whole: after a power cut the one before or the new one is there. One that is damaged, or of another firmware, is as
//! good as none: the next start with `data` writes it anew.

use serde::{Deserialize, Serialize};
use sps_durable::{Document, LoadError, Medium, SaveError, load, save};
use thiserror::Error;

use super::NodeProjection;
use crate::cluster::LAYOUT;
use crate::export::MOST_BYTES;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    projection: NodeProjection,
}

impl Document for Kept {
    const NAME: &'static str = "cluster-projection.json";
    /// A part of the cluster document has the form of its layout.
    const FORMAT: u32 = LAYOUT;
    const MOST: usize = MOST_BYTES;

    fn format(&self) -> u32 {
        self.format
    }
}

/// Why there is no projection to be had.
#[derive(Debug, Error)]
pub enum KeptError {
    /// It cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its digest does not fit.
    #[error("{} is damaged: its digest does not fit", Kept::NAME)]
    Digest,
}

impl NodeProjection {
    /// Keeps it instead of the one before.
    ///
    /// # Errors
    /// A step on disk failed; the one before is still there.
    pub fn keep(&self, medium: &mut dyn Medium) -> Result<(), SaveError> {
        let kept = Kept {
            format: Kept::FORMAT,
            projection: self.clone(),
        };
        save(medium, &kept)
    }

    /// The one that is kept; none when there is none.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or of another firmware.
    pub fn kept(medium: &dyn Medium) -> Result<Option<Self>, KeptError> {
        let Some(kept) = load::<Kept>(medium)? else {
            return Ok(None);
        };
        if kept.projection.is_whole() {
            Ok(Some(kept.projection))
        } else {
            Err(KeptError::Digest)
        }
    }
}

#[cfg(test)]
mod tests {
    use sps_durable::simulation::{CrashDisk, Unsynced};

    use super::*;
    use crate::projection::project;
    use crate::testing::{named, rich};

    fn on(disk: &CrashDisk, projection: &NodeProjection) -> bool {
        projection.keep(&mut disk.clone()).is_ok()
    }

    #[test]
    fn a_power_cut_at_any_step_leaves_the_one_before_or_the_new_one() {
        let (old, new) = (project(&named("one"), 1).unwrap(), project(&rich(4), 2).unwrap());
        let mut tried = 0;
        for before in [None, Some(&old)] {
            let first = CrashDisk::default();
            assert!(before.is_none_or(|before| on(&first, before)));
            let undisturbed = first.copy();
            assert!(on(&undisturbed, &new));
            for cut in 0..=undisturbed.steps() {
                let disk = first.copy();
                disk.fail_after(cut);
                let acknowledged = on(&disk, &new);
                for names in 0..disk.journal_length().max(1) {
                    for unsynced in [Unsynced::Lost, Unsynced::Half, Unsynced::Kept] {
                        let left = disk.after_cut(names, unsynced);
                        let found = NodeProjection::kept(&left).unwrap();
                        let is_new = found.as_ref() == Some(&new);
                        assert!(is_new || !acknowledged && found.as_ref() == before, "cut {cut}");
                        tried += 1;
                    }
                }
            }
        }
        assert!(tried > 30, "only {tried} disks were tried");
    }

    #[test]
    fn what_is_damaged_or_of_another_firmware_is_told_and_not_used() {
        let mut disk = CrashDisk::default();
        assert!(NodeProjection::kept(&disk).unwrap().is_none());
        let projection = project(&rich(4), 2).unwrap();
        projection.keep(&mut disk).unwrap();
        let good = disk.read(Kept::NAME, MOST_BYTES).unwrap().unwrap();
        let good = String::from_utf8(good).unwrap();
        let zone = format!("\"time_zone\":\"{}\"", projection.time_zone);
        for (from, to) in [
            (zone.as_str(), "\"time_zone\":\"Etc/Nowhere\""),
            ("\"format\":5", "\"format\":6"),
            ("{", ""),
        ] {
            assert!(good.contains(from), "{from}");
            disk.write(Kept::NAME, good.replacen(from, to, 1).as_bytes())
                .unwrap();
            let error = NodeProjection::kept(&disk).unwrap_err();
            assert!(error.to_string().contains(Kept::NAME), "{error}");
        }
    }
}
