//! A data store in a folder, and a gateway on it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use sps_cluster_config::{Cluster, ClusterKey, Store};
use sps_config::Change;
use sps_fetch::{Fetcher, Guard, Limits as FetchLimits, Target};
use sps_gateway::{Carrier, Ended, Gateway, Ground, GroundError, IndexKeys, Live, Surroundings};
use sps_proxy_ssh::{Answer, Limits, Listening, Meter, SshProxy};
use sps_session_record::SessionRecord;
use sps_sessions::{Batch, Sessions};
use tokio::sync::watch;

/// Longest wait for the session database.
const FLUSHED_WITHIN: Duration = Duration::from_secs(60);

/// The data store.
pub struct Folder {
    root: PathBuf,
    sessions: Sessions,
    configuration: Mutex<Store>,
    index_keys: IndexKeys,
}

impl Folder {
    /// Makes it, with this document in force.
    ///
    /// # Errors
    /// When it cannot be made, or the document does not pass its checks.
    pub fn make(root: &Path, document: &Cluster) -> Result<Self> {
        for name in ["trails", "ssh"] {
            std::fs::create_dir_all(root.join(name))?;
        }
        let (mut store, _) = Store::open(&root.join("config"), Some(ClusterKey::generate()?))?;
        store.commit(store.revision(), document, Change::default())?;
        Ok(Self {
            root: root.to_owned(),
            sessions: Sessions::open(&root.join("sessions.db"))?,
            configuration: Mutex::new(store),
            index_keys: IndexKeys::open(&root.join("ssh"), &[3; 32])?,
        })
    }

    /// The session database.
    #[must_use]
    pub const fn database(&self) -> &Sessions {
        &self.sessions
    }
}

impl Ground for Folder {
    fn sessions(&self) -> Option<&Sessions> {
        Some(&self.sessions)
    }

    fn configuration(&self) -> Option<&Mutex<Store>> {
        Some(&self.configuration)
    }

    fn trails(&self) -> PathBuf {
        self.root.join("trails")
    }

    fn host_keys(&self) -> PathBuf {
        self.root.join("ssh")
    }

    fn index_keys(&self) -> Result<&IndexKeys, GroundError> {
        Ok(&self.index_keys)
    }

    fn trail_name(&self, id: &str) -> Result<String, GroundError> {
        Ok(format!("{id}.zat"))
    }

    fn close_sessions(&self, ended: Vec<Ended>) -> Result<(), GroundError> {
        for Ended {
            id,
            end,
            verdict,
            trail,
        } in ended
        {
            self.sessions.end(&id, end, verdict, trail)?;
        }
        Ok(self.sessions.flush(FLUSHED_WITHIN)?)
    }

    fn keep_session(&self, record: &SessionRecord) -> Result<(), GroundError> {
        self.sessions.import(Batch {
            records: vec![record.clone()],
            ..Batch::default()
        })?;
        Ok(())
    }
}

/// Asks authorities of timestamps on this machine.
struct Here;

impl Carrier for Here {
    fn post(&self, url: &str, roots: &[Vec<u8>], request: Vec<u8>) -> Answer<Result<Vec<u8>, String>> {
        let said = |error: &dyn std::error::Error| error.to_string();
        let guard = Guard::new(Vec::new).except([127, 0, 0, 1].into());
        let made = Fetcher::also_trusting(roots, guard, FetchLimits::up_to(64 * 1024));
        let (made, target) = (made.map_err(|error| said(&error)), Target::parse(url));
        Box::pin(async move {
            let target = target.map_err(|error| said(&error))?;
            let posted = made?.post(&target, "application/timestamp-query", request).await;
            posted.map_err(|error| said(&error))
        })
    }
}

/// A gateway that takes sessions.
pub struct Running {
    /// Its data store.
    pub folder: Arc<Folder>,
    /// Itself.
    pub gateway: Arc<Gateway>,
    /// Its sessions that go on.
    pub live: Live,
    /// What it has done.
    pub meter: Arc<Meter>,
    /// The proxy.
    pub proxy: SshProxy,
    /// Where.
    pub address: SocketAddr,
    _listening: Listening,
    _full: watch::Sender<bool>,
}

/// Starts a gateway that listens on `address`; its document must have a connection policy for that port.
///
/// # Errors
/// When it cannot.
pub fn start(root: &Path, document: &Cluster, address: SocketAddr) -> Result<Running> {
    let folder = Arc::new(Folder::make(root, document)?);
    let (tell, full) = watch::channel(false);
    let (live, is_own) = (Live::default(), Box::new(|_| false));
    let gateway = Gateway::open(
        folder.clone(),
        Surroundings {
            full,
            live: live.clone(),
            is_own,
            carrier: Arc::new(Here),
        },
    )
    .context("open the gateway")?;
    let gateway = Arc::new(gateway);
    let meter = Arc::<Meter>::default();
    let proxy = SshProxy::new(gateway.clone(), Limits::default(), meter.clone());
    let listening = proxy.listen(address)?;
    Ok(Running {
        address: listening.address(),
        folder,
        gateway,
        live,
        meter,
        proxy,
        _listening: listening,
        _full: tell,
    })
}
