//! *Search > Sessions*: recorded sessions by conditions, page by page. The address of the page is the search: it can be kept and sent.

use axum::Extension;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use sps_admin::{
    ContentHit, Request as Operation, Response as Answer, SessionFilter, SessionLine, SessionOrder,
    SessionPage, SessionSearch, text,
};

use super::parts::{self, Field, Weight, card, empty, notice, state, table_and_below};
use super::time::Zone;
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/search/sessions";
/// Sessions on a page.
const ON_A_PAGE: usize = 50;

/// Protocols to choose from: word, title.
const PROTOCOLS: &[(&str, &str)] = &[
    ("", "Any"),
    ("ssh", "SSH"),
    ("rdp", "RDP"),
    ("telnet", "Telnet"),
    ("vnc", "VNC"),
    ("http", "HTTP"),
    ("mssql", "MSSQL"),
];
/// Verdicts to choose from.
const VERDICTS: &[(&str, &str)] = &[
    ("", "Any"),
    ("accept", "Accepted"),
    ("terminated", "Terminated"),
    ("deny", "Denied"),
    ("auth-fail", "Authentication failed"),
    ("connection-failed", "Server not reached"),
];
/// Orders to choose from.
const ORDERS: &[(&str, &str)] = &[
    ("", "Time"),
    ("gateway_user", "User at the gateway"),
    ("server_user", "User at the server"),
    ("target", "Target"),
    ("client", "Client"),
    ("server", "Server address"),
];

/// What a list shows of each session.
const COLUMNS: [&str; 7] = ["Began", "Protocol", "User", "From", "To", "Verdict", "Took"];

/// What stands in the address. What is empty asks for nothing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    server_user: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    target: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    client: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    server: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    protocol: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    verdict: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    connection: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    trail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    until: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    content: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sort: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    order: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor: String,
}

/// `GET` of the page.
pub(crate) async fn page(
    Extension(visitor): Extension<Visitor>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let zone = visitor.zone();
    let found = match asked.search(&zone) {
        Ok(search) => look(&visitor, search).await,
        Err(why) => Err(why),
    };
    let main = html! {
        section class="card" aria-labelledby="conditions-title" data-still[!asked.content.trim().is_empty()] {
            h2 id="conditions-title" { "Conditions" }
            (conditions(&asked, &zone))
        }
        (card("found", "Sessions", &results(&asked, &found, &zone)))
    };
    Ok(layout::page(&visitor, &main))
}

async fn look(visitor: &Visitor, search: SessionSearch) -> Result<SessionPage, String> {
    let search = Box::new(search);
    match visitor.ask(Operation::SessionSearch { search }).await {
        Ok(Answer::SessionPage(page)) => Ok(page),
        Ok(_) => Err("the answer was not understood".into()),
        Err(failure) => Err(failure.to_string()),
    }
}

impl Asked {
    fn search(&self, zone: &Zone) -> Result<SessionSearch, String> {
        let some = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let filter = SessionFilter {
            from: self.moment(zone, &self.from)?,
            until: self.moment(zone, &self.until)?,
            protocol: some(&self.protocol),
            connection: some(&self.connection),
            verdict: some(&self.verdict),
            indexing: None,
            has_trail: match self.trail.as_str() {
                "" => None,
                wanted => Some(wanted == "yes"),
            },
            gateway_user: some(&self.user),
            server_user: some(&self.server_user),
            target: some(&self.target),
            client: some(&self.client),
            server: some(&self.server),
            text: some(&self.text),
            content: some(&self.content),
        };
        Ok(SessionSearch {
            filter,
            sort: self.sorted_by(),
            descending: self.descending(),
            limit: ON_A_PAGE,
            skip: 0,
            cursor: some(&self.cursor),
        })
    }

    #[expect(clippy::unused_self, reason = "reads as the rest does")]
    fn moment(&self, zone: &Zone, text: &str) -> Result<Option<i64>, String> {
        match text.trim() {
            "" => Ok(None),
            text => zone
                .milliseconds(text)
                .map(Some)
                .ok_or_else(|| format!("{text} is no time such as 2026-11-01T08:00")),
        }
    }

    fn sorted_by(&self) -> SessionOrder {
        let named = SessionOrder::ALL
            .into_iter()
            .find(|order| order.word() == self.sort);
        named.unwrap_or_default()
    }

    fn descending(&self) -> bool {
        match self.order.as_str() {
            "rising" => false,
            "falling" => true,
            _ => self.sorted_by() == SessionOrder::Start,
        }
    }

    /// The address of another page of this search.
    fn at(&self, cursor: &str) -> String {
        let asked = Self {
            cursor: cursor.to_owned(),
            ..self.clone()
        };
        address(&asked)
    }

    /// Whether anything but the order is asked for.
    fn is_narrow(&self) -> bool {
        let plain = Self {
            sort: self.sort.clone(),
            order: self.order.clone(),
            cursor: self.cursor.clone(),
            ..Self::default()
        };
        address(self) != address(&plain)
    }
}

fn address(asked: &Asked) -> String {
    let fields = serde_json::to_value(asked).unwrap_or_default();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.as_object().into_iter().flatten() {
        query.append_pair(name, value.as_str().unwrap_or(""));
    }
    format!("{PAGE}?{}", query.finish())
}

fn conditions(asked: &Asked, zone: &Zone) -> Markup {
    let text = |name, label, value, hint| {
        Field {
            name,
            label,
            value,
            hint,
            ..Field::default()
        }
        .markup()
    };
    let time = |name, label, value| {
        Field {
            name,
            label,
            value,
            kind: "datetime-local",
            ..Field::default()
        }
        .markup()
    };
    html! {
        form method="get" action=(PAGE) class="search" {
            div class="pair" {
                (text("user", "User at the gateway", &asked.user, ""))
                (text("target", "Target", &asked.target, "As it was asked for."))
                (text("client", "Client", &asked.client, "An address, or a network: 192.0.2.0/24."))
                (text("text", "Holds the text", &asked.text, "In commands, titles and other events."))
                (text("content", "Shows", &asked.content, "On screens and in commands: words, \"phrases\", OR, -not, prefix*."))
                (time("from", "From", &asked.from))
                (time("until", "Until", &asked.until))
            }
            details open[asked.is_narrow()] {
                summary { "More conditions" }
                div class="pair" {
                    (text("server_user", "User at the server", &asked.server_user, ""))
                    (text("server", "Server address", &asked.server, "An address, or a network."))
                    (text("connection", "Connection policy", &asked.connection, ""))
                    (choice("protocol", "Protocol", &asked.protocol, PROTOCOLS))
                    (choice("verdict", "Verdict", &asked.verdict, VERDICTS))
                    (choice("trail", "Audit trail", &asked.trail, &[("", "Any"), ("yes", "With"), ("no", "Without")]))
                    (choice("sort", "Sorted by", &asked.sort, ORDERS))
                    (choice("order", "Order", &asked.order, &[("", "As usual"), ("rising", "Rising"), ("falling", "Falling")]))
                }
            }
            p class="hint" { "Times are in the zone of this appliance (" (zone.name()) ")." }
            div class="buttons" {
                button type="submit" class="primary" { "Search" }
                a class="button" href=(PAGE) { "Everything" }
            }
        }
    }
}

fn choice(name: &str, label: &str, chosen: &str, choices: &[(&str, &str)]) -> Markup {
    html! {
        div class="field" {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                @for (value, words) in choices { option value=(value) selected[*value == chosen] { (words) } }
            }
        }
    }
}

fn results(asked: &Asked, found: &Result<SessionPage, String>, zone: &Zone) -> Markup {
    let page = match found {
        Ok(page) => page,
        Err(why) => return notice(Weight::Error, &html! { p { (parts::sentence(why)) } }),
    };
    let rows: Vec<_> = page.sessions.iter().map(|session| row(session, zone)).collect();
    let below =
        |session: &SessionLine| (!session.hits.is_empty()).then(|| places(&session.id, &session.hits));
    let with_places = rows
        .iter()
        .map(Vec::as_slice)
        .zip(page.sessions.iter().map(below));
    html! {
        @if let Some(until) = page.incomplete_until { (incomplete(until, zone)) }
        @if let Some(until) = page.content_incomplete_until { (content_incomplete(until, zone)) }
        @if page.content_cut {
            (notice(Weight::Warning, &html! { p { "Not all sessions with this content were found in time: ask for less at once." } }))
        }
        @if page.cut {
            (notice(Weight::Warning, &html! { p { "The search took too long and is not finished: the next page goes on where it stopped." } }))
        }
        @if rows.is_empty() {
            (empty(if asked.is_narrow() { "No session matches." } else { "No session was recorded yet." }))
        } @else {
            p class="muted" { (count(page)) }
            (table_and_below("Sessions", &COLUMNS, with_places))
        }
        nav class="buttons" aria-label="Pages" {
            @if let Some(previous) = &page.previous { a class="button" rel="prev" href=(asked.at(previous)) { "Before" } }
            @if let Some(next) = &page.next { a class="button" rel="next" href=(asked.at(next)) { "Next" } }
        }
    }
}

fn count(page: &SessionPage) -> String {
    let matching = parts::grouped(page.matching);
    if page.more {
        format!("More than {matching} sessions match.")
    } else if page.matching == 1 {
        "1 session matches.".into()
    } else {
        format!("{matching} sessions match.")
    }
}

fn incomplete(until: i64, zone: &Zone) -> Markup {
    let until = u64::try_from(until / 1000).unwrap_or(0);
    notice(
        Weight::Warning,
        &html! {
            p { "Incomplete until " (zone.moment(until)) ": earlier sessions are still being imported after the upgrade and are not found here yet. "
                a href=(super::monitor::PAGE) { "How far it is" } }
        },
    )
}

fn content_incomplete(until: i64, zone: &Zone) -> Markup {
    let until = u64::try_from(until / 1000).unwrap_or(0);
    notice(
        Weight::Warning,
        &html! {
            p {
                "Incomplete"
                // Before any is done there is no time yet.
                @if until < u64::from(u32::MAX) { " until " (zone.moment(until)) }
                ": the content of earlier sessions is still being indexed and may not be found here yet. "
                a href=(super::monitor::PAGE) { "How far it is" }
            }
        },
    )
}

/// Where a browser plays the place.
pub(crate) fn playing(id: &str, hit: &ContentHit) -> String {
    // Screens are looked at every two seconds: a little before that, so that it is seen to appear.
    let seconds = hit.at.saturating_sub(3000) / 1000;
    format!("{PAGE}/{id}/play?channel={}#t={seconds}", hit.channel)
}

/// Places of a session, with the way to where they are played.
pub(super) fn places(id: &str, hits: &[ContentHit]) -> Markup {
    html! {
        ul class="hits" {
            @for hit in hits {
                li {
                    a href=(playing(id, hit)) { (text::clock(hit.at / 1000)) } " "
                    code { @for (marked, piece) in hit.pieces() { @if marked { mark { (piece) } } @else { (piece) } } }
                }
            }
        }
    }
}

fn row(session: &SessionLine, zone: &Zone) -> Vec<Markup> {
    let took = session.end.map(|end| end.saturating_sub(session.start));
    vec![
        html! { a href={ (PAGE) "/" (session.id) } { (zone.moment(session.start)) } },
        html! { (session.protocol.to_uppercase()) },
        html! {
            (session.user)
            @if !session.server_user.is_empty() && session.server_user != session.user { " " span class="muted" { "as " (session.server_user) } }
        },
        html! { span class="whole" { (session.client) } },
        html! {
            (session.server)
            @if !session.moved.is_empty() { p class="muted" { "Audit trail " (session.moved) } }
        },
        verdict(&session.verdict),
        html! { span class="whole" { @match took { Some(took) => (text::duration(took)), None => "–" } } },
    ]
}

/// How a session ended, as a state.
pub(super) fn verdict(word: &str) -> Markup {
    let kind = match word {
        "accept" => "done",
        "terminated" => "degraded",
        _ => "failed",
    };
    state(kind, word)
}
