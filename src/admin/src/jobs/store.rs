//! Jobs on disk: one file, replaced as a whole.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sps_durable::{Folder, Medium, ReplaceError, replace};
use thiserror::Error;
use tracing::warn;

use super::Job;

const NAME: &str = "jobs.json";
const FORMAT: u32 = 1;
/// Largest file that is read: the jobs that are remembered, with the longest words there are.
const MOST_BYTES: usize = 512 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    /// Oldest first.
    jobs: Vec<Job>,
}

/// Where jobs are kept.
#[derive(Debug)]
pub struct JobStore {
    medium: Box<dyn Medium>,
}

/// Why they could not be kept.
#[derive(Debug, Error)]
pub enum JobStoreError {
    /// Writing them out.
    #[error("could not write the jobs out")]
    Encode(#[source] serde_json::Error),
    /// A step on disk.
    #[error("could not keep the jobs")]
    Replace(#[source] ReplaceError),
}

impl JobStore {
    /// In `folder`, which need not exist.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self::on(Box::new(Folder::new(folder)))
    }

    fn on(medium: Box<dyn Medium>) -> Self {
        Self { medium }
    }

    /// The jobs that were kept, oldest first. None when there is no file or it is damaged: nothing depends on them.
    #[must_use]
    pub fn load(&self) -> Vec<Job> {
        let read = || {
            let bytes = self
                .medium
                .read(NAME, MOST_BYTES)
                .map_err(|error| error.to_string())?;
            let Some(bytes) = bytes else {
                return Ok(Vec::new());
            };
            match serde_json::from_slice(&bytes) {
                Ok(Document { format: FORMAT, jobs }) => Ok(jobs),
                Ok(_) => Err(format!("{NAME} is of another firmware")),
                Err(error) => Err(format!("{NAME} is damaged (line {})", error.line())),
            }
        };
        read().unwrap_or_else(|reason| {
            warn!("the jobs of earlier starts are lost: {reason}");
            Vec::new()
        })
    }

    /// Keeps the jobs as they are, oldest first.
    ///
    /// # Errors
    /// A step on disk failed.
    pub fn save(&mut self, jobs: Vec<Job>) -> Result<(), JobStoreError> {
        let document = Document { format: FORMAT, jobs };
        let bytes = serde_json::to_vec(&document).map_err(JobStoreError::Encode)?;
        replace(self.medium.as_mut(), NAME, &bytes).map_err(JobStoreError::Replace)
    }
}

#[cfg(test)]
mod tests {
    use sps_durable::simulation::{CrashDisk, Unsynced};

    use super::*;
    use crate::jobs::Jobs;
    use crate::operations::Call;
    use crate::origin::Origin;
    use crate::request::Request;

    fn jobs(count: u64) -> Vec<Job> {
        let jobs = Jobs::default();
        for _ in 0..count {
            let _entered = jobs.enter(&Call {
                origin: Origin::Socket { uid: 0, pid: None },
                message: String::new(),
                request: Request::FirmwareCommit,
            });
        }
        jobs.list().into_iter().rev().collect()
    }

    #[test]
    fn damage_loses_the_jobs_and_harms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        let mut store = JobStore::new(folder.path());
        assert_eq!(store.load(), []);
        store.save(jobs(2)).unwrap();
        assert_eq!(store.load(), jobs(2));
        let good = std::fs::read(&file).unwrap();
        for cut in 0..good.len() {
            std::fs::write(&file, &good[..cut]).unwrap();
            assert_eq!(store.load(), [], "{cut}");
        }
    }

    #[test]
    fn a_power_cut_at_any_step_leaves_the_old_or_the_new_jobs() {
        let (old, new) = (jobs(1), jobs(3));
        let disk = CrashDisk::default();
        JobStore::on(Box::new(disk.clone())).save(old.clone()).unwrap();
        let mut cuts = 0;
        for steps in 0.. {
            let disk = disk.copy();
            disk.fail_after(steps);
            let ended = JobStore::on(Box::new(disk.clone())).save(new.clone());
            for names in 0..=disk.journal_length() {
                for unsynced in [Unsynced::Kept, Unsynced::Half, Unsynced::Lost] {
                    let found = JobStore::on(Box::new(disk.after_cut(names, unsynced))).load();
                    assert!(
                        found == old || found == new,
                        "{steps} {names} {unsynced:?}: {found:?}"
                    );
                    cuts += 1;
                }
            }
            if ended.is_ok() {
                assert_eq!(JobStore::on(Box::new(disk)).load(), new);
                break;
            }
        }
        assert!(cuts > 20, "{cuts}");
    }
}
