//! What is measured, gathered from where it is. Reads some files of `/proc`, and waits for nothing.

use std::fs;

use sha2::{Digest as _, Sha256};
use sps_admin::{
    Failure, FailureKind, Figures, MemoryFigures, ProtocolFigures, Reply, Response, StoreFigures,
    TrailFigures,
};
use sps_bootlog::uptime;
use sps_config::Secret;
use tracing::warn;

use super::appliance::Appliance;
use crate::services::DATA_FOLDER;

/// Ticks of `/proc/stat` in a second (`USER_HZ`, the same on every Linux of this kind).
const TICKS: f64 = 100.0;

/// The figures: for whoever has logged in, or shows the token.
pub(super) fn answer(own: &Appliance, token: Option<&Secret>) -> Reply {
    if let Some(token) = token {
        shown(own, token)?;
    }
    Ok(Response::Figures(Box::new(figures(own))))
}

/// Whether it is the token of the configuration.
fn shown(own: &Appliance, token: &Secret) -> Result<(), Failure> {
    let refused = |why: &str| {
        warn!("somebody who shows a token wants the metrics: {why}");
        Err(Failure::new(FailureKind::NotAllowed, why))
    };
    let store = own.store();
    let configured = store
        .as_ref()
        .and_then(|opened| opened.configuration.as_ref())
        .and_then(|store| {
            let store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let token = store.document().local_services.metrics.token.as_ref()?;
            token.known().cloned()
        });
    let Some(configured) = configured else {
        return refused(
            "no token opens the metrics: an administrator sets one under Local Services > Metrics",
        );
    };
    // Hashes: how long the comparison takes tells nothing.
    let hash = |secret: &Secret| Sha256::digest(secret.expose().as_bytes());
    if hash(token) == hash(&configured) {
        Ok(())
    } else {
        refused("the token is not the one under Local Services > Metrics")
    }
}

/// Everything that is measured.
fn figures(own: &Appliance) -> Figures {
    let release = own.parts.release.as_ref();
    let memory = sps_gateway::memory().unwrap_or_default();
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let (busy, idle) = processors_of(&stat);
    Figures {
        version: release
            .map(|release| release.version.to_string())
            .unwrap_or_default(),
        build: release
            .map(|release| release.build_id.clone())
            .unwrap_or_default(),
        uptime: uptime().as_secs_f64(),
        load: load_of(&fs::read_to_string("/proc/loadavg").unwrap_or_default()),
        processors: std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
        busy,
        idle,
        memory: MemoryFigures {
            total: memory.total,
            available: memory.available,
            resident: memory.resident,
            stalled: memory.stalled.into(),
        },
        store: store(own),
        protocols: vec![ssh(own)],
        trails: trails(own),
    }
}

fn store(own: &Appliance) -> Option<StoreFigures> {
    let opened = own.store()?;
    let room = rustix::fs::statvfs(DATA_FOLDER).ok()?;
    let database = opened.sessions.as_ref().map(|sessions| sessions.health());
    let index = own.indexing_state();
    Some(StoreFigures {
        total: room.f_blocks.saturating_mul(room.f_frsize),
        free: room.f_bavail.saturating_mul(room.f_frsize),
        changes_waiting: database.as_ref().map_or(0, |database| database.waiting as u64),
        late: database
            .as_ref()
            .map_or(0.0, |database| database.late.as_secs_f64()),
        changes_written: database.as_ref().map_or(0, |database| database.committed),
        to_index: index.as_ref().map(|index| index.waiting),
        indexed: index.map_or(0, |index| index.moments),
    })
}

fn ssh(own: &Appliance) -> ProtocolFigures {
    let gauges = own.gauges();
    let counts = gauges.ssh.counts();
    let proxy = gauges.serving().map(|(proxy, _)| proxy);
    let (open, logging_in) = proxy.as_ref().map(|proxy| proxy.open()).unwrap_or_default();
    let words = |counts: Vec<(&'static str, u64)>| {
        let own = counts.into_iter();
        own.map(|(word, count)| (word.to_owned(), count)).collect()
    };
    ProtocolFigures {
        protocol: "ssh".into(),
        open: open as u64,
        logging_in: logging_in as u64,
        cost: proxy.map_or(0, |proxy| proxy.cost()),
        taken: counts.taken,
        refused: words(counts.refused),
        shed: counts.shed,
        logins: counts.logins,
        failed: words(counts.failed),
        ended: words(counts.ended),
        channels: words(counts.channels),
        denied: words(counts.denied),
        from_clients: counts.from_clients,
        from_servers: counts.from_servers,
        waits: counts.waits,
        waited: counts.waited.as_secs_f64(),
    }
}

fn trails(own: &Appliance) -> Option<TrailFigures> {
    let (_, gateway) = own.gauges().serving()?;
    let figures = gateway.trails();
    Some(TrailFigures {
        open: figures.open as u64,
        waiting: figures.waiting as u64,
        written: figures.written,
        buckets: figures.buckets,
        syncs: figures.syncs,
        syncing: figures.syncing.as_secs_f64(),
    })
}

/// proc(5), `loadavg`.
fn load_of(text: &str) -> [f64; 3] {
    let mut numbers = text.split(' ').map(|word| word.parse().unwrap_or_default());
    std::array::from_fn(|_| numbers.next().unwrap_or_default())
}

/// proc(5), `stat`: seconds of all processors with work and without; waiting for a disk is no work.
fn processors_of(stat: &str) -> (f64, f64) {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "));
    let ticks: Vec<f64> = line
        .unwrap_or_default()
        .split_whitespace()
        .map(|word| word.parse().unwrap_or_default())
        .collect();
    let at = |place: usize| ticks.get(place).copied().unwrap_or_default() / TICKS;
    let (idle, waiting) = (at(3), at(4));
    // Guests are counted with the users already.
    let all: f64 = (0..8).map(at).sum();
    (all - idle - waiting, idle + waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_of_processors_is_read() {
        let stat = "cpu  100 0 200 1000 50 0 10 0 0 0\ncpu0 100 0 200 1000 50 0 10 0 0 0\n";
        let (busy, idle) = processors_of(stat);
        assert!(
            (busy - 3.1).abs() < 1e-9 && (idle - 10.5).abs() < 1e-9,
            "{busy} {idle}"
        );
        assert_eq!(processors_of(""), (0.0, 0.0));
        assert_eq!(load_of("0.50 0.25 1.00 1/100 7\n"), [0.5, 0.25, 1.0]);
        assert_eq!(load_of(""), [0.0; 3]);
    }
}
