//! Does the document have the shape of its layout, and is there a way to the new one?

use super::{Found, Subject, shown};
use crate::error::MigrateError;
use crate::finding::Severity;
use crate::layout::version;
use crate::layouts;

const SETTING: &str = "Basic Settings > System > Import configuration";

pub(super) fn check(subject: &Subject<'_>) -> Vec<Found> {
    let Subject { document, from, to } = *subject;
    let blocks = |problem: String, mend: &str| vec![Found::new(Severity::Blocks, SETTING, problem, mend)];
    if let Some(unknown) = [from, to].into_iter().find(|layout| version(*layout).is_none()) {
        return blocks(
            format!(
                "the configuration would go from layout {from} to {to}, and the new firmware does not know layout {unknown}"
            ),
            "upgrade to a version between the two first",
        );
    }
    if from > to {
        return blocks(
            format!(
                "the configuration is of {}, later than {} of the new firmware",
                shown(from),
                shown(to)
            ),
            "choose a later firmware: no configuration is taken back",
        );
    }
    match layouts::validate(document, from) {
        Ok(()) => Vec::new(),
        Err(MigrateError::Shape { path, reason, .. }) => blocks(
            format!(
                "{path}: {reason}, so the configuration cannot be read as one of {}",
                shown(from)
            ),
            "correct the value with the running firmware, or ask support",
        ),
        Err(error) => blocks(error.to_string(), "ask support"),
    }
}
