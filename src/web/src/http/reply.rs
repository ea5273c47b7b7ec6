//! Answers that are not content: errors as JSON envelope or page, and the headers every answer carries.

use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sps_admin::{Failure, FailureKind};

use crate::boot::page;
use crate::http::limits::{BODY_BYTES, HEAD_BYTES};
use crate::router::{takes_a_configuration, takes_files, takes_settings};

/// Nothing may be loaded, sent or framed but what the appliance itself serves; scripts cannot write markup.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers of every answer. No `Strict-Transport-Security`: with it browsers refuse to let anyone past a
/// self-signed certificate (RFC 6797, section 12.1), which would lock the administrator out of the first boot.
const EVERYWHERE: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Seconds after which a refused client may try again.
const RETRY_SECONDS: &str = "5";

/// An error as the client learns it. Rendered by [`finish`], which knows what the client reads.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// The `type` of the error envelope.
    pub(crate) kind: &'static str,
    /// A sentence for people, with the mend where there is one.
    pub(crate) details: String,
}

impl Problem {
    pub(crate) fn not_found(uri: &Uri) -> Self {
        let details = format!("there is nothing at {}", shown(uri.path()));
        Self {
            status: StatusCode::NOT_FOUND,
            kind: "ResourceNotFound",
            details,
        }
    }

    pub(crate) fn method_not_allowed(method: &Method) -> Self {
        let details = format!("{} is not possible here", shown(method.as_str()));
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            kind: "MethodNotAllowed",
            details,
        }
    }

    pub(crate) fn bad_query(details: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "InvalidQuery",
            details,
        }
    }

    pub(crate) fn bad_form(details: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "InvalidForm",
            details,
        }
    }

    pub(crate) fn refused(details: String) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            kind: "Refused",
            details,
        }
    }

    pub(crate) fn failed(details: String) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind: "Failed",
            details,
        }
    }

    /// An operation that was refused or failed.
    pub(crate) fn of_failure(failure: &Failure) -> Self {
        let (status, kind) = match failure.kind {
            FailureKind::Invalid => (StatusCode::BAD_REQUEST, "InvalidRequest"),
            FailureKind::NotAllowed => (StatusCode::FORBIDDEN, "NotAllowed"),
            FailureKind::Busy => (StatusCode::CONFLICT, "Busy"),
            FailureKind::Refused => (StatusCode::CONFLICT, "Refused"),
            FailureKind::Conflict => (StatusCode::CONFLICT, "ConfigurationChanged"),
            FailureKind::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "Failed"),
            FailureKind::CalledOff => (StatusCode::CONFLICT, "CalledOff"),
            FailureKind::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "TimedOut"),
        };
        Self {
            status,
            kind,
            details: failure.message.clone(),
        }
    }

    /// The same as the answer to a form that is shown once more.
    pub(crate) fn of_page(mut self) -> Self {
        if self.status == StatusCode::BAD_REQUEST {
            self.status = StatusCode::UNPROCESSABLE_ENTITY;
        }
        self
    }

    /// Nobody is logged in.
    pub(crate) fn logged_out() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            kind: "AuthenticationRequired",
            details: "you are not logged in, or your session has ended: log in again".into(),
        }
    }

    /// There is nobody to log in: on the installation medium and in rescue.
    pub(crate) fn no_administration() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            kind: "ResourceNotFound",
            details: "there is no web interface in this mode: install the appliance, or boot normally".into(),
        }
    }

    /// Another site sent it.
    pub(crate) fn foreign() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            kind: "CrossSiteRequest",
            details: "another site sent this request; go to the appliance's own page and do it there".into(),
        }
    }

    /// The operations answered what was not asked.
    pub(crate) fn not_understood() -> Self {
        Self::failed("the answer is not understood".into())
    }

    pub(crate) fn too_many(kind: &'static str, what: &str) -> Self {
        let details = format!("too many {what} are open; close some or try again in {RETRY_SECONDS} seconds");
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            kind,
            details,
        }
    }

    /// A body that trickles.
    pub(crate) fn too_slow() -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            kind: "RequestTooSlow",
            details: "the request did not arrive in time; send it again".into(),
        }
    }

    pub(crate) fn body_too_large() -> Self {
        let details = format!("request bodies may have {BODY_BYTES} bytes at most");
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            kind: "RequestBodyTooLarge",
            details,
        }
    }

    fn head_too_large() -> Self {
        let details = format!("address and header fields may have {HEAD_BYTES} bytes at most");
        Self {
            status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            kind: "RequestHeaderTooLarge",
            details,
        }
    }

    /// What the framework refuses before any handler sees it: a path that is no text, a body over its bound. It answers in plain
    /// text, as no handler of ours does.
    fn of_rejection(response: &Response) -> Option<Self> {
        let status = response.status();
        let content = response.headers().get(header::CONTENT_TYPE);
        let plain = content.is_some_and(|value| value.as_bytes().starts_with(b"text/plain"));
        match status {
            _ if !plain || !status.is_client_error() => None,
            StatusCode::PAYLOAD_TOO_LARGE => Some(Self::body_too_large()),
            _ => Some(Self {
                status,
                kind: "InvalidRequest",
                details: "the request is not understood: see its address and its body".into(),
            }),
        }
    }

    fn json(&self) -> Response {
        let body = json!({ "error": { "type": self.kind, "details": self.details } }).to_string();
        (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Outermost step of every request: bounds before, error rendering and headers after.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    let wants_page = wants_page(request.uri(), request.headers());
    let mut response = match check(&request) {
        Ok(()) => next.run(request).await,
        // What follows the head was not read, so the connection cannot go on.
        Err(problem) => ([(header::CONNECTION, "close")], problem).into_response(),
    };
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = problem.or_else(|| Problem::of_rejection(&response)) {
        response = render(&problem, wants_page, response.headers());
    }
    let headers = response.headers_mut();
    for (name, value) in EVERYWHERE {
        // What a page says of itself stays: one that plays a recording has a policy of its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn render(problem: &Problem, wants_page: bool, kept: &HeaderMap) -> Response {
    let mut response = if wants_page {
        page::error(problem)
    } else {
        problem.json()
    };
    let headers = response.headers_mut();
    for name in [header::ALLOW, header::CONNECTION] {
        if let Some(value) = kept.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    }
    response
}

fn check(request: &Request) -> Result<(), Problem> {
    let fields: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let line = request
        .uri()
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    if fields + line > HEAD_BYTES {
        return Err(Problem::head_too_large());
    }
    let path = request.uri().path();
    if takes_files(path) || takes_settings(path) || takes_a_configuration(path) {
        return Ok(());
    }
    match axum::body::HttpBody::size_hint(request.body()).lower() {
        announced if announced > BODY_BYTES => Err(Problem::body_too_large()),
        _ => Ok(()),
    }
}

/// Whether the client is a browser that shows the answer to a person.
fn wants_page(uri: &Uri, headers: &HeaderMap) -> bool {
    let machine = uri.path().starts_with("/api") || uri.path() == "/healthz";
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    !machine && accept.contains("text/html")
}

/// Text of the client, bounded, for showing it back.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let cut: String = text.chars().take(MOST).collect();
    if cut.len() < text.len() { cut + "…" } else { cut }
}
