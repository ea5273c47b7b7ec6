//! Recorded sessions: lists, searches, single ones. Blocking throughout.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sps_admin::{
    ContentHit, Context, Failure, MOST_HITS, MOST_SESSIONS, MOST_SKIPPED, Reply, Request, Response,
    SessionLine, SessionPage, SessionSearch, Sessions,
};
use sps_datastore_engine::Kind;
use sps_index::{Hit, Index, Matches};
use sps_index_engine::{Query, VERSION, snippet};
use sps_session_record::{Endpoint, Indexing, SessionRecord, Word};
use sps_sessions::{Count, Filter, MAX_FILTER, Page, Search, SessionsError, Sort, Summary};
use sps_store_forms::{FindError, find as find_page};

use super::appliance::{Appliance, done};
use super::store::opened;
use crate::services::Opened;

/// Longest time a search takes; what was found until then is the answer, and it says so.
const SEARCH: Duration = Duration::from_secs(10);
/// Bytes of a trail that are sent at a time.
const PIECE: usize = 64 * 1024;
/// Places shown of each session of a page.
const FIRST_HITS: usize = 3;
/// Longest time for counting.
const COUNTING: Duration = Duration::from_secs(2);

/// Answers what is asked about them.
pub(super) fn answer(own: &Appliance, request: &Request) -> Reply {
    match request {
        Request::SessionSearch { search } => find(own, search),
        Request::SessionShow { id } => show(own, id),
        Request::SessionContent { id, query, limit } => content(own, id, query, *limit),
        Request::SessionList { limit } => newest(own, *limit),
        _ => Err(Failure::invalid("this is no question about sessions")),
    }
}

/// The newest sessions, imported or not.
fn newest(own: &Appliance, limit: usize) -> Reply {
    let opened = opened(own)?;
    let failed = |error: sps_datastore::ContentError| Failure::failed(sps_bootlog::causes(error.as_ref()));
    let catalogue = opened.catalogue().map_err(failed)?;
    let newest = catalogue.newest(limit.min(MOST_SESSIONS)).map_err(failed)?;
    Ok(Response::Sessions(Sessions {
        total: catalogue.count().map_err(failed)?,
        sessions: newest.iter().map(|record| line(&opened, record)).collect(),
    }))
}

/// One session, imported or not.
fn show(own: &Appliance, id: &str) -> Reply {
    let opened = opened(own)?;
    let failed = |error: sps_datastore::ContentError| Failure::failed(sps_bootlog::causes(error.as_ref()));
    let record = opened.catalogue().and_then(|catalogue| catalogue.get(id));
    match record.map_err(failed)? {
        Some(mut record) => {
            record.indexing.state = state_of(&record.indexing).clone();
            Ok(Response::Session(Box::new(record)))
        }
        None => Err(Failure::invalid(format!(
            "there is no session {id}: it was never recorded here, or its retention is over"
        ))),
    }
}

/// The audit trail of one session, as it is in its file; of one that goes on as far as it was written.
pub(super) fn send_trail(own: &Appliance, id: &str, context: &Context) -> Reply {
    let Response::Session(record) = show(own, id)? else {
        return Err(Failure::failed("the session is no session"));
    };
    let name = record.trail.map(|trail| trail.name);
    let name = name.ok_or_else(|| Failure::invalid(format!("nothing was recorded of the session {id}")))?;
    let path = opened(own)?.place(Kind::Trails).join(name);
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::refused(format!(
            "the audit trail of {id} is not on this appliance: it was archived, or its retention is over"
        )),
        _ => Failure::failed(format!("could not read the audit trail of {id}: {error}")),
    };
    let mut file = File::open(path).map_err(failed)?;
    loop {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).map_err(failed)?;
        if length == 0 {
            return Ok(done(""));
        }
        piece.truncate(length);
        let sent = context.updates.data_blocking(piece);
        sent.map_err(|gone| Failure::failed(gone.to_string()))?;
    }
}

/// What a search finds in the session database.
fn find(own: &Appliance, wanted: &SessionSearch) -> Reply {
    let opened = opened(own)?;
    let sessions = opened.sessions.as_ref().ok_or_else(|| {
        Failure::refused(
            "this firmware works on a layout without a session database: list the newest sessions instead",
        )
    })?;
    let mut filter = filter(wanted)?;
    let sought = match &filter.content {
        Some(content) => Some(Sought::of(&opened, content)?),
        None => None,
    };
    let mut content_cut = false;
    if let Some(sought) = &sought {
        let found = sought.sessions()?;
        (filter.among, content_cut) = (Some(found.numbers), found.cut);
    }
    let failed = |error: SessionsError| match error {
        SessionsError::Filter(error) => Failure::invalid(error.to_string()),
        error => Failure::failed(sps_bootlog::causes(&error)),
    };
    let search = Search {
        filter: filter.clone(),
        sort: sort(wanted)?,
        limit: wanted.limit,
        cursor: wanted.cursor.clone(),
        time_limit: SEARCH,
    };
    let folder = opened.place(Kind::SessionDatabase);
    let page = page(sessions, &folder, search, wanted.skip).map_err(|error| match error {
        FindError::Sessions(error) => failed(error),
        FindError::Metadata(error) => Failure::failed(sps_bootlog::causes(error.as_ref())),
    })?;
    let (matching, more) = match sessions.count(&filter, COUNTING).map_err(failed)? {
        // What is still to be imported is not counted.
        Count::Exactly(count) => (count, sessions.incomplete_until().map_err(failed)?.is_some()),
        Count::MoreThan(count) | Count::AtLeast(count) => (count, true),
    };
    Ok(Response::SessionPage(SessionPage {
        sessions: page
            .sessions
            .iter()
            .map(|found| {
                Ok(SessionLine {
                    hits: first_hits(sought.as_ref(), &found.id)?,
                    ..summary(&opened, found)
                })
            })
            .collect::<Result<_, Failure>>()?,
        next: page.next,
        previous: page.previous,
        cut: page.cut,
        incomplete_until: page.incomplete_until,
        content_incomplete_until: sought
            .and_then(|_| own.indexing_state())
            .and_then(|now| now.again_until),
        content_cut,
        matching,
        more,
    }))
}

/// What is looked for in the content of sessions.
struct Sought {
    index: Arc<Index>,
    query: Query,
}

impl Sought {
    fn of(opened: &Opened, text: &str) -> Result<Self, Failure> {
        let query = Query::parse(text);
        let query = query.map_err(|error| Failure::invalid(format!("the search is refused: {error}")))?;
        let index = opened.content().ok_or_else(|| {
            Failure::refused("content cannot be searched now: the index is not open, the log says why")
        })?;
        Ok(Self { index, query })
    }

    fn sessions(&self) -> Result<Matches, Failure> {
        let found = self.index.sessions(&self.query, SEARCH);
        found.map_err(|error| Failure::failed(sps_bootlog::causes(&error)))
    }

    fn hits(&self, id: &str, most: usize) -> Result<Vec<ContentHit>, Failure> {
        let found = self.index.moments(&self.query, id, most);
        let found = found.map_err(|error| Failure::failed(sps_bootlog::causes(&error)))?;
        let wanted = self.query.wanted();
        let hit = |hit: Hit| {
            let shown = snippet(&hit.moment.text, &wanted);
            ContentHit {
                at: hit.moment.at,
                channel: hit.moment.channel,
                source: hit.moment.source.word().to_owned(),
                text: shown.text,
                marks: shown
                    .marks
                    .into_iter()
                    .map(|mark| (mark.start, mark.end))
                    .collect(),
            }
        };
        Ok(found.into_iter().map(hit).collect())
    }
}

fn first_hits(sought: Option<&Sought>, id: &str) -> Result<Vec<ContentHit>, Failure> {
    sought.map_or(Ok(Vec::new()), |sought| sought.hits(id, FIRST_HITS))
}

/// Places of one session where its content shows what is looked for.
fn content(own: &Appliance, id: &str, query: &str, limit: usize) -> Reply {
    if !(1..=MOST_HITS).contains(&limit) {
        return Err(Failure::invalid(format!(
            "1 to {MOST_HITS} places are given at once"
        )));
    }
    let opened = opened(own)?;
    let sought = Sought::of(&opened, query)?;
    Ok(Response::SessionContent(sought.hits(id, limit)?))
}

/// The page behind `skip` sessions.
fn page(
    sessions: &sps_sessions::Sessions,
    folder: &Path,
    mut search: Search,
    skip: usize,
) -> Result<Page, FindError> {
    let limit = search.limit;
    let mut left = skip;
    while left > 0 {
        search.limit = left.min(MOST_SESSIONS);
        let passed = find_page(sessions, folder, &search)?;
        left = left.saturating_sub(passed.sessions.len().max(1));
        if passed.next.is_none() || passed.cut {
            return Ok(Page {
                sessions: Vec::new(),
                ..passed
            });
        }
        search.cursor = passed.next;
    }
    search.limit = limit;
    find_page(sessions, folder, &search)
}

/// The conditions, as the session database takes them; what it does not take is refused in its words.
fn filter(wanted: &SessionSearch) -> Result<Filter, Failure> {
    let refused = |why: String| Failure::invalid(format!("the search is refused: {why}"));
    if !(1..=MOST_SESSIONS).contains(&wanted.limit) {
        return Err(refused(format!("a page has 1 to {MOST_SESSIONS} sessions")));
    }
    if wanted.skip > MOST_SKIPPED {
        return Err(refused(format!(
            "at most {MOST_SKIPPED} sessions are passed over: go on with the place of the next page"
        )));
    }
    let json = serde_json::to_vec(&wanted.filter).map_err(|error| refused(error.to_string()))?;
    if json.len() > MAX_FILTER {
        return Err(refused("it is too long".into()));
    }
    Filter::from_json(&json).map_err(|error| refused(sps_bootlog::causes(&error)))
}

fn sort(wanted: &SessionSearch) -> Result<Sort, Failure> {
    let by = serde_json::from_value(wanted.sort.word().into());
    Ok(Sort {
        by: by.map_err(|error| Failure::invalid(error.to_string()))?,
        descending: wanted.descending,
    })
}

fn summary(opened: &Opened, found: &Summary) -> SessionLine {
    SessionLine {
        id: found.id.clone(),
        start: seconds(found.start),
        end: found.end.map(seconds),
        connection: found.connection.clone(),
        protocol: found.protocol.to_string(),
        user: found.gateway_user.clone().unwrap_or_default(),
        server_user: found.server_user.clone().unwrap_or_default(),
        client: found.client.address.clone(),
        server: reached(found.target.as_ref(), found.server.as_ref()),
        verdict: found.verdict.to_string(),
        channels: found.channels,
        events: found.events,
        trail: found.trail.as_ref().map(|trail| trail.size),
        indexing: state_of(&found.indexing).to_string(),
        moved: moved(opened, &found.id),
        hits: Vec::new(),
    }
}

fn line(opened: &Opened, record: &SessionRecord) -> SessionLine {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    SessionLine {
        id: record.id.clone(),
        start: seconds(record.start),
        end: record.end.map(seconds),
        connection: record.connection.clone(),
        protocol: record.protocol.to_string(),
        user: record.gateway_user.clone().unwrap_or_default(),
        server_user: record.server_user.clone().unwrap_or_default(),
        client: record.client.address.clone(),
        server: reached(record.target.as_ref(), record.server.as_ref()),
        verdict: record.verdict.to_string(),
        channels: count(record.channels.len()),
        events: count(record.events.len()),
        trail: record.trail.as_ref().map(|trail| trail.size),
        indexing: state_of(&record.indexing).to_string(),
        moved: moved(opened, &record.id),
        hits: Vec::new(),
    }
}

/// How far indexing is, for people: what an earlier indexer read may not be found by its content.
fn state_of(indexing: &Indexing) -> &Word {
    if indexing.state == Word::INDEXED && indexing.version != VERSION {
        &Word::OBSOLETE
    } else {
        &indexing.state
    }
}

/// What became of the trail of a session, in words; empty when it is here, or there is none.
fn moved(opened: &Opened, id: &str) -> String {
    let archived = opened
        .sessions
        .as_ref()
        .and_then(|sessions| sessions.archived(id).ok()?);
    archived.map_or_else(String::new, |archived| {
        let at = sps_admin::text::date(archived.at);
        match archived.target {
            Some(target) => format!("archived at {at} to {target}"),
            None => format!("deleted at {at} by the policy {}", archived.policy),
        }
    })
}

/// Where it went: as it was asked for, else the address.
fn reached(target: Option<&String>, server: Option<&Endpoint>) -> String {
    let address = server.map(|server| server.address.clone());
    target.cloned().or(address).unwrap_or_default()
}

fn seconds(milliseconds: i64) -> u64 {
    u64::try_from(milliseconds / 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_indexer_read_is_obsolete() {
        let state = |state: Word, version| state_of(&Indexing { state, version }).clone();
        assert_eq!(state(Word::INDEXED, VERSION), Word::INDEXED);
        assert_eq!(state(Word::INDEXED, VERSION - 1), Word::OBSOLETE);
        assert_eq!(state(Word::QUEUED, 0), Word::QUEUED);
        assert_eq!(state(Word::NOT_INDEXED, 0), Word::NOT_INDEXED);
    }
}
