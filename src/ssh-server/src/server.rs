//! Listening, and what all connections share.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::Algorithm;
use russh::server::Config;
use russh::{MethodKind, MethodSet, Preferred, SshId, cipher, compression, kex, mac};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::access::Access;
use crate::connection::Connection;
use crate::host_key::HostKey;

/// Connections at a time: administrators of one appliance, with room for a forgotten window or two.
const MAX_CONNECTIONS: usize = 16;
/// Longest time for the version exchange of a new connection.
const GREETING_WITHIN: Duration = Duration::from_secs(15);
/// Longest life of a connection that says nothing.
const IDLE: Duration = Duration::from_secs(900);
/// A refused login takes at least this long.
const REFUSAL: Duration = Duration::from_secs(2);
/// Passwords one connection may try.
const ATTEMPTS: usize = 3;
/// Wait after a failed accept, as when files have run out.
const PAUSE: Duration = Duration::from_millis(200);

/// Key exchanges, strongest first; the last two entries announce extensions (RFC 8308 and OpenSSH's strict mode).
const KEY_EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
];
const MACS: &[mac::Name] = &[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM];

/// Why the service cannot listen.
#[derive(Debug, Error)]
pub enum SshServerError {
    /// The address is taken or not there.
    #[error("could not listen for SSH on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// The service, listening.
pub struct SshServer {
    listeners: Vec<TcpListener>,
    config: Arc<Config>,
    access: Arc<dyn Access>,
    room: Arc<Semaphore>,
}

impl std::fmt::Debug for SshServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SshServer")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

impl SshServer {
    /// Listens on each of `addresses`.
    ///
    /// # Errors
    /// When one of them cannot be had.
    pub async fn bind(
        addresses: &[SocketAddr],
        key: &HostKey,
        access: Arc<dyn Access>,
    ) -> Result<Self, SshServerError> {
        let mut listeners = Vec::new();
        for &address in addresses {
            let listener = TcpListener::bind(address).await;
            listeners.push(listener.map_err(|source| SshServerError::Listen { address, source })?);
        }
        Ok(Self {
            listeners,
            config: Arc::new(config(key)),
            access,
            room: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        })
    }

    /// Where it listens: differs from what was asked for when port 0 was.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect()
    }

    /// Serves until `shutdown`; connections end with it.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut accepting = JoinSet::new();
        for listener in self.listeners {
            let serve = Serve {
                config: self.config.clone(),
                access: self.access.clone(),
                room: self.room.clone(),
                shutdown: shutdown.clone(),
            };
            accepting.spawn(serve.accept(listener));
        }
        while accepting.join_next().await.is_some() {}
    }
}

/// What the task of one listener needs.
struct Serve {
    config: Arc<Config>,
    access: Arc<dyn Access>,
    room: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Serve {
    async fn accept(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                Some(_ended) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => match self.room.clone().try_acquire_owned() {
                        Ok(permit) => drop(connections.spawn(self.connection(stream, from, permit))),
                        Err(_full) => warn!("SSH connection from {from} refused: {MAX_CONNECTIONS} are open"),
                    },
                    Err(error) => {
                        warn!("could not accept an SSH connection: {error}");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
            }
        }
        connections.shutdown().await;
    }

    fn connection(
        &self,
        stream: TcpStream,
        from: SocketAddr,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + 'static {
        let handler = Connection::new(self.access.clone(), from);
        let (config, shutdown) = (self.config.clone(), self.shutdown.clone());
        async move {
            let _permit = permit;
            if let Err(error) = stream.set_nodelay(true) {
                debug!("{from}: {error}");
            }
            let started = timeout(
                GREETING_WITHIN,
                russh::server::run_stream(config, stream, handler),
            )
            .await;
            let session = match started {
                Ok(Ok(session)) => session,
                Ok(Err(error)) => return debug!("SSH connection from {from} ended: {error}"),
                Err(_late) => return debug!("SSH connection from {from} said nothing"),
            };
            let handle = session.handle();
            tokio::select! {
                ended = session => if let Err(error) = ended {
                    debug!("SSH connection from {from} ended: {error}");
                },
                () = shutdown.cancelled() => {
                    let reason = russh::Disconnect::ByApplication;
                    let told = handle.disconnect(reason, "the appliance stops".into(), "en".into());
                    drop(timeout(Duration::from_secs(1), told).await);
                }
            }
        }
    }
}

fn config(key: &HostKey) -> Config {
    Config {
        server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-appliance")),
        methods: MethodSet::from([MethodKind::Password].as_slice()),
        auth_rejection_time: REFUSAL,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key.0.clone()],
        preferred: Preferred {
            kex: Cow::Borrowed(KEY_EXCHANGES),
            key: Cow::Borrowed(&[Algorithm::Ed25519]),
            cipher: Cow::Borrowed(CIPHERS),
            mac: Cow::Borrowed(MACS),
            compression: Cow::Borrowed(&[compression::NONE]),
            ..Preferred::default()
        },
        max_auth_attempts: ATTEMPTS,
        inactivity_timeout: Some(IDLE),
        nodelay: true,
        ..Config::default()
    }
}
