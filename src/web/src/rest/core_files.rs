//! `/api/troubleshooting/core_files`: what is left of programs that crashed.

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use sps_admin::{CoreFile, Request as Operation, Response as Answer, Updates};

use super::envelope::{Place, answer, list, object};
use super::support::{TROUBLESHOOTING, piece};
use crate::http::reply::{Problem, shown};
use crate::ui::Visitor;

/// Path of all of them.
pub(crate) const CORE_FILES: &str = "/api/troubleshooting/core_files";
/// Path of one.
pub(super) const CORE_FILE: &str = "/api/troubleshooting/core_files/{key}";
/// Path of its content.
pub(super) const DOWNLOAD: &str = "/api/troubleshooting/core_files/{key}/download";

/// `GET` of all of them, the newest first.
pub(super) async fn files(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let items: Vec<Value> = ask(&visitor).await?.iter().map(file_object).collect();
    let place = Place {
        href: CORE_FILES,
        parent: TROUBLESHOOTING,
    };
    Ok(answer(StatusCode::OK, &list(&items, place, json!({}))))
}

/// `GET` of what is known of one.
pub(super) async fn file(
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let file = find(&visitor, &key).await?;
    Ok(answer(StatusCode::OK, &file_object(&file)))
}

/// `DELETE` of one.
pub(super) async fn delete(
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let key = find(&visitor, &key).await?.key;
    visitor.ask(Operation::CoreDelete { key }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET` of its content, as it comes from the disk.
pub(super) async fn download(
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let file = find(&visitor, &key).await?;
    let name: String = file
        .name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let call = visitor.call(Operation::CoreRead { key: file.key }, String::new());
    let (updates, heard) = Updates::channel();
    let operations = visitor.administration.operations.clone();
    // A failure ends the channel early, and the length that was announced tells the client.
    tokio::spawn(async move { operations.perform(call, updates).await });
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, file.bytes.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, Body::from_stream(stream::unfold(heard, piece))).into_response())
}

/// What may stand in the name of a file that a browser keeps.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
}

async fn ask(visitor: &Visitor) -> Result<Vec<CoreFile>, Problem> {
    match visitor.ask(Operation::CoreList).await? {
        Answer::CoreFiles(files) => Ok(files),
        _ => Err(Problem::not_understood()),
    }
}

async fn find(visitor: &Visitor, key: &str) -> Result<CoreFile, Problem> {
    let found = ask(visitor).await?.into_iter().find(|file| file.key == key);
    found.ok_or_else(|| Problem {
        status: StatusCode::NOT_FOUND,
        kind: "ResourceNotFound",
        details: format!(
            "there is no core file {}; it may have gone with its tree of the data store",
            shown(key)
        ),
    })
}

fn file_object(file: &CoreFile) -> Value {
    let body = json!({
        "name": file.name,
        "tree": file.tree,
        "bytes": file.bytes,
        "written": file.time,
    });
    let href = format!("{CORE_FILES}/{}", file.key);
    let place = Place {
        href: &href,
        parent: CORE_FILES,
    };
    object(&file.key, &body, place, json!({}))
}
