//! Appliances for tests: one that is ready for an upgrade and one that is not at all.

use serde_json::json;

use crate::finding::{Found, Severity};
use crate::snapshot::{
    Acknowledged, Candidate, ClusterConfiguration, ContentIndex, CoreFile, Counted, DataStore, Facts,
    LastBackup, LicenceFacts, Licensing, Plugin, Running, Slot, Snapshot, Space,
};

const GIB: u64 = 1 << 30;
/// 2026-06-01, 12:00 UTC.
const NOW: u64 = 1_780_315_200;

/// An appliance with which nothing is wrong.
pub(crate) fn ready() -> Snapshot {
    let facts = Facts {
        running: Some(Running {
            version: "6.13.0".parse().unwrap(),
            digest: "aa".repeat(32),
        }),
        now: Some(NOW),
        hardware: Some("generic-x86-64".to_owned()),
        virtual_machine: Some(true),
        slots: vec![slot(1, "aa", true), slot(2, "bb", false)],
        space: Some(Space {
            boot_free: GIB,
            data_total: 500 * GIB,
            data_free: 21 * GIB,
            data_needed: Some(3 * GIB / 2),
        }),
        store: Some(DataStore {
            layout: sps_config_migration::LATEST,
            ..DataStore::default()
        }),
        content_index: Some(ContentIndex {
            version: sps_index_engine::VERSION,
            sessions: 1_000,
        }),
        cluster: Some(cluster(sps_config_migration::LATEST)),
        licence: Some(Licensing::Licence(licence())),
        tainted: Some(Vec::new()),
        problems: Some(Vec::new()),
        configuration_backup: Some(LastBackup::At(NOW - 3_600)),
        data_backup: Some(LastBackup::At(NOW - 3_600)),
        high_availability: Some("HA".to_owned()),
        plugins: Some(vec![plugin("radius", 1)]),
        core_files: Some(Vec::new()),
        acknowledged: Acknowledged {
            release_notes: true,
            data_backup: true,
            snapshot: true,
        },
    };
    Snapshot::new(17, json!({"network": {"host_name": "sps-1"}}), facts, candidate())
}

fn database() -> Counted {
    Counted {
        files: 1,
        bytes: 3 * GIB / 2,
        ..Counted::default()
    }
}

/// An appliance nobody has looked at for a long time.
pub(crate) fn neglected() -> Snapshot {
    let facts = Facts {
        running: Some(Running {
            version: "6.4.0".parse().unwrap(),
            digest: "cc".repeat(32),
        }),
        hardware: Some("safeguard-3000".to_owned()),
        space: Some(Space {
            boot_free: GIB,
            data_total: 500 * GIB,
            data_free: GIB / 3,
            data_needed: None,
        }),
        store: Some(DataStore {
            layout: 1,
            kinds: [("session database".to_owned(), database())].into(),
            links_a_second: 50_000,
            copies_a_second: 1_000,
            bytes_a_second: 100_000_000,
        }),
        licence: Some(Licensing::Licence(LicenceFacts {
            lts: vec![6],
            valid_until: "2026-03-31".parse().ok(),
            ..licence()
        })),
        content_index: Some(ContentIndex {
            version: 0,
            sessions: 1_000,
        }),
        cluster: Some(neglected_cluster()),
        tainted: Some(vec!["/etc/sps/trust.json".to_owned()]),
        problems: Some(vec![
            "Disk usage 97 %".to_owned(),
            "NTP: not synchronized".to_owned(),
        ]),
        configuration_backup: Some(LastBackup::At(NOW - 40 * 86_400)),
        data_backup: Some(LastBackup::At(NOW - 3 * 86_400)),
        high_availability: Some("Degraded".to_owned()),
        plugins: Some(vec![plugin("radius", 1), plugin("okta", 7)]),
        core_files: Some(vec![
            CoreFile {
                name: "core.sps.1".to_owned(),
                size: 31 << 20,
            },
            CoreFile {
                name: "core.sps.2".to_owned(),
                size: 5 << 20,
            },
        ]),
        acknowledged: Acknowledged::default(),
        ..ready().facts
    };
    Snapshot { facts, ..ready() }
}

/// The appliance that is ready, with something changed.
pub(crate) fn with(change: impl FnOnce(&mut Facts)) -> Snapshot {
    let mut snapshot = ready();
    change(&mut snapshot.facts);
    snapshot
}

/// What a check says, in short.
pub(crate) fn severities(found: &[Found]) -> Vec<Severity> {
    found.iter().map(|found| found.severity).collect()
}

pub(crate) fn plugin(name: &str, api: u32) -> Plugin {
    Plugin {
        name: name.to_owned(),
        version: "2.1".to_owned(),
        api,
    }
}

pub(crate) fn licence() -> LicenceFacts {
    LicenceFacts {
        serial: "SPS-2026-000142".to_owned(),
        valid_from: "2025-01-01".parse().unwrap(),
        valid_until: "2027-05-31".parse().ok(),
        lts: vec![6, 7],
        features: ["analytics", "cluster"]
            .map(|name| name.to_owned().try_into().unwrap())
            .into(),
    }
}

/// The configuration of an appliance that nobody has set up.
pub(crate) fn cluster(layout: u32) -> ClusterConfiguration {
    ClusterConfiguration {
        layout,
        document: sps_config_migration::empty(layout).unwrap(),
    }
}

/// One of an early layout, with a limit that is no longer possible.
fn neglected_cluster() -> ClusterConfiguration {
    let mut cluster = cluster(3);
    cluster.document["management"]["disk_fill_up_prevention"]["used_space_ratio_limit"] = 99.into();
    cluster
}

fn slot(number: u32, digest: &str, data_kept: bool) -> Slot {
    Slot {
        number,
        digest: digest.repeat(32),
        data_kept,
    }
}

fn candidate() -> Candidate {
    let rules = [
        "7 LTS",
        "=6.9.4",
        "=6.9.5",
        "=6.0.0",
        ">=6.11 feature",
        ">=6.0.11 in 6 LTS",
    ];
    Candidate {
        version: "7.0.3.1".parse().unwrap(),
        digest: "bb".repeat(32),
        hardware: vec!["generic-x86-64".to_owned()],
        upgrade_from: rules.map(ToOwned::to_owned).into(),
        data_layout: sps_config_migration::LATEST,
    }
}
