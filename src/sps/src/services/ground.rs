//! The data store, as proxies stand on it.

use std::path::PathBuf;
use std::sync::Mutex;

use sps_datastore_engine::Kind;
use sps_gateway::{Ended, Ground, GroundError};
use sps_sessions::Sessions;

use super::data::Opened;

impl Ground for Opened {
    fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_deref()
    }

    fn configuration(&self) -> Option<&Mutex<sps_cluster_config::Store>> {
        self.configuration.as_ref()
    }

    fn trails(&self) -> PathBuf {
        self.place(Kind::Trails)
    }

    fn host_keys(&self) -> PathBuf {
        self.place(Kind::HostKeys)
    }

    fn trail_name(&self, id: &str) -> Result<String, GroundError> {
        Self::trail_name(self, id)
    }

    fn close_sessions(&self, ended: Vec<Ended>) -> Result<(), GroundError> {
        Self::close_sessions(self, ended)
    }
}
