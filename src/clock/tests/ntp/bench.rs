//! The client on a clock of its own, with its log and state.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sps_clock::{Clock, ClockError, NtpServer, NtpSettings, NtpState, UnixTime, run_ntp_with};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The machine's time, which chronyd serves.
pub(crate) fn real_nanos() -> i128 {
    i128::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// A clock beside the machine's: the same time plus an offset that steps and frequency change.
#[derive(Clone)]
pub(crate) struct VirtualClock(Arc<(Mutex<Values>, Condvar)>);

struct Values {
    offset: i128,
    since: i128,
    ppm: f64,
    steps: u32,
    synchronized: bool,
}

impl Values {
    /// The offset now: what was, and what the frequency added since.
    fn settle(&mut self) -> i128 {
        let now = real_nanos();
        let elapsed = (now - self.since) as f64;
        self.offset += (elapsed * self.ppm / 1e6) as i128;
        self.since = now;
        self.offset
    }
}

impl VirtualClock {
    pub(crate) fn off_by(nanoseconds: i64) -> Self {
        let values = Values {
            offset: nanoseconds.into(),
            since: real_nanos(),
            ppm: 0.0,
            steps: 0,
            synchronized: false,
        };
        Self(Arc::new((Mutex::new(values), Condvar::new())))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Values) -> T) -> T {
        let result = act(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
        result
    }

    /// How far it is ahead of the machine's clock, in nanoseconds.
    pub(crate) fn error(&self) -> i64 {
        i64::try_from(self.with(Values::settle)).unwrap()
    }

    pub(crate) fn steps(&self) -> u32 {
        self.with(|values| values.steps)
    }

    pub(crate) fn frequency(&self) -> f64 {
        self.with(|values| values.ppm)
    }

    pub(crate) fn is_marked_synchronized(&self) -> bool {
        self.with(|values| values.synchronized)
    }

    /// Moves it behind the client's back.
    pub(crate) fn shift(&self, nanoseconds: i64) {
        self.with(|values| values.offset += i128::from(nanoseconds));
    }

    /// Waits for something that time itself brings.
    pub(crate) fn wait_until(&self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(self) {
            assert!(Instant::now() < deadline, "no {what} within {PATIENCE:?}");
            let guard = self.0.0.lock().unwrap();
            let _woken = self.0.1.wait_timeout(guard, Duration::from_millis(200)).unwrap();
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> UnixTime {
        UnixTime(real_nanos() + self.with(Values::settle))
    }

    fn step(&self, nanoseconds: i64) -> Result<(), ClockError> {
        self.with(|values| {
            values.offset += i128::from(nanoseconds);
            values.steps += 1;
        });
        Ok(())
    }

    fn frequency_ppm(&self) -> Result<f64, ClockError> {
        Ok(self.frequency())
    }

    fn set_frequency_ppm(&self, ppm: f64) -> Result<(), ClockError> {
        self.with(|values| {
            values.settle();
            values.ppm = ppm;
        });
        Ok(())
    }

    fn take_over(&self) -> Result<(), ClockError> {
        Ok(())
    }

    fn mark_synchronized(&self, _deviation: Duration, _largest_error: Duration) -> Result<(), ClockError> {
        self.with(|values| values.synchronized = true);
        Ok(())
    }

    fn mark_unsynchronized(&self) -> Result<(), ClockError> {
        self.with(|values| values.synchronized = false);
        Ok(())
    }
}

/// The running client. Dropped, it stops.
pub(crate) struct Bench {
    pub(crate) servers: watch::Sender<Vec<NtpServer>>,
    state: watch::Receiver<NtpState>,
    log: Log,
    shutdown: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Bench {
    pub(crate) fn start(clock: &VirtualClock, servers: &[NtpServer]) -> Self {
        Self::start_above(0, clock, servers)
    }

    pub(crate) fn start_above(floor: i64, clock: &VirtualClock, servers: &[NtpServer]) -> Self {
        let second = Duration::from_secs(1);
        let settings = NtpSettings {
            shortest_interval: second,
            ..NtpSettings::above(floor)
        };
        let (server_sender, server_receiver) = watch::channel(servers.to_vec());
        let (state_sender, state) = watch::channel(NtpState::default());
        let shutdown = CancellationToken::new();
        let log = Log::default();
        let (token, collector, clock) = (shutdown.clone(), log.clone(), Arc::new(clock.clone()));
        let thread = std::thread::spawn(move || {
            let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(collector));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime
                .block_on(run_ntp_with(
                    clock,
                    settings,
                    server_receiver,
                    state_sender,
                    token,
                ))
                .unwrap();
        });
        Self {
            servers: server_sender,
            state,
            log,
            shutdown,
            thread: Some(thread),
        }
    }

    pub(crate) fn wait(&mut self, what: &str, wanted: impl Fn(&NtpState) -> bool) -> NtpState {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let wait = async { tokio::time::timeout(PATIENCE, self.state.wait_for(|state| wanted(state))).await };
        if let Ok(Ok(state)) = runtime.block_on(wait) {
            return state.clone();
        }
        let state = self.state.borrow().clone();
        panic!(
            "no {what} within {PATIENCE:?}\nstate: {state:#?}\nlog:\n{}",
            self.log.text()
        );
    }

    pub(crate) fn wait_log(&self, text: &str) -> String {
        self.log.wait(text)
    }

    pub(crate) fn count_log(&self, text: &str) -> usize {
        self.log.text().lines().filter(|line| line.contains(text)).count()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the client panicked; its log:\n{}",
                self.log.text()
            );
        }
    }
}

/// Collects log lines.
#[derive(Clone, Default)]
struct Log(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Log {
    fn text(&self) -> String {
        self.0.0.lock().unwrap().join("\n")
    }

    fn wait(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.0.0.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let so_far = lines.join("\n");
                drop(lines);
                panic!("no line with {text:?} within {PATIENCE:?} in:\n{so_far}");
            }
            lines = self.0.1.wait_timeout(lines, left).unwrap().0;
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0
            .0
            .lock()
            .unwrap()
            .push(format!("{} {}", event.metadata().level(), message.0));
        self.0.1.notify_all();
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
