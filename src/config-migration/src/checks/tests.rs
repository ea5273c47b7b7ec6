//! Every check both ways, on real certificates and keys.

mod certificates;
mod settings;

use serde_json::Value;

use super::*;

/// Findings of one check, `severity setting: problem`.
fn found(check: &str, document: &Value, from: u32, to: u32) -> Vec<String> {
    super::check(document, from, to)
        .into_iter()
        .filter(|finding| finding.check == check)
        .map(|finding| {
            assert!(!finding.mend.is_empty());
            format!("{:?} {}: {}", finding.severity, finding.setting, finding.problem)
        })
        .collect()
}

#[test]
fn every_file_is_a_check_of_the_list() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/checks");
    let files: std::collections::BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".rs").map(ToOwned::to_owned)
        })
        .filter(|name| name != "tests")
        .collect();
    let listed = CHECKS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .chain(["shape".to_owned()]);
    assert_eq!(files, listed.collect());
}
