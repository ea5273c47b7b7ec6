//! *Indexer > Worker status*: who indexes what, who was refused, and hosts that are added and removed.

use axum::Extension;
use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sps_admin::{
    ExternalIndexer, Failure, INDEXER_FILE, IndexerWorker, Indexers, RefusedIndexer, Request as Operation,
    Response as Answer, text,
};

use super::forms::Fields;
use super::parts::{self, Field, Weight, card, empty, facts, form, notice, state, table, told_state};
use super::time::Zone;
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/indexer/worker-status";
/// Where the service is switched on.
const SETTINGS: &str = "/settings/local_services";

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    shown(&visitor, None).await
}

async fn shown(visitor: &Visitor, problem: Option<&Failure>) -> Result<Response, Problem> {
    let Answer::Indexers(now) = visitor.ask(Operation::IndexersShow).await? else {
        return Err(Problem::not_understood());
    };
    let zone = visitor.zone();
    let main = html! {
        @if let Some(problem) = problem {
            (notice(Weight::Error, &html! { p { (parts::sentence(&problem.message)) } }))
        }
        (card("own", "The appliance's own worker", &own(&now)))
        (card("hosts", "External indexers", &hosts(visitor, &now, &zone)))
        (card("add", "Add a host", &add(visitor)))
        (card("refused", "Refused and cut off", &refused(&now.refused, &zone)))
    };
    let mut response = layout::page(visitor, &main);
    if let Some(problem) = problem {
        *response.status_mut() = Problem::of_failure(problem).of_page().status;
    }
    Ok(response)
}

fn own(now: &Indexers) -> Markup {
    let own = &now.own;
    let doing = match (&own.session, own.working) {
        (Some(session), _) => state("running", &format!("reads {session}")),
        (None, true) => state("done", "has nothing to do"),
        (None, false) => state("degraded", "does not work: the index is not open"),
    };
    facts(&[
        ("State", doing),
        ("Sessions since the start", html! { (parts::grouped(own.done)) }),
        (
            "Sessions that wait for somebody",
            html! { (parts::grouped(now.waiting)) },
        ),
        (
            "Last error",
            html! { @match &own.last_error { Some(error) => (parts::sentence(error)), None => "none" } },
        ),
    ])
}

fn hosts(visitor: &Visitor, now: &Indexers, zone: &Zone) -> Markup {
    let switch = if now.enabled {
        html! { (state("done", &format!("On, port {}", now.port))) }
    } else {
        html! { (state("stopped", "Off")) " " a href=(SETTINGS) { "Local Services > Indexer service" } }
    };
    let rows: Vec<_> = now.hosts.iter().map(|host| row(visitor, host, zone)).collect();
    html! {
        (facts(&[
            ("External indexers", switch),
            ("Oldest version that may index", html! { (now.version) }),
            (
                "Fingerprint of the appliance",
                html! { @match &now.fingerprint { Some(print) => code { (print) }, None => "made with the first host" } },
            ),
        ]))
        @if rows.is_empty() {
            (empty("No host was added. The appliance indexes by itself, with the indexer keys it has."))
        } @else {
            (table(
                "External indexers",
                &["Host", "State", "Version", "From", "Workers", "Keys", "Sessions", "An hour", "Last error", ""],
                &rows,
            ))
        }
    }
}

fn row(visitor: &Visitor, host: &ExternalIndexer, zone: &Zone) -> Vec<Markup> {
    let remove = html! {
        input type="hidden" name="name" value=(host.name);
        button type="submit" name="action" value="remove" class="danger" { "Remove" }
    };
    vec![
        html! { b { (host.name) } @if !host.host_name.is_empty() && host.host_name != host.name { " (" (host.host_name) ")" } },
        html! {
            @match host.since {
                Some(since) => { (state("done", "connected")) " since " (zone.moment(since)) },
                None => (state("stopped", "not connected")),
            }
        },
        html! { (host.version) },
        html! { (host.address) },
        html! {
            (host.connected.len()) " of " (host.workers)
            @for worker in &host.connected { (reading(worker)) }
        },
        html! { (host.keys) },
        html! { (parts::grouped(host.done)) },
        html! { (parts::grouped(host.per_hour)) },
        html! {
            @if let Some(error) = &host.last_error {
                (told_state("failed", &parts::sentence(error)))
                @if let Some(at) = host.last_error_at { " " (zone.moment(at)) }
            } @else { "none" }
        },
        form(visitor, PAGE, "inline", &remove),
    ]
}

fn reading(worker: &IndexerWorker) -> Markup {
    html! {
        @if let Some(session) = &worker.session {
            p {
                (worker.number) ": " a href={ "/search/sessions/" (session) } { (session) }
                progress max="100" value=(worker.percent) aria-label={ "Part of " (session) " that was read" } {}
            }
        }
    }
}

fn add(visitor: &Visitor) -> Markup {
    let body = html! {
        p class="muted" {
            "The configuration of the host is downloaded, once: its private key is not kept here. Put it to "
            code { "/etc/indexer/" (INDEXER_FILE) } " of the host, and keys that open encrypted audit trails to "
            code { "/etc/indexer/indexer-keys.cfg" } "; they never come to the appliance. Then run " code { "sps indexer" } "."
        }
        (Field { name: "name", label: "Name", hint: "A name for the host, such as indexer-1.", required: true, ..Field::default() }.markup())
        (Field { name: "address", label: "Address of the appliance", hint: "As the host reaches it; empty: the appliance's first.", ..Field::default() }.markup())
        (Field { name: "message", label: "Reason", hint: "For the log of changes.", ..Field::default() }.markup())
        div class="buttons" { button type="submit" class="primary" name="action" value="add" { "Add and download" } }
    };
    form(visitor, PAGE, "stack", &body)
}

fn refused(refused: &[RefusedIndexer], zone: &Zone) -> Markup {
    if refused.is_empty() {
        return empty("Nobody was refused since the start.");
    }
    let row = |refused: &RefusedIndexer| {
        vec![
            html! { (zone.moment(refused.time)) @if refused.times > 1 { ", " (refused.times) " times" } },
            html! { @match &refused.host { Some(host) => (host), None => "unknown" } },
            html! { (refused.address) },
            html! { (parts::sentence(&refused.reason)) },
        ]
    };
    let rows: Vec<_> = refused.iter().map(row).collect();
    table("Refused and cut off", &["When", "Host", "From", "Why"], &rows)
}

/// `POST`: adds a host and sends its configuration, or removes one.
pub(crate) async fn act(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let (name, message) = (fields.get("name").to_owned(), fields.get("message").to_owned());
    let operation = match fields.get("action") {
        "add" => {
            let address = Some(fields.get("address").to_owned()).filter(|given| !given.is_empty());
            Operation::IndexerAdd { name, address }
        }
        "remove" => Operation::IndexerRemove { name },
        other => {
            let other = text::clean(other);
            return Err(Problem::bad_form(format!("there is no action {other:?}")));
        }
    };
    match visitor.ask_because(operation, message).await {
        Ok(Answer::IndexerAdded(added)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (
                    header::CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{INDEXER_FILE}\""),
                ),
            ];
            Ok((headers, added.file.expose().to_owned()).into_response())
        }
        Ok(_) => Ok(Redirect::to(PAGE).into_response()),
        Err(failure) => shown(&visitor, Some(&failure)).await,
    }
}
