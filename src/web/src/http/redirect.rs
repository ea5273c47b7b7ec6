//! Plain HTTP: sends browsers to HTTPS on the same host, and nothing else.

use std::net::Ipv6Addr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};

use crate::http::limits::HOST_BYTES;
use crate::http::reply::{self, Problem};
use crate::server::HTTPS_PORT;

/// Answers for the plain port; `https_port` is where HTTPS listens.
pub(crate) fn router(https_port: u16) -> Router {
    Router::new()
        .fallback(redirect)
        .with_state(https_port)
        .layer(middleware::from_fn(reply::finish))
}

async fn redirect(State(https_port): State<u16>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        // Redirecting would invite the client to send its body in the clear once more.
        return ([(header::ALLOW, "GET, HEAD")], https_only()).into_response();
    }
    match location(request.headers(), request.uri(), https_port) {
        Some(location) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response(),
        None => no_host().into_response(),
    }
}

/// The same address over HTTPS, when the request names a host that can stand in one.
fn location(headers: &HeaderMap, uri: &Uri, https_port: u16) -> Option<HeaderValue> {
    let mut named = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else {
        return None;
    };
    let host = valid_host(host.to_str().ok()?)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path } else { "/" };
    let port = if https_port == HTTPS_PORT {
        String::new()
    } else {
        format!(":{https_port}")
    };
    HeaderValue::from_str(&format!("https://{host}{port}{path}")).ok()
}

/// The host of a `Host` field (RFC 9110, section 7.2) without its port: a DNS name, an IPv4 address or a bracketed
/// IPv6 address. Anything else (user information, percent-encoding, spaces) is refused.
fn valid_host(field: &str) -> Option<String> {
    let after_brackets = field.find(']').map_or(0, |end| end + 1);
    let (host, port) = match field[after_brackets..].split_once(':') {
        Some((rest, port)) => (&field[..after_brackets + rest.len()], Some(port)),
        None => (field, None),
    };
    let port_valid = port.is_none_or(|port| !port.starts_with('+') && port.parse::<u16>().is_ok());
    let host_valid = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            (1..=HOST_BYTES).contains(&host.len())
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        }
    };
    (port_valid && host_valid).then(|| host.to_ascii_lowercase())
}

fn https_only() -> Problem {
    Problem {
        status: StatusCode::METHOD_NOT_ALLOWED,
        kind: "HttpsRequired",
        details: "plain HTTP only redirects: send the request over HTTPS".to_owned(),
    }
}

fn no_host() -> Problem {
    Problem {
        status: StatusCode::BAD_REQUEST,
        kind: "InvalidHost",
        details: "the request names no valid host: open the appliance by its host name or address over HTTPS"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(host: &str, uri: &str, port: u16) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        Some(
            location(&headers, &uri.parse().unwrap(), port)?
                .to_str()
                .unwrap()
                .to_owned(),
        )
    }

    #[test]
    fn the_same_address_over_https() {
        let cases = [
            ("Box.example", "/", 443, "https://box.example/"),
            (
                "192.168.1.1:80",
                "/a?b=c%20d",
                443,
                "https://192.168.1.1/a?b=c%20d",
            ),
            ("[fe80::1]:8080", "/x", 8443, "https://[fe80::1]:8443/x"),
            ("box", "//evil.example/", 443, "https://box//evil.example/"),
        ];
        for (host, uri, port, expected) in cases {
            assert_eq!(redirected(host, uri, port).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_no_host_gets_no_redirect() {
        let long = "a".repeat(HOST_BYTES + 1);
        let cases = [
            "",
            ":80",
            "box:",
            "user@box",
            "box/evil",
            "a b",
            "box%2eexample",
            "[::1",
            "[gg::1]",
            "box:99999x",
            "box:70000",
            "box:+80",
            "[::1]x",
            "[::1]:",
            "a\\b",
            &long,
        ];
        for host in cases {
            assert_eq!(redirected(host, "/", 443), None, "{host:?}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("one"));
        headers.append(header::HOST, HeaderValue::from_static("two"));
        assert_eq!(location(&headers, &Uri::from_static("/"), 443), None);
    }
}
