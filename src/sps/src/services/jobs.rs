//! Jobs over restarts: taken up from `state`, and kept there whenever one begins or ends.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sps_admin::{Arrival, Job, JobStore, Jobs};
use sps_durable::SaveError;
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::task::spawn_blocking;
use tracing::warn;

use super::supervise::spec;
use crate::boot::Boot;
use crate::node::STATE_FOLDER;

/// The jobs of this appliance, and what this start came to for them.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) jobs: Jobs,
    pub(super) arrival: Arrival,
    store: Option<Arc<Mutex<JobStore>>>,
}

impl Kept {
    /// Takes up the jobs of earlier starts, where there is a disk and no rescue. Blocking.
    pub(super) fn open(boot: &Boot) -> Self {
        let jobs = Jobs::default();
        let running = boot.firmware.as_ref().and_then(|firmware| firmware.running());
        let arrival = running.map_or_else(Arrival::default, |build| Arrival {
            digest: build.digest.to_string(),
            version: build.version.to_string(),
            reason: boot.rolled_back.clone(),
        });
        let keeps = boot.state.is_some() && boot.rescue.is_none();
        let store = keeps.then(|| JobStore::new(&folder()));
        if let Some(store) = &store {
            jobs.restore(store.load(), &arrival);
        }
        Self {
            jobs,
            arrival,
            store: store.map(|store| Arc::new(Mutex::new(store))),
        }
    }

    /// Keeps the jobs; nothing where they are not kept.
    pub(super) fn service(&self) -> Option<Service> {
        let (jobs, store) = (self.jobs.clone(), self.store.clone()?);
        Some(Service::new(spec("jobs"), move |context| {
            keep(jobs.clone(), store.clone(), context)
        }))
    }
}

fn folder() -> PathBuf {
    Path::new(STATE_FOLDER).join("jobs")
}

async fn keep(jobs: Jobs, store: Arc<Mutex<JobStore>>, context: ServiceContext) -> Result<(), ServiceError> {
    let mut changes = jobs.follow();
    let mut saved = Vec::new();
    context.ready();
    loop {
        changes.borrow_and_update();
        let now = lasting(&jobs);
        if now != saved {
            match save(store.clone(), now.clone()).await? {
                Ok(()) => saved = now,
                // Tried again with the next change: a full or failing disk is told by others.
                Err(error) => warn!("{}", sps_bootlog::causes(&error)),
            }
        }
        tokio::select! {
            // A job may have begun together with the order to stop: the reboot itself.
            () = context.shutdown.cancelled() => {
                let last = lasting(&jobs);
                if last != saved {
                    save(store, last).await??;
                }
                return Ok(());
            }
            changed = changes.changed() => changed?,
        }
    }
}

/// The jobs, oldest first, without what changes by the second.
fn lasting(jobs: &Jobs) -> Vec<Job> {
    let mut all = jobs.list();
    all.reverse();
    for job in &mut all {
        job.progress = None;
    }
    all
}

async fn save(store: Arc<Mutex<JobStore>>, jobs: Vec<Job>) -> Result<Result<(), SaveError>, ServiceError> {
    let saved = spawn_blocking(move || store.lock().unwrap_or_else(PoisonError::into_inner).save(jobs));
    Ok(saved.await?)
}
