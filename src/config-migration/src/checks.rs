//! The checks, a file each: a function from what is looked at to what it found.
//!
//! What blocks because the new firmware cannot work with it is looked for whatever the layout was before; what a migration does is
//! told by that migration (`migration_notes`), so that *Test* and upgrade cannot say different things. The order of the list is
//! that of findings of equal weight.

mod disk_fill_up;
mod in_band_host_names;
mod ldap_timeout;
mod migration_notes;
mod rdp_setting_names;
mod shape;
mod unreachable_targets;
mod weak_certificates;

use serde_json::Value;

use crate::finding::{Finding, Severity};
use crate::layout::version;

/// What a check looks at: a document that has the shape of its layout.
pub(crate) struct Subject<'a> {
    pub(crate) document: &'a Value,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Subject<'_> {
    /// Whether the way leads over the border to a layout.
    fn crosses(&self, layout: u32) -> bool {
        self.from < layout && layout <= self.to
    }

    /// Every value of the object at a JSON pointer, with its name.
    fn named(&self, pointer: &str) -> impl Iterator<Item = (&str, &Value)> {
        let object = self.document.pointer(pointer).and_then(Value::as_object);
        object
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// Every value of the list at a JSON pointer, with its `name`, or its place.
    fn listed(&self, pointer: &str) -> impl Iterator<Item = (String, &Value)> {
        let list = self.document.pointer(pointer).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .enumerate()
            .map(|(place, value)| (crate::edit::named(value, place), value))
    }
}

/// What a check returns; its name is added by who runs it.
pub(crate) struct Found {
    severity: Severity,
    setting: String,
    problem: String,
    mend: String,
}

impl Found {
    fn new(
        severity: Severity,
        setting: impl Into<String>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            setting: setting.into(),
            problem: problem.into(),
            mend: mend.into(),
        }
    }
}

type Check = fn(&Subject<'_>) -> Vec<Found>;

/// Every check with its name. The first decides whether the others can look.
const CHECKS: &[(&str, Check)] = &[
    ("disk_fill_up", disk_fill_up::check),
    ("weak_certificates", weak_certificates::check),
    ("rdp_setting_names", rdp_setting_names::check),
    ("in_band_host_names", in_band_host_names::check),
    ("ldap_timeout", ldap_timeout::check),
    ("unreachable_targets", unreachable_targets::check),
    ("migration_notes", migration_notes::check),
];

/// What must be said before a document goes from one layout to another; what blocks comes first. The document may have its
/// secrets left out.
#[must_use]
pub fn check(document: &Value, from: u32, to: u32) -> Vec<Finding> {
    let subject = Subject { document, from, to };
    let shape = shape::check(&subject);
    let checks: &[(&str, Check)] = if shape.is_empty() { CHECKS } else { &[] };
    let found = checks
        .iter()
        .flat_map(|(name, check)| check(&subject).into_iter().map(move |found| (*name, found)));
    let found = shape.into_iter().map(|found| ("shape", found)).chain(found);
    let mut findings: Vec<Finding> = found
        .map(|(check, found)| Finding {
            severity: found.severity,
            check,
            setting: found.setting,
            problem: found.problem,
            mend: found.mend,
        })
        .collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// `6.3 (layout 3)`.
fn shown(layout: u32) -> String {
    format!("{} (layout {layout})", version(layout).unwrap_or("unknown"))
}

#[cfg(test)]
mod tests;
