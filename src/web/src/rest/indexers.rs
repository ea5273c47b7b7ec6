//! `/api/indexer`: who indexes what, and hosts that are added and removed.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use sps_admin::{FailureKind, Request as Operation, Response as Answer};

use super::access::ROOT;
use super::envelope::{Place, answer, body, object};
use crate::http::reply::Problem;
use crate::ui::Visitor;

/// Path of everybody who indexes.
pub(super) const INDEXER: &str = "/api/indexer";
/// Path where hosts are added.
pub(super) const HOSTS: &str = "/api/indexer/hosts";
/// Path of a host.
pub(super) const HOST: &str = "/api/indexer/hosts/{name}";

/// A host that is to be added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    message: String,
}

/// `GET` of everybody.
pub(super) async fn show(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Indexers(now) = visitor.ask(Operation::IndexersShow).await? else {
        return Err(Problem::not_understood());
    };
    let place = Place {
        href: INDEXER,
        parent: ROOT,
    };
    let below = json!({ "hosts": HOSTS });
    Ok(answer(StatusCode::OK, &object("indexer", &now, place, below)))
}

/// `POST`: adds a host; the answer has its configuration, which is told once.
pub(super) async fn add(Extension(visitor): Extension<Visitor>, bytes: Bytes) -> Result<Response, Problem> {
    let Wanted {
        name,
        address,
        message,
    } = body(&bytes)?;
    let operation = Operation::IndexerAdd { name, address };
    let Answer::IndexerAdded(added) = visitor.ask_because(operation, message).await? else {
        return Err(Problem::not_understood());
    };
    let place = Place {
        href: HOSTS,
        parent: INDEXER,
    };
    let told = json!({ "name": added.name, "file": added.file.expose(), "notes": added.notes });
    Ok(answer(
        StatusCode::CREATED,
        &object(&added.name, &told, place, json!({})),
    ))
}

/// `DELETE`: removes it.
pub(super) async fn remove(
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    match visitor.ask(Operation::IndexerRemove { name }).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(failure) if failure.kind == FailureKind::Invalid => Err(Problem {
            status: StatusCode::NOT_FOUND,
            kind: "ResourceNotFound",
            details: failure.message,
        }),
        Err(failure) => Err(failure.into()),
    }
}
