//! The design system: every piece that pages are made of. `/design` shows them all.

use maud::{Markup, html};
use sps_admin::{Job, JobState, text};

use super::Visitor;
use super::time::Zone;
use crate::markup::icon;

/// A part of a page under a heading of its own. `live` parts are kept current by the script, by their id.
pub(crate) fn card(id: &str, title: &str, body: &Markup) -> Markup {
    html! {
        section id=(id) class="card" aria-labelledby={ (id) "-title" } data-live {
            h2 id={ (id) "-title" } { (title) }
            (body)
        }
    }
}

/// A state: icon, word and colour. `kind` names icon and colour: healthy, degraded, failed, running, waiting, stopped.
pub(crate) fn state(kind: &str, word: &str) -> Markup {
    html! { span class="state" data-state=(kind) { (icon(kind)) span { (word) } } }
}

/// A state that is told in a sentence, however long.
pub(crate) fn told_state(kind: &str, words: &str) -> Markup {
    html! { span class="state long" data-state=(kind) { (icon(kind)) span { (words) } } }
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Good to know.
    Information,
    /// It went well.
    Success,
    /// Look at it.
    Warning,
    /// It failed.
    Error,
}

/// Something a person should read first.
pub(crate) fn notice(weight: Weight, body: &Markup) -> Markup {
    let (word, symbol, role) = match weight {
        Weight::Information => ("information", "information", "note"),
        Weight::Success => ("success", "done", "status"),
        Weight::Warning => ("warning", "degraded", "note"),
        Weight::Error => ("error", "failed", "alert"),
    };
    html! { div class="notice" data-weight=(word) role=(role) { (icon(symbol)) div { (body) } } }
}

/// A table; on a phone each row becomes a block with the column's name before each value.
pub(crate) fn table(caption: &str, columns: &[&str], rows: &[Vec<Markup>]) -> Markup {
    table_and_below(caption, columns, rows.iter().map(|row| (row.as_slice(), None)))
}

/// The same where a row may have something below it.
pub(crate) fn table_and_below<'a>(
    caption: &str,
    columns: &[&str],
    rows: impl Iterator<Item = (&'a [Markup], Option<Markup>)>,
) -> Markup {
    html! {
        table {
            caption class="unseen" { (caption) }
            thead { tr { @for column in columns { (heading(column)) } } }
            tbody {
                @for (row, below) in rows {
                    tr { @for (cell, column) in row.iter().zip(columns) { td data-label=(column) { (cell) } } }
                    @if let Some(below) = below { tr class="below" { td colspan=(columns.len()) { (below) } } }
                }
            }
        }
    }
}

/// The heading of a column; one without a name holds buttons.
fn heading(column: &str) -> Markup {
    html! {
        th scope="col" { @if column.is_empty() { span class="unseen" { "Actions" } } @else { (column) } }
    }
}

/// What stands where there is nothing to show, and what to do about it.
pub(crate) fn empty(words: &str) -> Markup {
    html! { p class="empty" { (words) } }
}

/// Names and values.
pub(crate) fn facts(pairs: &[(&str, Markup)]) -> Markup {
    html! {
        dl class="facts" { @for (name, value) in pairs { div { dt { (name) } dd { (value) } } } }
    }
}

/// One field of a form, with what is to be known of it.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) value: &'a str,
    pub(crate) hint: &'a str,
    pub(crate) required: bool,
    pub(crate) autocomplete: &'a str,
}

impl Default for Field<'_> {
    fn default() -> Self {
        Self {
            name: "",
            label: "",
            kind: "text",
            value: "",
            hint: "",
            required: false,
            autocomplete: "off",
        }
    }
}

impl Field<'_> {
    /// Label, input and hint.
    pub(crate) fn markup(&self) -> Markup {
        let hint = format!("{}-hint", self.name);
        html! {
            div class="field" {
                label for=(self.name) { (self.label) }
                input id=(self.name) name=(self.name) type=(self.kind) value=(self.value) required[self.required]
                    autocomplete=(self.autocomplete) maxlength="1024" spellcheck="false" autocapitalize="off"
                    aria-describedby=[(!self.hint.is_empty()).then_some(&hint)];
                @if !self.hint.is_empty() { p id=(hint) class="hint" { (self.hint) } }
            }
        }
    }
}

/// A form that changes something: with the secret that proves that it comes from here.
pub(crate) fn form(visitor: &Visitor, action: &str, class: &str, body: &Markup) -> Markup {
    html! {
        form method="post" action=(action) class=(class) {
            input type="hidden" name="form" value=(visitor.signed_in.form_secret);
            (body)
        }
    }
}

/// A form of one button.
pub(crate) fn action(visitor: &Visitor, path: &str, name: &str, words: &str) -> Markup {
    form(
        visitor,
        path,
        "inline",
        &html! { button type="submit" name="action" value=(name) { (words) } },
    )
}

/// One job: what it does, how far it is, whose it is, how it ended.
pub(crate) fn job(visitor: &Visitor, job: &Job, zone: &Zone) -> Markup {
    let (kind, words) = match &job.state {
        JobState::Running => ("running", ""),
        JobState::Done(words) => ("done", words.as_str()),
        JobState::Failed(words) => ("failed", words.as_str()),
        JobState::CalledOff(words) => ("stopped", words.as_str()),
    };
    html! {
        li class="job" data-state=(kind) {
            (icon(kind))
            div {
                p class="title" { (capital(&job.title)) " " span class="word" { (job.state.word()) } }
                @if let Some(progress) = &job.progress { (bar(progress)) }
                @if job.can_be_called_off { (action(visitor, &format!("/jobs/{}/cancel", job.id), "cancel", "Cancel")) }
                @if !words.is_empty() { p { (sentence(words)) } }
                @if job.ended.is_some() && !job.log.is_empty() {
                    details {
                        summary { "Log" }
                        ul class="paths" { @for step in &job.log { li { (zone.moment(step.at)) " " (step.what) } } }
                    }
                }
                p class="muted" {
                    (job.owner) ", " (zone.moment(job.started))
                    @if !job.message.is_empty() { ": " (job.message) }
                }
            }
        }
    }
}

fn bar(progress: &sps_admin::Progress) -> Markup {
    html! {
        @if progress.total == 0 {
            progress aria-label=(progress.what) {}
        } @else {
            progress aria-label=(progress.what) value=(progress.done.min(progress.total)) max=(progress.total) {}
        }
        p class="muted" { (progress_words(progress)) }
    }
}

/// What the boot page shows too: how far a long step of the appliance itself is.
pub(crate) fn boot_bar(progress: &crate::boot::status::Progress) -> Markup {
    bar(&sps_admin::Progress {
        what: progress.what.clone(),
        done: progress.done,
        total: progress.total,
        unit: progress.unit.clone(),
        rate: progress.rate,
        seconds_left: progress.seconds_left,
    })
}

/// A count with a narrow space between groups of three.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

/// `Verifying the firmware: 12.0 of 31.0 MB, 90 MB a second, 1 s left`.
fn progress_words(progress: &sps_admin::Progress) -> String {
    let amount = |count: u64| match progress.unit.as_str() {
        "bytes" => text::bytes(count),
        unit => format!("{count} {unit}"),
    };
    let mut words = format!("{}: {}", capital(&progress.what), amount(progress.done));
    if progress.total > 0 {
        words += &format!(" of {}", amount(progress.total));
    }
    if let Some(rate) = progress.rate.filter(|rate| *rate >= 1.0) {
        words += &format!(", {} a second", amount(rate as u64));
    }
    if let Some(left) = progress.seconds_left {
        words += &format!(", {} left", text::duration(left));
    }
    words
}

/// Words that begin a line.
pub(crate) fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), chars.as_str())
    })
}

/// Words as a sentence: failures are written in lower case and without a full stop.
pub(crate) fn sentence(words: &str) -> String {
    if words.is_empty() {
        return String::new();
    }
    let end = if words.ends_with(['.', '!', '?']) { "" } else { "." };
    capital(words) + end
}
