//! The pages: boot page and error page. Complete without JavaScript; the script only keeps them current.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use crate::assets::Pages;
use crate::boot::bundle;
use crate::boot::content::ApplianceInfo;
use crate::boot::log_reader::{self, Batch};
use crate::boot::status::{Phase, PhaseState, Progress, Service};
use crate::boot::view::{Shown, duration, uptime_ms};
use crate::http::limits::{ANSWER_BYTES, PAGE_LINES};
use crate::http::reply::Problem;
use crate::markup::{RELOAD_SECONDS, RELOAD_SECONDS_WITH_FORM, Script, document, icon, log_line, sprite};
use crate::router::{LOG, LOG_TEXT, STATUS, Site};

/// `GET` of the boot page.
pub(crate) async fn boot_page(State(site): State<Arc<Site>>) -> Response {
    let content = &site.content;
    let batch = log_reader::read_last(&content.log, PAGE_LINES, ANSWER_BYTES);
    let status = content.status.borrow().clone();
    let shown = Shown::of(&status);
    let body = body(&site, &shown, &batch);
    let title = format!(
        "{} – {} – {}",
        shown.headline, content.info.host_name, content.info.product
    );
    let script = Script::OrReload(reload_seconds(&site));
    answer(document(Pages::Boot, &title, script, &body))
}

/// How often the page loads itself again where scripts do not run: a password that is being typed takes longer than a look.
fn reload_seconds(site: &Site) -> u32 {
    if site.content.bundles.is_some() {
        RELOAD_SECONDS_WITH_FORM
    } else {
        RELOAD_SECONDS
    }
}

/// An error for a person.
pub(crate) fn error(problem: &Problem) -> Response {
    let reason = problem.status.canonical_reason().unwrap_or("Error");
    let body = html! {
        body class="error" {
            (sprite())
            main class="card" {
                h1 { (icon("failed")) (reason) }
                p { (sentence(&problem.details)) }
                p { a class="button" href="/" { "Go to the boot page" } }
                p class="muted" { "Status " (problem.status.as_u16()) ", " (problem.kind) }
            }
        }
    };
    (
        problem.status,
        answer(document(Pages::Boot, reason, Script::None, &body)),
    )
        .into_response()
}

pub(crate) fn answer(page: Markup) -> Response {
    (
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        page.into_string(),
    )
        .into_response()
}

fn body(site: &Site, shown: &Shown<'_>, batch: &Batch) -> Markup {
    let (info, boot_id) = (&site.content.info, &site.content.boot_id);
    let last = batch.entries.back().map_or(0, |entry| entry.seq);
    html! {
        body data-boot=(boot_id) data-login[site.administration.is_some()] data-working[shown.status.health.is_working()]
            data-after=(last) data-uptime=(uptime_ms()) data-version=(info.version)
            data-name={ (info.host_name) " – " (info.product) } {
            (sprite())
            a class="skip" href="#log" { "Skip to the boot log" }
            (top(info))
            @if info.development { (development_banner()) }
            main {
                (overview(shown))
                (problems(&shown.status.problems))
                div class="columns" {
                    div class="side" {
                        (bundle::form(site))
                        (phases(&shown.status.phases))
                        (services(&shown.status.services))
                    }
                    (log(batch))
                }
            }
            (foot(info))
            p id="announce" class="unseen" role="status" {}
        }
    }
}

fn top(info: &ApplianceInfo) -> Markup {
    html! {
        header class="top" {
            svg class="mark" aria-hidden="true" focusable="false" { use href="#i-mark" {} }
            div class="names" {
                p class="product" { (info.product) }
                p class="host" { (info.host_name) }
            }
            p class="version" { "Version " b { (info.version) } span class="channel" { (info.channel) } }
        }
    }
}

pub(crate) fn development_banner() -> Markup {
    html! {
        aside class="banner" aria-label="Development build" {
            (icon("degraded"))
            p {
                b { "Development build." }
                " This firmware is signed with a published key that anyone can use. Do not use it in production."
            }
        }
    }
}

fn overview(shown: &Shown<'_>) -> Markup {
    html! {
        section id="overview" class="card" data-state=(shown.status.health.word()) aria-labelledby="headline" {
            span id="health-icon" { (icon(shown.status.health.word())) }
            div {
                h1 id="headline" { (shown.headline) }
                p id="summary" { (shown.summary) }
            }
            p id="connection" data-state="waiting" hidden { "Connecting…" }
            noscript { p class="muted" { "This page reloads by itself now and then. With JavaScript it is live." } }
            p id="notice" hidden {}
            (progress(shown.status.progress.as_ref(), shown.progress_text.as_deref()))
        }
    }
}

fn progress(progress: Option<&Progress>, text: Option<&str>) -> Markup {
    let (done, total) = progress.map_or((0, 0), |step| (step.done.min(step.total), step.total));
    let what = progress.map_or("", |step| step.what.as_str());
    html! {
        div id="progress" hidden[progress.is_none()] {
            p { label id="progress-what" for="progress-bar" { (what) } }
            // A bar without a value shows that the end is not known.
            @if total == 0 {
                progress id="progress-bar" {}
            } @else {
                progress id="progress-bar" value=(done) max=(total) {}
            }
            p id="progress-text" class="muted" { (text.unwrap_or("")) }
        }
    }
}

fn problems(problems: &[String]) -> Markup {
    html! {
        section id="problems" class="card" aria-labelledby="problems-title" hidden[problems.is_empty()] {
            h2 id="problems-title" { (icon("degraded")) "Needs attention" }
            ul { @for problem in problems { li { (problem) } } }
        }
    }
}

fn phases(phases: &[Phase]) -> Markup {
    html! {
        section id="phases" class="card" aria-labelledby="phases-title" {
            h2 id="phases-title" { "Boot phases" }
            ol { @for phase in phases { (phase_item(phase)) } }
        }
    }
}

fn phase_item(phase: &Phase) -> Markup {
    html! {
        li data-state=(phase.state.word()) aria-current=[(phase.state == PhaseState::Running).then_some("step")] {
            (icon(phase.state.word()))
            span class="title" { (phase.title) }
            span class="word" { (phase.state.word()) }
            span class="took" { (took(phase)) }
        }
    }
}

fn took(phase: &Phase) -> String {
    let end = match phase.state {
        PhaseState::Running => Some(uptime_ms()),
        _ => phase.finished_ms,
    };
    match (phase.started_ms, end) {
        (Some(start), Some(end)) => duration(end.saturating_sub(start)),
        _ => String::new(),
    }
}

fn services(services: &[Service]) -> Markup {
    html! {
        section id="services" class="card" aria-labelledby="services-title" hidden[services.is_empty()] {
            h2 id="services-title" { "Services" }
            ul { @for service in services { (service_item(service)) } }
        }
    }
}

fn service_item(service: &Service) -> Markup {
    html! {
        li data-state=(service.state.word()) {
            (icon(service.state.word()))
            span class="title" { (service.name) }
            span class="word" { (service.state.word()) }
            span class="detail" { (service.detail) }
        }
    }
}

fn log(batch: &Batch) -> Markup {
    html! {
        section id="log-card" class="card" aria-labelledby="log-title" {
            div class="bar" {
                h2 id="log-title" { "Boot log" }
                p id="count" class="muted" {}
                (log_controls())
                a class="button" href=(LOG_TEXT) download { "Download" }
            }
            // Announced line by line, hundreds of lines at boot would drown everything else: #announce tells phases
            // and problems, the log is there to be read.
            div id="log" role="log" aria-live="off" aria-labelledby="log-title" tabindex="0" data-show="info" {
                @if batch.missed > 0 {
                    div class="note" { (batch.missed) " earlier lines are not shown here." }
                }
                @for entry in &batch.entries { (log_line(entry)) }
            }
        }
    }
}

fn log_controls() -> Markup {
    html! {
        div id="controls" class="controls" hidden {
            label class="unseen" for="search" { "Find in the log" }
            input id="search" type="search" placeholder="Find in the log" autocomplete="off" spellcheck="false";
            label class="unseen" for="level" { "Levels shown" }
            select id="level" {
                option value="debug" { "Everything" }
                option value="info" selected { "Info and above" }
                option value="warning" { "Warnings and errors" }
                option value="error" { "Errors" }
            }
            button id="follow" type="button" aria-pressed="true" { "Follow" }
            button id="copy" type="button" { "Copy" }
        }
    }
}

fn foot(info: &ApplianceInfo) -> Markup {
    html! {
        footer {
            p { "Build " code { (info.build_id) } }
            nav aria-label="Other forms of this page" {
                a href=(LOG_TEXT) { "Log as text" }
                a href=(LOG) { "Log as JSON" }
                a href=(STATUS) { "Status as JSON" }
            }
        }
    }
}

/// Details as a sentence: errors are written in lower case and without a full stop.
fn sentence(details: &str) -> String {
    let mut chars = details.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => String::new(),
    }
}
