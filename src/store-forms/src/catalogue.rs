//! The sessions of layouts 1 to 4.

use sps_datastore::{Catalogue, ContentError};
use sps_metadb::{Metadb, Position};
use sps_session_record::SessionRecord;

/// A database of metadata.
pub(crate) struct Metadata(pub(crate) Metadb);

impl Catalogue for Metadata {
    fn has(&self, id: &str) -> Result<bool, ContentError> {
        Ok(self.0.has(id)?)
    }

    fn insert(&mut self, record: &SessionRecord) -> Result<(), ContentError> {
        Ok(self.0.insert([record])?)
    }

    fn newest(&self, limit: usize) -> Result<Vec<SessionRecord>, ContentError> {
        let rows = self.0.older_than(Position::NEWEST, limit)?;
        Ok(rows.into_iter().filter_map(|row| row.session.ok()).collect())
    }

    fn count(&self) -> Result<u64, ContentError> {
        Ok(self.0.count()?)
    }
}
