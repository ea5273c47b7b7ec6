//! `/api/configuration_history`: every change of the settings of the cluster, what it changed, and the way back.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use sps_admin::{
    ConfigurationChanges, ConfigurationRevision, Failure, FailureKind, Request as Operation,
    Response as Answer,
};

use super::access::ROOT;
use super::envelope::{Place, answer, body, list, object};
use crate::http::reply::{Problem, shown};
use crate::ui::Visitor;

/// Path of the changes.
pub(super) const HISTORY: &str = "/api/configuration_history";
/// Path of one, and of the way back to it.
pub(super) const REVISION: &str = "/api/configuration_history/{revision}";
/// Path of what differs between one and another.
pub(super) const DIFFERENCES: &str = "/api/configuration_history/{revision}/differences";
/// Changes of an answer when the client names no limit.
const DEFAULT: usize = 100;
/// Most changes of an answer.
const MOST: usize = 500;

/// Query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    limit: Option<usize>,
    offset: Option<usize>,
}

/// `GET` of a page of changes, newest first.
pub(super) async fn revisions(
    Extension(visitor): Extension<Visitor>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let (limit, offset) = (asked.limit.unwrap_or(DEFAULT), asked.offset.unwrap_or(0));
    if !(1..=MOST).contains(&limit) {
        let details = format!("limit must be from 1 to {MOST}, not {limit}");
        return Err(Problem::bad_query(details));
    }
    let all = all(&visitor).await?;
    let items: Vec<Value> = all.iter().skip(offset).take(limit).map(revision_object).collect();
    let at = |offset: usize| format!("{HISTORY}?limit={limit}&offset={offset}");
    let after = offset.saturating_add(limit);
    let meta = json!({
        "match_count": all.len(),
        "match_count_is_exact": true,
        "limit": limit,
        "offset": offset,
        "next": (after < all.len()).then(|| at(after)),
        "previous": (offset > 0).then(|| at(offset.saturating_sub(limit))),
    });
    Ok(answer(StatusCode::OK, &list(&items, under(HISTORY, ROOT), meta)))
}

/// Every change that is kept: their number is bounded.
async fn all(visitor: &Visitor) -> Result<Vec<ConfigurationRevision>, Problem> {
    let operation = Operation::ConfigurationHistory { limit: u32::MAX };
    match visitor.ask(operation).await? {
        Answer::Revisions(revisions) => Ok(revisions),
        _ => Err(Problem::not_understood()),
    }
}

fn under<'a>(href: &'a str, parent: &'a str) -> Place<'a> {
    Place { href, parent }
}

fn revision_object(revision: &ConfigurationRevision) -> Value {
    let key = revision.revision.to_string();
    let href = format!("{HISTORY}/{key}");
    let below = json!({ "differences": format!("{href}/differences") });
    object(&key, revision, under(&href, HISTORY), below)
}

/// `GET` of one change.
pub(super) async fn revision(
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let all = all(&visitor).await?;
    let mut found = all.iter().filter(|one| one.revision.to_string() == number);
    let found = found.next().ok_or_else(|| unknown(&number))?;
    Ok(answer(StatusCode::OK, &revision_object(found)))
}

/// Query of the differences.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    from: Option<u64>,
}

/// `GET` of what differs from an earlier revision: the one before when none is named.
pub(super) async fn differences(
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
    query: Result<Query<From>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(From { from }) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let to = revision_number(&number)?;
    let operation = Operation::ConfigurationDifference { from, to: Some(to) };
    let answered = visitor.ask(operation).await.map_err(of_revision)?;
    let Answer::ConfigurationChanges(changes) = answered else {
        return Err(Problem::not_understood());
    };
    let parent = format!("{HISTORY}/{to}");
    let href = format!("{parent}/differences");
    let object = object("differences", &changes, under(&href, &parent), json!({}));
    Ok(answer(StatusCode::OK, &object))
}

/// Why somebody goes back, and what must be in force.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    message: String,
    #[serde(default)]
    expected: Option<u64>,
}

/// `POST`: a new revision that equals this one.
pub(super) async fn restore(
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let Wanted { message, expected } = body(&bytes)?;
    let revision = revision_number(&number)?;
    let operation = Operation::ConfigurationRestore { revision, expected };
    match visitor.ask_because(operation, message).await? {
        Answer::ConfigurationChanges(changes) => Ok(made(&changes)),
        _ => Err(Problem::not_understood()),
    }
}

/// What is in force now, with what that changed.
fn made(changes: &ConfigurationChanges) -> Response {
    let key = changes.to.unwrap_or(changes.from).to_string();
    let href = format!("{HISTORY}/{key}");
    let object = object(&key, changes, under(&href, HISTORY), json!({}));
    answer(StatusCode::OK, &object)
}

fn revision_number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| unknown(text))
}

fn unknown(number: &str) -> Problem {
    Problem {
        status: StatusCode::NOT_FOUND,
        kind: "ResourceNotFound",
        details: format!(
            "there is no change {} of the configuration; the newest {MOST} are kept",
            shown(number)
        ),
    }
}

/// A revision that is not kept is no mistake of the request's form.
fn of_revision(failure: Failure) -> Problem {
    match failure.kind {
        FailureKind::Invalid => Problem {
            status: StatusCode::NOT_FOUND,
            kind: "ResourceNotFound",
            details: failure.message,
        },
        _ => failure.into(),
    }
}
