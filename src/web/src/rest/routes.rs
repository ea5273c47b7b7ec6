//! Which path is answered by what, and who may ask.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use tokio::time::timeout;

use super::{
    access, active, appliance, configuration, core_files, envelope, exchange, fetch, firmware, history,
    indexers, licence, metrics, openapi, sessions, settings, setup, space, store, support, transaction,
};
use crate::access::from_here;
use crate::boot::bundle::Peer;
use crate::http::limits::{IMPORT_BODY_BYTES, LICENCE_FORM_BYTES, PAGE_FORM_BYTES, SETTINGS_BYTES};
use crate::http::reply::Problem;
use crate::router::{Site, takes_a_configuration, takes_files, takes_settings};
use crate::ui::Visitor;

/// Path that takes a firmware file.
pub(crate) const UPLOAD: &str = "/api/upload/firmware";

/// Every resource but the boot page's own.
pub(crate) fn routes(site: &Arc<Site>) -> Router<Arc<Site>> {
    let inside = Router::new()
        .route(appliance::INFO, get(appliance::info))
        .route(appliance::HEALTH, get(appliance::health))
        .route(appliance::CHANGES, get(appliance::changes))
        .route(appliance::JOBS, get(appliance::jobs))
        .route(appliance::JOB, get(appliance::job))
        .route(firmware::FIRMWARE, get(firmware::resources))
        .route(firmware::SLOTS, get(firmware::slots))
        .route(firmware::SLOT, get(firmware::slot).delete(firmware::delete))
        .route(firmware::TEST, post(firmware::test))
        .route(firmware::UPGRADE, post(firmware::upgrade))
        .route(
            transaction::TRANSACTION,
            get(transaction::show)
                .post(transaction::begin)
                .put(transaction::commit)
                .delete(transaction::drop),
        )
        .route(transaction::CHANGES, get(transaction::changes))
        .route(configuration::CONFIGURATION, get(configuration::resources))
        .route(
            configuration::NETWORK,
            get(configuration::network).put(configuration::set_network),
        )
        .route(support::TROUBLESHOOTING, get(support::resources))
        .route(support::BUNDLES, get(support::bundles).post(support::begin))
        .route(support::BUNDLE, get(support::bundle).delete(support::delete))
        .route(support::DOWNLOAD, get(support::download))
        .route(core_files::CORE_FILES, get(core_files::files))
        .route(
            core_files::CORE_FILE,
            get(core_files::file).delete(core_files::delete),
        )
        .route(core_files::DOWNLOAD, get(core_files::download))
        .route(fetch::FETCH, get(fetch::all).post(fetch::begin))
        .route(fetch::ONE, get(fetch::one).delete(fetch::cancel))
        .route(licence::LICENSE, get(licence::show))
        .route(store::STORE, get(store::show))
        .route(space::SPACE, get(space::show).post(space::begin))
        .route(space::BACKUPS, get(space::backups))
        .route(store::IMPORT, get(store::import).put(store::set_import))
        .merge(of_sessions())
        .layer(DefaultBodyLimit::max(PAGE_FORM_BYTES))
        .merge(settings::routes().layer(DefaultBodyLimit::max(SETTINGS_BYTES)))
        .route(
            licence::UPLOAD,
            post(licence::upload).layer(DefaultBodyLimit::max(LICENCE_FORM_BYTES)),
        )
        .merge(whole_configurations())
        .route(UPLOAD, post(firmware::upload).layer(DefaultBodyLimit::disable()))
        .route_layer(from_fn_with_state(site.clone(), inside));
    let doors = Router::new()
        .route(access::ROOT, get(access::root))
        .route(
            access::AUTHENTICATION,
            get(access::log_in).delete(access::log_out),
        )
        .route(access::METHODS, get(access::methods))
        .route(access::SETUP, get(access::setup).post(setup::set_up))
        .layer(DefaultBodyLimit::max(PAGE_FORM_BYTES))
        .route(openapi::DESCRIPTION, get(openapi::describe))
        // Whoever shows its token needs no session.
        .route(metrics::METRICS, get(metrics::show))
        .route_layer(from_fn_with_state(site.clone(), outside));
    inside.merge(doors)
}

/// Sessions that go on, those that were recorded, and who indexes them.
fn of_sessions() -> Router<Arc<Site>> {
    Router::new()
        .route(active::ACTIVE, get(active::all))
        .route(active::ONE, delete(active::terminate))
        .route(active::QUESTION, post(active::decide))
        .route(indexers::INDEXER, get(indexers::show))
        .route(indexers::HOSTS, post(indexers::add))
        .route(indexers::HOST, delete(indexers::remove))
        .route(sessions::AUDIT, get(sessions::audit))
        .route(sessions::SESSIONS, get(sessions::sessions))
        .route(sessions::SESSION, get(sessions::session))
        .route(sessions::CHANNELS, get(sessions::channels))
        .route(sessions::EVENTS, get(sessions::events))
        .route(sessions::CONTENT, get(sessions::content))
}

/// The configuration as a whole: its history, and files of it.
fn whole_configurations() -> Router<Arc<Site>> {
    Router::new()
        .route(history::HISTORY, get(history::revisions))
        .route(history::REVISION, get(history::revision).post(history::restore))
        .route(history::DIFFERENCES, get(history::differences))
        .route(exchange::FILE, get(exchange::resources))
        .route(exchange::EXPORT, post(exchange::export))
        .layer(DefaultBodyLimit::max(PAGE_FORM_BYTES))
        .route(
            exchange::IMPORT,
            post(exchange::import).layer(DefaultBodyLimit::max(IMPORT_BODY_BYTES)),
        )
}

/// Lets through whoever shows a session.
async fn inside(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let (Some(administration), Some(Peer(address))) = (site.administration.clone(), peer) else {
        return Problem::no_administration().into_response();
    };
    if !from_here(request.method(), request.headers()) {
        return Problem::foreign().into_response();
    }
    let Some(signed_in) = administration.gate.signed_in(request.headers(), address, true) else {
        return Problem::logged_out().into_response();
    };
    let limits = site.limits;
    let visitor = Visitor {
        path: request.uri().path().to_owned(),
        site,
        administration,
        signed_in,
    };
    let left = visitor.administration.gate.left(&visitor.signed_in.token);
    request.extensions_mut().insert(visitor);
    match arrived(request, limits.head).await {
        Ok(request) => envelope::LEFT.scope(left, next.run(request)).await,
        Err(problem) => problem,
    }
}

async fn outside(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    if site.administration.is_none() {
        return Problem::no_administration().into_response();
    }
    if !from_here(request.method(), request.headers()) {
        return Problem::foreign().into_response();
    }
    match arrived(request, site.limits.head).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem,
    }
}

/// A request whose body is here, all of it, but for a file's. What has not arrived in time ends the connection.
async fn arrived(request: Request, limit: Duration) -> Result<Request, Response> {
    if takes_files(request.uri().path()) {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let most = match parts.uri.path() {
        path if takes_settings(path) => SETTINGS_BYTES,
        path if takes_a_configuration(path) => IMPORT_BODY_BYTES,
        _ => PAGE_FORM_BYTES,
    };
    let problem = match timeout(limit, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => return Ok(Request::from_parts(parts, bytes.into())),
        Ok(Err(_)) => Problem::body_too_large(),
        Err(_) => Problem::too_slow(),
    };
    Err(([(header::CONNECTION, "close")], problem).into_response())
}
