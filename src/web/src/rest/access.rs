//! `/api/authentication` and `/api/setup`: coming in.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use sps_access::Kind;
use sps_admin::{Request as Operation, Response as Answer};
use sps_config::Secret;
use zeroize::Zeroizing;

use super::envelope::{Place, answer, index, object};
use super::{
    appliance, configuration, exchange, firmware, history, indexers, licence, openapi, sessions, store,
    support, transaction,
};
use crate::access::{Attempt, LoginRefusal, clear, session_cookie, shown_token};
use crate::boot::bundle::Peer;
use crate::http::reply::Problem;
use crate::router::{Administration, BOOT, Site};
use crate::ui::{ask_at_the_door, refusal_words};

/// Path of the list of resources.
pub(super) const ROOT: &str = "/api";
/// Path of the login.
pub(super) const AUTHENTICATION: &str = "/api/authentication";
/// Path of the ways to log in.
pub(super) const METHODS: &str = "/api/authentication/login_methods";
/// Path of the state of the first set-up.
pub(super) const SETUP: &str = "/api/setup";
/// The one way to log in.
const LOCAL: &str = "local";

/// `GET` of the list of resources.
pub(super) async fn root() -> Response {
    let names = [
        ("audit", sessions::AUDIT),
        ("authentication", AUTHENTICATION),
        ("boot", BOOT),
        ("changes", appliance::CHANGES),
        ("configuration", configuration::CONFIGURATION),
        ("configuration_file", exchange::FILE),
        ("configuration_history", history::HISTORY),
        ("data_store", store::STORE),
        ("firmware", firmware::FIRMWARE),
        ("health_status", appliance::HEALTH),
        ("indexer", indexers::INDEXER),
        ("info", appliance::INFO),
        ("jobs", appliance::JOBS),
        ("openapi", openapi::DESCRIPTION),
        ("license", licence::LICENSE),
        ("setup", SETUP),
        ("transaction", transaction::TRANSACTION),
        ("troubleshooting", support::TROUBLESHOOTING),
        ("upload", super::UPLOAD),
    ];
    let place = Place {
        href: ROOT,
        parent: ROOT,
    };
    answer(StatusCode::OK, &index(&names, place))
}

/// `GET` of the ways to log in.
pub(super) async fn methods() -> Response {
    let place = Place {
        href: METHODS,
        parent: AUTHENTICATION,
    };
    let body = json!({ "login_methods": [{ "name": LOCAL, "type": "password" }] });
    answer(StatusCode::OK, &object("login_methods", &body, place, json!({})))
}

/// `GET` with HTTP Basic authentication (RFC 7617): a session, by its cookie.
pub(super) async fn log_in(
    State(site): State<Arc<Site>>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let own = administration(&site)?;
    let (user, password) = basic(&headers).ok_or_else(challenge)?;
    let before = shown_token(&headers).map(|token| token.hash());
    let attempt = Attempt {
        user: &user,
        password: Secret::from(password.to_string()),
        address,
        before: before.as_ref(),
    };
    let token = own
        .gate
        .log_in(&own.operations, attempt, Kind::Api)
        .await
        .map_err(|refusal| refused(&refusal))?;
    let cookie = session_cookie(&token).ok_or_else(|| Problem::failed("no session could be begun".into()))?;
    let place = Place {
        href: AUTHENTICATION,
        parent: ROOT,
    };
    let remaining = own.gate.left(&token.hash()).as_secs();
    let body = json!({ "username": user, "login_method": LOCAL });
    let body = object(
        "authentication",
        &body,
        place,
        json!({ "remaining_seconds": remaining }),
    );
    Ok(([(header::SET_COOKIE, cookie)], answer(StatusCode::OK, &body)).into_response())
}

/// `DELETE`: ends the session.
pub(super) async fn log_out(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Problem> {
    let own = administration(&site)?;
    let token = shown_token(&headers).ok_or_else(Problem::logged_out)?;
    own.gate.log_out(&token.hash()).await;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, clear())]).into_response())
}

/// `GET` of whether the appliance is set up, and with a licence or as a demo.
pub(super) async fn setup(
    State(site): State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
) -> Result<Response, Problem> {
    let own = administration(&site)?;
    let set_up = own.operations.standing().set_up;
    // For whom it is licensed is told to nobody who has not logged in.
    let licence = match ask_at_the_door(&own, peer, Operation::LicenceShow).await? {
        Answer::Licence(licensing) => licensing.licence.map(|_| "uploaded"),
        _ => None,
    };
    let place = Place {
        href: SETUP,
        parent: ROOT,
    };
    let status = if set_up { "completed" } else { "uninitialized" };
    // As SPS has it: none is a demo.
    let body = json!({ "status": status, "license": licence });
    Ok(answer(StatusCode::OK, &object("setup", &body, place, json!({}))))
}

fn administration(site: &Site) -> Result<Administration, Problem> {
    site.administration.clone().ok_or_else(Problem::no_administration)
}

/// User and password of a request.
fn basic(headers: &HeaderMap) -> Option<(String, Zeroizing<String>)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, code) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(code.trim()).ok()?);
    let text = Zeroizing::new(String::from_utf8(bytes.to_vec()).ok()?);
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), Zeroizing::new(password.to_owned())))
}

fn challenge() -> Problem {
    Problem {
        status: StatusCode::UNAUTHORIZED,
        kind: "AuthenticationRequired",
        details: "send user name and password by HTTP Basic authentication".into(),
    }
}

fn refused(refusal: &LoginRefusal) -> Problem {
    let kind = match refusal {
        LoginRefusal::Wrong => "AuthenticationFailed",
        LoginRefusal::Wait(_) | LoginRefusal::Busy => "TooManyAttempts",
        LoginRefusal::Refused(_) => "Refused",
    };
    Problem {
        status: refusal.status(),
        kind,
        details: refusal_words(refusal),
    }
}
