//! Core files are removed by an upgrade: whoever needs one must take it before.

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;
use crate::text::{amount, list};

const SETTING: &str = "Basic Settings > Troubleshooting > Core files";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let Some(files) = &snapshot.facts.core_files else {
        return vec![Found::unknown(SETTING, "whether there are core files")];
    };
    if files.is_empty() {
        return Vec::new();
    }
    let size = files
        .iter()
        .fold(0_u64, |sum, file| sum.saturating_add(file.size));
    let names = list(files.iter().map(|file| &file.name));
    vec![Found::new(
        Severity::Warning,
        SETTING,
        format!("the upgrade removes the core files ({}): {names}", amount(size)),
        "download those that support may ask for",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{ready, severities, with};
    use crate::snapshot::CoreFile;

    #[test]
    fn files_that_will_be_removed_are_named() {
        assert_eq!(check(&ready()), []);
        let file = |name: &str, size| CoreFile {
            name: name.to_owned(),
            size,
        };
        let found = check(&with(|facts| {
            facts.core_files = Some(vec![file("core.1", 1 << 20), file("core.2", u64::MAX)]);
        }));
        assert_eq!(severities(&found), [Severity::Warning]);
        assert!(found[0].problem.contains("core.1, core.2"), "{found:?}");
        assert_eq!(
            severities(&check(&with(|facts| facts.core_files = None))),
            [Severity::Warning]
        );
    }
}
