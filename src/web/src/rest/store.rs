//! `/api/data_store`: the data store, and the import of earlier sessions into it.

use axum::Extension;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use sps_admin::{Request as Operation, Response as Answer, StoreStatus};

use super::access::ROOT;
use super::envelope::{Place, answer, body, object};
use crate::http::reply::Problem;
use crate::ui::Visitor;

/// Path of the data store.
pub(super) const STORE: &str = "/api/data_store";
/// Path of the import.
pub(super) const IMPORT: &str = "/api/data_store/import";

async fn status(visitor: &Visitor) -> Result<StoreStatus, Problem> {
    match visitor.ask(Operation::StoreShow).await? {
        Answer::Store(status) => Ok(status),
        _ => Err(Problem::not_understood()),
    }
}

/// `GET` of the data store.
pub(super) async fn show(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let status = status(&visitor).await?;
    let place = Place {
        href: STORE,
        parent: ROOT,
    };
    let body = json!({
        "tree": status.tree,
        "layout": status.layout,
        "layout_version": status.layout_version,
        "total": status.total,
        "free": status.free,
        "kept_for_earlier_firmware": status.others,
        "made_from": status.made,
    });
    let below = json!({ "import": IMPORT });
    Ok(answer(StatusCode::OK, &object("data_store", &body, place, below)))
}

/// `GET` of how far the import of earlier sessions is.
pub(super) async fn import(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let status = status(&visitor).await?;
    Ok(answer(StatusCode::OK, &import_object(&status)))
}

/// Body of the change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    paused: bool,
}

/// `PUT`: lets it rest, or go on.
pub(super) async fn set_import(
    Extension(visitor): Extension<Visitor>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let wanted: Wanted = body(&bytes)?;
    visitor.ask(Operation::ImportPause { on: wanted.paused }).await?;
    let status = status(&visitor).await?;
    Ok(answer(StatusCode::OK, &import_object(&status)))
}

fn import_object(status: &StoreStatus) -> Value {
    let place = Place {
        href: IMPORT,
        parent: STORE,
    };
    object("import", &json!({ "progress": status.import }), place, json!({}))
}
