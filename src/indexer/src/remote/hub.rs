//! Where hosts and the appliance's own worker meet: the desk, connections, and what came back.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use sps_indexer_engine::{Desk, Hello, Item, Job, Key, Outcome, Report, WorkerId};
use tracing::{info, warn};

use super::answer::{Answer, Found};
use super::identity::{Fingerprint, Identity, IdentityError};
use super::limits::{MOST_CONNECTIONS, MOST_GREETING, MOST_OF_ADDRESS, MOST_TOLD_SESSIONS};
use super::serve::serve;
use super::tls;
use crate::queue::Queue;

/// Who may connect: the appliance's identity, and its hosts by their names.
#[derive(Clone)]
pub struct Trust {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) hosts: BTreeMap<Fingerprint, String>,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust")
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

impl Trust {
    /// Hosts by the fingerprints of their certificates.
    ///
    /// # Errors
    /// The identity cannot be used.
    pub fn new(identity: &Identity, hosts: BTreeMap<Fingerprint, String>) -> Result<Self, IdentityError> {
        let config = tls::server(identity, hosts.keys().copied().collect())?;
        Ok(Self { config, hosts })
    }
}

/// The meeting place. All calls block at most for a moment, but where something else is said.
#[derive(Debug)]
pub struct Hub {
    state: Mutex<State>,
    /// There may be work for hosts, or room for what they tell.
    changed: Condvar,
    queue: Arc<Queue>,
}

#[derive(Debug)]
struct State {
    desk: Desk,
    trust: Option<Arc<Trust>>,
    /// Where trails are, while there is somebody who takes what hosts tell.
    trails: Option<PathBuf>,
    back: VecDeque<Answer>,
    connections: HashMap<u64, Connection>,
    counter: u64,
}

#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    address: IpAddr,
    worker: Option<WorkerId>,
    print: Option<Fingerprint>,
}

/// A connection that is counted.
pub(crate) struct Counted<'a> {
    hub: &'a Hub,
    number: u64,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.hub.lock().connections.remove(&self.number);
    }
}

impl Hub {
    /// Of an appliance of this version; `queue` is woken when something comes back.
    #[must_use]
    pub fn new(version: &str, queue: Arc<Queue>) -> Self {
        Self {
            state: Mutex::new(State {
                desk: Desk::new(version),
                trust: None,
                trails: None,
                back: VecDeque::new(),
                connections: HashMap::new(),
                counter: 0,
            }),
            changed: Condvar::new(),
            queue,
        }
    }

    /// Who may connect from now on; nobody: none. Hosts that are not among them, or have another certificate now, are cut off.
    pub fn set_trust(&self, trust: Option<Trust>) {
        let mut state = self.lock();
        let hosts = trust.as_ref().map(|trust| &trust.hosts);
        let known = |print: Option<Fingerprint>| {
            print.is_some_and(|print| hosts.is_some_and(|hosts| hosts.contains_key(&print)))
        };
        // Those that still greet are judged by who was trusted when they came: they come again.
        let gone = state
            .connections
            .values()
            .filter(|connection| !known(connection.print));
        gone.for_each(|connection| drop(connection.socket.shutdown(Shutdown::Both)));
        let names: BTreeSet<String> = hosts.into_iter().flat_map(BTreeMap::values).cloned().collect();
        for worker in state.desk.keep_hosts(&names) {
            state.desk.leave(worker, None, now());
        }
        state.trust = trust.map(Arc::new);
        drop(state);
        self.changed.notify_all();
        self.queue.wake();
    }

    /// Takes a connection, and serves it on a thread of its own.
    pub fn take(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        let (hub, address) = (self.clone(), peer.ip().to_canonical());
        let begun = thread::Builder::new()
            .name("indexer-host".into())
            .spawn(move || hub.serve(socket, address));
        if let Err(error) = begun {
            warn!("an indexer at {address} could not be served: {error}");
        }
    }

    fn serve(&self, socket: TcpStream, address: IpAddr) {
        let Some((counted, trust)) = self.count(&socket, address) else {
            self.refuse(
                address,
                None,
                "there are too many connections: it is to come again later",
            );
            return;
        };
        serve(self, &counted, socket, &trust, address);
    }

    /// Counts a connection; none when there are too many, or nobody may connect.
    fn count(&self, socket: &TcpStream, address: IpAddr) -> Option<(Counted<'_>, Arc<Trust>)> {
        let mut state = self.lock();
        let trust = state.trust.clone()?;
        let greeting = || state.connections.values().filter(|one| one.worker.is_none());
        let of_it = greeting().filter(|one| one.address == address).count();
        let full = greeting().count() >= MOST_GREETING || state.connections.len() >= MOST_CONNECTIONS;
        if full || of_it >= MOST_OF_ADDRESS {
            return None;
        }
        state.counter += 1;
        let number = state.counter;
        let connection = Connection {
            socket: socket.try_clone().ok()?,
            address,
            worker: None,
            print: None,
        };
        state.connections.insert(number, connection);
        Some((Counted { hub: self, number }, trust))
    }

    /// Ends every connection: the appliance stops.
    pub fn close(&self) {
        self.set_trust(None);
    }

    /// Version of the appliance.
    pub(crate) fn version(&self) -> String {
        self.lock().desk.version().to_owned()
    }

    /// Everything there is to see.
    #[must_use]
    pub fn report(&self) -> Report {
        self.lock().desk.report(now())
    }

    pub(crate) fn arrive(
        &self,
        counted: &Counted<'_>,
        (name, print): (&str, Fingerprint),
        address: IpAddr,
        hello: &Hello,
    ) -> Result<WorkerId, String> {
        let mut state = self.lock();
        let trusted = state.trust.as_ref().and_then(|trust| trust.hosts.get(&print));
        if trusted.is_none_or(|trusted| trusted != name) {
            return Err("the host was removed".into());
        }
        let arrived = state.desk.arrive(name, &address.to_string(), hello, now());
        let worker =
            arrived.inspect_err(|reason| warn!("the indexer {name} at {address} is refused: {reason}"))?;
        if let Some(connection) = state.connections.get_mut(&counted.number) {
            connection.worker = Some(worker);
            connection.print = Some(print);
        }
        drop(state);
        info!(
            "the indexer {name} at {address} is connected: version {}, worker {} of {}, {} keys",
            hello.version,
            hello.worker + 1,
            hello.workers,
            hello.keys.len()
        );
        // What no key opened before it may open.
        self.queue.look_again();
        Ok(worker)
    }

    /// Waits, at most so long, for something to do.
    pub(crate) fn next(&self, worker: WorkerId, most: Duration) -> Option<(Job, PathBuf)> {
        let mut job = None;
        let idle = |state: &mut State| {
            let free = state.trails.is_some() && state.back.len() < MOST_TOLD_SESSIONS;
            job = if free {
                Some(state.desk.next(worker, now())).filter(|job| *job != Job::Nothing)
            } else {
                None
            };
            job.is_none()
        };
        let waited = self.changed.wait_timeout_while(self.lock(), most, idle);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        job.zip(state.trails.clone())
    }

    pub(crate) fn gave(&self, worker: WorkerId, given: u64) {
        self.lock().desk.gave(worker, given);
    }

    /// A session is told, or its trail is not there.
    pub(crate) fn done(&self, worker: WorkerId, answer: Answer) {
        let mut state = self.lock();
        state.desk.done(worker);
        state.back.push_back(answer);
        drop(state);
        self.queue.wake();
    }

    /// A worker could not read its session.
    pub(crate) fn failed(&self, worker: WorkerId, item: Item, host: &str, reason: &str) {
        warn!("session {} could not be indexed by {host}: {reason}", item.id);
        let mut state = self.lock();
        if state.desk.failed(worker, reason, now()) == Outcome::Failed {
            let (host, found) = (host.to_owned(), Found::Failed);
            state.back.push_back(Answer { item, host, found });
        }
        drop(state);
        self.changed.notify_all();
        self.queue.wake();
    }

    pub(crate) fn elsewhere(&self, worker: WorkerId, reason: &str) {
        self.lock().desk.elsewhere(worker, reason, now());
        self.changed.notify_all();
        self.queue.wake();
    }

    pub(crate) fn leave(&self, worker: WorkerId, why: Option<&str>) {
        self.lock().desk.leave(worker, why, now());
        self.changed.notify_all();
        self.queue.wake();
    }

    /// Somebody may not index, or was cut off. Who comes again and again is told ever more rarely.
    pub(crate) fn refuse(&self, address: IpAddr, host: Option<&str>, reason: &str) {
        let mut state = self.lock();
        state.desk.refuse(&address.to_string(), host, reason, now());
        let times = state
            .desk
            .report(now())
            .refused
            .first()
            .map_or(1, |refusal| refusal.times);
        drop(state);
        if times.is_power_of_two() {
            let who = host.map_or_else(|| address.to_string(), |host| format!("{host} at {address}"));
            warn!("the indexer {who} is refused: {reason}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the appliance's own worker does here.
impl Hub {
    /// It takes what hosts tell from now on; what was told to an earlier one is read again.
    pub(crate) fn attach(&self, trails: PathBuf) {
        let mut state = self.lock();
        state.back.clear();
        state.desk.forget_told();
        state.trails = Some(trails);
        drop(state);
        self.changed.notify_all();
    }

    /// It takes nothing any more.
    pub(crate) fn detach(&self) {
        self.lock().trails = None;
    }

    pub(crate) fn set_own_keys(&self, keys: impl IntoIterator<Item = Key>) {
        self.lock().desk.set_own_keys(keys);
    }

    pub(crate) fn is_alone(&self) -> bool {
        self.lock().desk.is_alone()
    }

    pub(crate) fn waiting(&self) -> usize {
        let state = self.lock();
        state.desk.waiting() + state.back.len()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.lock().desk.room() > 0
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.lock().desk.has(id)
    }

    pub(crate) fn is_for_hosts(&self, item: &Item) -> bool {
        self.lock().desk.is_for_hosts(item)
    }

    /// Whether anybody opens a session at all.
    pub(crate) fn is_for_somebody(&self, item: &Item) -> bool {
        self.lock().desk.is_for_somebody(item)
    }

    pub(crate) fn offer(&self, item: Item) -> bool {
        let taken = self.lock().desk.offer(item);
        self.changed.notify_all();
        taken
    }

    /// What its own worker is to read.
    pub(crate) fn own(&self) -> Option<Item> {
        self.lock().desk.own(now())
    }

    pub(crate) fn own_reads(&self, session: Option<&str>) {
        self.lock().desk.own_reads(session);
    }

    pub(crate) fn own_failed(&self, why: &str) {
        self.lock().desk.own_failed(why);
    }

    /// What came back first.
    pub(crate) fn back(&self) -> Option<Answer> {
        let answer = self.lock().back.pop_front();
        self.changed.notify_all();
        answer
    }

    /// What a host told turned out to be nothing; whether the session counts as one that cannot be read.
    pub(crate) fn refuted(&self, item: Item, host: &str, reason: &str) -> bool {
        let outcome = self.lock().desk.refuted(item, host, reason, now());
        self.changed.notify_all();
        outcome == Outcome::Failed
    }

    pub(crate) fn settled(&self, id: &str, well: bool) {
        self.lock().desk.settled(id, well);
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
