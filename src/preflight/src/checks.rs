//! The checks, a file each: a function from the snapshot to what it found, and its tests both ways.
//!
//! A new check is a file in `checks`, its `mod` line here and its line in the list, whose order is that of findings of
//! equal weight; a test below refuses a file that is in neither.

mod configuration;
mod configuration_backup;
mod core_files;
mod data_backup;
mod hardware;
mod high_availability;
mod licence;
mod plugins;
mod reindexing;
mod release_notes;
mod reorganization;
mod space;
mod system_monitor;
mod tainted;
mod upgrade_path;
mod virtual_machine;

use crate::finding::Found;
use crate::snapshot::Snapshot;

/// What every check is.
pub(crate) type Check = fn(&Snapshot) -> Vec<Found>;

/// Every check with its name.
pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("upgrade_path", upgrade_path::check),
    ("hardware", hardware::check),
    ("space", space::check),
    ("reorganization", reorganization::check),
    ("reindexing", reindexing::check),
    ("high_availability", high_availability::check),
    ("system_monitor", system_monitor::check),
    ("tainted", tainted::check),
    ("licence", licence::check),
    ("configuration", configuration::check),
    ("plugins", plugins::check),
    ("configuration_backup", configuration_backup::check),
    ("core_files", core_files::check),
    ("data_backup", data_backup::check),
    ("release_notes", release_notes::check),
    ("virtual_machine", virtual_machine::check),
];

/// Page of the firmware slots.
pub(crate) const FIRMWARES: &str = "Basic Settings > System > Firmwares";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_is_a_check_of_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/checks");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".rs").map(ToOwned::to_owned))
            .collect();
        let listed: BTreeSet<String> = CHECKS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(files, listed);
        assert_eq!(listed.len(), CHECKS.len(), "each once");
    }
}
