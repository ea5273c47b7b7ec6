//! What a service is to the supervisor, and what it is given to speak back.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use sps_supervisor_engine::{Event, ServiceId, ServiceSpec};
use tokio_util::sync::CancellationToken;

/// Messages that may wait for the supervisor. It drains them at once; each service has at most a few under way.
const MESSAGES: usize = 256;

/// Any service's error; its text and its sources' are shown to people.
pub type ServiceError = Box<dyn std::error::Error + Send + Sync>;

type Run =
    Box<dyn Fn(ServiceContext) -> Pin<Box<dyn Future<Output = Result<(), ServiceError>> + Send>> + Send>;

/// A service: what the engine must know and how to run it. `run` is called anew at every start.
pub struct Service {
    /// Name, restart policy, limits.
    pub spec: ServiceSpec,
    pub(crate) run: Run,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// A service that runs the future made by `run`.
    pub fn new<F, T>(spec: ServiceSpec, run: F) -> Self
    where
        F: Fn(ServiceContext) -> T + Send + 'static,
        T: Future<Output = Result<(), ServiceError>> + Send + 'static,
    {
        Self {
            spec,
            run: Box::new(move |context| Box::pin(run(context))),
        }
    }
}

/// How the machine is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitKind {
    /// Start again.
    Reboot,
    /// Switch off.
    PowerOff,
}

/// A wish to stop, with its reason for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// How.
    pub kind: ExitKind,
    /// Why, in words for people.
    pub reason: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Message {
    Event(Event),
    Exit(Exit),
}

/// Asks the supervisor for things from anywhere: signals, power button, API.
#[derive(Clone, Debug)]
pub struct Messenger {
    sender: SyncSender<Message>,
}

impl Messenger {
    pub(crate) fn channel() -> (Self, Receiver<Message>) {
        let (sender, receiver) = sync_channel(MESSAGES);
        (Self { sender }, receiver)
    }

    /// Asks for an orderly stop of the machine. The first wish counts; later ones are logged and dropped.
    pub fn exit(&self, kind: ExitKind, reason: impl Into<String>) {
        self.send(Message::Exit(Exit {
            kind,
            reason: reason.into(),
        }));
    }

    /// Waits for room: the supervisor drains the queue at once, and if it hangs the watchdog ends the wait. A
    /// supervisor that is gone needs no messages.
    pub(crate) fn send(&self, message: Message) {
        let _gone = self.sender.send(message);
    }

    fn try_send(&self, message: Message) {
        let _full_or_gone = self.sender.try_send(message);
    }
}

/// A running service's line to the supervisor.
#[derive(Clone, Debug)]
pub struct ServiceContext {
    pub(crate) id: ServiceId,
    pub(crate) messenger: Messenger,
    pub(crate) leaving: Arc<OnceLock<ExitKind>>,
    /// Cancelled when the service is asked to stop; it then ends by itself within its limit.
    pub shutdown: CancellationToken,
}

impl ServiceContext {
    /// Tells that the service does its work.
    pub fn ready(&self) {
        self.messenger.send(Message::Event(Event::Ready(self.id)));
    }

    /// How the machine is about to stop; nothing as long as it is not.
    #[must_use]
    pub fn leaving(&self) -> Option<ExitKind> {
        self.leaving.get().copied()
    }

    /// Gives the sign of life promised in the limits; also that a long start or stop goes on. One that finds the queue full is dropped: the next follows.
    pub fn alive(&self) {
        self.messenger.try_send(Message::Event(Event::Alive(self.id)));
    }
}
