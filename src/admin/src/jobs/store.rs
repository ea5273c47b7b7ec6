//! Jobs on disk: one file, replaced as a whole.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sps_durable::{Document, Folder, Medium, SaveError, load, save};
use tracing::warn;

use super::Job;

/// The jobs that are remembered, with the longest words there are.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    /// Oldest first.
    jobs: Vec<Job>,
}

impl Document for Kept {
    const NAME: &'static str = "jobs.json";
    const FORMAT: u32 = 1;
    const MOST: usize = 512 * 1024;

    fn format(&self) -> u32 {
        self.format
    }
}

/// Where jobs are kept.
#[derive(Debug)]
pub struct JobStore {
    medium: Box<dyn Medium>,
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
        match load::<Kept>(self.medium.as_ref()) {
            Ok(kept) => kept.map(|kept| kept.jobs).unwrap_or_default(),
            Err(reason) => {
                warn!("the jobs of earlier starts are lost: {reason}");
                Vec::new()
            }
        }
    }

    /// Keeps the jobs as they are, oldest first.
    ///
    /// # Errors
    /// A step on disk failed.
    pub fn save(&mut self, jobs: Vec<Job>) -> Result<(), SaveError> {
        let format = Kept::FORMAT;
        save(self.medium.as_mut(), &Kept { format, jobs })
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
        let file = folder.path().join(Kept::NAME);
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
