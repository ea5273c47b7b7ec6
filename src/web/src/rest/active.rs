//! `/api/active-sessions`: sessions that go on, and what they ask for.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sps_admin::{ActiveSession, Failure, FailureKind, Question, Request as Operation, Response as Answer};

use super::access::ROOT;
use super::envelope::{Place, answer, body, list};
use crate::http::reply::Problem;
use crate::ui::Visitor;

/// Path of all of them.
pub(super) const ACTIVE: &str = "/api/active-sessions";
/// Path of one of them.
pub(super) const ONE: &str = "/api/active-sessions/{id}";
/// Path of something it asks for.
pub(super) const QUESTION: &str = "/api/active-sessions/{id}/questions/{number}";

/// An answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    agrees: bool,
}

/// `GET` of all.
pub(super) async fn all(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::ActiveSessions(sessions) = visitor.ask(Operation::SessionsActive).await? else {
        return Err(Problem::not_understood());
    };
    let items: Vec<Value> = sessions.iter().map(item).collect();
    let place = Place {
        href: ACTIVE,
        parent: ROOT,
    };
    Ok(answer(StatusCode::OK, &list(&items, place, json!({}))))
}

/// `DELETE`: ends it.
pub(super) async fn terminate(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    done(visitor.ask(Operation::SessionTerminate { id }).await)
}

/// `POST`: agrees, or refuses.
pub(super) async fn decide(
    Extension(visitor): Extension<Visitor>,
    Path((id, number)): Path<(String, String)>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let decision: Decision = body(&bytes)?;
    let number = number.parse();
    let operation = Operation::SessionAnswer {
        id,
        number: number.map_err(|_| not_there("a question has a number".into()))?,
        agrees: decision.agrees,
    };
    done(visitor.ask(operation).await)
}

/// What does not go on, or is not asked, is not there.
fn done(answered: Result<Answer, Failure>) -> Result<Response, Problem> {
    match answered {
        Ok(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(failure) if failure.kind == FailureKind::Invalid => Err(not_there(failure.message)),
        Err(failure) => Err(failure.into()),
    }
}

fn not_there(details: String) -> Problem {
    Problem {
        status: StatusCode::NOT_FOUND,
        kind: "ResourceNotFound",
        details,
    }
}

fn item(session: &ActiveSession) -> Value {
    let questions: Vec<Value> = session.questions.iter().map(question).collect();
    json!({
        "key": session.id,
        "meta": { "href": format!("{ACTIVE}/{}", session.id) },
        "body": {
            "start_time": moment(session.start),
            "protocol": session.protocol,
            "connection": session.connection,
            "gateway_user": session.user,
            "server_user": session.server_user,
            "client": session.client,
            "server": session.server,
            "channels": session.channels,
            "followers": session.followers,
            "questions": questions,
        },
    })
}

fn question(question: &Question) -> Value {
    json!({
        "number": question.number,
        "kind": question.kind,
        "detail": question.detail,
        "since": moment(question.since),
    })
}

fn moment(seconds: u64) -> Option<String> {
    let seconds = i64::try_from(seconds).ok()?;
    Some(Timestamp::from_second(seconds).ok()?.to_string())
}
