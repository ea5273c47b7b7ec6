//! Every piece of the design system on one page, for those who build pages. In development firmware only.

use axum::Extension;
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};
use sps_admin::{Job, JobState, Progress};

use super::parts::{self, Field, Weight, card, empty, facts, notice, state, table};
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/design";

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>, uri: Uri) -> Result<Response, Problem> {
    if !visitor.site.content.info.development {
        return Err(Problem::not_found(&uri));
    }
    let main = html! {
        (card("states", "States", &states()))
        (card("notices", "Notices", &notices()))
        (card("tables", "Tables", &tables()))
        (card("facts", "Facts", &facts(&[("Host name", html! { "sps" }), ("Build", html! { code { "00aae0b8246cb55b" } })])))
        (card("controls", "Forms", &controls(&visitor)))
        (card("examples", "Jobs", &jobs(&visitor)))
        (card("nothing", "Nothing to show", &empty("There is nothing here yet, and this says what to do about it.")))
    };
    Ok(layout::titled(&visitor, "For developers", "Design system", &main))
}

fn states() -> Markup {
    let all = [
        "waiting",
        "running",
        "done",
        "healthy",
        "degraded",
        "failed",
        "stopped",
        "restarting",
    ];
    html! { p class="samples" { @for word in all { (state(word, word)) } } }
}

fn notices() -> Markup {
    html! {
        @for (weight, words) in [
            (Weight::Information, "Information: good to know."),
            (Weight::Success, "Success: it went well."),
            (Weight::Warning, "Warning: look at it."),
            (Weight::Error, "Error: it failed, and how to mend it."),
        ] { (notice(weight, &html! { p { (words) } })) }
    }
}

fn tables() -> Markup {
    let row = |name: &str, kind: &str| vec![html! { (name) }, state(kind, kind), html! { "27.8 MiB" }];
    table(
        "Example",
        &["Name", "State", "Size"],
        &[row("one", "healthy"), row("two", "degraded")],
    )
}

fn controls(visitor: &Visitor) -> Markup {
    let body = html! {
        (Field { name: "sample", label: "A field", hint: "What is to be known of it.", value: "text", ..Field::default() }.markup())
        div class="check" { input id="sample-check" type="checkbox"; label for="sample-check" { "A box to tick" } }
        div class="buttons" {
            button type="button" class="primary" { "Primary" }
            button type="button" { "Other" }
            button type="button" class="danger" { "Dangerous" }
        }
    };
    parts::form(visitor, PAGE, "stack", &body)
}

fn jobs(visitor: &Visitor) -> Markup {
    let job = |state, progress| Job {
        id: 1,
        title: "firmware add (uploaded)".into(),
        owner: "admin by web from 192.0.2.9".into(),
        message: String::new(),
        started: 1_800_000_000,
        ended: None,
        state,
        progress,
        slot: None,
        expects: None,
        log: Vec::new(),
        can_be_called_off: false,
        fetched: None,
    };
    let progress = Progress {
        what: "verifying the firmware".into(),
        done: 12_000_000,
        total: 31_000_000,
        unit: "bytes".into(),
        rate: Some(90_000_000.0),
        seconds_left: Some(1),
    };
    let all = [
        job(JobState::Running, Some(progress)),
        job(JobState::Done("version 0.2.0 is in slot 2".into()), None),
        job(
            JobState::Failed("the firmware was not added: its signature does not fit".into()),
            None,
        ),
    ];
    html! { ul class="jobs" { @for job in &all { (parts::job(visitor, job, &visitor.zone())) } } }
}
