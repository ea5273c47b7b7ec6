//! The state machine itself.

use std::time::Duration;

use crate::policy::{Escalation, RestartPolicy, ServiceSpec};
use crate::service::{Phase, Service, ServiceId};

/// What the shell tells the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Time passed; sent at least once a second.
    Tick,
    /// A service says that it does its work.
    Ready(ServiceId),
    /// A service gives the sign of life it promised.
    Alive(ServiceId),
    /// A service's task has ended.
    Ended(ServiceId, Outcome),
    /// The appliance is to stop.
    Stop,
}

/// How a service's task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By itself, work done, or because it was asked to.
    Finished,
    /// With an error, told in words.
    Failed(String),
    /// By a panic, with its message.
    Panicked(String),
}

/// What the shell must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start the service's task.
    Start(ServiceId),
    /// Ask the task to end.
    AskToStop(ServiceId),
    /// End the task without asking.
    Abort(ServiceId),
    /// Feed the watchdog.
    FeedWatchdog,
    /// The health of the whole has changed.
    HealthChanged(Health),
    /// Tell people: a service failed and will be started again after the pause.
    ReportFailure {
        /// Which.
        service: ServiceId,
        /// Why.
        problem: String,
        /// Failures in a row.
        failures: u32,
        /// Pause before the next start.
        restart_in: Duration,
    },
    /// Tell people: a service ignores its abort and stays as it is until the machine stops.
    ReportStuck {
        /// Which.
        service: ServiceId,
        /// Why it was aborted.
        problem: String,
    },
    /// A service the machine cannot do without failed beyond its limits: reboot.
    Escalate {
        /// Which.
        service: ServiceId,
        /// Why.
        problem: String,
    },
    /// Every service has ended, or is stuck for good, after [`Event::Stop`].
    AllStopped,
}

/// Health of the whole appliance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Some service has not been ready yet.
    Starting,
    /// Every service does its work.
    Healthy,
    /// Every service has been ready once, and one of them is not now.
    Degraded,
    /// The appliance is being stopped.
    Stopping,
}

/// One service for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceView {
    /// Name.
    pub name: &'static str,
    /// Where it is in its life.
    pub phase: Phase,
    /// Failures in a row.
    pub failures: u32,
    /// Why it failed last.
    pub last_problem: Option<String>,
}

/// The engine: see the crate's contract.
#[derive(Clone, Debug)]
pub struct Engine {
    services: Vec<Service>,
    health: Health,
    was_healthy: bool,
    stopping: bool,
    all_stopped: bool,
    escalated: bool,
}

impl Engine {
    /// An engine for `services`, in starting order. The first [`Event::Tick`] starts them.
    #[must_use]
    pub fn new(services: Vec<ServiceSpec>) -> Self {
        Self {
            services: services.into_iter().map(Service::new).collect(),
            health: Health::Starting,
            was_healthy: false,
            stopping: false,
            all_stopped: false,
            escalated: false,
        }
    }

    /// Health of the whole.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health
    }

    /// The services for display, in starting order.
    #[must_use]
    pub fn services(&self) -> Vec<ServiceView> {
        let view = |s: &Service| ServiceView {
            name: s.spec.name,
            phase: s.phase,
            failures: s.failures,
            last_problem: s.last_problem.clone(),
        };
        self.services.iter().map(view).collect()
    }

    /// Takes in one event at the time `now` since boot and says what to do. Events of unknown services or that
    /// come too late (ready after stop) change nothing.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Tick => self.tick(now, &mut actions),
            Event::Ready(id) => self.ready(id, now),
            Event::Alive(id) => self.alive(id, now),
            Event::Ended(id, outcome) => self.ended(id, outcome, now, &mut actions),
            Event::Stop => self.stopping = true,
        }
        if self.stopping {
            self.stop_next(now, &mut actions);
        }
        self.update_health(&mut actions);
        actions
    }

    fn tick(&mut self, now: Duration, actions: &mut Vec<Action>) {
        for index in 0..self.services.len() {
            self.tick_service(ServiceId(index), now, actions);
        }
        if !self.escalated {
            actions.push(Action::FeedWatchdog);
        }
    }

    fn tick_service(&mut self, id: ServiceId, now: Duration, actions: &mut Vec<Action>) {
        let stopping = self.stopping;
        let service = &mut self.services[id.0];
        let limits = service.spec.limits;
        match service.phase {
            Phase::Waiting if !stopping => Self::start(service, id, now, actions),
            Phase::BackOff { until } if !stopping && now >= until => Self::start(service, id, now, actions),
            Phase::Starting { since } if now >= since + limits.ready_within => {
                let text = format!("not ready within {} s", limits.ready_within.as_secs());
                Self::abort(service, id, text, now, actions);
            }
            Phase::Ready { alive, .. } if limits.alive_every.is_some_and(|every| now >= alive + every) => {
                let text = format!("no sign of life for {} s", (now - alive).as_secs());
                Self::abort(service, id, text, now, actions);
            }
            Phase::Ready { since, .. } if service.failures > 0 && now >= since + limits.settled_after => {
                service.failures = 0;
                service.last_problem = None;
            }
            Phase::Stopping { until } if now >= until => {
                service.phase = Phase::Aborting { since: now };
                actions.push(Action::Abort(id));
            }
            Phase::Aborting { since } if now >= since + limits.stop_within => self.stuck(id, actions),
            _ => {}
        }
    }

    fn start(service: &mut Service, id: ServiceId, now: Duration, actions: &mut Vec<Action>) {
        service.phase = Phase::Starting { since: now };
        actions.push(Action::Start(id));
    }

    fn abort(
        service: &mut Service,
        id: ServiceId,
        problem: String,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        service.last_problem = Some(problem);
        service.phase = Phase::Aborting { since: now };
        actions.push(Action::Abort(id));
    }

    /// An abort that has no effect: the task blocks its thread. Starting a second one beside it is forbidden.
    fn stuck(&mut self, id: ServiceId, actions: &mut Vec<Action>) {
        let service = &mut self.services[id.0];
        let problem = service
            .last_problem
            .clone()
            .unwrap_or_else(|| "does not end".to_owned());
        service.phase = Phase::Stuck;
        if service.spec.escalation == Escalation::Reboot && !self.stopping {
            self.escalated = true;
            actions.push(Action::Escalate { service: id, problem });
        } else {
            actions.push(Action::ReportStuck { service: id, problem });
        }
    }

    fn ready(&mut self, id: ServiceId, now: Duration) {
        if let Some(service) = self.services.get_mut(id.0)
            && let Phase::Starting { .. } = service.phase
        {
            service.phase = Phase::Ready {
                since: now,
                alive: now,
            };
        }
    }

    fn alive(&mut self, id: ServiceId, now: Duration) {
        let service = self.services.get_mut(id.0);
        let stop_within = service
            .as_ref()
            .map(|service| service.spec.limits.stop_within)
            .unwrap_or_default();
        match service.map(|service| &mut service.phase) {
            Some(Phase::Ready { alive, .. }) => *alive = now,
            // Whoever shows that a long start goes on gets more time for it.
            Some(Phase::Starting { since }) => *since = now,
            // And of a long stop, as when sessions come to their end.
            Some(Phase::Stopping { until }) => *until = (*until).max(now + stop_within),
            _ => {}
        }
    }

    fn ended(&mut self, id: ServiceId, outcome: Outcome, now: Duration, actions: &mut Vec<Action>) {
        let stopping = self.stopping;
        let Some(service) = self.services.get_mut(id.0).filter(|service| service.is_running()) else {
            return;
        };
        let aborted = matches!(service.phase, Phase::Aborting { .. } | Phase::Stuck);
        if stopping {
            service.phase = Phase::Ended;
            return;
        }
        let problem = match outcome {
            Outcome::Finished if aborted => service.last_problem.clone().unwrap_or_default(),
            Outcome::Finished if service.spec.restart == RestartPolicy::OnFailure => {
                service.phase = Phase::Ended;
                return;
            }
            Outcome::Finished => "ended although it is always needed".to_owned(),
            Outcome::Failed(problem) => problem,
            Outcome::Panicked(message) => format!("panicked: {message}"),
        };
        self.failed(id, problem, now, actions);
    }

    fn failed(&mut self, id: ServiceId, problem: String, now: Duration, actions: &mut Vec<Action>) {
        let service = &mut self.services[id.0];
        let limits = service.spec.limits;
        if let Phase::Ready { since, .. } = service.phase
            && now >= since + limits.settled_after
        {
            service.failures = 0;
        }
        service.failures = service.failures.saturating_add(1);
        service.last_problem = Some(problem.clone());
        let restart_in = limits.backoff(service.failures);
        service.phase = Phase::BackOff {
            until: now + restart_in,
        };
        if service.failures > limits.failures_allowed && service.spec.escalation == Escalation::Reboot {
            self.escalated = true;
            actions.push(Action::Escalate { service: id, problem });
            return;
        }
        let failures = service.failures;
        actions.push(Action::ReportFailure {
            service: id,
            problem,
            failures,
            restart_in,
        });
    }

    /// Stops the services from the last to the first, the next one only when the one after it has ended.
    fn stop_next(&mut self, now: Duration, actions: &mut Vec<Action>) {
        for index in (0..self.services.len()).rev() {
            let service = &mut self.services[index];
            match service.phase {
                Phase::Starting { .. } | Phase::Ready { .. } => {
                    service.phase = Phase::Stopping {
                        until: now + service.spec.limits.stop_within,
                    };
                    actions.push(Action::AskToStop(ServiceId(index)));
                    return;
                }
                Phase::Stopping { .. } | Phase::Aborting { .. } => return,
                Phase::Waiting | Phase::BackOff { .. } => service.phase = Phase::Ended,
                Phase::Ended | Phase::Stuck => {}
            }
        }
        if !self.all_stopped {
            self.all_stopped = true;
            actions.push(Action::AllStopped);
        }
    }

    fn update_health(&mut self, actions: &mut Vec<Action>) {
        let well = self.services.iter().all(Service::is_well);
        self.was_healthy |= well;
        let health = match (self.stopping, well, self.was_healthy) {
            (true, ..) => Health::Stopping,
            (false, true, _) => Health::Healthy,
            (false, false, true) => Health::Degraded,
            (false, false, false) => Health::Starting,
        };
        if health != self.health {
            self.health = health;
            actions.push(Action::HealthChanged(health));
        }
    }
}
