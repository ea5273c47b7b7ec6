//! `/api/metrics`: what is measured, as Prometheus reads it (text exposition format 0.0.4). For whoever has a session of this API, or shows the token
//! of *Local Services > Metrics*.
//!
//! Why the writer is our own: `DECISION-metrics.md`. Names of series are a promise: dashboards are made of them.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sps_admin::{
    ByWord, Call, FailureKind, Figures, MemoryFigures, Origin, ProtocolFigures, Request as Operation,
    Response as Answer, StoreFigures, TrailFigures, Updates,
};
use sps_config::Secret;

use crate::boot::bundle::Peer;
use crate::http::reply::Problem;
use crate::router::Site;

/// Path of the figures.
pub(super) const METRICS: &str = "/api/metrics";
/// What Prometheus asks for and gets.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Who reads them with the token.
const READER: &str = "metrics";

/// `GET` of the figures.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let administration = site.administration.clone();
    let administration = administration.ok_or_else(Problem::no_administration)?;
    let (origin, token) = match token_of(&headers) {
        Some(token) => {
            let (user, address) = (READER.into(), address.to_string());
            (Origin::Web { user, address }, Some(token))
        }
        None => {
            let signed_in = administration.gate.signed_in(&headers, address, true);
            (signed_in.ok_or_else(Problem::logged_out)?.origin(), None)
        }
    };
    let call = Call {
        origin,
        message: String::new(),
        request: Operation::Figures { token },
    };
    let shows_token = matches!(&call.request, Operation::Figures { token: Some(_) });
    let (updates, _nobody_listens) = Updates::channel();
    let answer = administration.operations.perform(call, updates).await;
    let answer = answer.map_err(|failure| match failure.kind {
        FailureKind::NotAllowed if shows_token => Problem {
            status: StatusCode::UNAUTHORIZED,
            details: failure.message,
            ..Problem::logged_out()
        },
        _ => Problem::of_failure(&failure),
    })?;
    let Answer::Figures(figures) = answer else {
        return Err(Problem::not_understood());
    };
    Ok(([(header::CONTENT_TYPE, FORMAT)], text(&figures)).into_response())
}

/// RFC 6750, 2.1.
fn token_of(headers: &HeaderMap) -> Option<Secret> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = shown.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Secret::from(token.trim().to_owned()))
        .filter(|token| !token.expose().is_empty())
}

/// The figures as text.
fn text(figures: &Figures) -> String {
    let mut page = Page::default();
    machine(&mut page, figures);
    memory(&mut page, &figures.memory);
    if let Some(store) = &figures.store {
        of_store(&mut page, store);
    }
    sessions(&mut page, &figures.protocols);
    if let Some(trails) = &figures.trails {
        of_trails(&mut page, trails);
    }
    page.0
}

fn machine(page: &mut Page, figures: &Figures) {
    page.family("sps_build_info", "Version and build of the firmware.", "gauge");
    page.sample(
        "sps_build_info",
        &[("version", &figures.version), ("build", &figures.build)],
        1.0,
    );
    page.one(
        "sps_uptime_seconds",
        "Time since the appliance was started.",
        "gauge",
        figures.uptime,
    );
    page.family("sps_load", "Processes that could run, on average.", "gauge");
    for (minutes, load) in ["1", "5", "15"].iter().zip(figures.load) {
        page.sample("sps_load", &[("minutes", minutes)], load);
    }
    page.one(
        "sps_processors",
        "Processors.",
        "gauge",
        figures.processors as f64,
    );
    let help = "Time of all processors together.";
    page.family("sps_processor_seconds_total", help, "counter");
    for (state, seconds) in [("busy", figures.busy), ("idle", figures.idle)] {
        page.sample("sps_processor_seconds_total", &[("state", state)], seconds);
    }
}

fn memory(page: &mut Page, memory: &MemoryFigures) {
    for (name, help, value) in [
        ("sps_memory_bytes", "Memory of the machine.", memory.total),
        (
            "sps_memory_available_bytes",
            "Memory that programs can still have.",
            memory.available,
        ),
        (
            "sps_memory_resident_bytes",
            "Memory of the appliance's own process.",
            memory.resident,
        ),
    ] {
        page.one(name, help, "gauge", value as f64);
    }
    let help = "Share of the last ten seconds in which nothing could go on for want of memory.";
    page.one("sps_memory_stalled_ratio", help, "gauge", memory.stalled / 100.0);
}

fn of_store(page: &mut Page, store: &StoreFigures) {
    page.one(
        "sps_data_bytes",
        "Size of the data store.",
        "gauge",
        store.total as f64,
    );
    page.one(
        "sps_data_free_bytes",
        "Free space of the data store.",
        "gauge",
        store.free as f64,
    );
    let help = "Changes of the session database that wait to be written.";
    page.one(
        "sps_database_waiting_changes",
        help,
        "gauge",
        store.changes_waiting as f64,
    );
    let help = "How long the first of these changes has waited.";
    page.one("sps_database_late_seconds", help, "gauge", store.late);
    let help = "Changes of the session database that were written.";
    page.one(
        "sps_database_changes_total",
        help,
        "counter",
        store.changes_written as f64,
    );
    if let Some(waiting) = store.to_index {
        let help = "Sessions that wait to be indexed.";
        page.one("sps_index_waiting_sessions", help, "gauge", waiting as f64);
        let help = "Places that a search of content finds.";
        page.one("sps_index_places", help, "gauge", store.indexed as f64);
    }
}

/// A counter or gauge of each protocol.
type Single = (
    &'static str,
    &'static str,
    &'static str,
    fn(&ProtocolFigures) -> f64,
);
/// Counters of each protocol by a word, and the name of the label.
type Several = (
    &'static str,
    &'static str,
    &'static str,
    fn(&ProtocolFigures) -> &ByWord,
);

const SINGLE: &[Single] = &[
    ("sps_sessions_open", "Connections that are open.", "gauge", |it| {
        it.open as f64
    }),
    (
        "sps_sessions_logging_in",
        "Those of them on which nobody is logged in.",
        "gauge",
        |it| it.logging_in as f64,
    ),
    (
        "sps_session_cost_bytes",
        "Memory that a session is taken to cost.",
        "gauge",
        |it| it.cost as f64,
    ),
    (
        "sps_sessions_total",
        "Connections that were let in.",
        "counter",
        |it| it.taken as f64,
    ),
    (
        "sps_sessions_shed_total",
        "Connections that were ended because memory ran out.",
        "counter",
        |it| it.shed as f64,
    ),
    (
        "sps_logins_total",
        "People who got to a server.",
        "counter",
        |it| it.logins as f64,
    ),
    (
        "sps_recording_waits_total",
        "How often a session waited for its recording.",
        "counter",
        |it| it.waits as f64,
    ),
    (
        "sps_recording_wait_seconds_total",
        "Time that sessions waited for their recordings.",
        "counter",
        |it| it.waited,
    ),
];

const SEVERAL: &[Several] = &[
    (
        "sps_sessions_refused_total",
        "Connections that were refused.",
        "reason",
        |it| &it.refused,
    ),
    (
        "sps_logins_failed_total",
        "Logins that failed, by who refused them.",
        "by",
        |it| &it.failed,
    ),
    (
        "sps_sessions_ended_total",
        "Sessions that ended.",
        "verdict",
        |it| &it.ended,
    ),
    ("sps_channels_total", "Channels that were opened.", "kind", |it| {
        &it.channels
    }),
    (
        "sps_channels_denied_total",
        "Channels that were refused.",
        "kind",
        |it| &it.denied,
    ),
];

fn sessions(page: &mut Page, protocols: &[ProtocolFigures]) {
    for (name, help, kind, value) in SINGLE {
        page.family(name, help, kind);
        for one in protocols {
            page.sample(name, &[("protocol", &one.protocol)], value(one));
        }
    }
    for (name, help, label, counts) in SEVERAL {
        page.family(name, help, "counter");
        for one in protocols {
            for (word, count) in counts(one) {
                page.sample(name, &[("protocol", &one.protocol), (label, word)], *count as f64);
            }
        }
    }
    let name = "sps_session_bytes_total";
    page.family(
        name,
        "Bytes that passed on channels, by who sent them.",
        "counter",
    );
    for one in protocols {
        for (from, bytes) in [("client", one.from_clients), ("server", one.from_servers)] {
            page.sample(name, &[("protocol", &one.protocol), ("from", from)], bytes as f64);
        }
    }
}

fn of_trails(page: &mut Page, trails: &TrailFigures) {
    page.one(
        "sps_trails_open",
        "Audit trails that are being written.",
        "gauge",
        trails.open as f64,
    );
    let help = "Bytes of audit trails that wait to be written.";
    page.one("sps_trail_waiting_bytes", help, "gauge", trails.waiting as f64);
    let help = "Bytes of audit trails that were written.";
    page.one("sps_trail_bytes_total", help, "counter", trails.written as f64);
    let name = "sps_trail_sync_seconds";
    page.family(name, "How long audit trails took to be on the disk.", "histogram");
    let bucket = format!("{name}_bucket");
    for (bound, count) in &trails.buckets {
        page.sample(&bucket, &[("le", &bound.to_string())], *count as f64);
    }
    page.sample(&bucket, &[("le", "+Inf")], trails.syncs as f64);
    page.sample(&format!("{name}_sum"), &[], trails.syncing);
    page.sample(&format!("{name}_count"), &[], trails.syncs as f64);
}

/// The text as it grows. Writing to it cannot fail.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, help: &str, kind: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _infallible = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn one(&mut self, name: &str, help: &str, kind: &str, value: f64) {
        self.family(name, help, kind);
        self.sample(name, &[], value);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let open = if place == 0 { '{' } else { ',' };
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _infallible = write!(self.0, "{open}{label}=\"{text}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _infallible = writeln!(self.0, "{close} {value}");
    }
}

#[cfg(test)]
mod tests;
