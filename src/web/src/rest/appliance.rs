//! `/api/info`, `/api/health_status`, `/api/changes`, `/api/jobs`.

use std::sync::{Mutex, PoisonError};

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sps_admin::{Figures, Job, JobState, Request as Operation, Response as Answer, ServiceState};

use super::access::ROOT;
use super::envelope::{Place, answer, list, object};
use crate::http::reply::{Problem, shown};
use crate::ui::Visitor;

/// Path of what this appliance is.
pub(super) const INFO: &str = "/api/info";
/// Path of how it does.
pub(super) const HEALTH: &str = "/api/health_status";
/// Path of what was changed.
pub(super) const CHANGES: &str = "/api/changes";
/// Path of the long operations.
pub(super) const JOBS: &str = "/api/jobs";
/// Path of one of them.
pub(super) const JOB: &str = "/api/jobs/{id}";
/// Changes in an answer when the client names no limit.
const LIST_DEFAULT: u32 = 100;
/// Most changes in an answer.
const LIST_MOST: u32 = 500;

/// `GET` of what this appliance is.
pub(super) async fn info(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Status(status) = visitor.ask(Operation::Status).await? else {
        return Err(Problem::not_understood());
    };
    let body = json!({
        "domainname": "",
        "hostname": status.host_name,
        "nickname": status.host_name,
        "firmware_version": status.firmware.version,
        "build": status.firmware.build,
        "username": visitor.signed_in.session.user,
    });
    Ok(answer(
        StatusCode::OK,
        &object("info", &body, below(INFO), json!({})),
    ))
}

/// `GET` of how it does.
pub(super) async fn health(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Status(status) = visitor.ask(Operation::Status).await? else {
        return Err(Problem::not_understood());
    };
    let services: Vec<Value> = status
        .services
        .iter()
        .map(|service| json!({ "name": service.name, "healthy": service.state == ServiceState::Healthy }))
        .collect();
    let body = json!({
        "health": status.health,
        "uptime": status.uptime,
        "services": services,
        "problems": status.problems,
    });
    let Answer::Figures(figures) = visitor.ask(Operation::Figures { token: None }).await? else {
        return Err(Problem::not_understood());
    };
    let body = with_figures(body, &figures);
    let object = object("health_status", &body, below(HEALTH), json!({}));
    Ok(answer(StatusCode::OK, &object))
}

/// Protocols whose sessions are counted, whether any are served or not.
const PROTOCOLS: [&str; 3] = ["http", "rdp", "ssh"];

/// Seconds of processors with work and without, when they were last asked for.
static BEFORE: Mutex<(f64, f64)> = Mutex::new((0.0, 0.0));

/// What machine and sessions take, in the words of the REST interface of the field; shares in percent.
fn with_figures(mut body: Value, figures: &Figures) -> Value {
    let share = |used: f64, all: f64| {
        if all > 0.0 {
            (used / all * 1000.0).round() / 10.0
        } else {
            0.0
        }
    };
    let now = (figures.busy, figures.idle);
    let before = std::mem::replace(&mut *BEFORE.lock().unwrap_or_else(PoisonError::into_inner), now);
    let (busy, idle) = (now.0 - before.0, now.1 - before.1);
    let memory = &figures.memory;
    let (total, free) = figures
        .store
        .as_ref()
        .map_or((0, 0), |store| (store.total, store.free));
    let open = |protocol: &str| {
        let found = figures.protocols.iter().find(|one| one.protocol == protocol);
        found.map_or(0, |one| one.open)
    };
    let sessions: Map<String, Value> = PROTOCOLS
        .iter()
        .map(|protocol| ((*protocol).to_owned(), json!(open(protocol))))
        .collect();
    let figures = json!({
        "cpu": share(busy, busy + idle),
        "disk": share(total.saturating_sub(free) as f64, total as f64),
        "memory": share(memory.total.saturating_sub(memory.available) as f64, memory.total as f64),
        // The appliance has none: what was in memory once comes to no disk.
        "swap": 0.0,
        "load1": figures.load[0],
        "load5": figures.load[1],
        "load15": figures.load[2],
        "sessions": sessions,
        "sessions_total": PROTOCOLS.iter().map(|protocol| open(protocol)).sum::<u64>(),
    });
    if let (Value::Object(body), Value::Object(figures)) = (&mut body, figures) {
        body.extend(figures);
    }
    body
}

/// Query of the changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesQuery {
    limit: Option<u32>,
}

/// `GET` of what was changed, newest first.
pub(super) async fn changes(
    Extension(visitor): Extension<Visitor>,
    query: Result<Query<ChangesQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let limit = query.limit.unwrap_or(LIST_DEFAULT);
    if !(1..=LIST_MOST).contains(&limit) {
        return Err(Problem::bad_query(format!(
            "limit must be from 1 to {LIST_MOST}, not {limit}"
        )));
    }
    let Answer::Changes(changes) = visitor.ask(Operation::Changes { limit }).await? else {
        return Err(Problem::not_understood());
    };
    let items = changes
        .iter()
        .enumerate()
        .map(|(n, change)| json!({ "key": n.to_string(), "body": change, "meta": { "href": CHANGES } }));
    let body = list(
        &items.collect::<Vec<_>>(),
        below(CHANGES),
        json!({ "limit": limit }),
    );
    Ok(answer(StatusCode::OK, &body))
}

/// `GET` of the long operations.
pub(super) async fn jobs(Extension(visitor): Extension<Visitor>) -> Response {
    let jobs = visitor.administration.jobs.list();
    let items: Vec<_> = jobs.iter().map(job_object).collect();
    answer(StatusCode::OK, &list(&items, below(JOBS), json!({})))
}

/// `GET` of one of them.
pub(super) async fn job(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let number = id.parse().ok();
    let found = number.and_then(|number| visitor.administration.jobs.get(number));
    let job = found.ok_or_else(|| Problem {
        status: StatusCode::NOT_FOUND,
        kind: "ResourceNotFound",
        details: format!(
            "there is no job {}; jobs are remembered until the next reboot",
            shown(&id)
        ),
    })?;
    Ok(answer(StatusCode::OK, &job_object(&job)))
}

fn job_object(job: &Job) -> Value {
    let words = match &job.state {
        JobState::Running => "",
        JobState::Done(words) | JobState::Failed(words) | JobState::CalledOff(words) => words,
    };
    let body = json!({
        "title": job.title,
        "owner": job.owner,
        "message": job.message,
        "started": job.started,
        "ended": job.ended,
        "status": job.state.word(),
        "result": words,
        "progress": job.progress,
        "log": job.log,
    });
    let href = format!("{JOBS}/{}", job.id);
    let place = Place {
        href: &href,
        parent: JOBS,
    };
    object(&job.id.to_string(), &body, place, json!({}))
}

fn below(href: &str) -> Place<'_> {
    Place { href, parent: ROOT }
}
