//! What both sides and all channels of one connection share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use russh::{Disconnect, client, server};
use sps_cluster_config::sections::connections::SshConnection;
use tokio::sync::{Notify, SetOnce, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, trace, warn};

use crate::access::{Access, Person};
use crate::meter::Meter;
use crate::policies::Policies;
use crate::recording::{Event, Recording, What};
use crate::server_side::ServerSide;
use crate::words::ACCEPT;

/// Channels of one connection at a time: `ssh` with a shared connection and many forwards stays far below.
const MOST_CHANNELS: usize = 512;
/// Longest wait for a side to hear why it is disconnected.
const FAREWELL: Duration = Duration::from_secs(2);

/// The same when memory runs out.
const SHED_WITHIN: Duration = Duration::from_millis(200);

/// The handle to the server's side.
pub(crate) type Server = Arc<client::Handle<ServerSide>>;

/// One connection.
pub(crate) struct Context {
    pub(crate) access: Arc<dyn Access>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) connection: SshConnection,
    pub(crate) client: SocketAddr,
    /// Where the client connected to.
    pub(crate) original: SocketAddr,
    pub(crate) to_client: SetOnce<server::Handle>,
    pub(crate) to_server: OnceLock<Server>,
    pub(crate) recording: SetOnce<Arc<dyn Recording>>,
    /// Who is logged in.
    pub(crate) person: SetOnce<Person>,
    /// Both sides end.
    pub(crate) closing: CancellationToken,
    ending: AtomicBool,
    verdict: Mutex<&'static str>,
    why: Mutex<String>,
    pub(crate) watched: Watched,
    numbers: AtomicU32,
    open: AtomicUsize,
    /// A channel is not open any more.
    left: Notify,
}

/// What it shares with all others: what is counted, and what everybody is told.
pub(crate) struct Watched {
    /// Bytes of a channel's window.
    pub(crate) window: u32,
    pub(crate) meter: Arc<Meter>,
    pub(crate) notice: watch::Receiver<Option<Arc<str>>>,
}

/// A channel that is open, or about to be.
pub(crate) struct Place {
    context: Arc<Context>,
    pub(crate) number: u32,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.context.open.fetch_sub(1, Ordering::Relaxed);
        self.context.left.notify_one();
    }
}

impl Context {
    pub(crate) fn new(
        access: Arc<dyn Access>,
        policies: Arc<Policies>,
        connection: SshConnection,
        client: SocketAddr,
        original: SocketAddr,
        closing: CancellationToken,
        watched: Watched,
    ) -> Self {
        Self {
            access,
            policies,
            connection,
            client,
            original,
            to_client: SetOnce::new(),
            to_server: OnceLock::new(),
            recording: SetOnce::new(),
            person: SetOnce::new(),
            closing,
            ending: AtomicBool::new(false),
            verdict: Mutex::new(ACCEPT),
            why: Mutex::default(),
            watched,
            numbers: AtomicU32::new(0),
            open: AtomicUsize::new(0),
            left: Notify::new(),
        }
    }

    /// Ciphers that the settings name; none: all.
    pub(crate) fn ciphers(&self) -> &[String] {
        let settings = self.policies.ssh.settings.get(&self.connection.settings);
        settings.map_or(&[], |settings| &settings.ciphers)
    }

    /// Room for one more channel.
    pub(crate) fn place(self: &Arc<Self>) -> Option<Place> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= MOST_CHANNELS {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Place {
            context: self.clone(),
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// Waits until no channel is open: each ends by itself once both sides do.
    pub(crate) async fn left(&self) {
        while self.open.load(Ordering::Relaxed) > 0 {
            self.left.notified().await;
        }
    }

    /// Records; nothing may pass before this returned, or at all after it returned `false`.
    pub(crate) async fn record(&self, channel: Option<u32>, what: What) -> bool {
        let Some(recording) = self.recording.get() else {
            return false;
        };
        self.tell(channel, &what);
        let kept = match recording.event(Event { channel, what }) {
            None => Ok(()),
            Some(waiting) => {
                let since = Instant::now();
                let kept = waiting.await;
                self.watched.meter.waited(since.elapsed());
                kept
            }
        };
        match kept {
            Ok(()) => true,
            Err(error) => {
                self.end(crate::words::FAIL, &error.to_string());
                // The person reads why before anything closes.
                self.closing.cancelled().await;
                false
            }
        }
    }

    /// Counts and logs what happens: by its kind, never what was typed, shown or run.
    fn tell(&self, channel: Option<u32>, what: &What) {
        let client = &self.client;
        match what {
            What::Opened { kind, .. } => {
                self.watched.meter.opened(kind);
                debug!(%client, channel, "channel opened: {kind}");
            }
            What::Denied { kind, .. } => {
                self.watched.meter.denied(kind);
                debug!(%client, channel, "channel refused: {kind}");
            }
            What::Closed => debug!(%client, channel, "channel closed"),
            What::Terminal { columns, rows, .. } | What::Resized { columns, rows } => {
                debug!(%client, channel, "terminal of {columns} columns and {rows} rows");
            }
            What::Exit { status, signal } => debug!(%client, channel, status, signal, "program ended"),
            What::File { operation, .. } => debug!(%client, channel, "file: {operation:?}"),
            What::Found { kind, .. } => debug!(%client, channel, "content policy found {kind}"),
            What::Command { .. } => trace!(%client, channel, "command entered"),
            What::Note { .. } => trace!(%client, channel, "note recorded"),
            // Told where they pass, recorded or not.
            What::Output { .. } | What::Input { .. } => {}
        }
    }

    /// The verdict the session has when it ends.
    pub(crate) fn verdict(&self) -> &'static str {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why both sides were ended; empty when they ended by themselves.
    pub(crate) fn why(&self) -> String {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another verdict than *accept*: the first one stays.
    pub(crate) fn set_verdict(&self, verdict: &'static str) {
        let mut kept = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept == ACCEPT {
            *kept = verdict;
        }
    }

    /// Somebody is in at the server, and channels may be opened. The server stands before the person does: who waits for one finds both.
    pub(crate) fn enter(&self, server: Server, person: Person) -> bool {
        self.to_server.set(server).is_ok() && self.person.set(person).is_ok()
    }

    /// Waits until somebody is in; nobody ever is when the connection ends before. A client whose channels are refused goes away by itself:
    /// the answer waits until it has heard why.
    pub(crate) async fn entered(&self) -> bool {
        tokio::select! {
            _person = self.person.wait() => true,
            () = self.closing.cancelled() => {
                sleep(FAREWELL).await;
                false
            }
        }
    }

    /// Whether the client is told why both sides end.
    pub(crate) fn is_told(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    /// Ends both sides; the client hears why.
    pub(crate) fn end(&self, verdict: &'static str, why: &str) {
        self.end_within(verdict, why, FAREWELL);
    }

    /// The same for want of memory: a client that does not read holds it no longer than it takes to tell others.
    pub(crate) fn shed(&self, verdict: &'static str, why: &str) {
        self.watched.meter.shed();
        self.end_within(verdict, why, SHED_WITHIN);
    }

    fn end_within(&self, verdict: &'static str, why: &str, farewell: Duration) {
        self.set_verdict(verdict);
        // The first reason is the one that people read: what follows from it, as that the server goes away, is none.
        if self.ending.swap(true, Ordering::Relaxed) || self.closing.is_cancelled() {
            return;
        }
        why.clone_into(&mut self.why.lock().unwrap_or_else(PoisonError::into_inner));
        let session = self.recording.get().map_or_else(String::new, |it| it.id());
        info!(session, client = %self.client, "SSH connection ended: {why}");
        let (handle, closing, why) = (
            self.to_client.get().cloned(),
            self.closing.clone(),
            why.to_owned(),
        );
        tokio::spawn(async move {
            if let Some(handle) = handle {
                let told = handle.disconnect(Disconnect::ByApplication, why, "en".into());
                if timeout(farewell, told).await.is_err() {
                    warn!("a client could not be told why it is disconnected");
                }
            }
            closing.cancel();
        });
    }
}
