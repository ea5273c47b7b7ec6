//! Room on the data store in words.

use super::{clean, date, pairs, table};
use crate::space::{BackupLine, Space, SpacePolicy, SpacePolicyKind};

/// How full the disk is, in one line.
pub(super) fn used(space: &Space) -> String {
    let share = format!("{}.{} %", space.used / 10, space.used % 10);
    match (space.full_since, space.limit) {
        (Some(since), Some(limit)) => format!(
            "{share}: the limit of {limit} % is reached since {}, clients are refused",
            date(since)
        ),
        (_, Some(limit)) => format!("{share}, clients are disconnected at {limit} %"),
        (_, None) => format!("{share}, clients are never disconnected"),
    }
}

/// Room, and what makes some.
#[must_use]
pub fn space(now: &Space) -> String {
    let mut rows = vec![
        ("Used", used(now)),
        ("Archived audit trails", now.archived.to_string()),
        ("Deleted audit trails", now.deleted.to_string()),
    ];
    if now.limit.is_some() {
        let starts = if now.archiving_at_limit {
            "archiving starts"
        } else {
            "nothing is archived"
        };
        rows.push(("At the limit", starts.to_owned()));
    }
    rows.extend(now.working.clone().map(|what| ("Going on", what)));
    rows.extend(now.clock_doubted_until.map(|until| {
        let told = format!("has leapt: nothing is deleted before {}", date(until));
        ("Clock", told)
    }));
    let policies: Vec<_> = now.policies.iter().map(policy).collect();
    let mut text = pairs(&rows);
    if !policies.is_empty() {
        text += "\n";
        text += &table(["POLICY", "DOES", "TARGET", "NEXT", "LAST"], &policies);
    }
    for policy in &now.policies {
        let told = policy.last.as_ref().map(|last| last.what.as_str());
        for what in policy.problem.as_deref().into_iter().chain(told) {
            text += &clean(&format!("{}: {what}", policy.name));
            text.push('\n');
        }
    }
    text
}

fn policy(policy: &SpacePolicy) -> [String; 5] {
    let does = match policy.kind {
        SpacePolicyKind::Archive => "archive",
        SpacePolicyKind::CleanUp => "clean-up",
        SpacePolicyKind::Backup => "backup",
        SpacePolicyKind::Retention => "retention",
    };
    let never = || "never".to_owned();
    let last = policy.last.as_ref().map(|last| {
        let outcome = if last.done { "" } else { ", failed" };
        format!("{}{outcome}", date(last.at))
    });
    [
        policy.name.clone(),
        does.to_owned(),
        policy.target.clone(),
        policy.next.map_or_else(never, date),
        last.unwrap_or_else(never),
    ]
}

/// Backups.
#[must_use]
pub fn backups(found: &[BackupLine]) -> String {
    if found.is_empty() {
        return "There is no backup.\n".into();
    }
    let row = |backup: &BackupLine| {
        [
            backup.name.clone(),
            backup.appliance.clone(),
            backup.policy.clone(),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    table(["BACKUP", "APPLIANCE", "POLICY"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::SpaceRun;

    #[test]
    fn room_policies_and_backups_are_told() {
        let policy = |name: &str, kind, problem: Option<&str>| SpacePolicy {
            name: name.into(),
            kind,
            target: "disk backup".into(),
            next: problem.is_none().then_some(1_800_000_000),
            last: Some(SpaceRun {
                at: 1_799_900_000,
                done: problem.is_none(),
                what: "12 audit trails archived, 34.5 MiB".into(),
            }),
            problem: problem.map(str::to_owned),
        };
        let now = Space {
            used: 812,
            limit: Some(80),
            full_since: Some(1_799_999_000),
            archiving_at_limit: true,
            clock_doubted_until: Some(1_800_080_000),
            working: Some("backup nightly".into()),
            archived: 12,
            deleted: 3,
            policies: vec![
                policy("old", SpacePolicyKind::Archive, None),
                policy(
                    "nightly",
                    SpacePolicyKind::Backup,
                    Some("it has no password: set one"),
                ),
            ],
        };
        let backup = BackupLine {
            policy: "nightly".into(),
            appliance: "sps-1".into(),
            name: "20270115T080000Z".into(),
        };
        let told = [
            space(&now),
            space(&Space::default()),
            backups(&[backup]),
            backups(&[]),
        ];
        insta::assert_snapshot!(told.join("--\n"));
    }
}
