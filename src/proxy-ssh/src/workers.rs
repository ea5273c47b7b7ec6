//! Threads that connections are served on. A connection stays on one: its tasks hand bytes to each other several times a packet, and waking
//! another thread for that costs more than everything else that is done to a key stroke (`DECISION-threads.md`).
//!
//! There are more threads than processors, so that the kernel shares the processors between a transfer and somebody who types.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, available_parallelism};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::warn;

/// Threads for each processor.
const FOR_EACH_PROCESSOR: usize = 4;
/// Most threads.
const MOST: usize = 64;
/// Threads of one worker for what blocks: names of hosts, passwords, ends of trails.
const BLOCKING: usize = 16;

/// The threads; they end with this.
pub(crate) struct Workers {
    all: Vec<Worker>,
    _stop: DropGuard,
}

struct Worker {
    handle: Handle,
    /// Connections it serves.
    serving: Arc<AtomicUsize>,
}

/// One of them.
struct Serving(Arc<AtomicUsize>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Workers {
    /// Starts as many as there can be; without any, connections are served on the runtime of the caller.
    pub(crate) fn start() -> Self {
        let stop = CancellationToken::new();
        let processors = available_parallelism().map_or(1, usize::from);
        let wanted = (processors * FOR_EACH_PROCESSOR).min(MOST);
        let mut all = Vec::new();
        for number in 0..wanted {
            match worker(number, stop.clone()) {
                Ok(worker) => all.push(worker),
                Err(error) => {
                    warn!("only {number} of {wanted} threads serve SSH sessions: {error}");
                    break;
                }
            }
        }
        Self {
            all,
            _stop: stop.drop_guard(),
        }
    }

    /// Serves a connection on the thread with the fewest.
    pub(crate) fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let least = self
            .all
            .iter()
            .min_by_key(|worker| worker.serving.load(Ordering::Relaxed));
        match least {
            Some(worker) => {
                worker.serving.fetch_add(1, Ordering::Relaxed);
                let serving = Serving(worker.serving.clone());
                drop(worker.handle.spawn(async move {
                    connection.await;
                    drop(serving);
                }));
            }
            None => drop(tokio::spawn(connection)),
        }
    }
}

fn worker(number: usize, stop: CancellationToken) -> io::Result<Worker> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING)
        .build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name(format!("ssh-{number}"))
        .spawn(move || {
            runtime.block_on(stop.cancelled());
            runtime.shutdown_background();
        })?;
    Ok(Worker {
        handle,
        serving: Arc::default(),
    })
}
