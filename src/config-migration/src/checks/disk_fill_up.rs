//! The limit of the disk fill-up prevention lies between 50 and 98 percent, whether it is on or not.
//!
//! Source: upgrade guide of 7.0: since 6.4, and the upgrade cannot start.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::{Found, Subject};
use crate::finding::Severity;

const SETTING: &str = "Basic Settings > Management > Disk space fill up prevention > Disconnect clients when disks are: x percent used";
const LIMITS: RangeInclusive<u64> = 50..=98;
/// The first layout of a version with these limits.
const SINCE: u32 = 4;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Found> {
    let limit = subject
        .document
        .pointer("/management/disk_fill_up_prevention/used_space_ratio_limit");
    let limit = limit.and_then(Value::as_u64).unwrap_or_default();
    if subject.to < SINCE || LIMITS.contains(&limit) {
        return Vec::new();
    }
    vec![Found::new(
        Severity::Blocks,
        SETTING,
        format!(
            "the limit is {limit} percent; only {} to {} are possible",
            LIMITS.start(),
            LIMITS.end()
        ),
        "set a limit between these",
    )]
}
