//! One recorded session: who, from where, to where, how it ended, and what happened in it.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use sps_admin::{Request as Operation, Response as Answer, text};
use sps_session_record::{Channel, Endpoint, Event, SessionRecord};

use super::parts::{self, Field, Weight, card, empty, facts, notice, table};
use super::time::Zone;
use super::{Visitor, layout, search};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/search/sessions/{id}";
/// Events shown; the others are counted.
const EVENTS: usize = 1000;
/// Places shown of what it showed.
const PLACES: usize = 200;

/// What stands in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    content: String,
}

/// `GET` of the page.
pub(crate) async fn page(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Asked { content }) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let Answer::Session(record) = visitor.ask(Operation::SessionShow { id }).await? else {
        return Err(Problem::not_understood());
    };
    let zone = visitor.zone();
    let found = shown(&visitor, &record, &content).await;
    let main = html! {
        p data-still[!content.trim().is_empty()] { a href=(search::PAGE) { "All sessions" } }
        (card("about", &format!("Session {}", record.id), &about(&record, &zone)))
        (card("content", "What it showed", &found))
        (card("events", "What happened", &events(&record.events, &zone)))
        (card("channels", "Channels", &channels(&record.channels, &zone)))
    };
    Ok(layout::page(&visitor, &main))
}

/// What is looked for in what it showed.
async fn shown(visitor: &Visitor, record: &SessionRecord, content: &str) -> Markup {
    let unsearchable = match record.indexing.state.as_str() {
        "indexed" => None,
        "obsolete" => Some(
            "An earlier indexer read it: its events and commands are found, and what its screens showed is not, until it is indexed anew.",
        ),
        "queued" => Some("It is not indexed yet: it will be soon after its end."),
        "no-key" => Some("It cannot be searched: its audit trail is encrypted, and no indexer key opens it."),
        "indexing-failed" => Some("It cannot be searched: its audit trail could not be read."),
        _ => Some("It cannot be searched: its connection policy names no indexer policy."),
    };
    if let (Some(why), true) = (unsearchable, content.is_empty()) {
        return empty(why);
    }
    let field = Field {
        name: "content",
        label: "Shows",
        value: content,
        hint: "On screens and in commands: words, \"phrases\", OR, -not, prefix*.",
        ..Field::default()
    };
    let form = html! {
        form method="get" class="search" {
            (field.markup())
            div class="buttons" { button type="submit" { "Find" } }
        }
    };
    if content.trim().is_empty() {
        return form;
    }
    let operation = Operation::SessionContent {
        id: record.id.clone(),
        query: content.to_owned(),
        limit: PLACES,
    };
    let found = match visitor.ask(operation).await {
        Ok(Answer::SessionContent(hits)) if hits.is_empty() => empty("It showed nothing like that."),
        Ok(Answer::SessionContent(hits)) => search::places(&record.id, &hits),
        Ok(_) => notice(Weight::Error, &html! { p { "The answer was not understood." } }),
        Err(failure) => notice(
            Weight::Error,
            &html! { p { (parts::sentence(&failure.to_string())) } },
        ),
    };
    html! { (form) (found) }
}

fn about(record: &SessionRecord, zone: &Zone) -> Markup {
    let name = |name: Option<&String>| html! { (name.map_or("–", String::as_str)) };
    facts(&[
        ("Protocol", html! { (record.protocol.to_string().to_uppercase()) }),
        ("Connection policy", html! { (record.connection) }),
        ("Began", moment(record.start, zone)),
        (
            "Ended",
            html! {
                @match record.end {
                    Some(end) => {
                        (moment(end, zone)) " – after " (text::duration(seconds(end.saturating_sub(record.start))))
                    }
                    None => "–",
                }
            },
        ),
        ("User at the gateway", name(record.gateway_user.as_ref())),
        ("User at the server", name(record.server_user.as_ref())),
        ("Client", html! { (endpoint(&record.client)) }),
        ("Target", name(record.target.as_ref())),
        (
            "Server",
            html! { (record.server.as_ref().map_or_else(|| "–".to_owned(), endpoint)) },
        ),
        ("Verdict", search::verdict(&record.verdict.to_string())),
        (
            "Audit trail",
            html! {
                @match &record.trail {
                    Some(trail) => {
                        code { (trail.name) } " (" (text::bytes(trail.size)) ") "
                        a href={ (search::PAGE) "/" (record.id) "/play" } { "Play" } " "
                        a href={ (search::PAGE) "/" (record.id) "/trail" } { "Download" }
                    }
                    None => "none",
                }
            },
        ),
        ("Index", html! { (record.indexing.state) }),
    ])
}

fn events(events: &[Event], zone: &Zone) -> Markup {
    if events.is_empty() {
        return empty("Nothing was noted.");
    }
    let row = |event: &Event| {
        vec![
            moment(event.at, zone),
            html! { (event.kind) },
            html! { code { (event.text) } },
        ]
    };
    let rows: Vec<_> = events.iter().take(EVENTS).map(row).collect();
    html! {
        (table("What happened", &["When", "What", "Text"], &rows))
        @if events.len() > EVENTS { p class="muted" { "And " (parts::grouped((events.len() - EVENTS) as u64)) " more." } }
    }
}

fn channels(channels: &[Channel], zone: &Zone) -> Markup {
    if channels.is_empty() {
        return empty("No channel was opened.");
    }
    let row = |channel: &Channel| {
        vec![
            html! { (channel.kind) },
            moment(channel.start, zone),
            html! { @match channel.end { Some(end) => (moment(end, zone)), None => "–" } },
            search::verdict(&channel.verdict.to_string()),
        ]
    };
    let rows: Vec<_> = channels.iter().map(row).collect();
    table("Channels", &["Channel", "Opened", "Closed", "Verdict"], &rows)
}

fn endpoint(end: &Endpoint) -> String {
    if end.address.contains(':') {
        format!("[{}]:{}", end.address, end.port)
    } else {
        format!("{}:{}", end.address, end.port)
    }
}

fn moment(milliseconds: i64, zone: &Zone) -> Markup {
    zone.moment(seconds(milliseconds))
}

fn seconds(milliseconds: i64) -> u64 {
    u64::try_from(milliseconds / 1000).unwrap_or(0)
}
