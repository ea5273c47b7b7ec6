//! The event stream: log and status as server-sent events (HTML Standard, section 9.2).
//!
//! Events: `hello` (which boot this is), `log` (`id:` is the entry's number), `missed` (entries the ring no longer
//! holds), `status`, `time` (sign of life after silence), `bye` (the server stops). A reader that names the last
//! number it saw, by `Last-Event-ID` or `?after=`, gets what follows, without loss or repetition. A frame is made
//! only when the last one has left, so a slow reader costs one frame of memory and the log never waits.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::boot::log_reader::{self, Line};
use crate::boot::status::BootStatus;
use crate::boot::view::Shown;
use crate::boot::view::uptime_ms;
use crate::http::limits::BATCH_BYTES;
use crate::http::reply::Problem;
use crate::router::Site;

/// Milliseconds after which a browser left to itself connects again.
const RETRY_MS: u32 = 2000;

/// Query of the event stream.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// Number of the last entry seen; `Last-Event-ID` goes before it.
    #[serde(default)]
    after: u64,
    /// The boot that number is of; with another one the log starts afresh.
    boot: Option<String>,
}

/// `GET` of the stream.
pub(crate) async fn stream(
    State(site): State<Arc<Site>>,
    query: Result<Query<EventsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let after = resume_after(&query, &headers, &site.content.boot_id)?;
    let feed = Feed::new(&site, after, site.stream_place()?);
    let frames = stream::unfold(feed, |mut feed| async {
        let frame = feed.next().await?;
        Some((Ok::<_, Infallible>(frame), feed))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
    ];
    Ok((headers, Body::from_stream(frames)).into_response())
}

/// The number after which the reader wants to go on.
fn resume_after(query: &EventsQuery, headers: &HeaderMap, boot_id: &str) -> Result<u64, Problem> {
    if query.boot.as_deref().is_some_and(|boot| boot != boot_id) {
        return Ok(0);
    }
    let Some(last) = headers.get("last-event-id").filter(|last| !last.is_empty()) else {
        return Ok(query.after);
    };
    let number = last.to_str().ok().and_then(|last| last.parse().ok());
    number.ok_or_else(|| Problem::bad_query("Last-Event-ID must be the number of an entry".to_owned()))
}

/// One reader's place in log and status.
struct Feed {
    site: Arc<Site>,
    after: u64,
    greeted: bool,
    log_news: watch::Receiver<u64>,
    status: watch::Receiver<BootStatus>,
    /// When the next status may be sent; `None` once nobody can change it any more.
    status_from: Option<Instant>,
    stopping: CancellationToken,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    fn new(site: &Arc<Site>, after: u64, place: OwnedSemaphorePermit) -> Self {
        Self {
            after,
            greeted: false,
            log_news: site.content.log.subscribe(),
            status: site.content.status.clone(),
            status_from: Some(Instant::now()),
            stopping: site.stopping(),
            ended: false,
            site: site.clone(),
            _place: place,
        }
    }

    /// The next frame, of one or more events; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        if !self.greeted {
            self.greeted = true;
            return Some(self.hello());
        }
        let quiet_until = Instant::now() + self.site.limits.heartbeat;
        loop {
            let mut frame = String::new();
            self.add_log(&mut frame);
            self.add_status(&mut frame);
            if !frame.is_empty() {
                return Some(frame);
            }
            if self.stopping.is_cancelled() {
                self.ended = true;
                return Some(event("bye", None, &json!({ "uptime_ms": uptime_ms() })));
            }
            if self.wait(quiet_until).await {
                return Some(sign_of_life());
            }
        }
    }

    /// Waits for news or for `quiet_until`; true when that came first.
    async fn wait(&mut self, quiet_until: Instant) -> bool {
        let status_news = async {
            match self.status_from {
                Some(from) => {
                    // In this order, so that a change is not lost when another arm wins in between.
                    sleep_until(from).await;
                    self.status.changed().await.is_ok()
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The log lives as long as the site: its sender cannot go away.
            _ = self.log_news.changed() => false,
            alive = status_news => {
                if alive { self.status.mark_changed() } else { self.status_from = None }
                false
            }
            () = self.stopping.cancelled() => false,
            () = sleep_until(quiet_until) => true,
        }
    }

    fn hello(&mut self) -> String {
        let content = &self.site.content;
        let hello = json!({
            "boot_id": content.boot_id,
            "uptime_ms": uptime_ms(),
            "version": content.info.version,
            "newest": content.log.newest(),
        });
        let status = self.status.borrow_and_update().clone();
        format!(
            "retry: {RETRY_MS}\n{}{}",
            event("hello", None, &hello),
            event("status", None, &Shown::of(&status))
        )
    }

    fn add_log(&mut self, frame: &mut String) {
        // The channel only wakes: of two writers at once the one with the lower number may come last.
        self.log_news.mark_unchanged();
        if self.site.content.log.newest() == self.after {
            return;
        }
        let batch = log_reader::read(&self.site.content.log, self.after, usize::MAX, BATCH_BYTES);
        if let (true, Some(first)) = (batch.missed > 0, batch.entries.front()) {
            let missed = json!({ "missed": batch.missed, "next": first.seq });
            frame.push_str(&event("missed", Some(first.seq - 1), &missed));
        }
        for entry in &batch.entries {
            frame.push_str(&event("log", Some(entry.seq), &Line::from(entry)));
            self.after = entry.seq;
        }
    }

    fn add_status(&mut self, frame: &mut String) {
        let now = Instant::now();
        let due = self.status_from.is_some_and(|from| from <= now);
        if due && self.status.has_changed().unwrap_or(false) {
            let status = self.status.borrow_and_update().clone();
            frame.push_str(&event("status", None, &Shown::of(&status)));
            self.status_from = Some(now + self.site.limits.status_interval);
        }
    }
}

/// One event. JSON has no line feed outside strings and escapes those inside, so one data line is enough.
fn event(name: &str, id: Option<u64>, data: &impl Serialize) -> String {
    let mut text = format!("event: {name}\n");
    if let Some(id) = id {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "id: {id}");
    }
    let data =
        serde_json::to_string(data).unwrap_or_else(|error| json!({ "error": error.to_string() }).to_string());
    let _infallible = write!(text, "data: {data}\n\n");
    text
}

/// A comment for middleboxes, and an event for the page, which cannot see comments and must tell silence from
/// a dead connection.
fn sign_of_life() -> String {
    format!(
        ": heartbeat\n{}",
        event("time", None, &json!({ "uptime_ms": uptime_ms() }))
    )
}
