//! Which path is answered by what, and who may ask.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::{
    Visitor, active, changes, control, design, events, exchange, fetch, firmware, history, indexers, jobs,
    licence, live, login, monitor, search, session, settings, setup, space, trail, troubleshooting, upgrade,
    version,
};
use crate::access::from_here;
use crate::boot::bundle::Peer;
use crate::boot::page::boot_page;
use crate::http::limits::{IMPORT_FORM_BYTES, LICENCE_FORM_BYTES, PAGE_FORM_BYTES, SETTINGS_BYTES};
use crate::http::reply::Problem;
use crate::router::{Administration, Site};

/// Every page behind the login, and the doors to them.
pub(crate) fn routes(site: &Arc<Site>) -> Router<Arc<Site>> {
    let inside = Router::new()
        .route(firmware::PAGE, get(firmware::page))
        .route(firmware::SLOT, get(firmware::notes))
        .route(firmware::ACTION, post(firmware::act))
        .route(upgrade::PAGE, get(upgrade::page))
        .route(monitor::PAGE, get(monitor::page).post(monitor::act))
        .route(search::PAGE, get(search::page))
        .route(active::PAGE, get(active::page).post(active::act))
        .route(live::PAGE, get(live::page))
        .route(indexers::PAGE, get(indexers::page).post(indexers::act))
        .route(space::PAGE, get(space::page).post(space::act))
        .route(space::BACKUPS, get(space::backups))
        .route(session::PAGE, get(session::page))
        .route(trail::FILE, get(trail::file))
        .route(trail::PLAY, get(trail::play))
        .route(version::PAGE, get(version::page))
        .route(control::PAGE, get(control::page).post(control::act))
        .route(
            troubleshooting::PAGE,
            get(troubleshooting::page).post(troubleshooting::act),
        )
        .route(changes::PAGE, get(changes::page))
        .route(jobs::PAGE, get(jobs::page))
        .route(jobs::CANCEL, post(jobs::cancel))
        .route(fetch::PATH, post(fetch::fetch))
        .route(events::PATH, get(events::stream))
        .route(login::LOGOUT, post(login::log_out))
        .route(design::PAGE, get(design::page))
        .route(licence::PAGE, get(licence::page))
        .route(history::PAGE, get(history::page))
        .route(history::ONE, get(history::one).post(history::act))
        .route(exchange::PAGE, get(exchange::page))
        .route(exchange::EXPORT, post(exchange::export))
        .layer(DefaultBodyLimit::max(PAGE_FORM_BYTES))
        .route(
            settings::PATH,
            get(settings::page)
                .post(settings::act)
                .layer(DefaultBodyLimit::max(SETTINGS_BYTES)),
        )
        .route(
            exchange::IMPORT,
            post(exchange::import).layer(DefaultBodyLimit::max(IMPORT_FORM_BYTES)),
        )
        .route(
            firmware::UPLOAD,
            post(firmware::upload).layer(DefaultBodyLimit::disable()),
        )
        .route(
            licence::UPLOAD,
            post(licence::upload).layer(DefaultBodyLimit::max(LICENCE_FORM_BYTES)),
        )
        .route_layer(from_fn_with_state(site.clone(), inside));
    let doors = Router::new()
        .route(login::PAGE, get(login::page).post(login::log_in))
        .layer(DefaultBodyLimit::max(PAGE_FORM_BYTES))
        .route(
            setup::PAGE,
            get(setup::page)
                .post(setup::set_up)
                .layer(DefaultBodyLimit::max(LICENCE_FORM_BYTES)),
        )
        .route_layer(from_fn_with_state(site.clone(), outside));
    inside.merge(doors)
}

/// `GET /`: the boot page until there is something to log in to, then the way in.
pub(crate) async fn front_door(State(site): State<Arc<Site>>) -> Response {
    let working = site.content.status.borrow().health.is_working();
    match &site.administration {
        Some(administration) if working => {
            let standing = administration.operations.standing();
            Redirect::to(if standing.set_up {
                firmware::PAGE
            } else {
                setup::PAGE
            })
            .into_response()
        }
        _ => boot_page(State(site)).await,
    }
}

/// Lets through whoever has logged in; others are led to the login, and back afterwards.
async fn inside(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let Some((administration, Peer(address))) = parts(&site, &request) else {
        return Redirect::to("/").into_response();
    };
    if !from_here(request.method(), request.headers()) {
        return Problem::foreign().into_response();
    }
    let active = is_active(request.uri().path(), request.headers());
    match administration.gate.signed_in(request.headers(), address, active) {
        Some(signed_in) => {
            let visitor = Visitor {
                path: request.uri().path().to_owned(),
                site,
                administration,
                signed_in,
            };
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        None => to_login(request.method(), request.uri(), request.headers()),
    }
}

/// What whoever has not logged in may see; nothing where there is nobody to log in.
async fn outside(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    match parts(&site, &request) {
        None => Redirect::to("/").into_response(),
        Some(_) if !from_here(request.method(), request.headers()) => Problem::foreign().into_response(),
        Some(_) => next.run(request).await,
    }
}

fn parts(site: &Site, request: &Request) -> Option<(Administration, Peer)> {
    let peer = request.extensions().get::<Peer>().copied()?;
    Some((site.administration.clone()?, peer))
}

/// Whether a person asks: what the script fetches by itself says so, and the stream of events is always its own.
fn is_active(path: &str, headers: &HeaderMap) -> bool {
    path != events::PATH && !headers.contains_key("x-refresh")
}

fn to_login(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    if !is_active(uri.path(), headers) || headers.contains_key("x-upload") {
        return Problem::logged_out().into_response();
    }
    let back = if *method == Method::GET {
        uri.path()
    } else {
        firmware::PAGE
    };
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("next", back)
        .finish();
    Redirect::to(&format!("{}?{query}", login::PAGE)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn what_a_page_fetches_by_itself_is_no_sign_of_life() {
        let mut headers = HeaderMap::new();
        assert!(is_active(firmware::PAGE, &headers) && !is_active(events::PATH, &headers));
        headers.insert("x-refresh", HeaderValue::from_static("1"));
        assert!(!is_active(firmware::PAGE, &headers));
    }
}
