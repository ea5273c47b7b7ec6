//! The timestamps of one trail: in their interval while its session goes on, and once more at its end.

use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use sps_bootlog::causes;
use sps_trail::{Event, Kind};
use sps_trail_store::Trail;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::stamps::Stamping;

/// Longest wait for the last timestamp: the user is gone already, but whoever looks for the session is not.
const LAST_WITHIN: Duration = Duration::from_secs(5);

/// Gives a trail its timestamps.
#[derive(Clone)]
pub(crate) struct Stamper {
    stamping: Stamping,
    /// Start of the session.
    clock: Instant,
    /// The reason that the trail was told last.
    told: Arc<Mutex<Option<String>>>,
}

/// A task that ends with this.
pub(crate) struct Keeping(AbortHandle);

impl Drop for Keeping {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Stamper {
    pub(crate) fn new(stamping: Stamping, clock: Instant) -> Self {
        Self {
            stamping,
            clock,
            told: Arc::default(),
        }
    }

    /// Asks in every interval in which something was recorded, until the trail is taken away or this is dropped.
    pub(crate) fn keep(&self, trail: &Arc<RwLock<Option<Trail>>>) -> Keeping {
        let (own, trail) = (self.clone(), Arc::downgrade(trail));
        Keeping(tokio::spawn(async move { own.run(&trail).await }).abort_handle())
    }

    async fn run(&self, trail: &Weak<RwLock<Option<Trail>>>) {
        loop {
            sleep(self.stamping.every).await;
            // Never held while an authority is waited for.
            let Some(about) = with(trail, |trail| self.due(trail)) else {
                return;
            };
            if let Some(about) = about {
                let asked = self.stamping.client.ask(about).await;
                if with(trail, |trail| self.record(trail, about, asked)).is_none() {
                    return;
                }
            }
        }
    }

    /// The last one.
    pub(crate) async fn last(&self, trail: &Trail) {
        let Some(about) = self.due(trail) else { return };
        let late = |_| Err("it did not answer before the session's trail was closed".to_owned());
        let asked = timeout(LAST_WITHIN, self.stamping.client.ask(about)).await;
        self.record(trail, about, asked.unwrap_or_else(late));
    }

    /// What a timestamp is wanted for. A trail that takes nothing more tells its session itself.
    fn due(&self, trail: &Trail) -> Option<[u8; 32]> {
        trail.seal_to_stamp().ok().flatten()
    }

    /// Records what came of it: the token, or, when that is new, why there is none.
    fn record(&self, trail: &Trail, about: [u8; 32], asked: Result<Vec<u8>, String>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = match asked {
            Ok(token) => {
                *told = None;
                trail.timestamp(&about, &token)
            }
            Err(reason) if told.as_ref() == Some(&reason) => Ok(()),
            Err(reason) => {
                let text = format!("no timestamp of {}: {reason}", self.stamping.client.url());
                *told = Some(reason);
                let at = u64::try_from(self.clock.elapsed().as_micros()).unwrap_or(u64::MAX);
                let event = Event {
                    at,
                    channel: 0,
                    kind: Kind::Note { text: text.into() },
                };
                trail.record(&event).map(drop)
            }
        };
        if let Err(error) = recorded {
            warn!("a timestamp was not recorded: {}", causes(&error));
        }
    }
}

/// Does something with a trail that is still there.
fn with<T>(trail: &Weak<RwLock<Option<Trail>>>, work: impl FnOnce(&Trail) -> T) -> Option<T> {
    let trail = trail.upgrade()?;
    let trail = trail.read().unwrap_or_else(PoisonError::into_inner);
    trail.as_ref().map(work)
}
