//! Sessions whose content is as asked, and the moments in one of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sps_index_engine::{Moment, Query as Asked, Source};
use tantivy::columnar::Column;
use tantivy::index::SegmentId;
use tantivy::query::{BooleanQuery, EnableScoring, Occur, Query, TermQuery};
use tantivy::schema::{IndexRecordOption, Value as _};
use tantivy::{DocSet as _, Searcher, SegmentReader, TERMINATED, TantivyDocument, TantivyError, Term};

use crate::schema::{self, Fields, NUMBER};
use crate::sets::{both, less, sorted};

/// Documents between two looks at the clock.
const LOOK_EVERY: usize = 4096;

/// Sessions whose content is as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matches {
    /// Their numbers, rising, each once.
    pub numbers: Arc<[i64]>,
    /// Time was over before all were found.
    pub cut: bool,
}

/// A moment that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The moment.
    pub moment: Moment,
}

/// Numbers of the sessions of documents, by segment: segments never change. 8 bytes a document at the most.
#[derive(Default)]
pub(crate) struct Numbers(Mutex<HashMap<SegmentId, Column<i64>>>);

impl Numbers {
    fn of(&self, segment: &SegmentReader) -> Result<Column<i64>, TantivyError> {
        let id = segment.segment_id();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(column) = known.get(&id) {
            return Ok(column.clone());
        }
        let column = segment.fast_fields().i64(NUMBER)?;
        known.insert(id, column.clone());
        Ok(column)
    }

    /// Forgets segments that are no more.
    pub(crate) fn keep(&self, searcher: &Searcher) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = |id: &SegmentId| {
            let mut segments = searcher.segment_readers().iter();
            segments.any(|segment| segment.segment_id() == *id)
        };
        known.retain(|id, _| there(id));
    }
}

/// One search.
pub(crate) struct Search<'a> {
    pub(crate) searcher: &'a Searcher,
    pub(crate) fields: Fields,
    pub(crate) numbers: &'a Numbers,
    pub(crate) deadline: Instant,
    pub(crate) cut: bool,
}

impl Search<'_> {
    /// The sessions, as a sorted list.
    pub(crate) fn sessions(&mut self, asked: &Asked) -> Result<Vec<i64>, TantivyError> {
        match asked {
            Asked::Leaf(leaf) => self.walk(&*schema::query(self.fields, leaf)),
            Asked::Or(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.sessions(part)?);
                }
                Ok(sorted(all))
            }
            Asked::And(parts) => {
                let is_wanted = |part: &&Asked| !matches!(part, Asked::Not(_));
                let mut found: Option<Vec<i64>> = None;
                for part in parts.iter().filter(is_wanted) {
                    let next = self.sessions(part)?;
                    found = Some(found.map_or(next.clone(), |found| both(&found, &next)));
                    if found.as_ref().is_some_and(Vec::is_empty) {
                        break;
                    }
                }
                let mut found = found.unwrap_or_default();
                for part in parts {
                    if let (Asked::Not(part), false) = (part, found.is_empty()) {
                        found = less(&found, &self.sessions(part)?);
                    }
                }
                Ok(found)
            }
            // Never read alone: `Query::parse` refuses it.
            Asked::Not(_) => Ok(Vec::new()),
        }
    }

    fn walk(&mut self, query: &dyn Query) -> Result<Vec<i64>, TantivyError> {
        let weight = query.weight(EnableScoring::disabled_from_searcher(self.searcher))?;
        let mut found = Vec::new();
        for segment in self.searcher.segment_readers() {
            let column = self.numbers.of(segment)?;
            let alive = segment.alive_bitset();
            let mut documents = weight.scorer(segment, 1.0)?;
            let mut looked = 0;
            while documents.doc() != TERMINATED {
                let document = documents.doc();
                if alive.is_none_or(|alive| alive.is_alive(document))
                    && let Some(number) = column.first(document)
                    && found.last() != Some(&number)
                {
                    found.push(number);
                }
                looked += 1;
                if looked % LOOK_EVERY == 0 && Instant::now() > self.deadline {
                    self.cut = true;
                    return Ok(sorted(found));
                }
                documents.advance();
            }
        }
        Ok(sorted(found))
    }

    /// The first `most` moments of a session that show any of what is wanted.
    pub(crate) fn moments(
        &self,
        asked: &Asked,
        session: &str,
        most: usize,
    ) -> Result<Vec<Hit>, TantivyError> {
        let wanted = asked
            .wanted()
            .into_iter()
            .map(|leaf| (Occur::Should, schema::query(self.fields, leaf)))
            .collect();
        let session = Term::from_field_text(self.fields.session, session);
        let session = TermQuery::new(session, IndexRecordOption::Basic);
        let query = BooleanQuery::new(vec![
            (Occur::Must, Box::new(session) as Box<dyn Query>),
            (Occur::Must, Box::new(BooleanQuery::new(wanted))),
        ]);
        let weight = query.weight(EnableScoring::disabled_from_searcher(self.searcher))?;
        let mut hits = Vec::new();
        for segment in self.searcher.segment_readers() {
            let alive = segment.alive_bitset();
            let mut documents = weight.scorer(segment, 1.0)?;
            let store = segment.get_store_reader(1)?;
            let mut taken = 0;
            while documents.doc() != TERMINATED && taken < most {
                let document = documents.doc();
                if alive.is_none_or(|alive| alive.is_alive(document)) {
                    hits.extend(self.hit(&store.get::<TantivyDocument>(document)?));
                    taken += 1;
                }
                documents.advance();
            }
        }
        hits.sort_by_key(|hit| hit.moment.at);
        hits.truncate(most);
        Ok(hits)
    }

    fn hit(&self, document: &TantivyDocument) -> Option<Hit> {
        let number = |field| document.get_first(field)?.as_u64();
        let moment = Moment {
            at: number(self.fields.at)?,
            channel: u32::try_from(number(self.fields.channel)?).ok()?,
            source: Source::of(u8::try_from(number(self.fields.source)?).ok()?)?,
            text: document.get_first(self.fields.text)?.as_str()?.to_owned(),
        };
        Some(Hit { moment })
    }
}
