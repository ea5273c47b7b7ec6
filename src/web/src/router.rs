//! Which path is answered by what, and what the answers share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Method, Uri};
use axum::middleware;
use axum::routing::get;
use sps_admin::{Jobs, Operations};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use crate::access::Gate;
use crate::assets;
use crate::boot::content::BootContent;
use crate::boot::{api, bundle, events, page};
use crate::http::limits::{BUNDLES, FORM_BYTES, Limits};
use crate::http::reply::{self, Problem};
use crate::{rest, ui};

/// Path of the boot page, whatever else there is.
pub(crate) const BOOT_PAGE: &str = "/boot";

/// Path of the JSON log.
pub(crate) const LOG: &str = "/api/boot/log";

/// Path of the event stream.
pub(crate) const EVENTS: &str = "/api/boot/log/events";

/// Path of the JSON status.
pub(crate) const STATUS: &str = "/api/boot/status";

/// Path of the resource that lists the others.
pub(crate) const BOOT: &str = "/api/boot";

/// Path of the log as plain text.
pub(crate) const LOG_TEXT: &str = "/boot/log.txt";

/// Path of support bundles.
pub(crate) const BUNDLE: &str = "/boot/support-bundle";

/// Path of the health check.
pub(crate) const HEALTH: &str = "/healthz";

/// What the pages behind the login work with; absent where there is nobody to log in: on the medium and in rescue.
#[derive(Clone)]
pub struct Administration {
    /// What administrators can do.
    pub operations: Operations,
    /// Long operations.
    pub jobs: Jobs,
    /// Changes with the sessions that go on.
    pub sessions: watch::Receiver<u64>,
    /// Who may come in.
    pub gate: Gate,
    /// The appliance's time zone, by its name.
    pub zone: Arc<dyn Fn() -> String + Send + Sync>,
    /// The appliance's host name.
    pub host_name: Arc<dyn Fn() -> String + Send + Sync>,
}

impl fmt::Debug for Administration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Administration")
    }
}

/// Whether a path takes files, which may be larger than every other body; its route bounds them.
pub(crate) fn takes_files(path: &str) -> bool {
    let paths = [
        ui::UPLOAD,
        rest::UPLOAD,
        ui::LICENCE_UPLOAD,
        rest::LICENCE_UPLOAD,
        ui::SETUP,
        ui::CONFIGURATION_IMPORT,
    ];
    paths.contains(&path)
}

/// Whether a path takes settings, which may hold certificates; its route bounds them.
pub(crate) fn takes_settings(path: &str) -> bool {
    path.starts_with(rest::SETTINGS) || path.starts_with(ui::SETTINGS)
}

/// Whether a path takes an exported configuration in its body; its route bounds it.
pub(crate) fn takes_a_configuration(path: &str) -> bool {
    path == rest::CONFIGURATION_IMPORT
}

/// What every answer of the HTTPS port reads from.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) content: BootContent,
    pub(crate) administration: Option<Administration>,
    pub(crate) limits: Limits,
    streams: Arc<Semaphore>,
    bundling: Semaphore,
    stopping: CancellationToken,
    transaction: Mutex<rest::Transaction>,
}

impl Site {
    pub(crate) fn new(content: BootContent, limits: &Limits) -> Self {
        Self {
            administration: content.administration.clone(),
            content,
            limits: *limits,
            streams: Arc::new(Semaphore::new(limits.streams)),
            bundling: Semaphore::new(BUNDLES),
            stopping: CancellationToken::new(),
            transaction: Mutex::default(),
        }
    }

    /// The one transaction.
    pub(crate) fn transaction(&self) -> MutexGuard<'_, rest::Transaction> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more event stream, given back when dropped.
    pub(crate) fn stream_place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = self.streams.clone().try_acquire_owned();
        place.map_err(|_| Problem::too_many("TooManyStreams", "live logs"))
    }

    /// The place of the one bundle being made.
    pub(crate) fn bundle_place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let place = self.bundling.try_acquire();
        place.map_err(|_| Problem::too_many("TooManyBundles", "support bundles"))
    }

    /// Tells the event streams that the server stops.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    /// Cancelled when the server stops.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }
}

/// Everything the HTTPS port answers.
pub(crate) fn site(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(ui::front_door))
        .route(BOOT_PAGE, get(page::boot_page))
        .route(LOG_TEXT, get(api::log_text))
        .route(BOOT, get(api::boot))
        .route(LOG, get(api::log))
        .route(EVENTS, get(events::stream))
        .route(STATUS, get(api::status))
        .route(
            BUNDLE,
            get(bundle::to_the_form)
                .post(bundle::download)
                .layer(DefaultBodyLimit::max(FORM_BYTES)),
        )
        .route(HEALTH, get(api::health))
        .route("/assets/{name}", get(assets::asset))
        .merge(ui::routes(&site))
        .merge(rest::routes(&site))
        .with_state(site)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(reply::finish))
}

/// Answers every request of a connection over the bound, and ends the connection.
pub(crate) fn refusal() -> Router {
    Router::new()
        .fallback(refuse)
        .layer(middleware::from_fn(reply::finish))
}

async fn not_found(uri: Uri) -> Problem {
    Problem::not_found(&uri)
}

async fn method_not_allowed(method: Method) -> Problem {
    Problem::method_not_allowed(&method)
}

async fn refuse(_request: Request) -> impl axum::response::IntoResponse {
    let close = [(axum::http::header::CONNECTION, "close")];
    (close, Problem::too_many("TooManyConnections", "connections"))
}
