//! The configuration of the cluster behind the appliance in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use sps_admin::{Context, Reply, Request};
use sps_cluster_config::{ClusterKey, Store};
use sps_configuration::Asker;

/// The configuration of the cluster in a folder of its own: the real store.
pub(crate) struct Cluster {
    pub(crate) store: Mutex<Store>,
    _folder: tempfile::TempDir,
}

impl Cluster {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path(), Some(ClusterKey::generate().unwrap())).unwrap();
        Self {
            store: Mutex::new(store),
            _folder: folder,
        }
    }

    pub(super) fn answer(&self, request: &Request, context: &Context, sealed: bool) -> Reply {
        let asker = Asker {
            who: &context.origin.to_string(),
            message: &context.message,
            now: 1_800_000_000,
            sealed,
            product: "7.0.3",
            host_name: "gate-01",
            own_ports: &BTreeMap::new(),
            migrate: |_, _| Err("not in this test".into()),
        };
        sps_configuration::answer(&self.store, asker, request)
    }
}
