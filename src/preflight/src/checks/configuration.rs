//! Can the configuration on `data` go to the layout of the new firmware, and what becomes of it?

use crate::finding::{Found, Severity};
use crate::snapshot::Snapshot;

const SETTING: &str = "Basic Settings > System > Export configuration";

pub(crate) fn check(snapshot: &Snapshot) -> Vec<Found> {
    let Some(cluster) = &snapshot.facts.cluster else {
        return vec![Found::unknown(
            SETTING,
            "what the configuration of the data store is",
        )];
    };
    if snapshot.candidate.data_layout < cluster.layout {
        // One goes back to an earlier firmware, which finds the configuration as it left it (`upgrade_path` says whether it does).
        return Vec::new();
    }
    let findings =
        sps_config_migration::check(&cluster.document, cluster.layout, snapshot.candidate.data_layout);
    findings
        .into_iter()
        .map(|finding| {
            Found::new(
                severity(finding.severity),
                finding.setting,
                finding.problem,
                finding.mend,
            )
        })
        .collect()
}

const fn severity(severity: sps_config_migration::Severity) -> Severity {
    match severity {
        sps_config_migration::Severity::Blocks => Severity::Blocks,
        sps_config_migration::Severity::Warning => Severity::Warning,
        sps_config_migration::Severity::Reminder => Severity::Reminder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{cluster, ready, severities, with};
    use crate::snapshot::ClusterConfiguration;

    fn found(configuration: ClusterConfiguration) -> Vec<Found> {
        check(&with(|facts| facts.cluster = Some(configuration)))
    }

    #[test]
    fn what_blocks_and_what_the_migrations_do_is_told() {
        assert_eq!(check(&ready()), []);
        let mut old = cluster(2);
        assert_eq!(
            severities(&found(old.clone())),
            [Severity::Reminder; 3],
            "a new RDP setting, another name for the old one, a trust store"
        );
        old.document["management"]["log_ingestion"]["enabled"] = true.into();
        old.document["management"]["disk_fill_up_prevention"]["used_space_ratio_limit"] = 49.into();
        let found = found(old);
        assert_eq!(severities(&found)[..2], [Severity::Blocks, Severity::Warning]);
        assert!(found[0].problem.contains("49 percent") && found[0].setting.contains("Management"));
        assert!(found[1].problem.contains("log ingestion"), "{found:?}");
    }

    #[test]
    fn an_earlier_firmware_finds_what_it_left() {
        let mut back = ready();
        back.candidate.data_layout = 4;
        assert_eq!(check(&back), []);
    }

    #[test]
    fn what_cannot_be_read_blocks_and_what_is_not_told_is_said() {
        for (layout, document) in [(5, serde_json::Value::Null), (0, cluster(5).document)] {
            let found = found(ClusterConfiguration { layout, document });
            assert_eq!(severities(&found), [Severity::Blocks], "{found:?}");
        }
        let mut later = ready();
        later.candidate.data_layout = 6;
        assert_eq!(
            severities(&check(&later)),
            [Severity::Blocks],
            "a layout that this code does not know"
        );
        let none = check(&with(|facts| facts.cluster = None));
        assert_eq!(severities(&none), [Severity::Warning]);
    }
}
