//! *Upgrade*: the whole way from one firmware to the next on one page: what was done, what comes next, how long it will take, how
//! far it is.

use axum::Extension;
use axum::response::Response;
use maud::{Markup, html};
use sps_admin::{
    MadeFrom, Reorganization, Request as Operation, Response as Answer, SessionImport, Slot, SlotState,
    Slots, StoreStatus, text,
};

use super::parts::{self, Weight, card, empty, facts, notice, state, table};
use super::{Visitor, control, firmware, layout, monitor, testing, troubleshooting};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/basic-settings/system/upgrade";

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Slots(slots) = visitor.ask(Operation::FirmwareList).await? else {
        return Err(Problem::not_understood());
    };
    let store = monitor::store(&visitor).await;
    let main = html! {
        (now(&visitor))
        (card("steps", "The way of an upgrade", &steps(&slots, store.as_ref().ok())))
        (card("estimate", "What the first start will do", &estimates(&slots)))
        (card("reorganized", "What the last upgrade did", &last(&visitor, &slots, store.as_ref())))
    };
    Ok(layout::page(&visitor, &main))
}

/// What is under way at this moment.
fn now(visitor: &Visitor) -> Markup {
    let progress = visitor.site.content.status.borrow().progress.clone();
    html! {
        div id="now" data-live {
            @if let Some(progress) = progress {
                (card("progress", "Under way", &parts::boot_bar(&progress)))
            }
        }
    }
}

/// A step of the way: where it stands, what it is, what is to be known or done.
struct Step {
    kind: &'static str,
    word: &'static str,
    title: &'static str,
    body: Markup,
}

impl Step {
    const fn new(kind: &'static str, word: &'static str, title: &'static str, body: Markup) -> Self {
        Self {
            kind,
            word,
            title,
            body,
        }
    }

    fn done(title: &'static str, body: Markup) -> Self {
        Self::new("done", "Done", title, body)
    }

    fn next(title: &'static str, body: Markup) -> Self {
        Self::new("running", "Next", title, body)
    }

    fn later(title: &'static str, body: Markup) -> Self {
        Self::new("waiting", "Later", title, body)
    }
}

fn steps(slots: &Slots, store: Option<&StoreStatus>) -> Markup {
    let steps = if slots.commit_at.is_some() {
        after(slots, store)
    } else {
        before(slots)
    };
    html! {
        ol class="steps" {
            @for step in &steps {
                li data-state=(step.kind) {
                    p class="title" { (state(step.kind, step.word)) " " b { (step.title) } }
                    div { (step.body) }
                }
            }
        }
    }
}

/// The slot an upgrade would go to: the one that boots next, else the one with the newest Test, else any that waits.
fn candidate(slots: &Slots) -> Option<&Slot> {
    let waits = |slot: &&Slot| !slot.current && slot.version.is_some() && slot.state == SlotState::Staged;
    let others = || slots.slots.iter().filter(waits);
    let next = slots.slots.iter().find(|slot| slot.after_reboot && !slot.current);
    let tested = others().filter(|slot| slot.test.is_some());
    next.or_else(|| tested.max_by_key(|slot| slot.test.as_ref().map(|test| test.at)))
        .or_else(|| others().next())
}

fn before(slots: &Slots) -> Vec<Step> {
    let get = html! {
        p { a href=(firmware::PAGE) { "Upload the ISO of the release, have it fetched, or send it by SSH" } ". It is verified before it is offered." }
    };
    let keep = html! {
        p { "Keep a " a href=(troubleshooting::PAGE) { "support bundle" } ", a backup of the configuration and of the data, and a snapshot where this is a virtual machine. One support bundle is kept by itself." }
    };
    let restart = html! { p { "The first start is a trial: when it does not become healthy, this version comes back by itself." } };
    let Some(slot) = candidate(slots) else {
        return vec![
            Step::next("Get the firmware", get),
            Step::later(
                "Test it",
                html! { p { "The new firmware judges this appliance and says how long the first start takes." } },
            ),
            Step::later("Keep what you would miss", keep),
            Step::later("Choose it and reboot", restart),
            Step::later("Look at it and keep it for good", trial_words()),
        ];
    };
    let version = slot.version.clone().unwrap_or_default();
    let here = format!("{}/{}", firmware::PAGE, slot.number);
    let got = html! { p { "Version " b { (version) } " is in slot " (slot.number) "." } };
    let tested =
        html! { p { (testing::word(slot)) " " a href={ (here) "#test" } { "What the Test found" } } };
    let passed = testing::holds(slot);
    let chosen = html! {
        @if slot.after_reboot {
            p { "Version " b { (version) } " boots at the next reboot. " a href=(control::PAGE) { "Reboot…" } }
        } @else if passed {
            p { a href={ (here) "#found" } { "Choose version " (version) } ", then " a href=(control::PAGE) { "reboot" } "." }
        }
        (restart)
    };
    let at = |reached: bool, title, body| {
        if reached {
            Step::next(title, body)
        } else {
            Step::later(title, body)
        }
    };
    vec![
        Step::done("Get the firmware", got),
        if passed {
            Step::done("Test it", tested)
        } else {
            Step::next("Test it", tested)
        },
        at(passed, "Keep what you would miss", keep),
        at(passed, "Choose it and reboot", chosen),
        Step::later("Look at it and keep it for good", trial_words()),
    ]
}

fn trial_words() -> Markup {
    html! { p { "The layout before stays beside the new one, so that going back loses nothing, sessions recorded meanwhile included. It goes when the version is kept for good." } }
}

fn after(slots: &Slots, store: Option<&StoreStatus>) -> Vec<Step> {
    let running = slots.slots.iter().find(|slot| slot.current);
    let version = running.and_then(|slot| slot.version.clone()).unwrap_or_default();
    let import = store.and_then(|store| store.import.as_ref());
    let imported = match import {
        Some(import) if !import.finished => Step::new(
            "running",
            "Under way",
            "Earlier sessions are imported",
            import_bar(import),
        ),
        _ => Step::done(
            "Earlier sessions are imported",
            html! { p { "Searches find all of them." } },
        ),
    };
    let keep = html! {
        (trial_words())
        p { a href=(firmware::PAGE) { "Keep it for good, or go back" } "." }
    };
    vec![
        Step::done(
            "The new version runs",
            html! { p { "Version " b { (version) } " became healthy." } },
        ),
        Step::done(
            "The data store has its layout",
            html! { p { "It was there before the first connection." } },
        ),
        imported,
        Step::next("Look at it and keep it for good", keep),
    ]
}

/// What the Tests of firmware that waits say of its first start.
fn estimates(slots: &Slots) -> Markup {
    let tested = slots
        .slots
        .iter()
        .filter(|slot| !slot.current && slot.version.is_some());
    let told: Vec<_> = tested
        .filter_map(|slot| Some((slot, slot.test.as_ref()?)))
        .collect();
    if told.is_empty() {
        return empty(
            "The Test of a firmware says here how long its first start takes and what room it needs.",
        );
    }
    html! {
        @for (slot, test) in told {
            h3 { "Version " (slot.version.as_deref().unwrap_or("")) " in slot " (slot.number) }
            @if test.outdated.is_some() {
                (notice(Weight::Warning, &html! { p { "The Test does not hold any more: test it again." } }))
            }
            (estimate(test.reorganization.as_ref()))
        }
    }
}

fn estimate(told: Option<&Reorganization>) -> Markup {
    let Some(told) = told else {
        return html! { p { "The data store keeps its layout: the first start takes as long as any." } };
    };
    let short = told.free.is_some_and(|free| free < told.space);
    facts(&[
        (
            "Time without connections",
            html! { b { (text::duration(told.seconds)) } " (from a short measurement of this disk)" },
        ),
        (
            "Files that find a new place",
            html! { (parts::grouped(told.files)) },
        ),
        (
            "Bytes that are copied",
            html! { (text::bytes(told.bytes)) " – the others are not touched" },
        ),
        (
            "Room needed",
            html! {
                (text::bytes(told.space))
                @if let Some(free) = told.free { " of " (text::bytes(free)) " that are free " }
                @if short { (state("failed", "Too little")) } @else { (state("done", "Enough")) }
            },
        ),
    ])
}

fn last(visitor: &Visitor, slots: &Slots, store: Result<&StoreStatus, &String>) -> Markup {
    let store = match store {
        Ok(store) => store,
        Err(why) => return html! { p { (parts::sentence(why)) } },
    };
    html! {
        @match &store.made {
            Some(made) => (made_from(visitor, store, made)),
            None => (empty("The data store was made in this layout: nothing was reorganized.")),
        }
        @if !store.others.is_empty() {
            p {
                "Kept to go back to: "
                @for tree in &store.others { code { (tree) } " " }
                @if slots.commit_at.is_some() { "– until this version is kept for good." } @else { "– being removed in the background." }
            }
        }
    }
}

fn made_from(visitor: &Visitor, store: &StoreStatus, made: &MadeFrom) -> Markup {
    let rows: Vec<Vec<Markup>> = made
        .notes
        .iter()
        .map(|note| vec![html! { (parts::sentence(note)) }])
        .collect();
    html! {
        (facts(&[
            ("From layout", html! { (made.layout) " (" (made.layout_version) ")" }),
            ("To layout", html! { (store.layout) " (" (store.layout_version) ")" }),
            ("Begun", visitor.zone().moment(made.begun)),
            ("Files that found a new place", html! { (parts::grouped(made.files)) }),
            ("Bytes that were copied", html! { (text::bytes(made.bytes)) }),
        ]))
        @if !rows.is_empty() { (table("What is to be known of it", &["What is to be known of it"], &rows)) }
    }
}

/// How far the import of earlier sessions is.
pub(super) fn import_bar(import: &SessionImport) -> Markup {
    let word = if import.finished {
        "All earlier sessions are imported"
    } else if import.paused {
        "The import rests"
    } else {
        "Earlier sessions are imported, the newest first"
    };
    html! {
        progress aria-label=(word) value=(import.done.min(import.total)) max=(import.total.max(1)) {}
        p class="muted" {
            (word) ": " (parts::grouped(import.done)) " of " (parts::grouped(import.total))
            @if let Some(rate) = import.rate.filter(|rate| *rate > 0) { ", " (parts::grouped(rate)) " a second" }
            @if let Some(left) = import.seconds_left { ", " (text::duration(left)) " left" }
            @if import.aside > 0 { ", " (parts::grouped(import.aside)) " put aside because they could not be understood" }
        }
    }
}
