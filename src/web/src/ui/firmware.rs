//! *Firmwares*: the slots, getting firmware in, what boots after the next reboot.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sps_admin::{
    FailedFirmware, Job, Notes, Request as Operation, Response as Answer, Slot, SlotState, Slots, WEB_USER,
    text,
};

use super::forms::Fields;
use super::parts::{self, Weight, action, card, empty, facts, notice, state, table};
use super::time::Zone;
use super::{Visitor, control, fetch, layout, receive, testing};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/basic-settings/system/firmwares";
/// Path of the page about the firmware in a slot.
pub(crate) const SLOT: &str = "/basic-settings/system/firmwares/{slot}";
/// Path of what is done with a slot.
pub(crate) const ACTION: &str = "/basic-settings/system/firmwares/{slot}/action";
/// Path that takes an upload.
pub(crate) const UPLOAD: &str = "/basic-settings/system/firmwares/upload";
/// Jobs shown on the page.
const JOBS: usize = 5;

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Slots(slots) = visitor.ask(Operation::FirmwareList).await? else {
        return Err(Problem::not_understood());
    };
    let zone = visitor.zone();
    let jobs = visitor.administration.jobs.list();
    let main = html! {
        (pending(&visitor, &slots))
        (card("slots", "Firmware slots", &slot_table(&visitor, &slots)))
        @if let Some(when) = slots.commit_at { (trial(&visitor, when, &zone)) }
        (upload_form(&visitor))
        (fetch::fetch_form(&visitor))
        (card("by-ssh", "Send firmware by SSH", &by_ssh(&visitor, slots.ssh_upload)))
        (failed(&slots.failed))
        (card("jobs", "What was done here", &job_list(&visitor, &jobs, &zone)))
    };
    Ok(layout::page(&visitor, &main))
}

fn slot_table(visitor: &Visitor, slots: &Slots) -> Markup {
    let rows: Vec<_> = slots.slots.iter().map(|slot| row(visitor, slot)).collect();
    table(
        "Firmware slots",
        &[
            "Slot",
            "Version",
            "State",
            "Test",
            "Current",
            "After reboot",
            "Size",
            "",
        ],
        &rows,
    )
}

fn row(visitor: &Visitor, slot: &Slot) -> Vec<Markup> {
    let (kind, word) = shown(&slot.state);
    let yes = |yes: bool| {
        if yes {
            state("done", "Yes")
        } else {
            html! { span class="muted" { "No" } }
        }
    };
    vec![
        html! { (slot.number) },
        match &slot.version {
            Some(version) => html! { a href={ (PAGE) "/" (slot.number) } { (version) } },
            None => html! { span class="muted" { "–" } },
        },
        html! {
            (state(kind, &word))
            @if let SlotState::Failed { reason } = &slot.state { p class="muted" { (parts::sentence(reason)) } }
        },
        testing::word(slot),
        yes(slot.current),
        yes(slot.after_reboot),
        if slot.bytes == 0 {
            html! { "–" }
        } else {
            html! { (text::bytes(slot.bytes)) }
        },
        html! { div class="buttons" { (actions(visitor, slot)) } },
    ]
}

/// Icon and words of a slot's state.
fn shown(state: &SlotState) -> (&'static str, String) {
    let kind = match state {
        SlotState::Empty => "waiting",
        SlotState::Writing | SlotState::Trying { .. } => "running",
        SlotState::Staged => "stopped",
        SlotState::Healthy | SlotState::Committed => "healthy",
        SlotState::Failed { .. } => "failed",
    };
    (kind, state.to_string())
}

fn actions(visitor: &Visitor, slot: &Slot) -> Markup {
    let path = format!("{PAGE}/{}/action", slot.number);
    let holds = slot.version.is_some();
    html! {
        @if holds && !slot.after_reboot && !matches!(slot.state, SlotState::Failed { .. }) {
            // Going on with what runs needs no Test.
            @if slot.current || testing::holds(slot) { (action(visitor, &path, "activate", "Boot after reboot")) }
            @if !slot.current { a class="button" href={ (PAGE) "/" (slot.number) "#test" } { "Test…" } }
        }
        @if holds && !slot.current && !slot.after_reboot {
            (action(visitor, &path, "delete", "Delete"))
        }
    }
}

/// That a reboot is due, where it is.
fn pending(visitor: &Visitor, slots: &Slots) -> Markup {
    let next = slots.slots.iter().find(|slot| slot.after_reboot && !slot.current);
    html! {
        div id="pending" data-live {
            @if let Some(Slot { version: Some(version), .. }) = next {
                (notice(Weight::Warning, &html! {
                    p { "Version " b { (version) } " boots at the next reboot. If it does not become healthy, the appliance comes back by itself." }
                    div class="buttons" {
                        a class="button primary" href=(control::PAGE) { "Reboot…" }
                        (action(visitor, &format!("{PAGE}/0/action"), "rollback", "Stay with the running version"))
                    }
                }))
            }
        }
    }
}

fn trial(visitor: &Visitor, when: u64, zone: &Zone) -> Markup {
    notice(
        Weight::Information,
        &html! {
            p { "The running firmware is on trial and will be kept for good at " (zone.moment(when)) ". Until then the version before can be had back." }
            div class="buttons" {
                (action(visitor, &format!("{PAGE}/0/action"), "commit", "Keep it for good now"))
                (action(visitor, &format!("{PAGE}/0/action"), "rollback", "Go back to the version before"))
            }
        },
    )
}

fn upload_form(visitor: &Visitor) -> Markup {
    html! {
        section class="card" aria-labelledby="upload-title" {
            h2 id="upload-title" { "Upload firmware" }
            p class="muted" { "The ISO file of a release. It is verified against the signature keys of the running firmware before it is offered." }
            form id="upload" method="post" action=(UPLOAD) enctype="multipart/form-data" class="upload"
                data-form=(visitor.signed_in.form_secret) {
                // First, so that it is judged before the file is read.
                input type="hidden" name="form" value=(visitor.signed_in.form_secret);
                div class="field" {
                    label for="firmware" { "Firmware file (.iso)" }
                    input id="firmware" name="firmware" type="file" accept=".iso,application/x-iso9660-image" required;
                }
                button type="submit" class="primary" { "Upload" }
                div id="upload-progress" hidden {
                    progress id="upload-bar" aria-label="Upload" {}
                    p id="upload-text" class="muted" role="status" {}
                    button type="button" id="upload-cancel" { "Cancel" }
                }
                p id="upload-problem" class="problem" role="alert" hidden {}
            }
        }
    }
}

/// Whether firmware is taken by SSH, and how it is sent.
fn by_ssh(visitor: &Visitor, on: bool) -> Markup {
    let path = format!("{PAGE}/0/action");
    html! {
        @if on {
            p { (state("healthy", "On")) }
            p class="muted" { "As " b { (WEB_USER) } " with the password of this page, into the folder " code { "firmware" } ": " code { "scp sps.iso admin@…:/firmware/" } }
            div class="buttons" { (action(visitor, &path, "ssh-off", "Switch off")) }
        } @else {
            p { (state("stopped", "Off")) }
            p class="muted" { "When it is on, the port of SSH is open for " code { "sftp" } " and " code { "scp" } ", and for nothing else." }
            div class="buttons" { (action(visitor, &path, "ssh-on", "Switch on")) }
        }
    }
}

fn failed(failed: &[FailedFirmware]) -> Markup {
    if failed.is_empty() {
        return html! {};
    }
    let rows: Vec<_> = failed
        .iter()
        .map(|failed| {
            vec![
                html! { (failed.version) },
                html! { (parts::sentence(&failed.reason)) },
                html! { code { (failed.digest.get(..16).unwrap_or(&failed.digest)) } },
            ]
        })
        .collect();
    let body = html! {
        p class="muted" { "Firmware that failed is refused until it is forgotten at the console (" code { "firmware forget" } ")." }
        (table("Firmware that failed", &["Version", "Why", "Digest"], &rows))
    };
    card("failed", "Firmware that failed", &body)
}

/// Jobs, newest first.
fn job_list(visitor: &Visitor, jobs: &[Job], zone: &Zone) -> Markup {
    if jobs.is_empty() {
        return empty(
            "Nothing yet. Uploads, fetches and other long actions appear here, whoever starts them.",
        );
    }
    html! { ul class="jobs" { @for job in jobs.iter().take(JOBS) { (parts::job(visitor, job, zone)) } } }
}

/// `GET` of the page about one slot.
pub(crate) async fn notes(
    Extension(visitor): Extension<Visitor>,
    Path(slot): Path<u8>,
) -> Result<Response, Problem> {
    let Answer::Notes(notes) = visitor.ask(Operation::FirmwareNotes { slot }).await? else {
        return Err(Problem::not_understood());
    };
    let Answer::Slots(slots) = visitor.ask(Operation::FirmwareList).await? else {
        return Err(Problem::not_understood());
    };
    let found = slots.slots.iter().find(|found| found.number == slot);
    let zone = visitor.zone();
    let main = html! {
        p { a href=(PAGE) { "All firmware slots" } }
        @if let Some(found) = found.filter(|found| !found.current) { (test(&visitor, found, &zone)) }
        (card("about", &format!("Version {} in slot {slot}", notes.version), &about(&notes, &visitor.zone())))
        (card("notes", "Upgrade notes", &prose(&notes.upgrade_notes)))
        (card("news", "What is new", &prose(&notes.upgrade_news)))
    };
    Ok(layout::page(&visitor, &main))
}

/// The Test of the firmware in a slot, and what follows it.
fn test(visitor: &Visitor, slot: &Slot, zone: &Zone) -> Markup {
    let path = format!("{PAGE}/{}/action", slot.number);
    html! {
        section id="test" class="card" aria-labelledby="test-title" {
            h2 id="test-title" { "Test" }
            (testing::form(visitor, slot.number))
        }
        (card("found", "What the last Test found", &html! {
            (testing::findings(slot.test.as_ref(), zone))
            @if testing::holds(slot) && !slot.after_reboot {
                (parts::form(visitor, &path, "next", &html! {
                    button type="submit" class="primary" name="action" value="activate" { "Boot after reboot" }
                }))
            }
        }))
        (card("jobs", "What was done here", &job_list(visitor, &visitor.administration.jobs.list(), zone)))
    }
}

fn about(notes: &Notes, zone: &Zone) -> Markup {
    let rules = notes.upgrade_from.join(", ");
    facts(&[
        ("Version", html! { (notes.version) }),
        ("Built", zone.moment(notes.build_time)),
        (
            "Upgrade from",
            html! { @if rules.is_empty() { "no version" } @else { (rules) } },
        ),
        (
            "Supported until",
            html! { (notes.supported_until.as_deref().unwrap_or("not fixed yet")) },
        ),
    ])
}

/// Text of the maker, as it is.
fn prose(text: &str) -> Markup {
    if text.trim().is_empty() {
        return empty("The maker says nothing here.");
    }
    html! { div class="prose" { (text) } }
}

/// `POST` of what is done with a slot; 0 is for what concerns no single one.
pub(crate) async fn act(
    Extension(visitor): Extension<Visitor>,
    Path(slot): Path<u8>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let operation = match fields.get("action") {
        "test" => {
            testing::start(&visitor, slot, &fields);
            return Ok(Redirect::to(&format!("{PAGE}/{slot}")).into_response());
        }
        "activate" => Operation::FirmwareActivate { slot },
        "delete" => Operation::FirmwareDelete { slot },
        "rollback" => Operation::FirmwareRollback,
        "commit" => Operation::FirmwareCommit,
        "ssh-on" => Operation::FirmwareSsh { on: true },
        "ssh-off" => Operation::FirmwareSsh { on: false },
        other => return Err(Problem::bad_form(format!("there is no action {other:?}"))),
    };
    let message = fields.text("message").unwrap_or("").to_owned();
    visitor.ask_because(operation, message).await?;
    Ok(Redirect::to(PAGE).into_response())
}

/// `POST` of a firmware file: raw by the script, as a form without it.
pub(crate) async fn upload(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let by_script = request.headers().contains_key("x-upload");
    let job = receive::receive(Arc::new(visitor), request, receive::Proof::Needed).await?;
    if by_script {
        let body = serde_json::json!({ "job": job.id }).to_string();
        let json = [(header::CONTENT_TYPE, "application/json")];
        return Ok((StatusCode::ACCEPTED, json, body).into_response());
    }
    Ok(Redirect::to(PAGE).into_response())
}
