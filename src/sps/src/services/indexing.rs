//! Sessions come into the index while the appliance works, and their content is found.
//!
//! It gives way: its thread, those of the index and the processes that read trails have a low priority (they inherit it), and it rests while
//! the machine is busy. The index is opened here, and is there for others as long as this service works with it.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sps_admin::SessionIndexing;
use sps_bootlog::causes;
use sps_datastore_engine::Kind;
use sps_gateway::{IndexKeys, Live};
use sps_index::{Folder, Index, IndexError};
use sps_indexer::{Done, Growing, Worker};
use sps_sandbox::Sandbox;
use sps_session_record::Word;
use sps_sessions::{Filter, Search, Sessions, Sort};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::sync::{oneshot, watch};
use tracing::{error, info, warn};
use zeroize::Zeroizing;

use super::data::{DataState, Opened};
use super::importing::is_busy;
use super::supervise::spec;
use crate::indexer::Sandboxed;
use crate::node::now;

/// What the cluster key makes the key of the index for; another word is another key.
const KEY: &str = "index of content";
/// Longest time between two looks at what has to be done.
const LOOK: Duration = Duration::from_secs(5);
/// Time between two looks at sessions that go on.
const GROWING: Duration = Duration::from_secs(10);
/// Time between two looks for keys that nobody needs any more.
const FORGETTING: Duration = Duration::from_secs(60);
/// How nice its threads and processes are to others.
const NICE: i32 = 10;
/// Rest after a session, in times of the work: of those that ended lately, and of those that are indexed anew; while the machine has time,
/// and while it is busy.
const REST: [[u32; 2]; 2] = [[0, 1], [1, 8]];
/// Longest rest.
const MOST_REST: Duration = Duration::from_secs(10);

/// What it works with.
#[derive(Clone)]
pub(super) struct Inputs {
    pub(super) data: watch::Sender<DataState>,
    pub(super) sandbox: Sandbox,
    pub(super) live: Live,
}

/// Indexes whatever waits, whenever there is a data store.
pub(super) fn service(inputs: &Inputs) -> Service {
    let inputs = inputs.clone();
    Service::new(spec("indexing"), move |context| run(inputs.clone(), context))
}

async fn run(inputs: Inputs, context: ServiceContext) -> Result<(), ServiceError> {
    context.ready();
    let mut changes = inputs.data.subscribe();
    loop {
        let opened = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            found = changes.wait_for(|state| state.opened.is_some()) => found?.opened.clone(),
        };
        if let Some((opened, sessions)) =
            opened.and_then(|opened| Some((opened.clone(), opened.sessions.clone()?)))
        {
            let stop = Arc::new(AtomicBool::new(false));
            let mut ended = begin(&inputs, &opened, sessions, &stop)?;
            let ended = tokio::select! {
                ended = &mut ended => ended,
                () = is_over(&context, &mut changes) => {
                    stop.store(true, Ordering::Release);
                    opened.queue.wake();
                    ended.await
                }
            };
            ended??;
        }
        tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            closed = changes.wait_for(|state| state.opened.is_none()) => drop(closed?),
        }
    }
}

/// Waits until the appliance stops, or the data store is closed.
async fn is_over(context: &ServiceContext, changes: &mut watch::Receiver<DataState>) {
    tokio::select! {
        () = context.shutdown.cancelled() => {}
        _closed = changes.wait_for(|state| state.opened.is_none()) => {}
    }
}

/// Works in a thread of its own, whose priority everything inherits that it starts.
fn begin(
    inputs: &Inputs,
    opened: &Arc<Opened>,
    sessions: Arc<Sessions>,
    stop: &Arc<AtomicBool>,
) -> Result<oneshot::Receiver<Result<(), String>>, ServiceError> {
    let (tell, ended) = oneshot::channel();
    let work = Work {
        inputs: inputs.clone(),
        opened: opened.clone(),
        sessions,
        stop: stop.clone(),
    };
    thread::Builder::new().name("indexing".into()).spawn(move || {
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            warn!("indexing has the priority of everything else: {error}");
        }
        let ended = match work.run() {
            // What was being read is read again at the next start.
            Err(_) if work.stop.load(Ordering::Acquire) => Ok(()),
            ended => ended.map_err(|error| causes(error.as_ref())),
        };
        work.opened.put_content(None);
        work.inputs.data.send_modify(|state| state.indexing = None);
        drop(work);
        drop(tell.send(ended));
    })?;
    Ok(ended)
}

struct Work {
    inputs: Inputs,
    opened: Arc<Opened>,
    sessions: Arc<Sessions>,
    stop: Arc<AtomicBool>,
}

/// What the configuration says of indexing.
#[derive(Default)]
struct Policies {
    revision: Option<u64>,
    keys: Vec<Zeroizing<String>>,
    /// Days whose keys are among them.
    days: Vec<i64>,
    /// Connections whose sessions are indexed while they go on.
    near_real_time: BTreeSet<String>,
}

impl Work {
    fn run(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let index = Arc::new(self.open()?);
        let reader = Sandboxed::new(self.inputs.sandbox.clone(), self.stop.clone())?;
        let trails = self.opened.place(Kind::Trails);
        let worker = Worker::new(self.sessions.clone(), index.clone(), Box::new(reader), trails)?;
        let mut worker = worker.with_hub(self.opened.hub.clone());
        self.opened.put_content(Some(index.clone()));
        if let Some(total) = Some(worker.walk().total()).filter(|total| *total > 0) {
            info!("the content of {total} earlier sessions is indexed anew in the background");
        }
        let queue = &*self.opened.queue;
        // What an earlier try had taken from it waits in the database.
        queue.look_again();
        let mut policies = Policies::default();
        let mut grown = Instant::now();
        let mut forgotten = Instant::now();
        while !self.stop.load(Ordering::Acquire) {
            self.refresh(&mut policies, &mut worker);
            if grown.elapsed() >= GROWING {
                worker.growing(&self.growing(&policies))?;
                grown = Instant::now();
            }
            if forgotten.elapsed() >= FORGETTING {
                if let Err(error) = self.forget() {
                    warn!(
                        "a key of indexed sessions is not destroyed: {}",
                        causes(error.as_ref())
                    );
                }
                forgotten = Instant::now();
            }
            let begun = Instant::now();
            let done = worker.step(queue)?;
            self.tell(&worker, &index);
            if done == Done::Nothing {
                queue.wait(LOOK);
            } else {
                let rest = REST[usize::from(done == Done::Again)][usize::from(is_busy())];
                self.rest((begun.elapsed() * rest).min(MOST_REST));
            }
        }
        Ok(())
    }

    /// Opens the index; one that cannot be opened is made anew, from the trails.
    fn open(&self) -> Result<Index, Box<dyn Error + Send + Sync>> {
        let store = self.opened.configuration.as_ref();
        let store = store.ok_or("there is no configuration")?;
        let key = {
            let store = store.lock().unwrap_or_else(PoisonError::into_inner);
            let cluster = store.key();
            let cluster = cluster
                .ok_or("the cluster key is not on this node: the content of sessions is not indexed")?;
            cluster.derive(KEY)?
        };
        let place = self.opened.place(Kind::Index);
        let open = |place: &Path| -> Result<Index, Box<dyn Error + Send + Sync>> {
            Ok(Index::open(Arc::new(Folder::make(place)?), &key)?)
        };
        match open(&place) {
            Err(error) if error.is::<IndexError>() => {
                error!(
                    "{}: it is made anew from the audit trails",
                    causes(error.as_ref())
                );
                std::fs::remove_dir_all(&place)?;
                open(&place)
            }
            opened => opened,
        }
    }

    /// Takes over what the configuration says now.
    fn refresh(&self, policies: &mut Policies, worker: &mut Worker) {
        let Some(store) = &self.opened.configuration else {
            return;
        };
        // Locks the configuration itself.
        let own = self.opened.index_keys().ok();
        let days = own.map(IndexKeys::days).unwrap_or_default();
        let store = store.lock().unwrap_or_else(PoisonError::into_inner);
        if policies.revision == Some(store.revision()) && policies.days == days {
            return;
        }
        let document = store.document();
        let near_real_time = |name: &String| {
            let policy = document.policies.indexer.get(name);
            policy.is_some_and(|policy| policy.near_real_time)
        };
        let connections = document.connections.ssh.connections.iter();
        policies.near_real_time = connections
            .filter(|connection| connection.indexer_policy.as_ref().is_some_and(near_real_time))
            .map(|connection| connection.name.clone())
            .collect();
        let keys = document.local_services.indexer.indexer_keys.iter();
        let keys = keys.filter_map(|key| Some(Zeroizing::new(key.private_key.known()?.expose().to_owned())));
        let mut keys: Vec<_> = keys.collect();
        match own.map(IndexKeys::private_keys) {
            Some(Ok(own)) => keys.extend(own),
            Some(Err(error)) => warn!("{}", causes(&error)),
            None => {}
        }
        policies.days = days;
        if keys != policies.keys && policies.revision.is_some() {
            // Another key may open what waits.
            self.opened.queue.look_again();
        }
        policies.revision = Some(store.revision());
        worker.set_keys(keys.clone());
        policies.keys = keys;
    }

    /// Destroys keys of days of which no session waits any more.
    fn forget(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let keys = self.opened.index_keys()?;
        let today = i64::try_from(now())?.saturating_mul(1000);
        for day in keys.days() {
            let (from, until) = IndexKeys::span(day);
            if until >= today {
                continue;
            }
            let waiting = self.sessions.page(&Search {
                filter: Filter {
                    from: Some(from),
                    until: Some(until),
                    indexing: Some(Word::QUEUED),
                    ..Filter::default()
                },
                sort: Sort::default(),
                limit: 1,
                cursor: None,
                time_limit: LOOK,
            })?;
            if waiting.sessions.is_empty() && !waiting.cut {
                keys.forget(day)?;
                info!(
                    "all sessions of the day are indexed: the key that opened what they showed is destroyed"
                );
            }
        }
        Ok(())
    }

    fn growing(&self, policies: &Policies) -> Vec<Growing> {
        if policies.near_real_time.is_empty() {
            return Vec::new();
        }
        let sessions = self.inputs.live.list().into_iter();
        sessions
            .filter(|session| policies.near_real_time.contains(&session.connection))
            .map(|session| Growing { id: session.id })
            .collect()
    }

    fn tell(&self, worker: &Worker, index: &Index) {
        let walk = worker.walk();
        let now = SessionIndexing {
            waiting: (self.opened.queue.len() + worker.waiting()) as u64,
            again_until: walk.until(),
            again_done: walk.done(),
            again_total: walk.total(),
            moments: index.size().moments,
            version: sps_index_engine::VERSION,
        };
        self.inputs.data.send_if_modified(|state| {
            let changed = state.indexing.as_ref() != Some(&now);
            state.indexing = Some(now.clone());
            changed
        });
    }

    fn rest(&self, most: Duration) {
        let until = Instant::now() + most;
        while !self.stop.load(Ordering::Acquire) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(Duration::from_millis(200)));
        }
    }
}
