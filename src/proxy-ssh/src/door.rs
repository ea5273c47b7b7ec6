//! The door: [`Admission`] decides, and what is open is counted for as long as it lives.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sps_proxy_engine::{Admission, Client, Leaving, Limits, Memory, Refusal};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::context::Context;
use crate::gate::Gate;
use crate::meter::Meter;
use crate::refusal;

/// Clients that are told at the same time why they are refused; more are only refused.
const TOLD_AT_ONCE: usize = 256;

/// Between two lines of the log about refusals.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Who is let in, and who is inside.
pub(crate) struct Door {
    inside: Mutex<Inside>,
    telling: Arc<Semaphore>,
    pub(crate) meter: Arc<Meter>,
    /// Closed while memory runs out.
    pub(crate) gate: Arc<Gate>,
}

struct Inside {
    admission: Admission,
    /// Connections that speak SSH, in the order in which they came.
    connections: BTreeMap<u64, Arc<Context>>,
    came: u64,
    refusals: Refusals,
}

/// What the log was told of refusals.
#[derive(Default)]
struct Refusals {
    told: Option<Instant>,
    since: u64,
}

impl Refusals {
    /// Whether the log hears of this one, and how many it did not hear of.
    fn tell(&mut self, now: Instant) -> Option<u64> {
        if self
            .told
            .is_some_and(|told| now.duration_since(told) < LINE_EVERY)
        {
            self.since += 1;
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.since))
    }
}

/// A connection that was let in.
pub(crate) struct Admitted {
    door: Arc<Door>,
    client: Client,
    is_logged_in: bool,
}

/// A connection that can be found.
pub(crate) struct Present {
    door: Arc<Door>,
    number: u64,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.door.lock().admission.left(self.client, self.is_logged_in);
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.door.lock().connections.remove(&self.number);
    }
}

impl Admitted {
    /// Somebody is logged in.
    pub(crate) fn logged_in(&mut self) {
        if !std::mem::replace(&mut self.is_logged_in, true) {
            self.door.lock().admission.logged_in(self.client);
        }
    }

    /// The connection speaks SSH: from now on it is told what all are told.
    pub(crate) fn present(&self, context: &Arc<Context>) -> Present {
        let mut inside = self.door.lock();
        inside.came += 1;
        let number = inside.came;
        inside.connections.insert(number, context.clone());
        drop(inside);
        Present {
            door: self.door.clone(),
            number,
        }
    }
}

impl Door {
    pub(crate) fn new(limits: Limits, meter: Arc<Meter>) -> Self {
        let inside = Inside {
            admission: Admission::new(limits),
            connections: BTreeMap::new(),
            came: 0,
            refusals: Refusals::default(),
        };
        Self {
            inside: Mutex::new(inside),
            telling: Arc::new(Semaphore::new(TOLD_AT_ONCE)),
            meter,
            gate: Arc::default(),
        }
    }

    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Admitted, Refusal> {
        let client = Client::of(address);
        let decided = self.lock().admission.admit(client);
        match decided {
            Ok(()) => {
                self.meter.taken();
                Ok(Admitted {
                    door: self.clone(),
                    client,
                    is_logged_in: false,
                })
            }
            Err(why) => {
                self.meter.refused(why);
                Err(why)
            }
        }
    }

    /// Tells a client why it is refused, as long as not too many are told, and the log, as long as that is not full of them.
    pub(crate) fn refuse(&self, stream: TcpStream, from: SocketAddr, why: Refusal) {
        debug!("SSH session from {from} refused: {why}");
        if let Some(more) = self.lock().refusals.tell(Instant::now()) {
            let others = if more > 0 {
                format!(" ({more} others were since the last line)")
            } else {
                String::new()
            };
            warn!("SSH session from {from} refused: {why}{others}");
        }
        if let Ok(telling) = self.telling.clone().try_acquire_owned() {
            tokio::spawn(async move {
                refusal::tell(stream, why).await;
                drop(telling);
            });
        }
    }

    pub(crate) fn limit(&self, limits: Limits) {
        self.lock().admission.limit(limits);
    }

    pub(crate) fn leave(&self, leaving: Leaving) {
        self.lock().admission.leave(leaving);
    }

    /// Connections, and those of them nobody is logged in on.
    pub(crate) fn open(&self) -> (usize, usize) {
        self.lock().admission.open()
    }

    /// Whether the next one would be refused for want of memory.
    pub(crate) fn is_short(&self) -> bool {
        self.lock().admission.is_short()
    }

    /// The window of a channel, bytes.
    pub(crate) fn window(&self) -> u32 {
        self.lock().admission.window()
    }

    /// What a session costs, bytes, as far as is known.
    pub(crate) fn cost(&self) -> u64 {
        self.lock().admission.cost()
    }

    /// All that speak SSH, the oldest first.
    pub(crate) fn connections(&self) -> Vec<Arc<Context>> {
        self.lock().connections.values().cloned().collect()
    }

    /// Takes a measurement; the connections that must end, the youngest first.
    pub(crate) fn measured(&self, memory: Memory, now: Duration) -> Vec<Arc<Context>> {
        let mut inside = self.lock();
        let count = inside.admission.measured(memory, now);
        self.gate.open_for(inside.admission.may_read());
        let youngest = inside.connections.values().rev();
        youngest
            .filter(|context| !context.is_told())
            .take(count)
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
