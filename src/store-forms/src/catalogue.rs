//! The sessions of a tree, whatever its layout.

use std::sync::Arc;
use std::time::Duration;

use sps_datastore::{Catalogue, ContentError};
use sps_metadb::{Metadb, Position};
use sps_session_record::SessionRecord;
use sps_sessions::{Batch, Count, Filter, MAX_PAGE, Search, Sessions, Sort};

use crate::import::incomplete;

/// How long a search for people may take.
const SEARCH: Duration = Duration::from_secs(10);
/// The name under which single sessions are taken over.
const CARRIER: &str = "carry";

/// The sessions of layouts 1 to 4.
pub(crate) struct Metadata(pub(crate) Metadb);

impl Catalogue for Metadata {
    fn has(&self, id: &str) -> Result<bool, ContentError> {
        Ok(self.0.has(id)?)
    }

    fn get(&self, id: &str) -> Result<Option<SessionRecord>, ContentError> {
        Ok(self.0.get(id)?)
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

/// The sessions of layout 5: the session database, and behind it what is not imported yet.
pub(crate) struct Recorded {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) source: Option<Metadb>,
}

impl Recorded {
    /// Where what is not imported begins; nothing when all is.
    fn rest(&self) -> Result<Option<(&Metadb, Position)>, ContentError> {
        let Some(source) = &self.source else {
            return Ok(None);
        };
        Ok(incomplete(&self.sessions)?.map(|position| (source, position)))
    }
}

impl Catalogue for Recorded {
    fn has(&self, id: &str) -> Result<bool, ContentError> {
        if self.sessions.get(id)?.is_some() {
            return Ok(true);
        }
        Ok(self
            .rest()?
            .map(|(source, _)| source.has(id))
            .transpose()?
            .unwrap_or(false))
    }

    fn get(&self, id: &str) -> Result<Option<SessionRecord>, ContentError> {
        if let Some(record) = self.sessions.get(id)? {
            return Ok(Some(record));
        }
        match self.rest()? {
            Some((source, _)) => Ok(source.get(id)?),
            None => Ok(None),
        }
    }

    fn insert(&mut self, record: &SessionRecord) -> Result<(), ContentError> {
        let page = self.sessions.page(&search(1))?;
        let batch = Batch {
            records: vec![record.clone()],
            importer: CARRIER.into(),
            cursor: Vec::new(),
            incomplete_until: page.incomplete_until,
        };
        match self.sessions.import(batch)?.refused.first() {
            Some(refused) => Err(format!("{}: {}", refused.id, refused.why).into()),
            None => Ok(()),
        }
    }

    fn newest(&self, limit: usize) -> Result<Vec<SessionRecord>, ContentError> {
        let page = self.sessions.page(&search(limit.clamp(1, MAX_PAGE)))?;
        let mut found = Vec::new();
        for summary in &page.sessions {
            found.extend(self.sessions.get(&summary.id)?);
        }
        if let Some((source, position)) = self.rest()? {
            let rows = source.older_than(position, limit)?;
            found.extend(rows.into_iter().filter_map(|row| row.session.ok()));
        }
        found.sort_by_key(|record| std::cmp::Reverse(record.start));
        found.truncate(limit);
        Ok(found)
    }

    fn count(&self) -> Result<u64, ContentError> {
        let own = match self.sessions.count(&Filter::default(), SEARCH)? {
            Count::Exactly(count) | Count::MoreThan(count) | Count::AtLeast(count) => count,
        };
        let rest = self
            .rest()?
            .map(|(source, position)| source.count_older_than(position));
        Ok(own + rest.transpose()?.unwrap_or(0))
    }
}

fn search(limit: usize) -> Search {
    Search {
        filter: Filter::default(),
        sort: Sort::default(),
        limit,
        cursor: None,
        time_limit: SEARCH,
    }
}
