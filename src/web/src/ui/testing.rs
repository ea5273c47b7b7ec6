//! The Test of a firmware on its pages: the form that asks for it, and what it found.

use maud::{Markup, html};
use sps_admin::{Confirmed, Finding, Request as Operation, Response as Answer, Severity, Slot, Test};

use super::forms::Fields;
use super::parts::{self, Weight, empty, notice, state, table};
use super::time::Zone;
use super::{Visitor, firmware};

/// What is confirmed: name of the box, its words.
const BOXES: [(&str, &str); 3] = [
    ("notes", "I have read the upgrade notes"),
    ("backup", "The data is backed up"),
    (
        "snapshot",
        "A snapshot of the virtual machine was taken (if it is one)",
    ),
];

/// Whether the firmware may be activated as far as its Test goes.
pub(crate) fn holds(slot: &Slot) -> bool {
    slot.test
        .as_ref()
        .is_some_and(|test| test.passed && test.outdated.is_none())
}

/// The Test in one word with its icon, for a table.
pub(crate) fn word(slot: &Slot) -> Markup {
    // What runs has proved itself otherwise.
    match slot.test.as_ref().filter(|_| !slot.current) {
        None => html! { span class="muted" { "–" } },
        Some(Test {
            outdated: Some(_), ..
        }) => state("degraded", "Outdated"),
        Some(test) if !test.passed => state("failed", "Not passed"),
        Some(_) => state("done", "Passed"),
    }
}

/// The form with what the administrator confirms.
pub(crate) fn form(visitor: &Visitor, slot: u8) -> Markup {
    let path = format!("{}/{slot}/action", firmware::PAGE);
    let body = html! {
        p class="muted" {
            "The firmware's own code judges the configuration, the data and the disk of this appliance, in a sandbox and changing \
             nothing. It can be activated when it has passed, as long as the configuration stays as it is."
        }
        @for (name, words) in BOXES {
            div class="check" {
                input id={ "confirm-" (name) } name=(name) type="checkbox" value="yes";
                label for={ "confirm-" (name) } { (words) }
            }
        }
        button type="submit" class="primary" name="action" value="test" { "Test" }
    };
    parts::form(visitor, &path, "stack", &body)
}

/// What was ticked.
pub(crate) fn confirmed(fields: &Fields) -> Confirmed {
    let [notes, backup, snapshot] = BOXES.map(|(name, _)| fields.get(name) == "yes");
    Confirmed {
        release_notes: notes,
        data_backup: backup,
        snapshot,
    }
}

/// Starts the Test as a job.
pub(crate) fn start(visitor: &Visitor, slot: u8, fields: &Fields) {
    let operation = Operation::FirmwareTest {
        slot,
        confirmed: confirmed(fields),
    };
    let administration = &visitor.administration;
    let call = visitor.call(operation, fields.text("message").unwrap_or("").to_owned());
    let _shown_on_the_page = administration
        .jobs
        .start(&administration.operations, call, finished);
}

/// The end of a Test in a sentence.
pub(crate) fn finished(answer: &Answer) -> String {
    match answer {
        Answer::Tested(test) => format!("version {}: {}", test.version, test.summary()),
        _ => String::new(),
    }
}

/// Findings of the last Test.
pub(crate) fn findings(test: Option<&Test>, zone: &Zone) -> Markup {
    let Some(test) = test else {
        return empty("It has not been tested yet.");
    };
    let (weight, words) = match (&test.outdated, test.passed) {
        (Some(changed), _) => (
            Weight::Warning,
            format!("The last Test does not hold any more: {changed}. Test it again."),
        ),
        (None, true) => (Weight::Success, parts::sentence(&test.summary())),
        (None, false) => (
            Weight::Error,
            format!(
                "{} Mend what blocks, then test it again.",
                parts::sentence(&test.summary())
            ),
        ),
    };
    let rows: Vec<_> = test.findings.iter().map(row).collect();
    html! {
        (notice(weight, &html! { p { (words) } }))
        p class="muted" { "Tested at " (zone.moment(test.at)) }
        @if rows.is_empty() {
            (empty("Nothing was found that an administrator should know."))
        } @else {
            (table("Findings", &["Weight", "Where", "What is wrong", "What to do"], &rows))
        }
    }
}

fn row(finding: &Finding) -> Vec<Markup> {
    let (kind, word) = match finding.severity {
        Severity::Blocks => ("failed", "Blocks"),
        Severity::Warning => ("degraded", "Warning"),
        Severity::Reminder => ("information", "Reminder"),
    };
    vec![
        state(kind, word),
        html! { (finding.setting) },
        html! { (parts::sentence(&finding.problem)) },
        html! { (parts::sentence(&finding.mend)) },
    ]
}
