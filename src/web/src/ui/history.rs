//! *Configuration history*: every change of the settings, what it changed, and the way back.

use axum::Extension;
use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::Value;
use sps_admin::{
    ConfigurationChanges, ConfigurationRevision, Request as Operation, Response as Answer, SettingDifference,
};

use super::forms::Fields;
use super::parts::{self, Weight, card, empty, notice, table};
use super::time::Zone;
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/users-access-control/configuration-history";
/// Path of one change.
pub(crate) const ONE: &str = "/users-access-control/configuration-history/{revision}";
/// Changes shown.
const MOST: u32 = 100;

/// `GET` of the list.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let revisions = revisions(&visitor).await?;
    let zone = visitor.zone();
    let rows: Vec<_> = revisions.iter().map(|revision| row(revision, &zone)).collect();
    let body = if rows.is_empty() {
        empty("Nobody has changed the settings yet.")
    } else {
        let columns = ["Revision", "When", "Who", "Why", "What"];
        table("Changes of the settings", &columns, &rows)
    };
    Ok(layout::page(&visitor, &card("history", "Newest first", &body)))
}

async fn revisions(visitor: &Visitor) -> Result<Vec<ConfigurationRevision>, Problem> {
    match visitor
        .ask(Operation::ConfigurationHistory { limit: MOST })
        .await?
    {
        Answer::Revisions(revisions) => Ok(revisions),
        _ => Err(Problem::not_understood()),
    }
}

fn row(revision: &ConfigurationRevision, zone: &Zone) -> Vec<Markup> {
    vec![
        html! { a href={ (PAGE) "/" (revision.revision) } { (revision.revision) } },
        zone.moment(revision.time),
        html! { (revision.who) },
        html! { (revision.message) },
        html! { ul class="paths" { @for path in &revision.paths { li { code { (path) } } } } },
    ]
}

/// `GET` of one change.
pub(crate) async fn one(
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let revisions = revisions(&visitor).await?;
    let found = revisions
        .iter()
        .find(|revision| revision.revision.to_string() == number);
    let revision = found.ok_or_else(|| Problem::not_found(&uri))?;
    let newest = revisions.first().map_or(0, |newest| newest.revision);
    let operation = Operation::ConfigurationDifference {
        from: None,
        to: Some(revision.revision),
    };
    // The one before may be kept no longer.
    let changed = match visitor.ask(operation).await {
        Ok(Answer::ConfigurationChanges(changes)) => differences(&changes),
        Ok(_) => return Err(Problem::not_understood()),
        Err(failure) => notice(
            Weight::Information,
            &html! { p { (parts::sentence(&failure.message)) } },
        ),
    };
    let zone = visitor.zone();
    let facts = parts::facts(&[
        ("When", zone.moment(revision.time)),
        ("Who", html! { (revision.who) }),
        ("Why", html! { (revision.message) }),
    ]);
    let main = html! {
        p { a href=(PAGE) { "All changes" } }
        (card("change", &format!("Revision {}", revision.revision), &facts))
        (card("differences", "What it changed", &changed))
        (back(&visitor, revision.revision, newest))
    };
    Ok(layout::page(&visitor, &main))
}

/// What differs, value by value.
pub(super) fn differences(changes: &ConfigurationChanges) -> Markup {
    if changes.differences.is_empty() {
        return empty("Nothing differs.");
    }
    let rows: Vec<_> = changes.differences.iter().map(difference).collect();
    table("Differences", &["Setting", "Before", "After"], &rows)
}

fn difference(one: &SettingDifference) -> Vec<Markup> {
    let another = one.before.is_some() && one.before == one.after;
    vec![
        html! { code { (one.path) } },
        shown(one.before.as_ref()),
        if another {
            html! { "another secret" }
        } else {
            shown(one.after.as_ref())
        },
    ]
}

fn shown(value: Option<&Value>) -> Markup {
    match value {
        None => html! { span class="muted" { "nothing" } },
        Some(value @ (Value::Object(_) | Value::Array(_))) => {
            let text = serde_json::to_string_pretty(value).unwrap_or_default();
            html! { pre { (text) } }
        }
        Some(Value::String(text)) => html! { (text) },
        Some(Value::Null) => html! { span class="muted" { "not set" } },
        Some(other) => html! { (other.to_string()) },
    }
}

/// The ways back.
fn back(visitor: &Visitor, revision: u64, newest: u64) -> Markup {
    let later = newest.saturating_sub(revision);
    let body = html! {
        p class="muted" {
            "A new revision is made that equals the earlier one. "
            @if later > 0 { "The " (later) " later changes are undone too." }
        }
        input type="hidden" name="revision" value=(newest);
        label class="why" { span { "Why" } input name="message" type="text" maxlength="500" autocomplete="off"; }
        div class="buttons" {
            button type="submit" class="danger" name="action" value="before" { "Take this change back" }
            @if later > 0 {
                button type="submit" name="action" value="this" { "Go back to revision " (revision) }
            }
        }
    };
    html! {
        section class="card" aria-labelledby="back-title" {
            h2 id="back-title" { "Take back" }
            (parts::form(visitor, &format!("{PAGE}/{revision}"), "stack", &body))
        }
    }
}

/// `POST`: takes it back.
pub(crate) async fn act(
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let number: u64 = number
        .parse()
        .map_err(|_| Problem::bad_form("there is no such revision".into()))?;
    let revision = match fields.get("action") {
        "before" => number.saturating_sub(1),
        "this" => number,
        other => return Err(Problem::bad_form(format!("there is no action {other:?}"))),
    };
    let operation = Operation::ConfigurationRestore {
        revision,
        expected: fields.get("revision").parse().ok(),
    };
    let message = fields.text("message").unwrap_or_default().to_owned();
    visitor.ask_because(operation, message).await?;
    Ok(Redirect::to(PAGE).into_response())
}
