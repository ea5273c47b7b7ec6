//! RDP settings that have the names the migration gives.
//!
//! Source: upgrade guide of 7.0: such a setting must be renamed before an upgrade from a version before 6.8.0.

use super::{Found, Subject};
use crate::finding::Severity;
use crate::migrations::{RDP_LEGACY, RDP_NEW};

/// The layout that gives the names.
const SINCE: u32 = 4;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Found> {
    if !subject.crosses(SINCE) {
        return Vec::new();
    }
    let taken = subject
        .named("/connections/rdp/settings")
        .filter(|(name, _)| [RDP_LEGACY, RDP_NEW].contains(name));
    taken
        .map(|(name, _)| {
            Found::new(
                Severity::Blocks,
                format!("RDP Control > Settings > {name}"),
                format!("the upgrade makes an RDP setting of the name {name}, and there is one"),
                "give this setting another name",
            )
        })
        .collect()
}
