//! Requests that another site makes a browser send are refused, whatever cookie comes with them.

use axum::http::Method;
use axum::http::header::{self, HeaderMap};
use url::Url;

/// What a browser says about where a request comes from (W3C Fetch Metadata).
const FETCH_SITE: &str = "sec-fetch-site";

/// Whether a request may change something: it does not come from another site. Programs say nothing of where they come from;
/// every browser says it with requests that can change something.
pub(crate) fn from_here(method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return true;
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text(FETCH_SITE), text(header::ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        // A browser from before Fetch Metadata.
        (None, Some(origin)) => is_own(origin, text(header::HOST.as_str())),
        (None, None) => true,
    }
}

/// Whether an origin (RFC 6454, 7) is the host that the request was sent to.
fn is_own(origin: &str, host: Option<&str>) -> bool {
    let (Ok(origin), Some(host)) = (Url::parse(origin), host) else {
        return false;
    };
    let Ok(own) = Url::parse(&format!("https://{host}/")) else {
        return false;
    };
    origin.scheme() == "https"
        && origin.host() == own.host()
        && origin.port_or_known_default() == own.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn judged(method: &Method, fields: &[(&str, &str)]) -> bool {
        let headers = fields.iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        from_here(method, &headers.collect())
    }

    #[test]
    fn own_forms_and_programs_may_change_things() {
        let host = ("host", "sps.example.net:8443");
        assert!(judged(&Method::POST, &[host]));
        assert!(judged(
            &Method::POST,
            &[host, ("origin", "https://sps.example.net:8443")]
        ));
        assert!(judged(
            &Method::DELETE,
            &[
                host,
                ("origin", "https://SPS.example.net:8443"),
                (FETCH_SITE, "same-origin")
            ]
        ));
        assert!(judged(
            &Method::POST,
            &[("host", "192.0.2.1"), ("origin", "https://192.0.2.1")]
        ));
    }

    #[test]
    fn other_sites_may_only_look() {
        let host = ("host", "sps.example.net");
        for (name, value) in [
            ("origin", "https://evil.example.net"),
            ("origin", "https://sps.example.net.evil.org"),
            ("origin", "https://sps.example.net:8443"),
            ("origin", "http://sps.example.net"),
            ("origin", "null"),
            ("origin", "\u{a0}"),
            (FETCH_SITE, "cross-site"),
            (FETCH_SITE, "same-site"),
        ] {
            assert!(!judged(&Method::POST, &[host, (name, value)]), "{name}: {value}");
            assert!(judged(&Method::GET, &[host, (name, value)]), "{name}: {value}");
        }
        assert!(!judged(&Method::POST, &[("origin", "https://sps.example.net")]));
    }
}
