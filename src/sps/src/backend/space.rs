//! Room on the data store: what is asked and ordered about it. Blocking throughout.

use sps_admin::{
    BackupLine, Context, Failure, LicenceFile, Progress, Reply, Request, Response, Space, SpacePolicy,
    SpacePolicyKind, SpaceRun,
};
use tokio::runtime::Handle;
use tracing::warn;

use super::appliance::{Appliance, done};
use crate::node::now;
use crate::space::{Due, NodeOfBackup, SpaceError, Work};

fn failure(error: &SpaceError) -> Failure {
    let message = sps_bootlog::causes(error);
    match error {
        SpaceError::NoPolicy { .. } => Failure::invalid(message),
        SpaceError::NoStore
        | SpaceError::Busy
        | SpaceError::NotEmpty { .. }
        | SpaceError::NoRoom { .. }
        | SpaceError::Several { .. }
        | SpaceError::NoPassword => Failure::refused(message),
        _ => Failure::failed(message),
    }
}

/// Answers what is asked about it.
pub(super) fn answer(own: &Appliance, request: &Request, context: &Context) -> Reply {
    match request {
        Request::ArchiveRun { policy } => run(own, policy.as_deref(), context, |work| {
            matches!(work, Work::Archive(_) | Work::Retention)
        }),
        Request::BackupRun { policy } => run(own, policy.as_deref(), context, |work| {
            matches!(work, Work::Backup(_))
        }),
        Request::BackupList { policy } => list(own, policy.as_deref()),
        Request::BackupRestore {
            policy,
            appliance,
            backup,
            password,
            node_document,
        } => {
            let mut go_on = told(context, "restoring the backup");
            let wanted = (appliance.as_deref(), backup.as_str());
            let back = own.spare.restore(policy, wanted, password.as_ref(), &mut go_on);
            let back = back.map_err(|error| failure(&error))?;
            if let Some(licence) = back.licence {
                take_licence(own, &licence);
            }
            let node = node_settings(own, back.node, *node_document, context);
            Ok(done(format!("{}\n{node}", back.what)))
        }
        _ => Ok(Response::Space(show(own)?)),
    }
}

/// Takes the settings of the node in a backup where that is asked for, else says what differs. What cannot be taken is told: the data is
/// restored all the same.
fn node_settings(own: &Appliance, found: Option<NodeOfBackup>, take: bool, context: &Context) -> String {
    let settings = &own.parts.settings;
    let Some(found) = found else {
        return "the settings of the node in it are not of a form that this firmware knows, and are not taken".to_owned();
    };
    let differing = found.differing(&settings.node());
    if differing.is_empty() {
        return "the settings of the node are those of the backup".to_owned();
    }
    let names = differing.join(", ");
    if !take {
        return format!(
            "the settings of the node stay; other in the backup: {names} (--node-document takes them)"
        );
    }
    let change = settings.change(context, move |node| found.into_node(node));
    match Handle::current().block_on(change) {
        Ok(_) => format!("the settings of the node are those of the backup now: {names}"),
        Err(failure) => format!("the settings of the node could not be taken: {}", failure.message),
    }
}

/// An appliance without a licence gets that of the backup.
fn take_licence(own: &Appliance, text: &str) {
    if super::licence::current(own).is_some() {
        return;
    }
    let file = LicenceFile::try_from(text.to_owned());
    if let Err(failure) = file.and_then(|file| own.parts.licences.take(&file, now())) {
        warn!("the licence of the backup is not taken: {}", failure.message);
    }
}

/// Tells progress, and whether it was called off.
fn told<'a>(context: &'a Context, what: &'a str) -> impl FnMut(u64, u64) -> bool + 'a {
    move |count, bytes| {
        context.updates.progress(Progress {
            what: format!("{what}, {bytes} bytes"),
            done: count,
            unit: "files".into(),
            ..Progress::default()
        });
        context.updates.called_off().is_none()
    }
}

/// Runs the policies of a kind, or the one with a name.
fn run(own: &Appliance, name: Option<&str>, context: &Context, kind: fn(&Work) -> bool) -> Reply {
    let policies = own.spare.policies().map_err(|error| failure(&error))?;
    let named = |work: &Work| match (work, name) {
        (_, None) => true,
        (Work::Archive(own) | Work::Backup(own), Some(name)) => own == name,
        (Work::Retention, Some(name)) => name == "retention",
    };
    let works: Vec<Work> = policies
        .into_iter()
        .map(|due| due.work)
        .filter(|work| kind(work) && named(work))
        .collect();
    if works.is_empty() {
        return Err(Failure::invalid(name.map_or_else(
            || "there is no such policy: make one under Policies > Backup & Archive".to_owned(),
            |name| format!("there is no policy {name:?}: `sps archive show` lists those there are"),
        )));
    }
    let mut notes = Vec::new();
    let mut failed = None;
    for work in works {
        let title = work.title();
        match own.spare.run(&work, &mut told(context, &title)) {
            Ok(what) => notes.push(format!("{title}: {what}")),
            Err(error) => {
                let failure = failure(&error);
                notes.push(format!("{title} failed: {}", failure.message));
                failed.get_or_insert(failure.kind);
            }
        }
    }
    match failed {
        None => Ok(done(notes.join("\n"))),
        Some(kind) => Err(Failure::new(kind, notes.join("; "))),
    }
}

fn list(own: &Appliance, name: Option<&str>) -> Reply {
    let policies = own.spare.policies().map_err(|error| failure(&error))?;
    let mut lines = Vec::new();
    for due in policies {
        let Work::Backup(policy) = due.work else { continue };
        if name.is_some_and(|name| name != policy) {
            continue;
        }
        let backups = own.spare.backups(&policy).map_err(|error| failure(&error))?;
        lines.extend(backups.into_iter().map(|(appliance, name)| BackupLine {
            policy: policy.clone(),
            appliance,
            name,
        }));
    }
    Ok(Response::Backups(lines))
}

/// The room there is and what makes some.
pub(super) fn show(own: &Appliance) -> Result<Space, Failure> {
    let failed = |error: SpaceError| failure(&error);
    let document = own.spare.document().map_err(failed)?;
    let prevention = &document.management.disk_fill_up_prevention;
    let room = *own.spare.room().borrow();
    let sessions = own.store().and_then(|opened| opened.sessions.clone());
    let counted = sessions.and_then(|sessions| sessions.archived_count().ok());
    let (archived, deleted) = counted.unwrap_or_default();
    Ok(Space {
        used: room.used,
        limit: prevention.enabled.then_some(prevention.used_space_ratio_limit),
        full_since: room.full_since,
        archiving_at_limit: prevention.archiving_enabled,
        clock_doubted_until: own.spare.clock_doubted_until(),
        working: own.spare.working(),
        archived,
        deleted,
        policies: own
            .spare
            .policies()
            .map_err(failed)?
            .into_iter()
            .map(policy)
            .collect(),
    })
}

fn policy(due: Due) -> SpacePolicy {
    let (kind, name) = match due.work {
        Work::Retention => (SpacePolicyKind::Retention, due.work.title()),
        Work::Archive(name) if due.deletes => (SpacePolicyKind::CleanUp, name),
        Work::Archive(name) => (SpacePolicyKind::Archive, name),
        Work::Backup(name) => (SpacePolicyKind::Backup, name),
    };
    SpacePolicy {
        name,
        kind,
        target: due.target,
        next: due.next,
        last: due.last.map(|did| SpaceRun {
            at: did.ended,
            done: did.done,
            what: did.what,
        }),
        problem: due.problem,
    }
}
