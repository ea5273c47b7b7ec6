//! The session's cookie (RFC 6265). Its name is the one that clients of the REST API know.

use axum::http::header::{self, HeaderMap, HeaderValue};
use sps_access::Token;

/// Name of the cookie.
const NAME: &str = "session_id";

/// The cookie that gives a session to a client: sent over TLS only, hidden from scripts, not sent along by other sites' forms.
pub(crate) fn session_cookie(token: &Token) -> Option<HeaderValue> {
    let text = format!(
        "{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax",
        token.expose()
    );
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The cookie that takes it away.
pub(crate) const fn clear() -> HeaderValue {
    HeaderValue::from_static("session_id=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// The token that a request shows. Of several cookies of that name none counts: a neighbour under the same domain may have
/// planted one.
pub(crate) fn shown_token(headers: &HeaderMap) -> Option<Token> {
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'));
    let mut tokens = pairs.filter_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='));
    match (tokens.next(), tokens.next()) {
        (Some(text), None) => Token::shown(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(cookies: &[&str]) -> Option<Token> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        shown_token(&headers)
    }

    #[test]
    fn the_cookie_that_is_given_is_the_one_that_is_read() {
        let token = Token::new().unwrap();
        let given = session_cookie(&token).unwrap();
        let text = given.to_str().unwrap();
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(text.contains(part), "{text}");
        }
        let pair = text.split(';').next().unwrap();
        assert_eq!(shown(&[pair]).unwrap().hash(), token.hash());
        assert_eq!(shown(&["a=b; c", pair]).unwrap().hash(), token.hash());
    }

    #[test]
    fn two_cookies_are_none_and_nonsense_is_none() {
        let (one, two) = (Token::new().unwrap(), Token::new().unwrap());
        let pair = |token: &Token| format!("{NAME}={}", token.expose());
        assert!(shown(&[&pair(&one), &pair(&two)]).is_none());
        assert!(shown(&[&format!("{}; {}", pair(&one), pair(&two))]).is_none());
        for text in [
            "",
            "session_id",
            "session_id=",
            "session_id=x",
            "session_idx=y",
            ";;=;",
        ] {
            assert!(shown(&[text]).is_none(), "{text}");
        }
    }
}
