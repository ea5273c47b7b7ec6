//! *System monitor*: health, services, the data store, and what goes on in the background.

use axum::Extension;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sps_admin::{
    Request as Operation, Response as Answer, ServiceState, ServiceStatus, Status, StoreStatus, text,
};

use super::forms::Fields;
use super::parts::{self, Weight, action, card, facts, notice, state, table};
use super::{Visitor, layout, upgrade};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/basic-settings/system-monitor";
/// Share of a disk from which its bar warns, percent.
const NEARLY_FULL: u64 = 80;

/// Findings of a check in its line; the command line shows all.
const TOLD: usize = 10;

/// The data store, or why it cannot be shown.
pub(super) async fn store(visitor: &Visitor) -> Result<StoreStatus, String> {
    match visitor.ask(Operation::StoreShow).await {
        Ok(Answer::Store(store)) => Ok(store),
        Ok(_) => Err("the answer was not understood".into()),
        Err(failure) => Err(failure.to_string()),
    }
}

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Status(status) = visitor.ask(Operation::Status).await? else {
        return Err(Problem::not_understood());
    };
    let store = store(&visitor).await;
    let main = html! {
        (card("appliance", "Appliance", &appliance(&visitor, &status)))
        (card("store", "Data store", &store_facts(&store)))
        (card("import", "Earlier sessions", &import(&visitor, &store)))
        (card("index", "Index of content", &index(&visitor, &store)))
        (card("check", "Check of the data store", &checks(&visitor)))
        (card("services", "Services", &services(&status.services)))
    };
    Ok(layout::page(&visitor, &main))
}

fn appliance(visitor: &Visitor, status: &Status) -> Markup {
    let word = visitor.site.content.status.borrow().health.word();
    let zone = visitor.zone();
    html! {
        (facts(&[
            ("Health", state(word, &parts::capital(word))),
            ("Running for", html! { (text::duration(status.uptime)) }),
            (
                "Time",
                html! {
                    (zone.moment(status.time)) " "
                    @if status.time_synchronized { (state("done", "synchronized")) } @else { (state("degraded", "not synchronized")) }
                },
            ),
            ("Sealed", html! { @if status.sealed { "Yes" } @else { "No" } }),
        ]))
        @for problem in &status.problems { (notice(Weight::Warning, &html! { p { (parts::sentence(problem)) } })) }
    }
}

fn store_facts(store: &Result<StoreStatus, String>) -> Markup {
    let store = match store {
        Ok(store) => store,
        Err(why) => return notice(Weight::Warning, &html! { p { (parts::sentence(why)) } }),
    };
    let used = store.total.saturating_sub(store.free);
    let percent = used.saturating_mul(100) / store.total.max(1);
    let kind = if percent >= NEARLY_FULL {
        "degraded"
    } else {
        "healthy"
    };
    html! {
        meter id="room" aria-label="Disk space in use" min="0" max="100" high=(NEARLY_FULL) optimum="0" value=(percent) { (percent) " %" }
        p { (state(kind, &format!("{percent} % in use"))) " – " (text::bytes(store.free)) " of " (text::bytes(store.total)) " are free" }
        (facts(&[
            ("Layout", html! { (store.layout) " (since " (store.layout_version) ")" }),
            ("Tree", html! { code { (store.tree) } }),
            (
                "Kept for earlier firmware",
                html! { @if store.others.is_empty() { "none" } @else { (store.others.join(", ")) } },
            ),
        ]))
    }
}

fn index(visitor: &Visitor, store: &Result<StoreStatus, String>) -> Markup {
    let Some(now) = store.as_ref().ok().and_then(|store| store.indexing.as_ref()) else {
        return parts::empty("Nothing is indexed: the index is not open.");
    };
    let zone = visitor.zone();
    html! {
        (facts(&[
            (
                "State",
                match (now.again_until, now.waiting) {
                    (Some(_), _) => state("running", "Earlier sessions are indexed anew"),
                    (None, 0) => state("done", "All is indexed"),
                    (None, _) => state("running", "Sessions wait"),
                },
            ),
            ("Sessions that wait", html! { (parts::grouped(now.waiting)) }),
            ("Places that can be found", html! { (parts::grouped(now.moments)) }),
            ("Version of the indexer", html! { (now.version) }),
        ]))
        @if let Some(until) = now.again_until {
            progress value=(now.again_done) max=(now.again_total.max(1)) aria-label="Sessions indexed anew" {}
            p {
                (parts::grouped(now.again_done)) " of " (parts::grouped(now.again_total)) " earlier sessions"
                @if until < i64::from(u32::MAX) * 1000 { ": those since " (zone.moment(u64::try_from(until / 1000).unwrap_or(0))) " are found" }
            }
        }
    }
}

fn import(visitor: &Visitor, store: &Result<StoreStatus, String>) -> Markup {
    let Some(import) = store.as_ref().ok().and_then(|store| store.import.as_ref()) else {
        return parts::empty("There are no earlier sessions to import: searches find everything.");
    };
    html! {
        (upgrade::import_bar(import))
        @if !import.finished {
            div class="buttons" {
                @if import.paused {
                    (action(visitor, PAGE, "resume", "Go on"))
                } @else {
                    (action(visitor, PAGE, "pause", "Let it rest"))
                }
            }
        }
    }
}

/// The form of the check, and the checks that were made.
fn checks(visitor: &Visitor) -> Markup {
    let title = Operation::StoreCheck { adopt: false }.title();
    let jobs = visitor.administration.jobs.list();
    let jobs: Vec<_> = jobs
        .iter()
        .filter(|job| job.title.starts_with(&title))
        .take(3)
        .collect();
    let zone = visitor.zone();
    let body = html! {
        p class="muted" { "Reads every session and looks at every audit trail. Connections go on meanwhile." }
        div class="check" {
            input id="adopt" name="adopt" type="checkbox" value="yes";
            label for="adopt" { "A trail that belongs to no session becomes one" }
        }
        button type="submit" name="action" value="check" { "Check everything" }
    };
    html! {
        (parts::form(visitor, PAGE, "stack", &body))
        @if !jobs.is_empty() { ul class="jobs" { @for job in jobs { (parts::job(visitor, job, &zone)) } } }
    }
}

/// The end of a check in words.
fn checked(answer: &Answer) -> String {
    match answer {
        Answer::StoreChecked(found) => {
            let told: Vec<String> = found
                .told
                .iter()
                .take(TOLD)
                .map(|told| parts::sentence(told))
                .collect();
            format!("{} {}", parts::sentence(&found.summary()), told.join(" "))
        }
        _ => String::new(),
    }
}

fn services(services: &[ServiceStatus]) -> Markup {
    let row = |service: &ServiceStatus| {
        let (kind, word) = shown(service.state);
        vec![
            html! { (service.name) },
            state(kind, word),
            html! { (parts::sentence(&service.detail)) },
        ]
    };
    let rows: Vec<_> = services.iter().map(row).collect();
    table("Services", &["Service", "State", "What it says"], &rows)
}

const fn shown(state: ServiceState) -> (&'static str, &'static str) {
    match state {
        ServiceState::Waiting => ("waiting", "Waiting"),
        ServiceState::Starting => ("running", "Starting"),
        ServiceState::Healthy => ("healthy", "Healthy"),
        ServiceState::Degraded => ("degraded", "Degraded"),
        ServiceState::Restarting => ("restarting", "Restarting"),
        ServiceState::Failed => ("failed", "Failed"),
        ServiceState::Stopped => ("stopped", "Stopped"),
    }
}

/// `POST`: lets the import rest, or go on.
pub(crate) async fn act(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let on = match fields.get("action") {
        "pause" => true,
        "resume" => false,
        "check" => {
            let adopt = fields.get("adopt") == "yes";
            let call = visitor.call(Operation::StoreCheck { adopt }, String::new());
            let administration = &visitor.administration;
            let _shown_on_the_page = administration
                .jobs
                .start(&administration.operations, call, checked);
            return Ok(Redirect::to(PAGE).into_response());
        }
        other => return Err(Problem::bad_form(format!("there is no action {other:?}"))),
    };
    visitor.ask(Operation::ImportPause { on }).await?;
    Ok(Redirect::to(PAGE).into_response())
}
