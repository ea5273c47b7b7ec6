//! The data store: what it is, and the sessions in it. Blocking throughout.

use std::sync::Arc;

use sps_admin::{Failure, Reply, Request, Response, SessionImport, SessionLine, Sessions, StoreStatus};
use sps_datastore_engine::layout;
use sps_session_record::SessionRecord;

use super::appliance::{Appliance, done};
use crate::services::{DATA_FOLDER, Opened};

/// Most sessions of one answer.
const MOST_SESSIONS: usize = 1000;

/// The store, or why there is none.
fn opened(own: &Appliance) -> Result<Arc<Opened>, Failure> {
    own.store().ok_or_else(|| {
        Failure::refused("the data store is not available: the service data says why, see `sps status`")
    })
}

/// Answers what is asked about it.
pub(super) fn answer(own: &Appliance, request: &Request) -> Reply {
    match request {
        Request::ImportPause { on } => Ok(pause(own, *on)),
        Request::SessionList { limit } => sessions(own, *limit),
        _ => show(own),
    }
}

/// What it is.
fn show(own: &Appliance) -> Reply {
    let opened = opened(own)?;
    let failed = |error: &dyn std::error::Error| Failure::failed(sps_bootlog::causes(error));
    let room = rustix::fs::statvfs(DATA_FOLDER).map_err(|error| failed(&error))?;
    let facts = opened.store.facts().map_err(|error| failed(&error))?;
    let others = facts.trees.iter().map(|tree| tree.name);
    Ok(Response::Store(StoreStatus {
        tree: opened.tree.to_string(),
        layout: opened.layout,
        layout_version: layout(opened.layout)
            .map_or("", |layout| layout.version)
            .to_owned(),
        total: room.f_blocks.saturating_mul(room.f_frsize),
        free: room.f_bavail.saturating_mul(room.f_frsize),
        import: own.importing().0.map(|now| SessionImport {
            done: now.done,
            total: now.total,
            aside: now.aside,
            paused: own.importing().1,
            finished: now.finished,
        }),
        space: super::space::show(own).ok(),
        others: others
            .filter(|name| *name != opened.tree)
            .map(|name| name.to_string())
            .collect(),
    }))
}

/// Lets the import rest, or go on.
fn pause(own: &Appliance, on: bool) -> Response {
    own.data().send_modify(|state| state.import_paused = on);
    done(if on {
        "the import of earlier sessions rests after the batch it is at"
    } else {
        "the import of earlier sessions goes on"
    })
}

/// The newest sessions.
fn sessions(own: &Appliance, limit: usize) -> Reply {
    let opened = opened(own)?;
    let failed = |error: sps_datastore::ContentError| Failure::failed(sps_bootlog::causes(error.as_ref()));
    let catalogue = opened.catalogue().map_err(failed)?;
    let newest = catalogue.newest(limit.min(MOST_SESSIONS)).map_err(failed)?;
    Ok(Response::Sessions(Sessions {
        total: catalogue.count().map_err(failed)?,
        sessions: newest.iter().map(|record| line(&opened, record)).collect(),
    }))
}

/// What became of the trail of a session, in words.
fn trail(opened: &Opened, id: &str) -> String {
    let archived = opened
        .sessions
        .as_ref()
        .and_then(|sessions| sessions.archived(id).ok()?);
    archived.map_or_else(String::new, |archived| {
        let at = sps_admin::text::date(archived.at);
        match archived.target {
            Some(target) => format!("archived at {at} to {target}"),
            None => format!("deleted at {at} by the policy {}", archived.policy),
        }
    })
}

fn line(opened: &Opened, record: &SessionRecord) -> SessionLine {
    let target = record.server.as_ref().map(|server| server.address.clone());
    SessionLine {
        id: record.id.clone(),
        start: u64::try_from(record.start / 1000).unwrap_or(0),
        protocol: record.protocol.to_string(),
        user: record.gateway_user.clone().unwrap_or_default(),
        client: record.client.address.clone(),
        server: record.target.clone().or(target).unwrap_or_default(),
        verdict: record.verdict.to_string(),
        trail: trail(opened, &record.id),
    }
}
