//! The one door to the [`Backend`]: rules, one change at a time, log of actions, time limit.
//!
//! A request that has begun is carried to its end even when its asker goes away: half an installation helps nobody.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::action_log::{Action, ActionLog, BEGUN};
use crate::backend::{Backend, Context, Reply, Updates};
use crate::failure::{Failure, FailureKind};
use crate::firmware::FirmwareSource;
use crate::origin::Origin;
use crate::policy::{self, Standing};
use crate::reception::Parcel;
use crate::request::Request;
use crate::response::Response;
use crate::throttle::Throttle;

/// Longest reason that is kept, bytes.
const MESSAGE_BYTES: usize = 500;

/// A request with who asks and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who asks.
    pub origin: Origin,
    /// Why; may be empty.
    pub message: String,
    /// What.
    pub request: Request,
}

/// The operations of this appliance; clones are handles to the same.
#[derive(Clone)]
pub struct Operations {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operations")
    }
}

struct Shared {
    backend: Arc<dyn Backend>,
    log: ActionLog,
    begun: Instant,
    guarded: Mutex<Guarded>,
}

#[derive(Default)]
struct Guarded {
    /// The change being carried out: who, what.
    running: Option<String>,
    /// Wrong passwords by console, and of everybody else together: a serial line full of noise must not lock the
    /// screen.
    throttles: BTreeMap<Option<String>, Throttle>,
}

impl Operations {
    /// Operations carried out by `backend` and written to `log`.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, log: ActionLog) -> Self {
        let shared = Shared {
            backend,
            log,
            begun: Instant::now(),
            guarded: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// What the rules depend on.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.shared.backend.standing()
    }

    /// Lets go of the log of actions on disk, within `limit`: the appliance leaves its file systems.
    pub fn close(&self, limit: Duration) {
        self.shared.log.close(limit);
    }

    /// Makes room for a firmware file that arrives from `origin`; who may add firmware may send one. Blocking.
    ///
    /// # Errors
    /// It is not allowed, another one is arriving, or it cannot fit.
    pub fn receive(&self, origin: &Origin, announced: Option<u64>) -> Result<Box<dyn Parcel>, Failure> {
        let source = FirmwareSource::Received;
        let request = Request::FirmwareAdd { source };
        match policy::objection(&request, origin, self.standing()) {
            Some(refusal) => Err(refusal),
            None => self.shared.backend.receive(origin, announced),
        }
    }

    /// Says why a call would be refused now, as far as that can be told without beginning it.
    ///
    /// # Errors
    /// It is not allowed, or asks for what cannot be.
    pub fn judge(&self, call: &Call) -> Result<(), Failure> {
        match self.refusal(call) {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    fn refusal(&self, call: &Call) -> Option<Failure> {
        policy::objection(&call.request, &call.origin, self.standing()).or_else(|| call.request.mistake())
    }

    /// Carries out a call, or says why not. Dropping the future leaves the operation running.
    ///
    /// # Errors
    /// Why it was not carried out.
    pub async fn perform(&self, mut call: Call, updates: Updates) -> Reply {
        tidy(&mut call);
        if let Some(refusal) = self.objection(&call) {
            if call.request.is_logged() {
                self.record(&call, &format!("refused: {refusal}")).await;
            }
            return Err(refusal);
        }
        let (done, ended) = oneshot::channel();
        let own = self.clone();
        tokio::spawn(async move {
            // The place is taken before the task starts, and freed with it, whatever ends it.
            let place = Place {
                operations: own.clone(),
                exclusive: call.request.is_exclusive(),
            };
            let mut reply = own.carry_out(&call, updates.clone()).await;
            drop(place);
            if let (Ok(_), Some(request)) = (&reply, call.request.sequel()) {
                reply = own.go_on(Call { request, ..call }, updates).await;
            }
            let _asker_has_gone = done.send(reply);
        });
        ended
            .await
            .unwrap_or_else(|_| Err(Failure::failed("it ended unexpectedly; the log says more")))
    }

    /// What follows a request that went well; it has an end of its own in the log.
    fn go_on(&self, call: Call, updates: Updates) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        let own = self.clone();
        Box::pin(async move { own.perform(call, updates).await })
    }

    async fn carry_out(&self, call: &Call, updates: Updates) -> Reply {
        let request = &call.request;
        if request.is_exclusive() {
            self.record(call, BEGUN).await;
        }
        let context = Context {
            origin: call.origin.clone(),
            message: call.message.clone(),
            updates,
        };
        let work = self.shared.backend.perform(request.clone(), context);
        let reply = timeout(request.limit(), work)
            .await
            .unwrap_or_else(|_| Err(too_late(request)));
        let reply = self.judge_login(call, reply);
        if request.is_logged() {
            self.record(call, &outcome(&reply)).await;
        }
        reply
    }

    fn objection(&self, call: &Call) -> Option<Failure> {
        if let Some(refusal) = self.refusal(call) {
            return Some(refusal);
        }
        let mut guarded = self.lock();
        if matches!(call.request, Request::Login { .. }) {
            let wait = guarded.throttle(&call.origin).wait(self.now());
            if !wait.is_zero() {
                let seconds = wait.as_secs() + 1;
                return Some(Failure::refused(format!(
                    "too many wrong passwords: try again in {seconds} s"
                )));
            }
        }
        if !call.request.is_exclusive() {
            return None;
        }
        if let Some(running) = &guarded.running {
            let message = format!("{running} is being carried out; try again when it has ended");
            return Some(Failure::new(FailureKind::Busy, message));
        }
        guarded.running = Some(format!("\"{}\" ({})", call.request.title(), call.origin));
        None
    }

    /// Tells the asker how long to wait after a wrong password.
    fn judge_login(&self, call: &Call, reply: Reply) -> Reply {
        // Guessing over the web is slowed down where the addresses are known.
        let (Ok(Response::Login { accepted, .. }), Request::Login { .. }) = (&reply, &call.request) else {
            return reply;
        };
        let accepted = *accepted;
        let delay = self.lock().throttle(&call.origin).judged(accepted, self.now());
        Ok(Response::Login {
            accepted,
            wait: delay.as_secs(),
        })
    }

    async fn record(&self, call: &Call, outcome: &str) {
        let reason = if call.message.is_empty() {
            call.request.reason()
        } else {
            &call.message
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let action = Action {
            time: since.as_secs(),
            origin: call.origin.to_string(),
            what: call.request.title(),
            message: reason.into(),
            outcome: outcome.into(),
        };
        self.shared.log.record(&action).await;
    }

    fn now(&self) -> Duration {
        self.shared.begun.elapsed()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Guarded> {
        self.shared.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guarded {
    fn throttle(&mut self, origin: &Origin) -> &mut Throttle {
        // The consoles are those the kernel has: a handful.
        let console = match origin {
            Origin::Console { tty } => Some(tty.clone()),
            _ => None,
        };
        self.throttles.entry(console).or_default()
    }
}

/// The place of the one change.
struct Place {
    operations: Operations,
    exclusive: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.exclusive {
            self.operations.lock().running = None;
        }
    }
}

fn tidy(call: &mut Call) {
    let cut = call.message.floor_char_boundary(MESSAGE_BYTES);
    call.message.truncate(cut);
}

fn too_late(request: &Request) -> Failure {
    let message = format!(
        "not done within {} s; the log says more",
        request.limit().as_secs()
    );
    Failure::new(FailureKind::TimedOut, message)
}

fn outcome(reply: &Reply) -> String {
    match reply {
        Ok(Response::Login { accepted: false, .. }) => "wrong password".into(),
        Ok(_) => "done".into(),
        Err(failure) => format!("failed: {failure}"),
    }
}

#[cfg(test)]
mod tests;
