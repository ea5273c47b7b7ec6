//! *Backup & archive*: how full the disk is, what archives, cleans up and backs up, the last runs, the backups there are.

use axum::Extension;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sps_admin::{
    BackupLine, Request as Operation, Response as Answer, Space, SpacePolicy, SpacePolicyKind, SpaceRun,
};
use sps_config::Secret;

use super::forms::Fields;
use super::parts::{self, Field, Weight, card, empty, facts, notice, state, table};
use super::time::Zone;
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/policies/backup-and-archive";
/// Path of the page with the backups there are.
pub(crate) const BACKUPS: &str = "/policies/backup-and-archive/backups";
/// Jobs shown.
const JOBS: usize = 5;

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Space(space) = visitor.ask(Operation::SpaceShow).await? else {
        return Err(Problem::not_understood());
    };
    let zone = visitor.zone();
    let main = html! {
        (card("room", "Room on the data store", &room(&space, &zone)))
        (card("policies", "Policies", &policies(&visitor, &space, &zone)))
        (card("jobs", "What was done here", &jobs(&visitor, &zone)))
        p { a class="button" href=(BACKUPS) { "Backups, and restoring one…" } }
    };
    Ok(layout::page(&visitor, &main))
}

fn room(space: &Space, zone: &Zone) -> Markup {
    let percent = space.used / 10;
    let limit = space.limit.unwrap_or(100);
    html! {
        meter id="used" aria-label="Disk space in use" min="0" max="100" high=(limit) optimum="0" value=(percent) { (percent) " %" }
        @if let Some(since) = space.full_since {
            (notice(Weight::Error, &html! {
                p { "The disk has been too full since " (zone.moment(since)) ": clients are disconnected and new ones are refused." }
                p { "Archive or clean up, keep the running firmware for good, or enlarge the disk. Nothing is deleted but by a policy." }
            }))
        }
        @if let Some(until) = space.clock_doubted_until {
            (notice(Weight::Warning, &html! { p { "The clock has leapt: nothing is deleted until " (zone.moment(until)) "." } }))
        }
        (facts(&[
            ("In use", html! { (space.used / 10) "." (space.used % 10) " %" }),
            (
                "Clients are disconnected at",
                html! {
                    @match space.limit {
                        Some(limit) => { (limit) " %" @if space.archiving_at_limit { ", and archiving starts" } }
                        None => "never: that is switched off",
                    }
                },
            ),
            ("Audit trails archived", html! { (parts::grouped(space.archived)) }),
            ("Audit trails cleaned up", html! { (parts::grouped(space.deleted)) }),
            (
                "Going on now",
                html! { @match &space.working { Some(what) => (state("running", what)), None => "nothing" } },
            ),
        ]))
    }
}

const fn kind(kind: SpacePolicyKind) -> &'static str {
    match kind {
        SpacePolicyKind::Archive => "Archive",
        SpacePolicyKind::CleanUp => "Clean-up",
        SpacePolicyKind::Backup => "Backup",
        SpacePolicyKind::Retention => "Retention of sessions",
    }
}

fn policies(visitor: &Visitor, space: &Space, zone: &Zone) -> Markup {
    if space.policies.is_empty() {
        return empty("There is no policy yet: nothing is archived, cleaned up or backed up.");
    }
    let rows: Vec<_> = space
        .policies
        .iter()
        .map(|policy| row(visitor, policy, zone))
        .collect();
    table(
        "Policies",
        &["Policy", "What it does", "Where to", "Next", "Last", ""],
        &rows,
    )
}

fn row(visitor: &Visitor, policy: &SpacePolicy, zone: &Zone) -> Vec<Markup> {
    let action = match policy.kind {
        SpacePolicyKind::Archive | SpacePolicyKind::CleanUp => Some("archive"),
        SpacePolicyKind::Backup => Some("backup"),
        SpacePolicyKind::Retention => None,
    };
    vec![
        html! { (policy.name) },
        html! { (kind(policy.kind)) },
        html! { (policy.target) },
        html! {
            @match (&policy.problem, policy.next) {
                (Some(problem), _) => (parts::told_state("failed", &parts::sentence(problem))),
                (None, Some(next)) => (zone.moment(next)),
                (None, None) => "–",
            }
        },
        html! { @match &policy.last { Some(last) => (run(last, zone)), None => "never" } },
        html! {
            @if let Some(action) = action {
                div class="buttons" {
                    (parts::form(visitor, PAGE, "inline", &html! {
                        input type="hidden" name="policy" value=(policy.name);
                        button type="submit" name="action" value=(action) { "Run now" }
                    }))
                }
            }
        },
    ]
}

fn run(run: &SpaceRun, zone: &Zone) -> Markup {
    html! {
        (zone.moment(run.at))
        (parts::told_state(if run.done { "done" } else { "failed" }, &parts::sentence(&run.what)))
    }
}

fn jobs(visitor: &Visitor, zone: &Zone) -> Markup {
    let all = visitor.administration.jobs.list();
    let mine = |title: &str| title.starts_with("archive run") || title.starts_with("backup r");
    let jobs: Vec<_> = all.iter().filter(|job| mine(&job.title)).take(JOBS).collect();
    if jobs.is_empty() {
        return empty("Nothing since the last boot. Runs that were asked for appear here.");
    }
    html! { ul class="jobs" { @for job in jobs { (parts::job(visitor, job, zone)) } } }
}

/// `GET` of the backups on every target. It asks the targets, so it may take a while.
pub(crate) async fn backups(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let found = match visitor.ask(Operation::BackupList { policy: None }).await {
        Ok(Answer::Backups(found)) => Ok(found),
        Ok(_) => return Err(Problem::not_understood()),
        Err(failure) => Err(failure.to_string()),
    };
    let main = html! {
        p { a href=(PAGE) { "Backup & archive" } }
        (card("backups", "Backups", &listed(&found)))
        (card("restore", "Restore", &restore(&visitor)))
    };
    Ok(layout::page(&visitor, &main))
}

fn listed(found: &Result<Vec<BackupLine>, String>) -> Markup {
    let found = match found {
        Ok(found) => found,
        Err(why) => return notice(Weight::Error, &html! { p { (parts::sentence(why)) } }),
    };
    if found.is_empty() {
        return empty("There is no backup on any target.");
    }
    let row = |backup: &BackupLine| {
        vec![
            html! { code { (backup.name) } },
            html! { (backup.appliance) },
            html! { (backup.policy) },
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    table("Backups", &["Backup", "Appliance", "Policy"], &rows)
}

fn restore(visitor: &Visitor) -> Markup {
    let field = |name, label, hint, required| Field {
        name,
        label,
        hint,
        required,
        ..Field::default()
    };
    let password = Field {
        name: "password",
        label: "Password of the backup",
        kind: "password",
        hint: "Empty for the one of the policy.",
        ..Field::default()
    };
    let body = html! {
        p { "Only into an appliance that holds no sessions. Everything is verified before anything is used, and the next restart works on it." }
        (field("policy", "Policy", "On whose target it is.", true).markup())
        (field("backup", "Backup", "Its name, as above.", true).markup())
        (field("appliance", "Appliance", "Needed when several appliances back up there.", false).markup())
        (password.markup())
        div class="check" {
            input id="sure" name="sure" type="checkbox" value="yes" required;
            label for="sure" { "I am sure" }
        }
        button type="submit" name="action" value="restore" class="danger" { "Restore" }
    };
    parts::form(visitor, PAGE, "stack", &body)
}

/// `POST`: runs a policy, or restores a backup, as a job.
pub(crate) async fn act(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let named = |name: &str| Some(fields.get(name).to_owned()).filter(|text| !text.is_empty());
    let operation = match fields.get("action") {
        "archive" => Operation::ArchiveRun {
            policy: named("policy"),
        },
        "backup" => Operation::BackupRun {
            policy: named("policy"),
        },
        "restore" if fields.get("sure") == "yes" => Operation::BackupRestore {
            policy: fields.get("policy").to_owned(),
            appliance: named("appliance"),
            backup: fields.get("backup").to_owned(),
            password: named("password").map(Secret::from),
            node_document: false,
        },
        "restore" => {
            return Err(Problem::bad_form(
                "tick the box to confirm; nothing was done".into(),
            ));
        }
        other => return Err(Problem::bad_form(format!("there is no action {other:?}"))),
    };
    let administration = &visitor.administration;
    let call = visitor.call(operation, fields.text("message").unwrap_or("").to_owned());
    let _shown_on_the_page = administration.jobs.start(&administration.operations, call, ended);
    Ok(Redirect::to(PAGE).into_response())
}

/// The end of a run in words.
pub(crate) fn ended(answer: &Answer) -> String {
    match answer {
        Answer::Done { note } => note.clone(),
        _ => String::new(),
    }
}
