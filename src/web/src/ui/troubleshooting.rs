//! *Troubleshooting*: support bundles, made here or before an upgrade, kept for a day.

use axum::Extension;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sps_admin::{CoreFile, KeptBundle, KeptState, Request as Operation, Response as Answer, text};

use super::forms::Fields;
use super::parts::{self, card, empty, state, table};
use super::time::Zone;
use super::{Visitor, layout};
use crate::http::reply::Problem;
use crate::rest::{BUNDLES, CORE_FILES};

/// Path of the page.
pub(crate) const PAGE: &str = "/basic-settings/troubleshooting";

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Bundles(mut bundles) = visitor.ask(Operation::BundleList).await? else {
        return Err(Problem::not_understood());
    };
    bundles.reverse();
    let making = bundles.iter().any(|bundle| bundle.state == KeptState::InProgress);
    let body = html! {
        p class="muted" {
            "Logs, the status and the configuration of this appliance without any secret, for support. Bundles are kept for a day, and \
             one is made before every upgrade."
        }
        button type="submit" class="primary" name="action" value="make" disabled[making] { "Create support bundle" }
    };
    let main = html! {
        (card("make", "Create support bundle", &parts::form(&visitor, PAGE, "stack", &body)))
        (card("bundles", "Support bundles", &list(&visitor, &bundles, &visitor.zone())))
        (card("cores", "Core files", &cores(&visitor).await))
        @if making { p class="muted" { a href=(PAGE) { "Look again" } } }
    };
    Ok(layout::page(&visitor, &main))
}

/// What is left of programs that crashed.
async fn cores(visitor: &Visitor) -> Markup {
    let files = match visitor.ask(Operation::CoreList).await {
        Ok(Answer::CoreFiles(files)) => files,
        Ok(_) => Vec::new(),
        Err(failure) => return html! { p { (parts::sentence(&failure.to_string())) } },
    };
    if files.is_empty() {
        return empty("No program has left a core file.");
    }
    let zone = visitor.zone();
    let rows: Vec<_> = files.iter().map(|file| core(visitor, file, &zone)).collect();
    html! {
        p class="muted" { "What is left of programs that crashed. An upgrade leaves them behind: fetch what support may need before it is kept for good." }
        (table("Core files", &["Written", "File", "Size", ""], &rows))
    }
}

fn core(visitor: &Visitor, file: &CoreFile, zone: &Zone) -> Vec<Markup> {
    vec![
        zone.moment(file.time),
        html! { a href={ (CORE_FILES) "/" (file.key) "/download" } { (file.name) } },
        html! { (text::bytes(file.bytes)) },
        html! {
            div class="buttons" {
                (parts::form(visitor, PAGE, "inline", &html! {
                    input type="hidden" name="key" value=(file.key);
                    button type="submit" name="action" value="delete-core" { "Delete" }
                }))
            }
        },
    ]
}

fn list(visitor: &Visitor, bundles: &[KeptBundle], zone: &Zone) -> Markup {
    if bundles.is_empty() {
        return empty("None is kept. Create one above.");
    }
    let rows: Vec<_> = bundles.iter().map(|bundle| row(visitor, bundle, zone)).collect();
    table("Support bundles", &["Made", "File", "State", "Size", ""], &rows)
}

fn row(visitor: &Visitor, bundle: &KeptBundle, zone: &Zone) -> Vec<Markup> {
    let finished = bundle.state == KeptState::Finished;
    vec![
        zone.moment(bundle.key),
        html! {
            @if finished {
                a href={ (BUNDLES) "/" (bundle.key) "/download" } { (bundle.name) }
            } @else {
                (bundle.name)
            }
        },
        match &bundle.state {
            KeptState::InProgress => state("running", "In progress"),
            KeptState::Finished => state("done", "Finished"),
            KeptState::Failed(why) => {
                html! { (state("failed", "Failed")) p class="muted" { (parts::sentence(why)) } }
            }
        },
        if finished {
            html! { (text::bytes(bundle.bytes)) }
        } else {
            html! { "–" }
        },
        html! {
            @if bundle.state != KeptState::InProgress {
                div class="buttons" {
                    (parts::form(visitor, PAGE, "inline", &html! {
                        input type="hidden" name="key" value=(bundle.key);
                        button type="submit" name="action" value="delete" { "Delete" }
                    }))
                }
            }
        },
    ]
}

/// `POST` of what is done here.
pub(crate) async fn act(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let operation = match fields.get("action") {
        "make" => Operation::BundleKeep,
        "delete" => Operation::BundleDelete {
            key: fields
                .get("key")
                .parse()
                .map_err(|_| Problem::bad_form("there is no such support bundle".into()))?,
        },
        "delete-core" => Operation::CoreDelete {
            key: fields.get("key").to_owned(),
        },
        other => return Err(Problem::bad_form(format!("there is no action {other:?}"))),
    };
    visitor.ask(operation).await?;
    Ok(Redirect::to(PAGE).into_response())
}
