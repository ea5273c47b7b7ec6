//! A firmware file on a server: what is taken for its URL and its SHA-256, and how the URL stands in logs.

use url::Url;

use crate::failure::Failure;

/// Longest URL, bytes.
const URL_BYTES: usize = 2048;
/// Longest URL in a log or a list, bytes.
const SHOWN_BYTES: usize = 200;
/// Digits of a SHA-256.
const DIGITS: usize = 64;

/// What is wrong with a URL or a SHA-256, as far as their texts tell.
pub(crate) fn mistake(url: &str, sha256: &str) -> Option<Failure> {
    let words = url_mistake(url).or_else(|| digest_mistake(sha256))?;
    Some(Failure::invalid(words))
}

fn url_mistake(text: &str) -> Option<&'static str> {
    if text.len() > URL_BYTES {
        return Some("the URL is longer than 2048 bytes: give a shorter one");
    }
    let Ok(url) = Url::parse(text) else {
        return Some("this is no URL: give one such as https://server.example/sps.iso");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Some("the URL must begin with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("the URL holds a user name or a password, which would end up in logs: give one without");
    }
    None
}

fn digest_mistake(text: &str) -> Option<&'static str> {
    let is_digest = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!is_digest)
        .then_some("a SHA-256 has 64 digits of 0-9 and a-f: copy it from the file beside the firmware")
}

/// A URL for logs and lists: what may be secret in it is left out.
pub(crate) fn shown(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return "from what is no URL".into();
    };
    let more = if url.query().is_some() { "?..." } else { "" };
    url.set_query(None);
    url.set_fragment(None);
    // Where there can be none, there is none.
    let _none = (url.set_username(""), url.set_password(None));
    let mut text = String::from(url);
    if text.len() > SHOWN_BYTES {
        text.truncate(text.floor_char_boundary(SHOWN_BYTES));
        return text + "...";
    }
    text + more
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

    #[test]
    fn mistakes_are_told_before_anything_is_begun() {
        assert_eq!(mistake("https://server.example/sps.iso", DIGEST), None);
        assert_eq!(
            mistake("http://[2001:db8::1]:8080/sps.iso?a=b", &DIGEST.to_uppercase()),
            None
        );
        for (url, digest, words) in [
            ("", DIGEST, "no URL"),
            ("server.example/sps.iso", DIGEST, "no URL"),
            ("https://", DIGEST, "no URL"),
            ("ftp://server.example/sps.iso", DIGEST, "http:// or https://"),
            ("file:///etc/passwd", DIGEST, "http:// or https://"),
            ("https://user@server.example/", DIGEST, "user name or a password"),
            (
                "https://:secret@server.example/",
                DIGEST,
                "user name or a password",
            ),
            ("https://server.example/", "", "64 digits"),
            ("https://server.example/", &DIGEST[1..], "64 digits"),
            ("https://server.example/", &DIGEST.replace('b', "x"), "64 digits"),
        ] {
            let failure = mistake(url, digest).unwrap();
            assert!(failure.message.contains(words), "{url}: {failure}");
        }
        assert!(mistake(&format!("http://a/{}", "b".repeat(3000)), DIGEST).is_some());
    }

    #[test]
    fn logs_hold_no_secret_of_a_url() {
        let url = "https://user:hunter2@server.example:444/a.iso?token=hunter2#hunter2";
        assert_eq!(shown(url), "https://server.example:444/a.iso?...");
        assert_eq!(shown("hunter2"), "from what is no URL");
        assert!(shown(&format!("http://a/{}", "b".repeat(3000))).len() < 210);
    }
}
