//! Listening, and what one client may take.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use sps_proxy_engine::{Came, choose};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, warn};

use crate::access::Access;
use crate::algorithms;
use crate::client_side::ClientSide;
use crate::context::Context;
use crate::socket;
use crate::wire::wire;
use crate::words::{AUTH_FAIL, FAIL, TERMINATED};
use crate::workers::Workers;

/// Longest time for the version exchange of a new connection.
const GREETING_WITHIN: Duration = Duration::from_secs(10);
/// Longest time until somebody is logged in.
const LOGIN_WITHIN: Duration = Duration::from_secs(120);
/// Wait after a failed accept, as when files have run out.
const PAUSE: Duration = Duration::from_millis(200);
/// Connections the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;
/// Longest wait for a client to take the words it ends with.
const FAREWELL: Duration = Duration::from_secs(1);
/// Longest wait for channels to end when their connection does.
const CHANNELS_END_WITHIN: Duration = Duration::from_secs(1);
/// Longest wait for connections to end in order.
const DRAIN: Duration = Duration::from_secs(10);

/// What clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections.
    pub connections: usize,
    /// Connections of one address.
    pub of_one_address: usize,
    /// Connections nobody is logged in on yet.
    pub logging_in: usize,
}

impl Default for Limits {
    /// Some 200 KiB a connection: 800 MiB at most.
    fn default() -> Self {
        Self {
            connections: 4000,
            of_one_address: 1000,
            logging_in: 200,
        }
    }
}

/// Why the proxy cannot listen.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The socket cannot have connections to other machines.
    #[error(
        "could not listen for SSH sessions on {address}: transparent sockets are refused; the process needs CAP_NET_ADMIN"
    )]
    Transparent {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The address is taken or not there.
    #[error("could not listen for SSH sessions on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// The proxy. Addresses come and go; sessions stay until they end or it is shut down.
pub struct SshProxy {
    shared: Arc<Shared>,
}

/// An address clients may come to; dropped, no more come.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Listening {
    /// Where: differs from what was asked for when port 0 was.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Shared {
    access: Arc<dyn Access>,
    limits: Limits,
    room: Arc<Semaphore>,
    logging_in: Arc<Semaphore>,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    sessions: TaskTracker,
    workers: Workers,
    shutdown: CancellationToken,
}

/// One of an address's connections.
struct OfAddress {
    shared: Arc<Shared>,
    address: IpAddr,
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut counts = lock(&self.shared.by_address);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What a connection holds while it lives.
struct Admitted {
    _room: OwnedSemaphorePermit,
    _of_address: OfAddress,
    logging_in: OwnedSemaphorePermit,
}

impl SshProxy {
    /// A proxy that listens nowhere yet.
    #[must_use]
    pub fn new(access: Arc<dyn Access>, limits: Limits) -> Self {
        Self {
            shared: Arc::new(Shared {
                access,
                limits,
                room: Arc::new(Semaphore::new(limits.connections)),
                logging_in: Arc::new(Semaphore::new(limits.logging_in)),
                by_address: Mutex::default(),
                sessions: TaskTracker::new(),
                workers: Workers::start(),
                shutdown: CancellationToken::new(),
            }),
        }
    }

    /// Listens on `address`. Connections to other machines are taken as well, where the packet filter leads them here: what they were to is
    /// the socket's own address then.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn listen(&self, address: SocketAddr) -> Result<Listening, ListenError> {
        let failed = |source| ListenError::Listen { address, source };
        let listener = listener(address)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = self.shared.shutdown.child_token();
        tokio::spawn(accept(self.shared.clone(), listener, stop.clone()));
        Ok(Listening { address, stop })
    }

    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.sessions.len()
    }

    /// Takes no more clients and ends the sessions, in order as far as they can within some seconds.
    pub async fn shut_down(self) {
        self.shared.shutdown.cancel();
        self.shared.sessions.close();
        if timeout(DRAIN, self.shared.sessions.wait()).await.is_err() {
            warn!(
                "SSH sessions did not end within {} s and are cut",
                DRAIN.as_secs()
            );
        }
    }
}

fn listener(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let failed = |source| ListenError::Listen { address, source };
    let socket = socket::new(address).map_err(failed)?;
    socket::transparent(&socket, address).map_err(|source| ListenError::Transparent { address, source })?;
    socket.set_reuseaddr(true).map_err(failed)?;
    if address.is_ipv6() {
        // Each family has a socket of its own.
        socket2::SockRef::from(&socket)
            .set_only_v6(true)
            .map_err(failed)?;
    }
    socket.bind(address).map_err(failed)?;
    socket.listen(BACKLOG).map_err(failed)
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => match admit(&shared, from.ip()) {
                    Some(admitted) => hand_over(&shared, stream, from, admitted),
                    None => warn!("SSH session from {from} refused: too many are open"),
                },
                Err(error) => {
                    warn!("could not accept an SSH session: {error}");
                    sleep(PAUSE).await;
                }
            },
        }
    }
}

/// The connection goes to the thread that serves it.
fn hand_over(shared: &Arc<Shared>, stream: TcpStream, from: SocketAddr, admitted: Admitted) {
    let stream = match stream.into_std() {
        Ok(stream) => stream,
        Err(error) => return warn!("SSH session from {from} refused: {error}"),
    };
    let own = shared.clone();
    let session = async move {
        match TcpStream::from_std(stream) {
            Ok(stream) => guarded(own, stream, from, admitted).await,
            Err(error) => warn!("SSH session from {from} refused: {error}"),
        }
    };
    shared.workers.spawn(shared.sessions.track_future(session));
}

fn admit(shared: &Arc<Shared>, address: IpAddr) -> Option<Admitted> {
    let room = shared.room.clone().try_acquire_owned().ok()?;
    let logging_in = shared.logging_in.clone().try_acquire_owned().ok()?;
    let mut counts = lock(&shared.by_address);
    let count = counts.entry(address).or_default();
    if *count >= shared.limits.of_one_address {
        return None;
    }
    *count += 1;
    drop(counts);
    Some(Admitted {
        _room: room,
        _of_address: OfAddress {
            shared: shared.clone(),
            address,
        },
        logging_in,
    })
}

/// A panic ends one connection.
async fn guarded(shared: Arc<Shared>, stream: TcpStream, from: SocketAddr, admitted: Admitted) {
    let served = AssertUnwindSafe(serve(shared, stream, from, admitted)).catch_unwind();
    if served.await.is_err() {
        error!("the SSH session of {from} ended by an error of the proxy itself");
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream, from: SocketAddr, admitted: Admitted) {
    let Ok(original) = stream.local_addr() else { return };
    let came = Came {
        from: from.ip().to_canonical(),
        to: original.ip().to_canonical(),
        port: original.port(),
    };
    let policies = shared.access.policies();
    let Some(connection) = choose(&policies.ssh.connections, came).cloned() else {
        return warn!("SSH session from {from} to {original} refused: no connection policy fits");
    };
    let keys = match shared.access.host_keys(&connection) {
        Ok(keys) => keys,
        Err(error) => return error!("{error}"),
    };
    let idle = policies
        .ssh
        .settings
        .get(&connection.settings)
        .map(|settings| u64::from(settings.idle_timeout_seconds))
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs);
    if let Err(error) = stream.set_nodelay(true) {
        debug!("{from}: {error}");
    }
    let context = Arc::new(Context::new(
        shared.access.clone(),
        policies,
        connection,
        from,
        original,
        shared.shutdown.child_token(),
    ));
    let config = Arc::new(algorithms::for_clients(keys, idle, context.ciphers()));
    let started = timeout(
        GREETING_WITHIN,
        russh::server::run_stream(config, wire(stream), ClientSide::new(context.clone())),
    )
    .await;
    let session = match started {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return debug!("SSH session of {from} ended: {error}"),
        Err(_late) => return debug!("SSH session of {from} said nothing"),
    };
    drop(context.to_client.set(session.handle()));
    // However it ends, its recording is closed.
    if AssertUnwindSafe(attend(&context, session, admitted))
        .catch_unwind()
        .await
        .is_err()
    {
        error!("the SSH session of {from} ended by an error of the proxy itself");
        context.set_verdict(FAIL);
    }
    finish(&context).await;
}

/// Waits for the end of the connection, whoever brings it about.
async fn attend(
    context: &Arc<Context>,
    session: russh::server::RunningSession<ClientSide>,
    admitted: Admitted,
) {
    let Admitted {
        _room,
        _of_address,
        logging_in,
    } = admitted;
    let mut logging_in = Some(logging_in);
    let mut watching = true;
    let late = sleep(LOGIN_WITHIN);
    tokio::pin!(late, session);
    let watch = watched(context);
    tokio::pin!(watch);
    loop {
        tokio::select! {
            ended = &mut session => {
                if let Err(error) = ended {
                    debug!("SSH session of {} ended: {error}", context.client);
                }
                return;
            }
            () = context.closing.cancelled() => {
                // What the client is told is on its way through the session: it ends by itself once that is sent.
                if context.is_told() {
                    drop(timeout(FAREWELL, &mut session).await);
                }
                return;
            }
            why = &mut watch, if watching => {
                watching = false;
                context.end(TERMINATED, &why);
            }
            _person = context.person.wait(), if logging_in.is_some() => logging_in = None,
            () = &mut late, if logging_in.is_some() => {
                logging_in = None;
                context.end(AUTH_FAIL, "nobody logged in");
            }
        }
    }
}

/// Why somebody ends the session.
async fn watched(context: &Context) -> String {
    context.recording.wait().await.terminated().await
}

async fn finish(context: &Context) {
    context.closing.cancel();
    if let Some(server) = context.to_server.get() {
        // Channels clear what stands on their terminals.
        drop(timeout(CHANNELS_END_WITHIN, context.left()).await);
        let told = server.disconnect(russh::Disconnect::ByApplication, "", "en");
        drop(timeout(Duration::from_secs(1), told).await);
    }
    if context.person.get().is_none() {
        context.set_verdict(AUTH_FAIL);
    }
    if let Some(recording) = context.recording.get() {
        recording.end(context.verdict()).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
