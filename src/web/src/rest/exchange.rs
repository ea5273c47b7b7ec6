//! `/api/configuration_file`: the settings of the cluster as a file, and a file instead of them.

use axum::Extension;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use sps_admin::{ConfigurationFile, Request as Operation, Response as Answer};
use sps_config::Secret;

use super::access::ROOT;
use super::envelope::{Place, answer, body, index, object};
use crate::http::reply::Problem;
use crate::ui::Visitor;

/// Path of what can be done with files.
pub(super) const FILE: &str = "/api/configuration_file";
/// Path that makes one.
pub(super) const EXPORT: &str = "/api/configuration_file/export";
/// Path that takes one.
pub(crate) const IMPORT: &str = "/api/configuration_file/import";

/// `GET` of what there is.
pub(super) async fn resources() -> Response {
    let place = Place {
        href: FILE,
        parent: ROOT,
    };
    answer(
        StatusCode::OK,
        &index(&[("export", EXPORT), ("import", IMPORT)], place),
    )
}

/// What the file is encrypted with; without a password secrets are left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    #[serde(default)]
    password: Option<Secret>,
}

/// `POST`: the settings in force as a file.
pub(super) async fn export(
    Extension(visitor): Extension<Visitor>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let Export { password } = body(&bytes)?;
    let Answer::Exported(export) = visitor.ask(Operation::ConfigurationExport { password }).await? else {
        return Err(Problem::not_understood());
    };
    Ok(answer(
        StatusCode::OK,
        &object("export", &export, below(EXPORT), json!({})),
    ))
}

/// A file that is to be taken, or only to be looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    file: ConfigurationFile,
    #[serde(default)]
    password: Option<Secret>,
    preview: bool,
    #[serde(default)]
    message: String,
    #[serde(default)]
    expected: Option<u64>,
}

/// `POST`: what a file would change, or what it has changed.
pub(super) async fn import(
    Extension(visitor): Extension<Visitor>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let wanted: Import = body(&bytes)?;
    let operation = Operation::ConfigurationImport {
        file: wanted.file,
        password: wanted.password,
        preview: wanted.preview,
        expected: wanted.expected,
    };
    match visitor.ask_because(operation, wanted.message).await? {
        Answer::Imported(found) => {
            let object = object("import", &found, below(IMPORT), json!({}));
            Ok(answer(StatusCode::OK, &object))
        }
        _ => Err(Problem::not_understood()),
    }
}

fn below(href: &str) -> Place<'_> {
    Place { href, parent: FILE }
}
