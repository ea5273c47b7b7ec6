//! The network service in a namespace, on a thread of its own, with its log.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sps_net::{Ipv4Mode, NetError, NetworkSettings, NetworkState, run_watched};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::Namespace;

/// Longest wait for a state or a line.
const PATIENCE: Duration = Duration::from_secs(30);

/// The running service. Dropped, it is told to stop.
pub(crate) struct Service {
    pub(crate) state: watch::Receiver<NetworkState>,
    settings: watch::Sender<NetworkSettings>,
    log: Log,
    shutdown: CancellationToken,
    thread: Option<JoinHandle<Result<(), NetError>>>,
}

/// Quick to fall back, no sysfs of the host.
pub(crate) fn settings() -> NetworkSettings {
    NetworkSettings {
        hostname: Some("appliance".to_owned()),
        fallback_after: Duration::from_secs(2),
        sys_class_net: "/nonexistent".into(),
        ..NetworkSettings::default()
    }
}

impl Service {
    pub(crate) fn start(namespace: &Namespace) -> Self {
        Self::start_with(namespace, settings())
    }

    pub(crate) fn start_with(namespace: &Namespace, settings: NetworkSettings) -> Self {
        let (sender, state) = watch::channel(NetworkState::default());
        let (changes, settings) = watch::channel(settings);
        let shutdown = CancellationToken::new();
        let log = Log::default();
        let (token, collector) = (shutdown.clone(), log.clone());
        let thread = namespace.enter(move || {
            let subscriber = tracing_subscriber::registry().with(collector);
            let _guard = tracing::subscriber::set_default(subscriber);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(run_watched(settings, sender, token))
        });
        Self {
            state,
            settings: changes,
            log,
            shutdown,
            thread: Some(thread),
        }
    }

    /// What an administrator does.
    pub(crate) fn change(&self, change: impl FnOnce(&mut NetworkSettings)) {
        self.settings.send_modify(change);
    }

    /// Sets the mode of an interface.
    pub(crate) fn set(&self, interface: &str, mode: Ipv4Mode) {
        self.change(|settings| {
            settings.interfaces.insert(interface.to_owned(), mode);
        });
    }

    /// Waits until the state satisfies `wanted`.
    pub(crate) fn wait(&mut self, what: &str, wanted: impl Fn(&NetworkState) -> bool) -> NetworkState {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let wait = async { tokio::time::timeout(PATIENCE, self.state.wait_for(|state| wanted(state))).await };
        match runtime.block_on(wait) {
            Ok(Ok(state)) => return state.clone(),
            Ok(Err(_)) => {}
            Err(_) => {}
        }
        let state = self.state.borrow().clone();
        panic!(
            "no {what} within {PATIENCE:?}\nstate: {state:#?}\nlog:\n{}",
            self.log.text()
        );
    }

    /// Waits until an interface has an address.
    pub(crate) fn wait_address(&mut self, interface: &str, address: &str) -> NetworkState {
        let address: std::net::IpAddr = address.parse().unwrap();
        self.wait(&format!("address {address} on {interface}"), |state| {
            let mut found = state.interfaces.iter().filter(|i| i.name == interface);
            found.any(|i| i.addresses.iter().any(|a| a.address == address))
        })
    }

    /// Waits for a line of the log that contains `text`.
    pub(crate) fn wait_log(&self, text: &str) -> String {
        self.log.wait(text)
    }

    /// How many lines of the log contain `text` so far.
    pub(crate) fn count_log(&self, text: &str) -> usize {
        self.log.text().lines().filter(|line| line.contains(text)).count()
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(mut self) -> Result<(), NetError> {
        self.thread.take().unwrap().join().unwrap()
    }

    /// Stops the service and returns how it ended.
    pub(crate) fn stop(mut self) -> Result<(), NetError> {
        self.shutdown.cancel();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// Collects log lines.
#[derive(Clone, Default)]
struct Log {
    shared: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Log {
    fn text(&self) -> String {
        self.shared.0.lock().unwrap().join("\n")
    }

    fn wait(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.shared.0.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text_so_far = lines.join("\n");
                drop(lines);
                panic!("no line with {text:?} within {PATIENCE:?} in:\n{text_so_far}");
            }
            lines = self.shared.1.wait_timeout(lines, left).unwrap().0;
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let line = format!("{} {}", event.metadata().level(), message.0);
        self.shared.0.lock().unwrap().push(line);
        self.shared.1.notify_all();
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
