//! JSON answers in the envelopes of the REST API, and the log as plain text.
//!
//! An object is `{key, body, meta}`, a list `{items, meta}`; unknown query keys are refused.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use sps_bootlog::BootLog;

use crate::boot::log_reader::{self, Batch, Line};
use crate::boot::view::uptime_ms;
use crate::http::limits::{ANSWER_BYTES, BATCH_BYTES, LIST_DEFAULT, LIST_MOST};
use crate::http::reply::Problem;
use crate::router::{BOOT, EVENTS, HEALTH, LOG, LOG_TEXT, STATUS, Site};

/// Query of the log list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

pub(crate) async fn boot(State(site): State<Arc<Site>>) -> Response {
    let item = |key: &str, href: &str| json!({ "key": key, "meta": { "href": href } });
    let items = [
        item("log", LOG),
        item("log events", EVENTS),
        item("log text", LOG_TEXT),
        item("status", STATUS),
    ];
    let meta = json!({ "href": BOOT, "parent": "/api", "boot_id": site.content.boot_id });
    json_answer(&json!({ "items": items, "meta": meta }))
}

pub(crate) async fn status(State(site): State<Arc<Site>>) -> Response {
    let status = site.content.status.borrow().clone();
    let meta = json!({
        "href": STATUS,
        "parent": BOOT,
        "boot_id": site.content.boot_id,
        "uptime_ms": uptime_ms(),
        "appliance": site.content.info,
    });
    json_answer(&json!({ "key": "status", "body": status, "meta": meta }))
}

/// 200 when the appliance does its work, 503 when not (yet): what a load balancer or a script waits for.
pub(crate) async fn health(State(site): State<Arc<Site>>) -> Response {
    let health = site.content.status.borrow().health;
    let status = if health.is_working() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "key": "healthz", "body": { "health": health }, "meta": { "href": HEALTH } });
    (status, json_answer(&body)).into_response()
}

pub(crate) async fn log(
    State(site): State<Arc<Site>>,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let limit = query.limit.unwrap_or(LIST_DEFAULT);
    if !(1..=LIST_MOST).contains(&limit) {
        return Err(Problem::bad_query(format!(
            "limit must be from 1 to {LIST_MOST}, not {limit}"
        )));
    }
    let batch = log_reader::read(&site.content.log, query.after, limit, ANSWER_BYTES);
    let items: Vec<Value> = batch
        .entries
        .iter()
        .map(|entry| {
            let href = page_href(entry.seq - 1, 1);
            json!({ "key": entry.seq.to_string(), "body": Line::from(entry), "meta": { "href": href } })
        })
        .collect();
    let meta = list_meta(query.after, limit, &batch, &site.content.boot_id);
    Ok(json_answer(&json!({ "items": items, "meta": meta })))
}

fn list_meta(after: u64, limit: usize, batch: &Batch, boot_id: &str) -> Value {
    let last = batch.entries.back().map_or(after, |entry| entry.seq);
    let size = limit as u64;
    json!({
        "href": page_href(after, limit),
        "parent": BOOT,
        "first": page_href(0, limit),
        "last": page_href(batch.newest.saturating_sub(size), limit),
        "next": (last < batch.newest).then(|| page_href(last, limit)),
        "previous": (after > 0).then(|| page_href(after.saturating_sub(size), limit)),
        "missed": batch.missed,
        "newest": batch.newest,
        "boot_id": boot_id,
    })
}

fn page_href(after: u64, limit: usize) -> String {
    format!("{LOG}?after={after}&limit={limit}")
}

/// The whole log as text, line for line as on the console. Sent in batches: its size never lies in memory at once.
pub(crate) async fn log_text(State(site): State<Arc<Site>>) -> Response {
    let log = site.content.log.clone();
    let newest = log.newest();
    let batches = stream::unfold(0, move |after| {
        let text = text_batch(&log, after, newest);
        async move { text.map(|(text, last)| (Ok::<_, Infallible>(text), last)) }
    });
    let name = format!(
        "inline; filename=\"boot-{}.log\"",
        file_name_part(&site.content.info.host_name)
    );
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, name.as_str()),
    ];
    (headers, Body::from_stream(batches)).into_response()
}

/// The lines after `after` up to `newest` that fit a batch, and the number of the last.
fn text_batch(log: &BootLog, after: u64, newest: u64) -> Option<(String, u64)> {
    if after >= newest {
        return None;
    }
    let batch = log_reader::read(log, after, usize::MAX, BATCH_BYTES);
    let last = batch.entries.back()?.seq;
    let mut text = String::new();
    if batch.missed > 0 {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "({} earlier entries are no longer kept)", batch.missed);
    }
    for entry in batch.entries.iter().filter(|entry| entry.seq <= newest) {
        let _infallible = writeln!(text, "{entry}");
    }
    Some((text, last))
}

fn file_name_part(host_name: &str) -> String {
    host_name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

fn json_answer(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
