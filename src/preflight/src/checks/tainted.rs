//! Was the running firmware modified on this appliance? An upgrade replaces all of it, and a change nobody remembers is
//! worth a question before.

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;
use crate::text::list;

const SETTING: &str = "Basic Settings > System > Version details";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    match &snapshot.facts.tainted {
        None => vec![Found::unknown(SETTING, "whether its files were modified")],
        Some(files) if files.is_empty() => Vec::new(),
        Some(files) => vec![Found::new(
            Severity::Warning,
            SETTING,
            format!(
                "the running firmware was modified; the upgrade replaces these files: {}",
                list(files)
            ),
            "find out who changed them and why; if support did, ask whether the new firmware has the change",
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};

    #[test]
    fn modified_files_are_named() {
        assert_eq!(check(&ready()), []);
        let found = check(&with(|facts| facts.tainted = Some(vec!["/etc/hosts".to_owned()])));
        assert_eq!(severities(&found), [Severity::Warning]);
        assert!(found[0].problem.contains("/etc/hosts"));
        assert_eq!(
            severities(&check(&with(|facts| facts.tainted = None))),
            [Severity::Warning]
        );
    }
}
