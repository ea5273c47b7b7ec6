//! A host that indexes for an appliance: workers that connect, read what they are given, and come again when they lost it.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use sps_bootlog::causes;
use sps_index_engine::VERSION;
use sps_indexer_engine::{Backoff, FORMAT, FromAppliance, FromHost, Hello};
use thiserror::Error;
use tracing::{error, info, warn};

use super::identity::IdentityError;
use super::limits::{CONNECTED_WITHIN, DRAINED_WITHIN, GREETED_WITHIN, LOOK, SENT_WITHIN, SILENT_AT_MOST};
use super::link::{Link, LinkError};
use super::reading::{self, Reading};
use super::secrets::HostKeys;
use super::settings::HostSettings;
use super::tls;
use crate::take::Reader;

/// What it is.
const PRODUCT: &str = "sps";

/// Asks a host to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<Option<Instant>>, Condvar)>);

impl Stop {
    /// It stops: what it reads it may end within a minute, else it gives it back.
    pub fn stop(&self) {
        self.within(DRAINED_WITHIN);
    }

    /// It stops, within that.
    pub fn within(&self, most: Duration) {
        *self.lock() = Some(Instant::now() + most);
        self.0.1.notify_all();
    }

    /// Whether it stops.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.lock().is_some()
    }

    /// Whether it should have stopped.
    pub(crate) fn is_overdue(&self) -> bool {
        self.lock().is_some_and(|until| until <= Instant::now())
    }

    /// Waits so long, or until it is to stop.
    fn wait(&self, most: Duration) {
        let waited = self
            .0
            .1
            .wait_timeout_while(self.lock(), most, |until| until.is_none());
        drop(waited);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a host cannot work.
#[derive(Debug, Error)]
pub enum HostError {
    /// Its certificate cannot be used.
    #[error("the configuration of this host cannot be used")]
    Identity(#[from] IdentityError),
    /// No thread.
    #[error("could not start a worker")]
    Thread(#[source] io::Error),
}

/// Why a worker lost its appliance.
#[derive(Debug, Error)]
enum Lost {
    #[error("could not connect to {address}: {source}")]
    Connect {
        address: String,
        #[source]
        source: io::Error,
    },
    #[error("the appliance at {address} refuses this host: {reason}")]
    Refused { address: String, reason: String },
    #[error(
        "the appliance at {address} does not know the certificate of this host: it was removed there, or the configuration is of another appliance; download the configuration again (Indexer > Worker status)"
    )]
    Denied { address: String },
    #[error(
        "{address} is not the appliance of this configuration ({reason}): was its certificate for indexers made anew? Download the configuration again (Indexer > Worker status)"
    )]
    Stranger { address: String, reason: String },
    #[error("the connection to the appliance at {address} is lost: {source}")]
    Link {
        address: String,
        #[source]
        source: LinkError,
    },
}

/// The host.
pub struct Host {
    settings: HostSettings,
    keys: HostKeys,
    reader: Box<dyn Reader>,
    version: String,
    host_name: String,
    config: Arc<ClientConfig>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Host {
    /// Of this version; `reader` runs the role that reads trails.
    ///
    /// # Errors
    /// The identity in its settings cannot be used.
    pub fn new(
        settings: HostSettings,
        keys: HostKeys,
        reader: Box<dyn Reader>,
        version: &str,
        host_name: &str,
    ) -> Result<Self, HostError> {
        let config = tls::client(&settings.identity, settings.appliance)?;
        Ok(Self {
            settings,
            keys,
            reader,
            version: version.to_owned(),
            host_name: host_name.to_owned(),
            config,
        })
    }

    /// How many workers it has.
    #[must_use]
    pub fn workers(&self) -> u16 {
        self.settings.workers.unwrap_or_else(|| {
            let processors = thread::available_parallelism().map_or(1, usize::from);
            u16::try_from(processors / 2).unwrap_or(u16::MAX).clamp(1, 16)
        })
    }

    /// Works until it is to stop, and all its workers have. Blocking.
    ///
    /// # Errors
    /// A worker could not be started.
    pub fn run(&self, stop: &Stop) -> Result<(), HostError> {
        thread::scope(|scope| {
            for worker in 0..self.workers() {
                let name = format!("indexer-{worker}");
                let begun = thread::Builder::new()
                    .name(name)
                    .spawn_scoped(scope, move || self.worker(worker, stop));
                if let Err(error) = begun {
                    stop.stop();
                    return Err(HostError::Thread(error));
                }
            }
            Ok(())
        })
    }

    fn worker(&self, worker: u16, stop: &Stop) {
        let mut backoff = Backoff::default();
        while !stop.is_asked() {
            let Err(lost) = self.connection(worker, stop, &mut backoff) else {
                return;
            };
            let wait = backoff.failed(worker);
            match lost {
                Lost::Connect { .. } | Lost::Link { .. } => warn!("worker {}: {}", worker + 1, causes(&lost)),
                // Somebody has to do something.
                _ => error!("worker {}: {}", worker + 1, causes(&lost)),
            }
            info!("worker {} tries again in {:.1} s", worker + 1, wait.as_secs_f32());
            stop.wait(wait);
        }
    }

    fn address(&self) -> String {
        let HostSettings { address, port, .. } = &self.settings;
        if address.contains(':') {
            format!("[{address}]:{port}")
        } else {
            format!("{address}:{port}")
        }
    }

    fn lost(&self, error: LinkError) -> Lost {
        let address = self.address();
        match error {
            LinkError::Denied => Lost::Denied { address },
            LinkError::Tls(reason) => Lost::Stranger { address, reason },
            source => Lost::Link { address, source },
        }
    }

    fn connect(&self) -> Result<Link, Lost> {
        let failed = |source| Lost::Connect {
            address: self.address(),
            source,
        };
        let (host, port) = (self.settings.address.as_str(), self.settings.port);
        let mut last = io::ErrorKind::NotFound.into();
        for address in (host, port).to_socket_addrs().map_err(failed)? {
            match TcpStream::connect_timeout(&address, CONNECTED_WITHIN) {
                Ok(socket) => {
                    return Link::connect(socket, self.config.clone(), GREETED_WITHIN)
                        .map_err(|error| self.lost(error));
                }
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    /// One connection, until it is lost, or the host is to stop.
    fn connection(&self, worker: u16, stop: &Stop, backoff: &mut Backoff) -> Result<(), Lost> {
        let mut link = self.connect()?;
        let lost = |error| self.lost(error);
        let hello = FromHost::Hello(self.hello(worker));
        link.send(&hello, SENT_WITHIN).map_err(lost)?;
        match link.receive(GREETED_WITHIN).map_err(lost)? {
            FromAppliance::Welcome { version } => {
                let address = self.address();
                info!(
                    "worker {}: connected to the appliance at {address}, version {version}",
                    worker + 1
                );
            }
            FromAppliance::Refused { reason } => {
                let address = self.address();
                return Err(Lost::Refused { address, reason });
            }
            _ => return Err(lost(LinkError::Closed)),
        }
        backoff.succeeded();
        let mut heard = Instant::now();
        loop {
            if stop.is_asked() {
                link.send(&FromHost::Leave, SENT_WITHIN).map_err(lost)?;
                link.close();
                return Ok(());
            }
            let frame = match link.receive(LOOK) {
                Err(LinkError::Late(_)) if heard.elapsed() < SILENT_AT_MOST => continue,
                frame => frame.map_err(lost)?,
            };
            match frame {
                FromAppliance::Rest => link.send(&FromHost::Alive, SENT_WITHIN).map_err(lost)?,
                FromAppliance::Session { id, size } => {
                    if !self.session(&mut link, worker, (&id, size), stop).map_err(lost)? {
                        link.close();
                        return Ok(());
                    }
                }
                FromAppliance::Refused { reason } => {
                    let address = self.address();
                    return Err(Lost::Refused { address, reason });
                }
                FromAppliance::Welcome { .. } | FromAppliance::Piece(_) => {
                    return Err(lost(LinkError::Closed));
                }
            }
            heard = Instant::now();
        }
    }

    /// Whether to go on.
    fn session(
        &self,
        link: &mut Link,
        worker: u16,
        (id, size): (&str, u64),
        stop: &Stop,
    ) -> Result<bool, LinkError> {
        let (begun, number) = (Instant::now(), worker + 1);
        info!("worker {number} reads session {id} ({size} bytes)");
        match reading::read(link, &*self.reader, &self.keys.keys, stop)? {
            Reading::Done => {
                let seconds = begun.elapsed().as_secs_f32();
                info!("worker {number} has read session {id} in {seconds:.1} s");
            }
            Reading::Failed(reason) => error!("worker {number} could not read session {id}: {reason}"),
            Reading::GivenBack => {
                info!("worker {number} gives session {id} back: the indexer stops");
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn hello(&self, worker: u16) -> Hello {
        Hello {
            format: FORMAT,
            product: PRODUCT.into(),
            version: self.version.clone(),
            extract: VERSION,
            host_name: self.host_name.clone(),
            worker,
            workers: self.workers(),
            keys: self.keys.prints.clone(),
        }
    }
}
