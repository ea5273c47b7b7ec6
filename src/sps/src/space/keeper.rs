//! The trails of this appliance, as archiving asks for them.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use sps_archive::{Keeper, KeeperError, Note, Trail, Trails};
use sps_datastore_engine::Kind;
use sps_session_record::Indexing;
use sps_sessions::{Archived, Change, Sessions};
use tracing::warn;

use super::error::SpaceError;
use crate::services::Opened;

/// Trails of sessions that ended before a moment.
pub(super) struct OfStore {
    pub(super) opened: Arc<Opened>,
    pub(super) sessions: Arc<Sessions>,
    /// Milliseconds since 1970.
    pub(super) before: i64,
}

impl OfStore {
    /// What was shown in sessions whose trails were deleted, and not archived, is found no more.
    fn forget_content(&self, ids: &[String]) -> Result<(), KeeperError> {
        let mut deleted = Vec::new();
        for id in ids {
            let archived = self.sessions.archived(id)?;
            if archived.is_some_and(|archived| archived.target.is_none()) {
                deleted.push(id);
            }
        }
        if deleted.is_empty() {
            return Ok(());
        }
        forget(&self.opened, deleted.iter().map(|id| id.as_str()))?;
        for id in deleted {
            self.sessions.update(id, Change::Indexing(Indexing::default()))?;
        }
        Ok(())
    }
}

/// What these sessions showed is found no more, nor in the files of the index once those are merged.
pub(super) fn forget<'a>(opened: &Opened, ids: impl Iterator<Item = &'a str>) -> Result<(), SpaceError> {
    let index = opened.content().ok_or(SpaceError::NoIndex)?;
    for id in ids {
        index.remove(id);
    }
    Ok(index.commit()?)
}

impl Keeper for OfStore {
    fn due(&mut self, from: Option<i64>) -> Result<Trails, KeeperError> {
        let step = self.sessions.due(self.before, from)?;
        let trail = |due: sps_sessions::Due| Trail {
            id: due.id,
            name: due.trail.name,
            size: due.trail.size,
        };
        Ok(Trails {
            due: step.due.into_iter().map(trail).collect(),
            next: step.next,
        })
    }

    fn open(&mut self, trail: &Trail) -> Result<Option<(File, PathBuf)>, KeeperError> {
        let path = self.opened.place(Kind::Trails).join(&trail.name);
        match File::open(&path) {
            Ok(file) => Ok(Some((file, path))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn record(&mut self, id: &str) -> Result<Vec<u8>, KeeperError> {
        let record = self.sessions.get(id)?;
        let record = record.ok_or("it is not in the session database any more")?;
        Ok(record.to_json()?)
    }

    fn note(&mut self, note: Note) -> Result<(), KeeperError> {
        let noted = self.sessions.archive(Archived {
            id: note.id,
            policy: note.policy,
            target: note.target,
            object: note.object,
            at: note.at,
            sha256: note.sha256,
        })?;
        if noted {
            Ok(())
        } else {
            Err("the session is not in the session database any more".into())
        }
    }

    fn remove(&mut self, id: &str, name: &str) -> Result<(), KeeperError> {
        let removed = self.opened.store.remove_trail(self.opened.tree, id, name)?;
        if removed.left > 0 {
            warn!(
                "the audit trail of session {id} has {} more names on the data store: its room is free when they are gone",
                removed.left
            );
        }
        Ok(())
    }

    fn still_here(&mut self) -> Result<Vec<(String, String)>, KeeperError> {
        let here = self.sessions.archived_still_here()?;
        Ok(here.into_iter().map(|(id, trail)| (id, trail.name)).collect())
    }

    fn gone(&mut self, ids: Vec<String>) -> Result<(), KeeperError> {
        self.forget_content(&ids)?;
        Ok(self.sessions.archived_gone(ids)?)
    }
}
