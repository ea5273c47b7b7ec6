//! The loop: messages and ticks in, the engine's actions out.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sps_bootlog::uptime;
use sps_supervisor_engine::{Action, Engine, Event, Health, Outcome, Phase, ServiceId, ServiceView};
use sps_sys::watchdog::Watchdog;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::context::{Exit, ExitKind, Message, Messenger, Service, ServiceContext};
use crate::report;

/// Longest time between two ticks of the engine, and so between two feedings of the watchdog.
pub const TICK: Duration = Duration::from_secs(1);

/// Longest time all services together get to stop; what is left then is left behind.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// The same where a service shows that its stop goes on: the longest grace of sessions, five minutes, and what their ends take.
const STOP_AT_MOST: Duration = Duration::from_secs(360);

/// What the supervisor shows of its services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Health of the whole.
    pub health: Health,
    /// The services in starting order.
    pub services: Vec<ServiceView>,
    /// When all were ready for the first time, since the kernel started.
    pub healthy_at: Option<Duration>,
}

/// What is left when the supervisor has stopped: why, and the watchdog, which must be fed on.
#[derive(Debug)]
pub struct Stopped {
    /// Who wanted the stop and how.
    pub exit: Exit,
    /// Still armed.
    pub watchdog: Option<Watchdog>,
}

struct Task {
    shutdown: CancellationToken,
    abort: AbortHandle,
}

/// The supervisor; see the crate's contract.
pub struct Supervisor {
    engine: Engine,
    services: Vec<Service>,
    tasks: HashMap<ServiceId, Task>,
    runtime: Handle,
    watchdog: Option<Watchdog>,
    messenger: Messenger,
    messages: Receiver<Message>,
    status: watch::Sender<Status>,
    started: Instant,
    exit: Option<Leaving>,
    leaving: Arc<OnceLock<ExitKind>>,
    all_stopped: bool,
}

/// A stop of the machine that has begun.
struct Leaving {
    exit: Exit,
    since: Instant,
    deadline: Instant,
}

impl Supervisor {
    /// A supervisor for `services`, in starting order, whose tasks run on `runtime`.
    #[must_use]
    pub fn new(services: Vec<Service>, runtime: Handle, watchdog: Option<Watchdog>) -> Self {
        let engine = Engine::new(services.iter().map(|service| service.spec.clone()).collect());
        let (messenger, messages) = Messenger::channel();
        let status = watch::Sender::new(Status {
            health: engine.health(),
            services: engine.services(),
            healthy_at: None,
        });
        Self {
            engine,
            services,
            tasks: HashMap::new(),
            runtime,
            watchdog,
            messenger,
            messages,
            status,
            started: Instant::now(),
            exit: None,
            leaving: Arc::default(),
            all_stopped: false,
        }
    }

    /// A way to ask for a stop from anywhere.
    #[must_use]
    pub fn messenger(&self) -> Messenger {
        self.messenger.clone()
    }

    /// The services' state, changing live.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Supervises until the machine is to stop and every service has stopped or used up its time. `each_round`
    /// is called after every message or tick with the health of the whole.
    pub fn run(mut self, mut each_round: impl FnMut(Health)) -> Stopped {
        self.step(Event::Tick);
        let mut next_tick = Instant::now() + TICK;
        loop {
            let wait = next_tick.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(wait) {
                Ok(Message::Event(event)) => {
                    self.more_time(&event);
                    self.step(event);
                }
                Ok(Message::Exit(exit)) => self.begin_exit(exit),
                // The supervisor holds a sender itself, so the channel never closes.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                self.step(Event::Tick);
            }
            each_round(self.engine.health());
            if let Some(exit) = self.finished() {
                return Stopped {
                    exit,
                    watchdog: self.watchdog,
                };
            }
        }
    }

    fn finished(&self) -> Option<Exit> {
        let Leaving {
            exit,
            since,
            deadline,
        } = self.exit.as_ref()?;
        let late = Instant::now() >= *deadline;
        if late && !self.all_stopped {
            error!(
                "services did not stop within {} s; going on without them",
                since.elapsed().as_secs()
            );
        }
        (late || self.all_stopped).then(|| exit.clone())
    }

    /// A stop that shows that it goes on gets more time.
    fn more_time(&mut self, event: &Event) {
        let Event::Alive(id) = event else { return };
        let Some(leaving) = &mut self.exit else { return };
        let services = self.engine.services();
        if matches!(
            services.get(id.0).map(|service| service.phase),
            Some(Phase::Stopping { .. })
        ) {
            leaving.deadline = leaving
                .deadline
                .max(Instant::now() + STOP_WITHIN)
                .min(leaving.since + STOP_AT_MOST);
        }
    }

    fn begin_exit(&mut self, exit: Exit) {
        if let Some(Leaving { exit: first, .. }) = &self.exit {
            info!("already stopping ({}); ignored: {}", first.reason, exit.reason);
            return;
        }
        info!("stopping services: {}", exit.reason);
        // Set once: the first wish counts.
        let _first = self.leaving.set(exit.kind);
        let since = Instant::now();
        self.exit = Some(Leaving {
            exit,
            since,
            deadline: since + STOP_WITHIN,
        });
        self.step(Event::Stop);
    }

    fn step(&mut self, event: Event) {
        let actions = self.engine.step(event, self.started.elapsed());
        for action in actions {
            self.carry_out(action);
        }
        let (health, services) = (self.engine.health(), self.engine.services());
        self.status.send_if_modified(|old| {
            let healthy_at = old
                .healthy_at
                .or_else(|| (health == Health::Healthy).then(uptime));
            let status = Status {
                health,
                services,
                healthy_at,
            };
            let changed = *old != status;
            *old = status;
            changed
        });
    }

    fn carry_out(&mut self, action: Action) {
        report::action(&action, |id| self.services[id.0].spec.name);
        match action {
            Action::Start(id) => self.start(id),
            Action::AskToStop(id) => {
                if let Some(task) = self.tasks.get(&id) {
                    task.shutdown.cancel();
                }
            }
            Action::Abort(id) => {
                if let Some(task) = self.tasks.get(&id) {
                    task.abort.abort();
                }
            }
            Action::FeedWatchdog => self.feed(),
            Action::Escalate { service, problem } => {
                let reason = format!(
                    "service {} is vital and failed: {problem}",
                    self.services[service.0].spec.name
                );
                self.begin_exit(Exit {
                    kind: ExitKind::Reboot,
                    reason,
                });
            }
            Action::AllStopped => self.all_stopped = true,
            Action::HealthChanged(_) | Action::ReportFailure { .. } | Action::ReportStuck { .. } => {}
        }
    }

    fn start(&mut self, id: ServiceId) {
        let shutdown = CancellationToken::new();
        let context = ServiceContext {
            id,
            messenger: self.messenger.clone(),
            leaving: self.leaving.clone(),
            shutdown: shutdown.clone(),
        };
        let task = {
            let _runtime = self.runtime.enter();
            tokio::spawn((self.services[id.0].run)(context))
        };
        self.tasks.insert(
            id,
            Task {
                shutdown,
                abort: task.abort_handle(),
            },
        );
        let messenger = self.messenger.clone();
        self.runtime.spawn(async move {
            let outcome = match task.await {
                Ok(Ok(())) => Outcome::Finished,
                Ok(Err(error)) => Outcome::Failed(sps_bootlog::causes(error.as_ref())),
                Err(end) => match end.try_into_panic() {
                    Ok(panic) => Outcome::Panicked(report::panic_message(panic.as_ref())),
                    Err(_aborted) => Outcome::Finished,
                },
            };
            messenger.send(Message::Event(Event::Ended(id, outcome)));
        });
    }

    fn feed(&self) {
        if let Some(watchdog) = &self.watchdog
            && let Err(error) = watchdog.feed()
        {
            error!("{}", sps_bootlog::causes(&error));
        }
    }
}
