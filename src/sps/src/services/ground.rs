//! The data store, as proxies stand on it.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use sps_datastore_engine::Kind;
use sps_gateway::{Ended, Ground, GroundError, IndexKeys};
use sps_session_record::SessionRecord;
use sps_sessions::Sessions;

use super::data::Opened;

/// Longest wait until the end of a session is on the disk.
const FLUSHED_WITHIN: Duration = Duration::from_secs(10);

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

    fn index_keys(&self) -> Result<&IndexKeys, GroundError> {
        Self::index_keys(self)
    }

    fn trail_name(&self, id: &str) -> Result<String, GroundError> {
        Self::trail_name(self, id)
    }

    fn close_sessions(&self, ended: Vec<Ended>) -> Result<(), GroundError> {
        // The firmware behind this one would find them too.
        let sessions = self.sessions.as_ref().ok_or("there is no session database")?;
        let mut ids = Vec::with_capacity(ended.len());
        for Ended {
            id,
            end,
            verdict,
            trail,
        } in ended
        {
            sessions.end(&id, end, verdict, trail)?;
            ids.push(id);
        }
        sessions.flush(FLUSHED_WITHIN)?;
        let has_others = self.store.has_other_trees(self.tree)?;
        for id in ids {
            self.queue.ended(&id);
            if has_others && let Some(record) = sessions.get(&id)? {
                self.store.carry_out(self.tree, &record)?;
            }
        }
        Ok(())
    }

    fn keep_session(&self, record: &SessionRecord) -> Result<(), GroundError> {
        Self::keep_session(self, record)
    }
}
