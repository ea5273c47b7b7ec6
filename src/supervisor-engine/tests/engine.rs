//! Behaviour of the supervisor's engine: single stories first, then a seeded simulation that holds the invariants
//! of the crate's contract against any order of events.

use std::time::Duration;

use sps_supervisor_engine::{
    Action, Engine, Escalation, Event, Health, Limits, Outcome, Phase, RestartPolicy, ServiceId, ServiceSpec,
};

const A: ServiceId = ServiceId(0);
const B: ServiceId = ServiceId(1);

fn spec(name: &'static str) -> ServiceSpec {
    ServiceSpec {
        name,
        restart: RestartPolicy::Always,
        escalation: Escalation::Degrade,
        limits: Limits::default(),
    }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn started(services: Vec<ServiceSpec>) -> Engine {
    let mut engine = Engine::new(services);
    engine.step(Event::Tick, at(0));
    engine
}

#[test]
fn the_first_tick_starts_all_in_order_and_feeds_the_watchdog() {
    let mut engine = Engine::new(vec![spec("a"), spec("b")]);
    assert_eq!(
        engine.step(Event::Tick, at(0)),
        [Action::Start(A), Action::Start(B), Action::FeedWatchdog]
    );
}

#[test]
fn healthy_when_all_are_ready_degraded_when_one_fails_later() {
    let mut engine = started(vec![spec("a"), spec("b")]);
    assert_eq!(engine.step(Event::Ready(A), at(1)), []);
    assert_eq!(
        engine.step(Event::Ready(B), at(1)),
        [Action::HealthChanged(Health::Healthy)]
    );
    let actions = engine.step(Event::Ended(A, Outcome::Failed("disk gone".into())), at(2));
    assert_eq!(
        actions,
        [
            Action::ReportFailure {
                service: A,
                problem: "disk gone".into(),
                failures: 1,
                restart_in: Duration::from_millis(200)
            },
            Action::HealthChanged(Health::Degraded)
        ]
    );
    assert!(engine.step(Event::Tick, at(3)).contains(&Action::Start(A)));
    assert_eq!(
        engine.step(Event::Ready(A), at(3)),
        [Action::HealthChanged(Health::Healthy)]
    );
}

#[test]
fn a_task_with_an_end_is_not_started_again_when_done() {
    let mut engine = started(vec![ServiceSpec {
        restart: RestartPolicy::OnFailure,
        ..spec("a")
    }]);
    assert_eq!(
        engine.step(Event::Ended(A, Outcome::Finished), at(1)),
        [Action::HealthChanged(Health::Healthy)]
    );
    assert_eq!(engine.step(Event::Tick, at(99)), [Action::FeedWatchdog]);
}

#[test]
fn a_service_that_is_always_needed_may_not_end() {
    let mut engine = started(vec![spec("a")]);
    let actions = engine.step(Event::Ended(A, Outcome::Finished), at(1));
    assert!(
        matches!(&actions[0], Action::ReportFailure { problem, .. } if problem.contains("always needed"))
    );
}

#[test]
fn one_that_is_not_ready_in_time_is_aborted_and_counted_once() {
    let mut engine = started(vec![spec("a")]);
    assert!(engine.step(Event::Tick, at(60)).contains(&Action::Abort(A)));
    assert_eq!(
        engine.step(Event::Tick, at(61)),
        [Action::FeedWatchdog],
        "one abort is enough"
    );
    let actions = engine.step(Event::Ended(A, Outcome::Finished), at(61));
    assert!(
        matches!(&actions[0], Action::ReportFailure { problem, failures: 1, .. } if problem == "not ready within 60 s")
    );
}

#[test]
fn signs_of_life_give_a_long_start_more_time() {
    let mut engine = started(vec![spec("a")]);
    for seconds in [50, 100, 150] {
        engine.step(Event::Alive(A), at(seconds));
        assert_eq!(engine.step(Event::Tick, at(seconds + 59)), [Action::FeedWatchdog]);
    }
    assert!(engine.step(Event::Tick, at(210)).contains(&Action::Abort(A)));
}

#[test]
fn silence_after_a_promised_sign_of_life_is_a_failure() {
    let limits = Limits {
        alive_every: Some(at(10)),
        ..Limits::default()
    };
    let mut engine = started(vec![ServiceSpec { limits, ..spec("a") }]);
    engine.step(Event::Ready(A), at(1));
    engine.step(Event::Alive(A), at(8));
    assert_eq!(engine.step(Event::Tick, at(17)), [Action::FeedWatchdog]);
    assert!(engine.step(Event::Tick, at(18)).contains(&Action::Abort(A)));
}

#[test]
fn a_vital_service_beyond_its_limit_reboots_and_the_watchdog_goes_hungry() {
    let limits = Limits {
        failures_allowed: 1,
        ..Limits::default()
    };
    let mut engine = started(vec![ServiceSpec {
        limits,
        escalation: Escalation::Reboot,
        ..spec("a")
    }]);
    engine.step(Event::Ended(A, Outcome::Panicked("x".into())), at(1));
    engine.step(Event::Tick, at(2));
    let actions = engine.step(Event::Ended(A, Outcome::Panicked("x".into())), at(3));
    assert_eq!(
        actions,
        [Action::Escalate {
            service: A,
            problem: "panicked: x".into()
        }]
    );
    assert!(!engine.step(Event::Tick, at(3)).contains(&Action::FeedWatchdog));
}

#[test]
fn a_task_that_ignores_its_abort_is_never_doubled_and_does_not_hold_up_the_stop() {
    let mut engine = started(vec![spec("a"), spec("b")]);
    engine.step(Event::Ready(A), at(1));
    engine.step(Event::Tick, at(60));
    let stuck = engine.step(Event::Tick, at(65));
    assert!(stuck.contains(&Action::ReportStuck {
        service: B,
        problem: "not ready within 60 s".into()
    }));
    assert_eq!(engine.step(Event::Tick, at(99)), [Action::FeedWatchdog]);
    assert!(engine.step(Event::Stop, at(100)).contains(&Action::AskToStop(A)));
    assert_eq!(
        engine.step(Event::Ended(A, Outcome::Finished), at(100)),
        [Action::AllStopped]
    );
}

#[test]
fn a_service_that_settled_is_forgiven() {
    let mut engine = started(vec![spec("a")]);
    engine.step(Event::Ended(A, Outcome::Failed("x".into())), at(1));
    engine.step(Event::Tick, at(2));
    engine.step(Event::Ready(A), at(2));
    engine.step(Event::Tick, at(62));
    let view = &engine.services()[0];
    assert_eq!((view.failures, view.last_problem.clone()), (0, None));
    assert!(matches!(view.phase, Phase::Ready { .. }));
}

#[test]
fn stopping_goes_backwards_one_at_a_time_and_aborts_the_stubborn() {
    let mut engine = started(vec![spec("a"), spec("b")]);
    assert_eq!(
        engine.step(Event::Stop, at(1)),
        [Action::AskToStop(B), Action::HealthChanged(Health::Stopping)]
    );
    assert_eq!(
        engine.step(Event::Ended(B, Outcome::Finished), at(2)),
        [Action::AskToStop(A)]
    );
    assert!(engine.step(Event::Tick, at(7)).contains(&Action::Abort(A)));
    assert_eq!(
        engine.step(Event::Ended(A, Outcome::Finished), at(7)),
        [Action::AllStopped]
    );
    assert_eq!(
        engine.step(Event::Tick, at(8)),
        [Action::FeedWatchdog],
        "said once, watchdog fed until the end"
    );
}

/// A small generator (splitmix64) so that a seed replays the same story.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

/// What the shell would hold: which tasks exist.
struct World {
    running: Vec<bool>,
    stop_asked: bool,
    escalated: bool,
    all_stopped: u32,
    stuck: Vec<bool>,
}

impl World {
    fn carry_out(&mut self, actions: &[Action], seed: u64) {
        for action in actions {
            match action {
                Action::Start(id) => {
                    assert!(!self.running[id.0], "seed {seed}: a second task of one service");
                    assert!(!self.stop_asked, "seed {seed}: started after stop");
                    self.running[id.0] = true;
                }
                Action::AskToStop(id) => {
                    let later = (id.0 + 1..self.running.len()).any(|i| self.running[i] && !self.stuck[i]);
                    assert!(self.running[id.0] && !later, "seed {seed}: stopped out of order");
                }
                Action::Abort(id) => assert!(self.running[id.0], "seed {seed}: aborted what does not run"),
                Action::FeedWatchdog => assert!(!self.escalated, "seed {seed}: fed after escalation"),
                Action::Escalate { service, .. } => {
                    self.escalated = true;
                    self.stuck[service.0] |= self.running[service.0];
                }
                Action::ReportStuck { service, .. } => self.stuck[service.0] = true,
                Action::AllStopped => {
                    let left = (0..self.running.len()).any(|i| self.running[i] && !self.stuck[i]);
                    assert!(!left, "seed {seed}: all stopped, yet one runs");
                    self.all_stopped += 1;
                }
                Action::HealthChanged(_) | Action::ReportFailure { .. } => {}
            }
        }
    }
}

fn simulate(seed: u64) {
    let mut random = Random(seed);
    let count = 1 + random.next(5) as usize;
    let specs = (0..count).map(|index| ServiceSpec {
        restart: if random.next(2) == 0 {
            RestartPolicy::Always
        } else {
            RestartPolicy::OnFailure
        },
        escalation: if random.next(4) == 0 {
            Escalation::Reboot
        } else {
            Escalation::Degrade
        },
        limits: Limits {
            alive_every: (random.next(2) == 0).then(|| at(5)),
            failures_allowed: 3,
            ..Limits::default()
        },
        ..spec(["a", "b", "c", "d", "e"][index])
    });
    let mut engine = Engine::new(specs.collect());
    let mut world = World {
        running: vec![false; count],
        stop_asked: false,
        escalated: false,
        all_stopped: 0,
        stuck: vec![false; count],
    };
    let mut now = Duration::ZERO;
    for _ in 0..400 {
        now += Duration::from_millis(random.next(3000));
        let id = ServiceId(random.next(count as u64) as usize);
        let event = match random.next(10) {
            0..=3 => Event::Tick,
            4..=5 => Event::Ready(id),
            6 => Event::Alive(id),
            7..=8 if world.running[id.0] => {
                world.running[id.0] = false;
                world.stuck[id.0] = false;
                let outcomes = [
                    Outcome::Finished,
                    Outcome::Failed("f".into()),
                    Outcome::Panicked("p".into()),
                ];
                Event::Ended(id, outcomes[random.next(3) as usize].clone())
            }
            9 if random.next(20) == 0 => {
                world.stop_asked = true;
                Event::Stop
            }
            _ => Event::Tick,
        };
        world.carry_out(&engine.step(event, now), seed);
    }
    settle(&mut engine, &mut world, now, seed);
}

/// Liveness: once asked to stop, with tasks that obey an abort, the engine comes to its end.
fn settle(engine: &mut Engine, world: &mut World, mut now: Duration, seed: u64) {
    world.stop_asked = true;
    let mut actions = engine.step(Event::Stop, now);
    for _ in 0..100 {
        world.carry_out(&actions, seed);
        let obeying = actions.iter().find_map(|a| match a {
            Action::AskToStop(id) | Action::Abort(id) => Some(*id),
            _ => None,
        });
        // A task that was being aborted before the stop ends now as well.
        let waiting = (0..world.running.len())
            .rev()
            .find(|i| world.running[*i] && !world.stuck[*i]);
        let ending = obeying.or(waiting.map(ServiceId));
        let Some(id) = ending else { break };
        world.running[id.0] = false;
        now += at(1);
        actions = engine.step(Event::Ended(id, Outcome::Finished), now);
    }
    world.carry_out(&engine.step(Event::Tick, now), seed);
    assert_eq!(
        world.all_stopped, 1,
        "seed {seed}: the end was announced {} times",
        world.all_stopped
    );
}

#[test]
fn any_order_of_events_keeps_the_invariants() {
    for seed in 0..3000 {
        simulate(seed);
    }
}

#[test]
fn a_long_stop_gets_more_time_as_long_as_it_shows_that_it_goes_on() {
    let mut engine = started(vec![spec("a"), spec("b")]);
    engine.step(Event::Ready(A), at(1));
    engine.step(Event::Ready(B), at(1));
    let asked = engine.step(Event::Stop, at(10));
    assert!(asked.contains(&Action::AskToStop(B)), "{asked:?}");
    for second in 11..60 {
        assert_eq!(engine.step(Event::Alive(B), at(second)), []);
        // Of one that is not asked yet it changes nothing.
        assert_eq!(engine.step(Event::Alive(A), at(second)), []);
        assert_eq!(engine.step(Event::Tick, at(second)), [Action::FeedWatchdog]);
    }
    assert_eq!(engine.step(Event::Tick, at(63)), [Action::FeedWatchdog]);
    let late = engine.step(Event::Tick, at(64));
    assert!(late.contains(&Action::Abort(B)), "{late:?}");
}
