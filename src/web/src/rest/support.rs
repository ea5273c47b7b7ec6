//! `/api/troubleshooting/support-bundle`: asked for, polled until it is finished, fetched, deleted.

use std::io;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use sps_admin::{KeptBundle, KeptState, Request as Operation, Response as Answer, Update, Updates};
use tokio::sync::mpsc;

use super::access::ROOT;
use super::core_files::CORE_FILES;
use super::envelope::{Place, answer, index, list, object};
use crate::http::reply::{Problem, shown};
use crate::ui::Visitor;

/// Path of what there is for troubleshooting.
pub(super) const TROUBLESHOOTING: &str = "/api/troubleshooting";
/// Path of the support bundles.
pub(crate) const BUNDLES: &str = "/api/troubleshooting/support-bundle";
/// Path of one.
pub(super) const BUNDLE: &str = "/api/troubleshooting/support-bundle/{key}";
/// Path of its content.
pub(super) const DOWNLOAD: &str = "/api/troubleshooting/support-bundle/{key}/download";

/// `GET` of what there is.
pub(super) async fn resources() -> Response {
    let place = Place {
        href: TROUBLESHOOTING,
        parent: ROOT,
    };
    answer(
        StatusCode::OK,
        &index(&[("core_files", CORE_FILES), ("support-bundle", BUNDLES)], place),
    )
}

/// `POST`: begins one, which is kept for a day.
pub(super) async fn begin(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let bundles = ask(&visitor, Operation::BundleKeep).await?;
    let begun = bundles.first().ok_or_else(Problem::not_understood)?;
    Ok(answer(StatusCode::ACCEPTED, &bundle_object(begun)))
}

/// `GET` of those there are.
pub(super) async fn bundles(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let bundles = ask(&visitor, Operation::BundleList).await?;
    let items: Vec<_> = bundles.iter().map(bundle_object).collect();
    let place = Place {
        href: BUNDLES,
        parent: TROUBLESHOOTING,
    };
    Ok(answer(StatusCode::OK, &list(&items, place, json!({}))))
}

/// `GET` of where one stands.
pub(super) async fn bundle(
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let bundle = find(&visitor, &key).await?;
    Ok(answer(StatusCode::OK, &bundle_object(&bundle)))
}

/// `DELETE` of one.
pub(super) async fn delete(
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let key = find(&visitor, &key).await?.key;
    visitor.ask(Operation::BundleDelete { key }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET` of its content, as it comes from the disk.
pub(super) async fn download(
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let bundle = find(&visitor, &key).await?;
    if bundle.state != KeptState::Finished {
        return Err(Problem {
            status: StatusCode::CONFLICT,
            kind: "NotFinished",
            details: "the support bundle is not finished: ask for its status first".into(),
        });
    }
    let call = visitor.call(Operation::BundleRead { key: bundle.key }, String::new());
    let (updates, heard) = Updates::channel();
    let operations = visitor.administration.operations.clone();
    // A failure ends the channel early, and the length that was announced tells the client.
    tokio::spawn(async move { operations.perform(call, updates).await });
    let headers = [
        (header::CONTENT_TYPE, "application/zstd".to_owned()),
        (header::CONTENT_LENGTH, bundle.bytes.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", bundle.name),
        ),
    ];
    Ok((headers, Body::from_stream(stream::unfold(heard, piece))).into_response())
}

pub(super) async fn piece(
    mut heard: mpsc::Receiver<Update>,
) -> Option<(io::Result<Bytes>, mpsc::Receiver<Update>)> {
    loop {
        match heard.recv().await? {
            Update::Data(piece) => return Some((Ok(piece.into()), heard)),
            Update::Progress(_) => {}
        }
    }
}

async fn ask(visitor: &Visitor, operation: Operation) -> Result<Vec<KeptBundle>, Problem> {
    match visitor.ask(operation).await? {
        Answer::Bundles(bundles) => Ok(bundles),
        _ => Err(Problem::not_understood()),
    }
}

async fn find(visitor: &Visitor, key: &str) -> Result<KeptBundle, Problem> {
    let bundles = ask(visitor, Operation::BundleList).await?;
    let found = bundles.into_iter().find(|bundle| bundle.key.to_string() == key);
    found.ok_or_else(|| Problem {
        status: StatusCode::NOT_FOUND,
        kind: "ResourceNotFound",
        details: format!(
            "there is no support bundle {}; they are kept for a day, and the last few of them",
            shown(key)
        ),
    })
}

fn bundle_object(bundle: &KeptBundle) -> Value {
    let (status, problem) = match &bundle.state {
        KeptState::InProgress => ("in-progress", None),
        KeptState::Finished => ("finished", None),
        KeptState::Failed(why) => ("failed", Some(why)),
    };
    let key = bundle.key.to_string();
    let body = json!({
        "status": status,
        "problem": problem,
        "name": bundle.name,
        "bytes": bundle.bytes,
        "begun": bundle.key,
    });
    let href = format!("{BUNDLES}/{key}");
    let place = Place {
        href: &href,
        parent: BUNDLES,
    };
    object(&key, &body, place, json!({}))
}
