//! What the migrations will drop or change, found out by doing them.

use super::{Found, Subject};
use crate::finding::Severity;
use crate::migrate::migrate;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Found> {
    match migrate(subject.document, subject.from, subject.to) {
        Ok(migrated) => migrated
            .notes
            .into_iter()
            .map(|note| Found::new(note.severity, note.setting, note.what, note.mend))
            .collect(),
        Err(error) => vec![Found::new(
            Severity::Blocks,
            "Basic Settings > System > Import configuration",
            format!("the configuration cannot be taken over: {error}"),
            "correct it with the running firmware, or ask support",
        )],
    }
}
