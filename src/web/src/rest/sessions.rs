//! `/api/audit/sessions`: recorded sessions, searched and one by one.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sps_admin::{
    ContentHit, MOST_HITS, MOST_SESSIONS, Request as Operation, Response as Answer, SessionFilter,
    SessionLine, SessionOrder, SessionSearch,
};
use sps_session_record::{Endpoint, SessionRecord};

use super::access::ROOT;
use super::envelope::{Place, answer, index, list, object};
use crate::http::reply::Problem;
use crate::ui::{Visitor, playing};

/// Path of what is audited.
pub(super) const AUDIT: &str = "/api/audit";
/// Path of the sessions.
pub(super) const SESSIONS: &str = "/api/audit/sessions";
/// Path of one of them.
pub(super) const SESSION: &str = "/api/audit/sessions/{id}";
/// Path of its channels.
pub(super) const CHANNELS: &str = "/api/audit/sessions/{id}/channels";
/// Path of what it shows.
pub(super) const CONTENT: &str = "/api/audit/sessions/{id}/content";
/// Path of what happened in it.
pub(super) const EVENTS: &str = "/api/audit/sessions/{id}/events";

/// The query.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    limit: Option<usize>,
    offset: Option<usize>,
    cursor: Option<String>,
    sort: Option<SessionOrder>,
    order: Option<Order>,
    from: Option<String>,
    until: Option<String>,
    protocol: Option<String>,
    connection: Option<String>,
    verdict: Option<String>,
    indexing: Option<String>,
    has_trail: Option<bool>,
    gateway_user: Option<String>,
    server_user: Option<String>,
    target: Option<String>,
    client: Option<String>,
    server: Option<String>,
    text: Option<String>,
    content: Option<String>,
}

/// The query of what a session shows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sought {
    q: String,
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Rising,
    Falling,
}

/// `GET` of what there is below.
pub(super) async fn audit() -> Response {
    let place = Place {
        href: AUDIT,
        parent: ROOT,
    };
    answer(StatusCode::OK, &index(&[("sessions", SESSIONS)], place))
}

/// `GET` of a page of sessions.
pub(super) async fn sessions(
    Extension(visitor): Extension<Visitor>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let search = Box::new(asked.search()?);
    let (limit, offset) = (search.limit, search.skip);
    let Answer::SessionPage(page) = visitor.ask(Operation::SessionSearch { search }).await? else {
        return Err(Problem::not_understood());
    };
    let items: Vec<Value> = page.sessions.iter().map(line).collect();
    let meta = json!({
        "match_count": page.matching,
        "match_count_is_exact": !page.more,
        "limit": limit,
        "offset": offset,
        "next": page.next,
        "previous": page.previous,
        "unfinished": page.cut,
        "incomplete_until": page.incomplete_until.and_then(moment),
        "content_unfinished": page.content_cut,
        "content_incomplete_until": page.content_incomplete_until.map(|until| moment(until).unwrap_or_else(|| "now".into())),
    });
    let place = Place {
        href: SESSIONS,
        parent: AUDIT,
    };
    Ok(answer(StatusCode::OK, &list(&items, place, meta)))
}

impl Asked {
    fn search(self) -> Result<SessionSearch, Problem> {
        let sort = self.sort.unwrap_or_default();
        let falling = self.order.map(|order| order == Order::Falling);
        Ok(SessionSearch {
            filter: SessionFilter {
                from: milliseconds("from", self.from)?,
                until: milliseconds("until", self.until)?,
                protocol: self.protocol,
                connection: self.connection,
                verdict: self.verdict,
                indexing: self.indexing,
                has_trail: self.has_trail,
                gateway_user: self.gateway_user,
                server_user: self.server_user,
                target: self.target,
                client: self.client,
                server: self.server,
                text: self.text,
                content: self.content,
            },
            sort,
            descending: falling.unwrap_or(sort == SessionOrder::Start),
            limit: self.limit.unwrap_or(MOST_SESSIONS),
            skip: self.offset.unwrap_or(0),
            cursor: self.cursor,
        })
    }
}

fn milliseconds(name: &str, text: Option<String>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    let parsed = text.parse::<Timestamp>();
    let moment = parsed.map_err(|_| {
        Problem::bad_query(format!(
            "{name} must be a moment such as 2026-11-01T08:00:00Z (RFC 3339)"
        ))
    })?;
    Ok(Some(moment.as_millisecond()))
}

/// Milliseconds since 1970 in the form of RFC 3339.
fn moment(milliseconds: i64) -> Option<String> {
    Some(Timestamp::from_millisecond(milliseconds).ok()?.to_string())
}

fn second(seconds: u64) -> Option<String> {
    moment(i64::try_from(seconds).ok()?.checked_mul(1000)?)
}

fn line(session: &SessionLine) -> Value {
    let body = json!({
        "protocol": session.protocol,
        "connection": session.connection,
        "start_time": second(session.start),
        "end_time": session.end.and_then(second),
        "gateway_user": session.user,
        "server_user": session.server_user,
        "client": session.client,
        "target": session.server,
        "verdict": session.verdict,
        "channels": session.channels,
        "events": session.events,
        "trail_size": session.trail,
        "indexing": session.indexing,
        "trail_moved": session.moved,
        "content": session.hits.iter().map(|hit| found(&session.id, hit)).collect::<Vec<_>>(),
    });
    let href = format!("{SESSIONS}/{}", session.id);
    let place = Place {
        href: &href,
        parent: SESSIONS,
    };
    object(&session.id, &body, place, json!({}))
}

/// A place of what was looked for; `play` is where a browser plays it.
fn found(id: &str, hit: &ContentHit) -> Value {
    json!({
        "seconds": hit.at as f64 / 1000.0,
        "channel": hit.channel,
        "kind": hit.source,
        "text": hit.text,
        "marks": hit.marks,
        "play": playing(id, hit),
    })
}

async fn record(visitor: &Visitor, id: String) -> Result<SessionRecord, Problem> {
    // A session that is not there is no mistake of the request's form.
    match visitor.ask(Operation::SessionShow { id }).await {
        Ok(Answer::Session(record)) => Ok(*record),
        Ok(_) => Err(Problem::not_understood()),
        Err(failure) if failure.kind == sps_admin::FailureKind::Invalid => Err(Problem {
            status: StatusCode::NOT_FOUND,
            kind: "ResourceNotFound",
            details: failure.message,
        }),
        Err(failure) => Err(failure.into()),
    }
}

/// `GET` of one session.
pub(super) async fn session(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let record = record(&visitor, id).await?;
    let end = |end: &Endpoint| json!({ "address": end.address, "port": end.port });
    let trail = |trail: &sps_session_record::TrailFile| json!({ "name": trail.name, "size": trail.size });
    let body = json!({
        "protocol": record.protocol,
        "connection": record.connection,
        "start_time": moment(record.start),
        "end_time": record.end.and_then(moment),
        "gateway_user": record.gateway_user,
        "server_user": record.server_user,
        "client": end(&record.client),
        "server": record.server.as_ref().map(end),
        "target": record.target,
        "verdict": record.verdict,
        "trail": record.trail.as_ref().map(trail),
        "indexing": { "state": record.indexing.state, "version": record.indexing.version },
    });
    let href = format!("{SESSIONS}/{}", record.id);
    let place = Place {
        href: &href,
        parent: SESSIONS,
    };
    let below = json!({
        "channels": format!("{href}/channels"), "events": format!("{href}/events"), "content": format!("{href}/content"),
    });
    Ok(answer(StatusCode::OK, &object(&record.id, &body, place, below)))
}

/// `GET` of its channels.
pub(super) async fn channels(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let record = record(&visitor, id).await?;
    let bodies = record.channels.iter().map(|channel| {
        json!({
            "kind": channel.kind,
            "start_time": moment(channel.start),
            "end_time": channel.end.and_then(moment),
            "verdict": channel.verdict,
        })
    });
    Ok(numbered(&record.id, "channels", bodies))
}

/// `GET` of the places where it shows what is looked for.
pub(super) async fn content(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    query: Result<Query<Sought>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(sought) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let id = record(&visitor, id).await?.id;
    let operation = Operation::SessionContent {
        id: id.clone(),
        query: sought.q,
        limit: sought.limit.unwrap_or(MOST_HITS),
    };
    let Answer::SessionContent(hits) = visitor.ask(operation).await? else {
        return Err(Problem::not_understood());
    };
    Ok(numbered(&id, "content", hits.iter().map(|hit| found(&id, hit))))
}

/// `GET` of what happened in it.
pub(super) async fn events(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let record = record(&visitor, id).await?;
    let bodies = record
        .events
        .iter()
        .map(|event| json!({ "time": moment(event.at), "kind": event.kind, "text": event.text }));
    Ok(numbered(&record.id, "events", bodies))
}

/// A list of what has no identifier of its own.
fn numbered(id: &str, what: &str, bodies: impl Iterator<Item = Value>) -> Response {
    let parent = format!("{SESSIONS}/{id}");
    let href = format!("{parent}/{what}");
    let place = Place {
        href: &href,
        parent: &parent,
    };
    let items: Vec<Value> = bodies
        .enumerate()
        .map(|(n, body)| object(&n.to_string(), &body, place, json!({})))
        .collect();
    answer(StatusCode::OK, &list(&items, place, json!({})))
}
