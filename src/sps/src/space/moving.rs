//! Archive and clean-up policies, and the end of sessions' time.

use std::sync::Arc;

use sps_archive::{Archived, Run, archive};
use sps_archive_engine::ended_before;
use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::ArchivePolicy;
use sps_sessions::{Doomed, Expiry, Sessions};

use super::error::SpaceError;
use super::keeper::{OfStore, forget};
use super::room::Spare;
use super::target::reach;
use crate::services::Opened;

/// Whether to go on, told what is done.
pub(super) type GoOn<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

impl Spare {
    /// Runs an archive or clean-up policy; what it did, for people.
    pub(super) fn move_trails(
        &self,
        (name, policy): (&str, &ArchivePolicy),
        document: &Cluster,
        now: u64,
        go_on: GoOn<'_>,
    ) -> Result<String, SpaceError> {
        let (opened, sessions) = self.sessions()?;
        if policy.target.is_none() && !self.clock_is_believed() {
            return Err(SpaceError::Clock);
        }
        let target = policy.target.as_ref();
        let reached = target
            .map(|target| reach(&self.places, document, target))
            .transpose()?;
        let run = Run {
            policy: name,
            shelf: reached.as_ref().map(|reached| &reached.shelf),
            appliance: &self.appliance(),
            now,
        };
        let mut keeper = OfStore {
            opened,
            sessions,
            before: ended_before(now, policy.after_days),
        };
        let done = archive(&run, &mut keeper, &mut |done: &Archived| {
            go_on(done.trails, done.bytes)
        })?;
        Ok(told(&done, policy.target.is_some()))
    }

    /// Takes out sessions whose time is over, with their trails; what it did, for people.
    pub(super) fn expire(&self, document: &Cluster, now: u64, go_on: GoOn<'_>) -> Result<String, SpaceError> {
        let (opened, sessions) = self.sessions()?;
        let mut trails = remove_doomed(&opened, &sessions)?;
        let Some(days) = document.management.session_database.keep_metadata_days else {
            return Ok("sessions are kept for ever".into());
        };
        if !self.clock_is_believed() {
            return Err(SpaceError::Clock);
        }
        let mut expiry = Expiry {
            before: ended_before(now, days),
            // What is to be archived is not deleted before.
            archived_only: document
                .policies
                .archive
                .values()
                .any(|policy| policy.target.is_some()),
            from: None,
        };
        let mut gone = 0;
        loop {
            let step = sessions.expire(expiry)?;
            gone += step.sessions as u64;
            trails += remove_doomed(&opened, &sessions)?;
            expiry.from = step.next;
            if step.next.is_none() || !go_on(gone, 0) {
                break;
            }
        }
        Ok(format!(
            "{gone} sessions older than {days} days deleted, {trails} audit trails with them"
        ))
    }
}

/// Removes trails whose sessions are gone.
fn remove_doomed(opened: &Arc<Opened>, sessions: &Sessions) -> Result<u64, SpaceError> {
    let mut removed = 0;
    loop {
        let doomed = sessions.trails_to_remove()?;
        if doomed.is_empty() {
            return Ok(removed);
        }
        removed += doomed.len() as u64;
        // As long as that cannot be done, their trails are remembered as what is to be removed.
        forget(opened, doomed.iter().map(|doomed| doomed.id.as_str()))?;
        for Doomed { trail, id } in &doomed {
            opened.store.remove_trail(opened.tree, id, trail)?;
            opened.store.forget_carried(id)?;
        }
        let names = doomed.into_iter().map(|doomed| doomed.trail).collect();
        sessions.trails_removed(names)?;
    }
}

fn told(done: &Archived, archived: bool) -> String {
    let what = if archived { "archived" } else { "deleted" };
    let mut text = format!("{} audit trails {what}, {} bytes", done.trails, done.bytes);
    if done.finished > 0 {
        text += &format!("; {} of an earlier run removed here", done.finished);
    }
    if done.skipped > 0 {
        text += &format!("; {} passed over", done.skipped);
        for skipped in &done.told {
            text += &format!("; {}: {}", skipped.id, skipped.why);
        }
    }
    if done.stopped {
        text += "; it was stopped, the next run goes on";
    }
    text
}
