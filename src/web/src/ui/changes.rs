//! *Changes*: who changed what, when, from where and why.

use axum::Extension;
use axum::response::Response;
use maud::{Markup, html};
use sps_admin::{Change, Request as Operation, Response as Answer};

use super::parts::{card, empty, table, told_state};
use super::time::Zone;
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/users-access-control/changes";
/// Changes shown.
const MOST: u32 = 200;

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Changes(changes) = visitor.ask(Operation::Changes { limit: MOST }).await? else {
        return Err(Problem::not_understood());
    };
    let zone = visitor.zone();
    let rows: Vec<_> = changes.iter().map(|change| row(change, &zone)).collect();
    let body = if rows.is_empty() {
        empty("Nothing has been changed yet.")
    } else {
        table("Changes", &["When", "Who", "What", "Why", "Outcome"], &rows)
    };
    Ok(layout::page(&visitor, &card("changes", "Newest first", &body)))
}

fn row(change: &Change, zone: &Zone) -> Vec<Markup> {
    let went_well = change.outcome == "done";
    vec![
        zone.moment(change.time),
        html! { (change.who) },
        html! {
            (change.what)
            @if !change.paths.is_empty() {
                ul class="paths" { @for path in &change.paths { li { code { (path) } } } }
            }
        },
        html! { (change.message) },
        told_state(if went_well { "done" } else { "failed" }, &change.outcome),
    ]
}
