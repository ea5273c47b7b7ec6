//! Every form there ever was.

use std::path::Path;

use sps_config_migration::migrate;
use sps_datastore::{Catalogue, Content, ContentError, Migrated};
use sps_metadb::{Form, Metadb, split};

use crate::catalogue::Metadata;

/// The forms of every layout there ever was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forms;

/// The last layout with one file of metadata.
const LAST_SINGLE: u32 = 1;
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
        if from <= LAST_SINGLE
            && (LAST_SINGLE + 1..=LAST_METADB).contains(&to)
            && Metadb::form_in(folder).is_some()
        {
            let sessions = split(folder)?;
            return Ok(vec![format!(
                "the metadata of {sessions} sessions was split into three files"
            )]);
        }
        Ok(Vec::new())
    }

    fn catalogue(&self, folder: &Path, layout: u32) -> Result<Box<dyn Catalogue>, ContentError> {
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
