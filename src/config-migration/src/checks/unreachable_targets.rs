//! Targets that the firmware of layout 5 does not reach: policies with them do not run.
//!
//! Source: chosen here. Shares, exports and rsync need programs or drivers that are not in the firmware.

use serde_json::Value;

use super::{Found, Subject};
use crate::finding::Severity;

/// The first layout whose firmware works by its own targets.
const SINCE: u32 = 5;
/// Kinds of targets with what they are called.
const UNREACHABLE: [(&str, &str); 3] = [
    ("smb", "a share of Windows"),
    ("nfs", "an NFS export"),
    ("rsync", "rsync"),
];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Found> {
    if subject.to < SINCE {
        return Vec::new();
    }
    let policies = ["/policies/backup", "/policies/archive"].into_iter();
    policies
        .flat_map(|pointer| subject.named(pointer))
        .filter_map(|(name, policy)| {
            let kind = policy.pointer("/target/kind").and_then(Value::as_str)?;
            let (_, title) = UNREACHABLE.iter().find(|(known, _)| *known == kind)?;
            Some(Found::new(
                Severity::Warning,
                format!("Policies > Backup & Archive > {name}"),
                format!("its target is {title}, which this firmware does not reach: the policy will not run"),
                "choose a disk attached to the appliance, or S3, after the upgrade; until then nothing is backed up or archived by it",
            ))
        })
        .collect()
}
