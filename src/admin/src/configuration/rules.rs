//! What a change of the configuration may not touch, whoever asks. Pure.

use crate::failure::{Failure, FailureKind};

/// How a change comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsChange {
    /// Somebody edits settings.
    Edit,
    /// A whole document is taken: an import, or an earlier revision.
    Whole,
}

/// Settings that have a way of their own, and which it is.
const ELSEWHERE: [(&str, &str); 3] = [
    (
        "system/sealed",
        "seal the appliance with `sps seal`; sealed mode is left at its console",
    ),
    (
        "system/licence",
        "add the license on the page License or with `sps licence add`",
    ),
    (
        "network",
        "addresses, name servers and host name are set with `sps network set` or in /api/configuration/network",
    ),
];
/// Settings that sealed mode fixes: by them somebody could come in.
const SEALED: [&str; 2] = ["users/admin_password", "users/console_password"];

/// Why a change of these paths is refused, or nothing.
#[must_use]
pub fn settings_objection(paths: &[&str], change: SettingsChange, sealed: bool) -> Option<Failure> {
    let touches = |place: &str| paths.iter().find(|path| overlap(path, place));
    let sealed = sealed
        .then(|| SEALED.iter().find_map(|place| touches(place)))
        .flatten();
    if let Some(path) = sealed {
        let message = format!(
            "{path}: the appliance is sealed: its passwords are fixed; unseal it at the console first"
        );
        return Some(Failure::new(FailureKind::NotAllowed, message));
    }
    let elsewhere = ELSEWHERE.iter().filter(|_| change == SettingsChange::Edit);
    elsewhere
        .filter_map(|(place, way)| Some((touches(place)?, way)))
        .map(|(path, way)| Failure::invalid(format!("{path}: this is not set here: {way}")))
        .next()
}

/// Whether one of two paths is the other, or lies in it.
fn overlap(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    within(one, other) || within(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, change: SettingsChange, sealed: bool) -> Option<String> {
        settings_objection(&[path], change, sealed).map(|failure| failure.message)
    }

    #[test]
    fn what_has_a_way_of_its_own_is_not_edited() {
        for path in [
            "system/sealed",
            "system",
            "network",
            "network/dns",
            "system/licence/serial",
        ] {
            let words = said(path, SettingsChange::Edit, false).unwrap();
            assert!(
                words.starts_with(path) && words.contains("not set here"),
                "{words}"
            );
            assert_eq!(said(path, SettingsChange::Whole, false), None);
        }
        for path in ["networking", "management/mail", "users/admin_password"] {
            assert_eq!(said(path, SettingsChange::Edit, false), None, "{path}");
        }
    }

    #[test]
    fn sealed_the_passwords_are_fixed_whichever_way_they_would_change() {
        for change in [SettingsChange::Edit, SettingsChange::Whole] {
            for path in ["users/admin_password", "users/console_password", "users"] {
                assert!(said(path, change, true).unwrap().contains("sealed"), "{path}");
                assert_eq!(said(path, change, false), None, "{path}");
            }
            assert_eq!(said("users/local/ann", change, true), None);
            assert_eq!(said("management/change_log/require_message", change, true), None);
        }
    }
}
