//! The data store: what it is, and the import into it. Blocking throughout.

use std::sync::Arc;

use sps_admin::{Context, Failure, MadeFrom, Progress, Reply, Request, Response, StoreFindings, StoreStatus};
use sps_datastore_engine::{Journal, Kind, layout};
use sps_store_forms::check::Checked;

use super::appliance::{Appliance, done};
use super::{active, core_files, indexers, sessions};
use crate::services::{DATA_FOLDER, Opened};

/// The store, or why there is none.
pub(super) fn opened(own: &Appliance) -> Result<Arc<Opened>, Failure> {
    own.store().ok_or_else(|| {
        Failure::refused("the data store is not available: the service data says why, see `sps status`")
    })
}

/// Answers what is asked about it.
pub(super) fn answer(own: &Appliance, request: &Request, context: &Context) -> Reply {
    match request {
        Request::StoreCheck { adopt } => check(own, *adopt, context),
        Request::ImportPause { on } => Ok(pause(own, *on)),
        Request::SessionList { .. }
        | Request::SessionSearch { .. }
        | Request::SessionContent { .. }
        | Request::SessionShow { .. } => sessions::answer(own, request),
        Request::TrailRead { id } => sessions::send_trail(own, id, context),
        Request::SessionsActive
        | Request::SessionTerminate { .. }
        | Request::SessionAnswer { .. }
        | Request::SessionFollow { .. } => active::answer(own, request, context),
        Request::IndexersShow | Request::IndexerAdd { .. } | Request::IndexerRemove { .. } => {
            indexers::answer(own, request, context)
        }
        Request::CoreList | Request::CoreRead { .. } | Request::CoreDelete { .. } => {
            core_files::answer(own, request, context)
        }
        Request::SpaceShow
        | Request::ArchiveRun { .. }
        | Request::BackupRun { .. }
        | Request::BackupList { .. }
        | Request::BackupRestore { .. } => super::space::answer(own, request, context),
        Request::StoreShow => show(own),
        other => Err(Failure::invalid(format!(
            "{} is no question about the data store",
            other.title()
        ))),
    }
}

/// What it is.
fn show(own: &Appliance) -> Reply {
    let opened = opened(own)?;
    let failed = |error: &dyn std::error::Error| Failure::failed(sps_bootlog::causes(error));
    let room = rustix::fs::statvfs(DATA_FOLDER).map_err(|error| failed(&error))?;
    let facts = opened.store.facts().map_err(|error| failed(&error))?;
    let history = opened
        .store
        .history(opened.tree)
        .map_err(|error| failed(&error))?;
    let others = facts.trees.iter().map(|tree| tree.name);
    Ok(Response::Store(StoreStatus {
        tree: opened.tree.to_string(),
        layout: opened.layout,
        layout_version: version_of(opened.layout),
        total: room.f_blocks.saturating_mul(room.f_frsize),
        free: room.f_bavail.saturating_mul(room.f_frsize),
        import: own.import_state(),
        indexing: own.indexing_state(),
        made: history.as_ref().map(made),
        space: super::space::show(own).ok(),
        others: others
            .filter(|name| *name != opened.tree)
            .map(|name| name.to_string())
            .collect(),
    }))
}

fn made(journal: &Journal) -> MadeFrom {
    let done = journal.steps.iter().map(|step| step.done);
    MadeFrom {
        layout: journal.from.layout,
        layout_version: version_of(journal.from.layout),
        begun: journal.begun,
        files: done.clone().map(|done| done.files).sum(),
        bytes: done.map(|done| done.bytes).sum(),
        notes: journal.notes.clone(),
    }
}

fn version_of(number: u32) -> String {
    layout(number).map_or("", |layout| layout.version).to_owned()
}

/// Lets the import rest, or go on.
fn pause(own: &Appliance, on: bool) -> Response {
    own.data().send_modify(|state| {
        state.import_paused = on;
        // The rate is that of the time it worked.
        state.importing_since = None;
    });
    done(if on {
        "the import of earlier sessions rests after the batch it is at"
    } else {
        "the import of earlier sessions goes on"
    })
}

/// Looks at every session and every trail.
fn check(own: &Appliance, adopt: bool, context: &Context) -> Reply {
    let opened = opened(own)?;
    let failed = |error: sps_datastore::ContentError| Failure::failed(sps_bootlog::causes(error.as_ref()));
    let sessions = opened.sessions.as_ref().ok_or_else(|| {
        Failure::refused(
            "this firmware works on a layout without a session database: there is nothing to check",
        )
    })?;
    let catalogue = opened.catalogue().map_err(failed)?;
    let [folder, trails, quarantine] =
        [Kind::SessionDatabase, Kind::Trails, Kind::Quarantine].map(|kind| opened.place(kind));
    let checked = Checked {
        sessions,
        catalogue: catalogue.as_ref(),
        folder: &folder,
        trails: &trails,
        quarantine: &quarantine,
        tells: &sps_gateway::recovered,
    };
    let found = sps_store_forms::check::check(&checked, adopt, &mut |done, total, what| {
        context.updates.progress(Progress {
            what: what.into(),
            done,
            total,
            unit: "entries".into(),
            rate: None,
            seconds_left: None,
        });
        context.updates.called_off().is_none()
    });
    let found = found.map_err(failed)?;
    if let Some(who) = context.updates.called_off() {
        return Err(Failure::refused(format!("called off by {who}")));
    }
    Ok(Response::StoreChecked(StoreFindings {
        sessions: found.sessions,
        trails: found.trails,
        adopted: found.adopted,
        quarantined: found.quarantined,
        told: found.told,
        more: found.more,
    }))
}
