//! *Search > Active sessions*: sessions that go on, what they ask for, and the way to follow or end them.

use axum::Extension;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sps_admin::{ActiveSession, Question, Request as Operation, Response as Answer, text};

use super::forms::Fields;
use super::parts::{Weight, card, empty, form, notice, table};
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/search/active-sessions";

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::ActiveSessions(sessions) = visitor.ask(Operation::SessionsActive).await? else {
        return Err(Problem::not_understood());
    };
    let asking = sessions.iter().any(|session| !session.questions.is_empty());
    let main = html! {
        @if asking { (card("questions", "4-eyes authorization", &questions(&visitor, &sessions))) }
        (card("active", "Active sessions", &list(&visitor, &sessions)))
    };
    Ok(layout::page(&visitor, &main))
}

fn questions(visitor: &Visitor, sessions: &[ActiveSession]) -> Markup {
    let asked = sessions
        .iter()
        .flat_map(|session| session.questions.iter().map(move |question| (session, question)));
    html! {
        (notice(Weight::Warning, &html! { p { "Somebody waits: these sessions go on only when somebody else agrees." } }))
        @for (session, question) in asked { (one_question(visitor, session, question)) }
    }
}

fn one_question(visitor: &Visitor, session: &ActiveSession, question: &Question) -> Markup {
    let zone = visitor.zone();
    let body = html! {
        input type="hidden" name="id" value=(session.id);
        input type="hidden" name="number" value=(question.number);
        p {
            b { (who(session)) } " from " (session.client) " to " b { (session.server) } ": "
            (question.kind) " " code { (question.detail) }
        }
        p class="hint" { "Asked " (zone.moment(question.since)) }
        div {
            button type="submit" name="action" value="agree" { "Agree" } " "
            button type="submit" name="action" value="refuse" class="danger" { "Refuse" }
        }
    };
    form(visitor, PAGE, "stack", &body)
}

fn list(visitor: &Visitor, sessions: &[ActiveSession]) -> Markup {
    if sessions.is_empty() {
        return empty("Nobody is connected.");
    }
    let zone = visitor.zone();
    let row = |session: &ActiveSession| {
        vec![
            html! { (zone.moment(session.start)) },
            html! { (who(session)) },
            html! { (session.client) },
            html! { (session.server) " (" (session.connection) ")" },
            html! { (session.channels) },
            html! { (session.followers) },
            actions(visitor, session),
        ]
    };
    let rows: Vec<_> = sessions.iter().map(row).collect();
    table(
        "Active sessions",
        &["Since", "User", "From", "To", "Channels", "Watched by", ""],
        &rows,
    )
}

fn actions(visitor: &Visitor, session: &ActiveSession) -> Markup {
    let body = html! {
        input type="hidden" name="id" value=(session.id);
        p { a href={ (PAGE) "/" (session.id) } target="_blank" rel="noopener" { "Follow" } }
        button type="submit" name="action" value="terminate" class="danger" { "Terminate" }
    };
    form(visitor, PAGE, "inline", &body)
}

/// The user at the gateway and on the server.
fn who(session: &ActiveSession) -> String {
    match (session.user.as_str(), session.server_user.as_str()) {
        ("", server) => server.to_owned(),
        (gateway, server) if gateway == server => gateway.to_owned(),
        (gateway, server) => format!("{gateway} as {server}"),
    }
}

/// `POST`: ends a session, or answers what it asks for.
pub(crate) async fn act(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let id = fields.get("id").to_owned();
    let operation = match fields.get("action") {
        "terminate" => Operation::SessionTerminate { id },
        action @ ("agree" | "refuse") => {
            let number = fields.get("number").parse();
            Operation::SessionAnswer {
                id,
                number: number.map_err(|_| Problem::bad_form("the form names no question".into()))?,
                agrees: action == "agree",
            }
        }
        other => {
            let other = text::clean(other);
            return Err(Problem::bad_form(format!("there is no action {other:?}")));
        }
    };
    visitor.ask(operation).await?;
    Ok(Redirect::to(PAGE).into_response())
}
