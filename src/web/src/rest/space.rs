//! `/api/data_store/space`: how full it is, what archives, cleans up and backs up, and running that now.

use axum::Extension;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use sps_admin::{Request as Operation, Response as Answer};
use sps_config::Secret;

use super::appliance::JOBS;
use super::envelope::{Place, answer, body, list, object};
use super::store::STORE;
use crate::http::reply::Problem;
use crate::ui::{Visitor, space_ended};

/// Path of the room, the policies and their runs.
pub(super) const SPACE: &str = "/api/data_store/space";
/// Path of the backups.
pub(super) const BACKUPS: &str = "/api/data_store/backups";

/// `GET` of the room, the policies and their runs.
pub(super) async fn show(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Space(space) = visitor.ask(Operation::SpaceShow).await? else {
        return Err(Problem::not_understood());
    };
    let place = Place {
        href: SPACE,
        parent: STORE,
    };
    let below = json!({ "backups": BACKUPS });
    Ok(answer(StatusCode::OK, &object("space", &space, place, below)))
}

/// What is to be done.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
enum Wanted {
    /// Run an archive or clean-up policy, or all.
    Archive {
        #[serde(default)]
        policy: Option<String>,
    },
    /// Run a backup policy, or all.
    Backup {
        #[serde(default)]
        policy: Option<String>,
    },
    /// Restore a backup.
    Restore {
        policy: String,
        backup: String,
        #[serde(default)]
        appliance: Option<String>,
        #[serde(default)]
        password: Option<Secret>,
        #[serde(default)]
        node_document: bool,
    },
}

/// `POST`: begins it; the answer names the job.
pub(super) async fn begin(Extension(visitor): Extension<Visitor>, bytes: Bytes) -> Result<Response, Problem> {
    let operation = match body(&bytes)? {
        Wanted::Archive { policy } => Operation::ArchiveRun { policy },
        Wanted::Backup { policy } => Operation::BackupRun { policy },
        Wanted::Restore {
            policy,
            backup,
            appliance,
            password,
            node_document,
        } => Operation::BackupRestore {
            policy,
            appliance,
            backup,
            password,
            node_document,
        },
    };
    let administration = &visitor.administration;
    let call = visitor.call(operation, String::new());
    let job = administration
        .jobs
        .start(&administration.operations, call, space_ended);
    let place = Place {
        href: SPACE,
        parent: STORE,
    };
    let begun = json!({ "job": format!("{JOBS}/{job}") });
    Ok(answer(
        StatusCode::ACCEPTED,
        &object("space", &begun, place, json!({})),
    ))
}

/// `GET` of the backups on every target.
pub(super) async fn backups(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Backups(found) = visitor.ask(Operation::BackupList { policy: None }).await? else {
        return Err(Problem::not_understood());
    };
    let place = Place {
        href: BACKUPS,
        parent: SPACE,
    };
    let items: Vec<Value> = found
        .iter()
        .map(|backup| object(&backup.name, backup, place, json!({})))
        .collect();
    Ok(answer(StatusCode::OK, &list(&items, place, json!({}))))
}
