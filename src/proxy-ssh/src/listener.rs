//! Listening, and how all of it ends.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use sps_proxy_engine::{Leaving, Limits, Memory};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use crate::access::Access;
use crate::door::{Admitted, Door};
use crate::meter::Meter;
use crate::serving::{self, Serving};
use crate::socket;
use crate::words::TERMINATED;
use crate::workers::Workers;

/// Wait after a failed accept, as when files have run out.
const PAUSE: Duration = Duration::from_millis(200);
/// Connections the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;
/// Longest wait for connections to end in order, once they were told.
const DRAIN: Duration = Duration::from_secs(40);
/// The same for those that say nothing more.
const CUT: Duration = Duration::from_secs(3);
/// Between two looks at how far a departure is.
const LOOK: Duration = Duration::from_secs(1);

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

/// How sessions end when the appliance leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// What becomes of the appliance.
    pub leaving: Leaving,
    /// Time that sessions have.
    pub grace: Duration,
    /// Whether people read of it in their terminals.
    pub tells: bool,
}

/// How far a departure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departing {
    /// Connections that are still open.
    pub open: usize,
    /// Time that they have.
    pub left: Duration,
}

struct Shared {
    serving: Arc<Serving>,
    sessions: TaskTracker,
    workers: Workers,
    shutdown: CancellationToken,
    notice: watch::Sender<Option<Arc<str>>>,
}

impl SshProxy {
    /// A proxy that listens nowhere yet.
    #[must_use]
    pub fn new(access: Arc<dyn Access>, limits: Limits, meter: Arc<Meter>) -> Self {
        let notice = watch::Sender::default();
        let shutdown = CancellationToken::new();
        let serving = Serving {
            access,
            door: Arc::new(Door::new(limits, meter)),
            shutdown: shutdown.clone(),
            notice: notice.subscribe(),
        };
        Self {
            shared: Arc::new(Shared {
                serving: Arc::new(serving),
                sessions: TaskTracker::new(),
                workers: Workers::start(),
                shutdown,
                notice,
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

    /// Other limits; who is in stays.
    pub fn limit(&self, limits: Limits) {
        self.shared.serving.door.limit(limits);
    }

    /// Connections that are open, and those of them on which nobody is logged in.
    #[must_use]
    pub fn open(&self) -> (usize, usize) {
        self.shared.serving.door.open()
    }

    /// Whether the next client would be refused for want of memory.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.shared.serving.door.is_short()
    }

    /// What a session costs, bytes, as far as is known.
    #[must_use]
    pub fn cost(&self) -> u64 {
        self.shared.serving.door.cost()
    }

    /// Takes a measurement of memory, `now` since any moment. Ends as many connections as it takes that the machine lives; how many.
    #[must_use]
    pub fn measured(&self, memory: Memory, now: Duration) -> usize {
        let door = &self.shared.serving.door;
        let end = door.measured(memory, now);
        if !end.is_empty() {
            warn!(
                "the appliance runs out of memory ({} of {} MiB are free): the {} youngest SSH sessions end",
                memory.available >> 20,
                memory.total >> 20,
                end.len()
            );
        }
        for context in &end {
            context.shed(
                TERMINATED,
                "this appliance ran out of memory and ended the youngest sessions: tell an administrator",
            );
        }
        end.len()
    }

    /// Takes no more clients, tells those that are in, and ends them when their time is over: in order, and told why. `progress` hears about once
    /// a second how far it is. Clients that come meanwhile hear why they are refused.
    pub async fn leave(&self, departure: Departure, mut progress: impl FnMut(Departing)) {
        let shared = &self.shared;
        let what = departure.leaving.words();
        shared.serving.door.leave(departure.leaving);
        shared.sessions.close();
        let end = Instant::now() + departure.grace;
        if !departure.grace.is_zero() && departure.tells {
            let seconds = departure.grace.as_secs();
            let words = format!(
                "This appliance {what} in {seconds} seconds. Save your work and log out: the session ends then."
            );
            shared.notice.send_replace(Some(words.into()));
        }
        self.until_empty(end, &mut progress).await;
        let why = format!("this appliance {what} and ended the session");
        for context in shared.serving.door.connections() {
            context.end(TERMINATED, &why);
        }
        self.until_empty(Instant::now() + DRAIN, &mut progress).await;
    }

    /// Waits until nobody is in, or until `end`.
    async fn until_empty(&self, end: Instant, progress: &mut impl FnMut(Departing)) {
        let sessions = &self.shared.sessions;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if sessions.is_empty() || left.is_zero() {
                return;
            }
            tokio::select! {
                () = sessions.wait() => return,
                () = sleep(left) => {}
                _ = look.tick() => progress(Departing { open: sessions.len(), left }),
            }
        }
    }

    /// Takes no more clients and cuts what is still open.
    pub async fn shut_down(&self) {
        self.shared.shutdown.cancel();
        self.shared.sessions.close();
        if timeout(CUT, self.shared.sessions.wait()).await.is_err() {
            warn!("SSH sessions did not end within {} s and are cut", CUT.as_secs());
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

/// Accepts until it is to stop. Whatever goes wrong with one client, the next one is accepted.
async fn accept(shared: Arc<Shared>, listener: TcpListener, stop: CancellationToken) {
    let accepting = || AssertUnwindSafe(accepted(&shared, &listener)).catch_unwind();
    tokio::select! {
        () = stop.cancelled() => {}
        () = kept_up(accepting) => {}
    }
}

/// Begins anew what must not end, after a pause.
async fn kept_up<T>(mut work: impl FnMut() -> T)
where
    T: Future<Output = std::thread::Result<()>>,
{
    loop {
        if work().await.is_err() {
            error!("accepting SSH sessions failed by an error of the proxy itself, and goes on");
        }
        sleep(PAUSE).await;
    }
}

async fn accepted(shared: &Arc<Shared>, listener: &TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => match shared.serving.door.admit(from.ip()) {
                Ok(admitted) => hand_over(shared, stream, from, admitted),
                Err(why) => {
                    shared.serving.door.refuse(stream, from, why);
                }
            },
            Err(error) => {
                warn!("could not accept an SSH session: {error}");
                return;
            }
        }
    }
}

/// The connection goes to the thread that serves it.
fn hand_over(shared: &Arc<Shared>, stream: TcpStream, from: SocketAddr, admitted: Admitted) {
    let stream = match stream.into_std() {
        Ok(stream) => stream,
        Err(error) => return warn!("SSH session from {from} refused: {error}"),
    };
    let serving = shared.serving.clone();
    let session = async move {
        match TcpStream::from_std(stream) {
            Ok(stream) => serving::guarded(serving, stream, from, admitted).await,
            Err(error) => warn!("SSH session from {from} refused: {error}"),
        }
    };
    shared.workers.spawn(shared.sessions.track_future(session));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn accepting_goes_on_after_an_error_and_after_a_panic() {
        let tried = AtomicUsize::new(0);
        let (tell, mut there) = watch::channel(false);
        let work = || {
            let (number, tell) = (tried.fetch_add(1, Ordering::Relaxed), tell.clone());
            let one = async move {
                assert_ne!(number, 1, "a panic");
                if number == 3 {
                    tell.send_replace(true);
                    std::future::pending::<()>().await;
                }
            };
            AssertUnwindSafe(one).catch_unwind()
        };
        let fourth = async {
            tokio::select! {
                () = kept_up(work) => {}
                there = there.wait_for(|there| *there) => assert!(there.is_ok()),
            }
        };
        assert!(timeout(Duration::from_secs(60), fourth).await.is_ok());
        assert_eq!(tried.load(Ordering::Relaxed), 4);
    }
}
