//! `/api/firmware/fetch`: firmware files fetched from a server, each a job that can be looked at and cancelled.

use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sps_admin::{Fetched, Job, JobState, Request as Operation};
use tokio::time::timeout;

use super::envelope::{Place, answer, body, list, object};
use super::firmware::FIRMWARE;
use crate::http::reply::Problem;
use crate::ui::{Visitor, begin_fetch};

/// Path of the fetches.
pub(super) const FETCH: &str = "/api/firmware/fetch";
/// Path of one.
pub(super) const ONE: &str = "/api/firmware/fetch/{job}";
/// Longest wait for a job that was called off to end: what it writes at the moment is written first.
const CANCELLED_WITHIN: Duration = Duration::from_secs(30);

/// Body of a fetch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    url: String,
    checksum: Checksum,
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checksum {
    sha256: String,
}

/// `POST`: begins to fetch.
pub(super) async fn begin(Extension(visitor): Extension<Visitor>, bytes: Bytes) -> Result<Response, Problem> {
    let wanted: Wanted = body(&bytes)?;
    let operation = Operation::FirmwareFetch {
        url: wanted.url,
        sha256: wanted.checksum.sha256,
    };
    let job = begin_fetch(&visitor, operation, wanted.message)?;
    let (job, fetched) = find(&visitor, job)?;
    Ok(answer(StatusCode::ACCEPTED, &fetch_object(&job, &fetched)))
}

/// `GET` of those that are remembered.
pub(super) async fn all(Extension(visitor): Extension<Visitor>) -> Response {
    let jobs = visitor.administration.jobs.list();
    let shown = |job: &Job| Some(fetch_object(job, job.fetched.as_ref()?));
    let items: Vec<Value> = jobs.iter().filter_map(shown).collect();
    let place = Place {
        href: FETCH,
        parent: FIRMWARE,
    };
    answer(StatusCode::OK, &list(&items, place, json!({})))
}

/// `GET` of one.
pub(super) async fn one(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (job, fetched) = named(&visitor, &id)?;
    Ok(answer(StatusCode::OK, &fetch_object(&job, &fetched)))
}

/// `DELETE`: calls one off; answers when nothing of it is left.
pub(super) async fn cancel(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = named(&visitor, &id)?.0.id;
    let jobs = &visitor.administration.jobs;
    jobs.call_off(id, &visitor.origin())?;
    let ended = timeout(CANCELLED_WITHIN, jobs.ended(id)).await;
    match ended.ok().flatten().map(|job| job.state) {
        Some(JobState::CalledOff(_)) => Ok(StatusCode::NO_CONTENT.into_response()),
        Some(_) => Err(Problem {
            status: StatusCode::CONFLICT,
            kind: "Refused",
            details: "it had ended before it could be cancelled".into(),
        }),
        None => Ok(StatusCode::ACCEPTED.into_response()),
    }
}

/// The one with this key; what is no number is the key of none.
fn named(visitor: &Visitor, key: &str) -> Result<(Job, Fetched), Problem> {
    // Numbers begin with 1.
    find(visitor, key.parse().unwrap_or(0))
}

fn find(visitor: &Visitor, id: u64) -> Result<(Job, Fetched), Problem> {
    let job = visitor.administration.jobs.get(id);
    let found = job.and_then(|job| Some((job.clone(), job.fetched?)));
    found.ok_or_else(|| Problem {
        status: StatusCode::NOT_FOUND,
        kind: "ResourceNotFound",
        details: "there is no such fetch".into(),
    })
}

fn fetch_object(job: &Job, fetched: &Fetched) -> Value {
    let (status, result) = match &job.state {
        JobState::Running => ("in-progress", ""),
        JobState::Done(words) => ("finished", words.as_str()),
        JobState::Failed(words) => ("failed", words.as_str()),
        JobState::CalledOff(words) => ("cancelled", words.as_str()),
    };
    let body = json!({
        "url": fetched.url,
        "checksum": { "sha256": fetched.sha256 },
        "status": status,
        "result": result,
        "progress": job.progress,
        "slot_id": job.slot.map(|slot| slot.to_string()),
    });
    let href = format!("{FETCH}/{}", job.id);
    let place = Place {
        href: &href,
        parent: FETCH,
    };
    object(&job.id.to_string(), &body, place, json!({}))
}
