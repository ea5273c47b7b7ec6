//! Every form there ever was.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sps_config_migration::migrate;
use sps_datastore::{Catalogue, Content, ContentError, Migrated};
use sps_metadb::{Form, Metadb, split};
use sps_sessions::Sessions;

use crate::catalogue::{Metadata, Recorded};
use crate::import::begin;

/// The forms of every layout there ever was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forms;

/// The last layout with one file of metadata.
const LAST_SINGLE: u32 = 1;
/// The session database of layout 5.
pub(crate) const SESSIONS: &str = "sessions.db";
/// Longest wait for a new database to be closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(30);
/// The last layout that works on metadata.
const LAST_METADB: u32 = 4;

impl Content for Forms {
    fn migrate(&self, document: &[u8], from: u32, to: u32) -> Result<Migrated, ContentError> {
        let document = serde_json::from_slice(document)?;
        let migrated = migrate(&document, from, to)?;
        Ok(Migrated {
            document: serde_json::to_vec_pretty(&migrated.document)?,
            notes: migrated
                .notes
                .iter()
                .map(|note| format!("{}: {}", note.setting, note.what))
                .collect(),
        })
    }

    fn adapt(&self, folder: &Path, from: u32, to: u32) -> Result<Vec<String>, ContentError> {
        if Metadb::form_in(folder).is_none() {
            return Ok(Vec::new());
        }
        if to > LAST_METADB {
            let sessions = Sessions::open(&folder.join(SESSIONS))?;
            begin(&sessions)?;
            sessions.close(CLOSED_WITHIN)?;
            return Ok(vec![
                "metadata is searched where it is until the session database holds it".into(),
            ]);
        }
        if from <= LAST_SINGLE && to > LAST_SINGLE {
            let sessions = split(folder)?;
            return Ok(vec![format!(
                "the metadata of {sessions} sessions was split into three files"
            )]);
        }
        Ok(Vec::new())
    }

    fn catalogue(&self, folder: &Path, layout: u32) -> Result<Box<dyn Catalogue>, ContentError> {
        if layout > LAST_METADB {
            let sessions = Arc::new(Sessions::open(&folder.join(SESSIONS))?);
            return recorded(folder, sessions);
        }
        let form = if layout <= LAST_SINGLE {
            Form::Single
        } else {
            Form::Split
        };
        let database = match Metadb::form_in(folder) {
            Some(_) => Metadb::open(folder)?,
            None => Metadb::create(folder, form)?,
        };
        Ok(Box::new(Metadata(database)))
    }
}

/// The forms of every layout, for a tree whose session database is open already.
#[derive(Clone, Debug)]
pub struct Live(pub Arc<Sessions>);

impl Content for Live {
    fn migrate(&self, document: &[u8], from: u32, to: u32) -> Result<Migrated, ContentError> {
        Forms.migrate(document, from, to)
    }

    fn adapt(&self, folder: &Path, from: u32, to: u32) -> Result<Vec<String>, ContentError> {
        Forms.adapt(folder, from, to)
    }

    fn catalogue(&self, folder: &Path, _layout: u32) -> Result<Box<dyn Catalogue>, ContentError> {
        recorded(folder, self.0.clone())
    }
}

impl Forms {
    /// Everything recorded: in the session database that is open, and in what is still to be imported beside it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn recorded(folder: &Path, sessions: Arc<Sessions>) -> Result<Box<dyn Catalogue>, ContentError> {
        recorded(folder, sessions)
    }
}

fn recorded(folder: &Path, sessions: Arc<Sessions>) -> Result<Box<dyn Catalogue>, ContentError> {
    let source = match Metadb::form_in(folder) {
        Some(_) => Some(Metadb::open(folder)?),
        None => None,
    };
    Ok(Box::new(Recorded { sessions, source }))
}
