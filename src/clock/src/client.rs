//! The NTP client: servers come and go, the algorithm decides, the clock follows.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ntp_proto::{
    AlgorithmConfig, KalmanClockController, NtpLeapIndicator, PollInterval, PollIntervalLimits,
    ProtocolVersion, ReferenceId, SourceConfig, StepThreshold, SynchronizationConfig, System, SystemAction,
};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::clock::UnixTime;
use crate::discipline::{Discipline, Trouble};
use crate::error::ClockError;
use crate::limits::Limits;
use crate::settings::{MAX_SERVERS, NtpServer, NtpSettings};
use crate::source::{Actions, Answer, FromAlgorithm, Source, SourceId, Wish};
use crate::state::{NtpState, ServerState};

/// Answers that wait for the algorithm: each server sends one to a question.
pub(crate) const EVENT_QUEUE: usize = 4 * MAX_SERVERS;
/// Longest wait for a name to be resolved.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time until a server that does not answer is asked anew.
const RESTART_AFTER: Duration = Duration::from_secs(10);
/// Longest time between questions as a power of two: 1,024 s, ntp-proto's own.
const LONGEST_POLL: u8 = 10;
/// Offset above which the clock is stepped, in seconds, ntpd's; below, it is slewed.
const STEP_THRESHOLD: f64 = 0.128;
/// How long the clock counts as right after the last usable answer: three of the longest intervals.
const HOLDOVER: Duration = Duration::from_secs(3 * 1024);

type Algorithm = System<SourceId, KalmanClockController<Discipline, SourceId>>;

/// What comes in from other tasks.
#[derive(Debug)]
pub(crate) enum Event {
    /// A server answered.
    Answer(Answer),
    /// A name was looked up, in this generation of servers.
    Resolved {
        generation: u64,
        index: usize,
        address: Option<SocketAddr>,
    },
}

/// The server the clock follows, as last seen.
#[derive(Clone, Debug)]
struct Followed {
    server: String,
    stratum: u8,
    offset_ms: f64,
    at: UnixTime,
    seen: Instant,
}

pub(crate) struct Client {
    settings: NtpSettings,
    discipline: Discipline,
    events: mpsc::Sender<Event>,
    algorithm: Algorithm,
    timer: Option<Instant>,
    servers: Vec<NtpServer>,
    sources: BTreeMap<SourceId, (usize, Source)>,
    /// Servers by place in the list, and when they are started.
    waiting: BTreeMap<usize, Instant>,
    generation: u64,
    next_id: SourceId,
    followed: Option<Followed>,
    /// A refused step, and when all is started anew.
    refused: Option<(String, Instant)>,
}

impl Client {
    pub(crate) fn new(clock: Arc<dyn Clock>, settings: NtpSettings, events: mpsc::Sender<Event>) -> Self {
        let limits = Limits {
            floor: UnixTime::from_seconds(settings.floor_unix_s),
        };
        let discipline = Discipline::new(clock, limits);
        let algorithm = algorithm(&discipline, 0);
        Self {
            settings,
            discipline,
            events,
            algorithm,
            timer: None,
            servers: Vec::new(),
            sources: BTreeMap::new(),
            waiting: BTreeMap::new(),
            generation: 0,
            next_id: 0,
            followed: None,
            refused: None,
        }
    }

    pub(crate) fn set_servers(&mut self, servers: &[NtpServer]) {
        if servers.len() > MAX_SERVERS {
            warn!(
                "only the first {MAX_SERVERS} of {} time servers are asked",
                servers.len()
            );
        }
        let servers: Vec<_> = servers.iter().take(MAX_SERVERS).cloned().collect();
        if servers != self.servers {
            self.servers = servers;
            self.start_anew();
        }
    }

    fn start_anew(&mut self) {
        self.generation += 1;
        self.sources.clear();
        self.timer = None;
        self.refused = None;
        self.algorithm = algorithm(&self.discipline, self.servers.len());
        let now = Instant::now();
        self.waiting = (0..self.servers.len()).map(|index| (index, now)).collect();
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let sources = self.sources.values().filter_map(|(_, source)| source.deadline());
        let refused = self.refused.iter().map(|(_, until)| *until);
        sources
            .chain(self.waiting.values().copied())
            .chain(self.timer)
            .chain(refused)
            .min()
    }

    pub(crate) async fn on_event(&mut self, event: Event) {
        match event {
            Event::Answer(answer) => {
                let id = answer.id;
                if let Some((_, source)) = self.sources.get_mut(&id) {
                    let wishes = source.on_answer(&answer).await;
                    self.grant(id, wishes).await;
                }
            }
            Event::Resolved {
                generation,
                index,
                address,
            } if generation == self.generation => {
                self.on_resolved(index, address).await;
            }
            Event::Resolved { .. } => {}
        }
    }

    pub(crate) async fn on_time(&mut self) {
        let now = Instant::now();
        if self.refused.as_ref().is_some_and(|(_, until)| now >= *until) {
            return self.start_anew();
        }
        let due: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, at)| now >= **at)
            .map(|(index, _)| *index)
            .collect();
        for index in due {
            self.waiting.remove(&index);
            self.resolve(index);
        }
        let due = self
            .sources
            .iter()
            .filter(|(_, (_, s))| s.deadline().is_some_and(|at| now >= at));
        let due: Vec<_> = due.map(|(id, _)| *id).collect();
        for id in due {
            if let Some((_, source)) = self.sources.get_mut(&id) {
                let wishes = source.on_time().await;
                self.grant(id, wishes).await;
            }
        }
        if self.timer.is_some_and(|at| now >= at) {
            self.timer = None;
            let actions: Vec<_> = self.algorithm.handle_timer().collect();
            self.follow(actions).await;
        }
    }

    /// Looks the server's address up beside the loop: a dead name server holds nothing up.
    fn resolve(&self, index: usize) {
        let Some(server) = self.servers.get(index).cloned() else {
            return;
        };
        let (generation, events) = (self.generation, self.events.clone());
        tokio::spawn(async move {
            let address = lookup(&server).await;
            let _receiver_gone = events
                .send(Event::Resolved {
                    generation,
                    index,
                    address,
                })
                .await;
        });
    }

    async fn on_resolved(&mut self, index: usize, address: Option<SocketAddr>) {
        let Some(server) = self.servers.get(index) else {
            return;
        };
        let Some(address) = address else {
            self.waiting
                .insert(index, Instant::now() + self.settings.retry_after);
            return;
        };
        let id = self.next_id;
        self.next_id += 1;
        let config = source_config(&self.settings);
        let made = self
            .algorithm
            .create_ntp_source(id, config, address, ProtocolVersion::V4, None);
        let Ok((ntp, first)) = made;
        let name = server.host.clone();
        let mut source = Source::new(
            id,
            name,
            address,
            ntp,
            self.events.clone(),
            self.discipline.clone(),
        );
        let wishes = source.act(first.collect()).await;
        self.sources.insert(id, (index, source));
        self.grant(id, wishes).await;
    }

    async fn grant(&mut self, id: SourceId, wishes: Vec<Wish>) {
        for wish in wishes {
            match wish {
                Wish::Tell(update) => {
                    if self.sources.contains_key(&id) {
                        let Ok(actions) = self.algorithm.handle_source_update(id, *update);
                        self.follow(actions.collect()).await;
                    }
                }
                Wish::Restart => {
                    if let Some(index) = self.remove(id) {
                        self.waiting.insert(index, Instant::now() + RESTART_AFTER);
                    }
                }
                Wish::Stop => {
                    if let Some(server) = self.remove(id).and_then(|index| self.servers.get(index)) {
                        warn!(
                            "time server {} refuses to be asked; it is left alone",
                            server.host
                        );
                    }
                }
            }
        }
        self.look();
    }

    fn remove(&mut self, id: SourceId) -> Option<usize> {
        let (index, _) = self.sources.remove(&id)?;
        let Ok(()) = self.algorithm.handle_source_remove(id);
        Some(index)
    }

    /// What the algorithm wants; a source's answer to it may make the algorithm want more.
    async fn follow(&mut self, actions: Vec<SystemAction<FromAlgorithm>>) {
        let mut todo = VecDeque::from(actions);
        while let Some(action) = todo.pop_front() {
            match action {
                SystemAction::SetTimer(after) => self.timer = Some(Instant::now() + after),
                SystemAction::UpdateSources(update) => {
                    let mut updates = Vec::new();
                    for (id, (_, source)) in &mut self.sources {
                        let actions: Actions = source.tell(update.clone());
                        updates.extend(source.act(actions).await.into_iter().map(|wish| (*id, wish)));
                    }
                    for (id, wish) in updates {
                        if let Wish::Tell(update) = wish {
                            let Ok(more) = self.algorithm.handle_source_update(id, *update);
                            todo.extend(more);
                        }
                    }
                }
            }
        }
    }

    /// Notes which server the clock follows.
    fn look(&mut self) {
        let system = self.algorithm.system_snapshot();
        let leap = system.time_snapshot.leap_indicator;
        let unknown = matches!(leap, NtpLeapIndicator::Unknown | NtpLeapIndicator::Unsynchronized);
        if unknown || self.discipline.is_in_trouble() {
            return;
        }
        let of = |source: &Source| ReferenceId::from_ip(source.address().ip()) == system.reference_id;
        let Some((_, source)) = self.sources.values().find(|(_, source)| of(source)) else {
            return;
        };
        let followed = Followed {
            server: source.name().to_owned(),
            stratum: system.stratum.saturating_sub(1),
            offset_ms: source.offset_ms(),
            at: self.discipline.unix_now(),
            seen: Instant::now(),
        };
        if self
            .followed
            .as_ref()
            .is_none_or(|before| before.server != followed.server)
        {
            info!(
                "clock follows time server {}, stratum {}",
                followed.server, followed.stratum
            );
        }
        self.followed = Some(followed);
        self.discipline.set_synchronized();
    }

    /// Looks at what went wrong under the algorithm's hands.
    pub(crate) fn see_to_trouble(&mut self) -> Result<(), ClockError> {
        match self.discipline.take_trouble() {
            None => Ok(()),
            Some(Trouble::Failed(error)) => Err(error),
            Some(Trouble::Refused(refusal)) => {
                warn!("{refusal}");
                self.start_anew();
                self.waiting.clear();
                self.refused = Some((refusal.to_string(), Instant::now() + self.settings.retry_after));
                Ok(())
            }
        }
    }

    pub(crate) fn state(&self) -> NtpState {
        let followed = self
            .followed
            .as_ref()
            .filter(|followed| followed.seen.elapsed() < HOLDOVER);
        NtpState {
            synchronized: followed.is_some(),
            server: followed.map(|followed| followed.server.clone()),
            stratum: followed.map(|followed| followed.stratum),
            offset_ms: followed.map(|followed| followed.offset_ms),
            last_update_unix_s: followed.map(|followed| followed.at.seconds()),
            servers: (0..self.servers.len())
                .filter_map(|index| self.server_state(index))
                .collect(),
            problem: self.problem(followed.is_some()),
        }
    }

    fn server_state(&self, index: usize) -> Option<ServerState> {
        let started = self
            .sources
            .values()
            .find(|(of, _)| *of == index)
            .map(|(_, source)| source.state());
        let name = &self.servers.get(index)?.host;
        Some(started.unwrap_or_else(|| ServerState {
            name: name.clone(),
            address: None,
            unanswered: 0,
        }))
    }

    fn problem(&self, synchronized: bool) -> Option<String> {
        if let Some((refusal, _)) = &self.refused {
            return Some(refusal.clone());
        }
        if synchronized {
            return None;
        }
        let text = match self.servers.len() {
            0 => "no time server is known: name one in the DHCP server's options or in the settings",
            _ => "no time server has given usable time yet",
        };
        Some(text.to_owned())
    }
}

/// One server may be followed; of three or more, two must agree, so that a single liar is outvoted.
fn algorithm(discipline: &Discipline, servers: usize) -> Algorithm {
    let no_limit = StepThreshold {
        forward: None,
        backward: None,
    };
    let synchronization = SynchronizationConfig {
        minimum_agreeing_sources: if servers < 3 { 1 } else { 2 },
        // Its own limits end the process, which is PID 1: the discipline judges every step instead.
        single_step_panic_threshold: no_limit,
        startup_step_panic_threshold: no_limit,
        accumulated_step_panic_threshold: None,
        warn_on_jump: false,
        ..SynchronizationConfig::default()
    };
    let steering = AlgorithmConfig {
        step_threshold: STEP_THRESHOLD,
        ..AlgorithmConfig::default()
    };
    let Ok(system) = System::new(discipline.clone(), synchronization, steering, Arc::from([]));
    system
}

fn source_config(settings: &NtpSettings) -> SourceConfig {
    let shortest = settings.shortest_interval.as_secs().max(1).ilog2();
    let min = PollInterval::from_byte(u8::try_from(shortest).unwrap_or(LONGEST_POLL).min(LONGEST_POLL));
    SourceConfig {
        poll_interval_limits: PollIntervalLimits {
            min,
            max: PollInterval::from_byte(LONGEST_POLL),
        },
        initial_poll_interval: min,
    }
}

async fn lookup(server: &NtpServer) -> Option<SocketAddr> {
    if let Ok(address) = server.host.parse::<IpAddr>() {
        return Some((address, server.port).into());
    }
    let host = (server.host.as_str(), server.port);
    match tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host(host)).await {
        Ok(Ok(mut found)) => found.next(),
        Ok(Err(error)) => {
            warn!("name of time server {} not found: {error}", server.host);
            None
        }
        Err(_elapsed) => {
            warn!(
                "name of time server {} not found in {RESOLVE_TIMEOUT:?}",
                server.host
            );
            None
        }
    }
}
