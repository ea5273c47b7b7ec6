//! The server a person names: an address, or a host name that may be looked up.
//!
//! Host names are judged before anything is asked of a name server: RFC 5890 with the strict rules of UTS #46 (letters, digits and
//! hyphens in what ASCII there is, labels of 63 octets, 253 in all).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use thiserror::Error;

/// Longest domain name in text (RFC 1035, 2.3.4: 255 octets on the wire).
const LONGEST: usize = 253;

/// A server as somebody named it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// Its address.
    Address(IpAddr),
    /// Its name in the form name servers know (RFC 5890: A-labels), lower case, without a dot at the end.
    Name(String),
}

/// Why a text names no server.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HostError {
    /// Nothing there.
    #[error("there is no server name: write user@server")]
    Empty,
    /// No host name.
    #[error(
        "{text:?} is not a host name (RFC 5890): use letters, digits, hyphens and dots, or an address; IPv6 in brackets"
    )]
    Name {
        /// What was given, as far as it can be shown.
        text: String,
    },
    /// Brackets around something else.
    #[error("{text:?} is not an IPv6 address: write it as in [2001:db8::1]")]
    Brackets {
        /// What was given, as far as it can be shown.
        text: String,
    },
}

impl Host {
    /// Reads an address (IPv6 with or without brackets) or a host name.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner
                .strip_suffix(']')
                .and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address
                .map(|address| Self::Address(IpAddr::V6(address).to_canonical()))
                .ok_or_else(|| HostError::Brackets { text: shown(text) });
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        let wrong = || HostError::Name { text: shown(text) };
        if text.contains(is_ignored) {
            return Err(wrong());
        }
        let text_without_dot = text.strip_suffix('.').unwrap_or(text);
        let ascii = idna::domain_to_ascii_strict(text_without_dot).map_err(|_| wrong())?;
        // What looks like an address and is none (RFC 1123, 2.1: the last label of a host name is not all digits).
        let last = ascii.rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
        let is_label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        if ascii.len() > LONGEST || is_number || !ascii.split('.').all(is_label) {
            return Err(wrong());
        }
        Ok(Self::Name(ascii))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What UTS #46 would leave out without a word (its status *ignored*): nobody sees it, and it has no business in a name.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// What people may be shown of what somebody sent.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    text.chars().filter(|c| !c.is_control()).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<Host, HostError> {
        Host::parse(text)
    }

    #[test]
    fn host_names_and_addresses() {
        assert_eq!(name("db1.example.com"), Ok(Host::Name("db1.example.com".into())));
        assert_eq!(name("DB1.Example.COM."), Ok(Host::Name("db1.example.com".into())));
        assert_eq!(
            name("bücher.example"),
            Ok(Host::Name("xn--bcher-kva.example".into()))
        );
        assert_eq!(name("192.0.2.7"), Ok(Host::Address("192.0.2.7".parse().unwrap())));
        assert_eq!(
            name("[2001:db8::22]"),
            Ok(Host::Address("2001:db8::22".parse().unwrap()))
        );
        assert_eq!(
            name("2001:db8::22"),
            Ok(Host::Address("2001:db8::22".parse().unwrap()))
        );
        // An IPv4 address in IPv6's clothes is that IPv4 address.
        assert_eq!(
            name("[::ffff:127.0.0.1]"),
            Ok(Host::Address("127.0.0.1".parse().unwrap()))
        );
    }

    #[test]
    fn what_is_outside_rfc_5890_is_never_looked_up() {
        let long = format!("{}.example", "a".repeat(64));
        let whole = format!("{}example", "abc.".repeat(63));
        for wrong in [
            "my_server",
            "a b",
            "a..b",
            "-a",
            "a-",
            ".a",
            "a/b",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "0x7f.1",
            "a\u{200b}b",
            "a\0b",
            "xn--zz--",
            "a,b",
            "ex*mple.com",
            "a@b",
            &long,
            &whole,
        ] {
            let found = name(wrong);
            assert!(
                matches!(found, Err(HostError::Name { .. })),
                "{wrong:?}: {found:?}"
            );
        }
        for wrong in ["[2001:db8::1", "[127.0.0.1]", "[host]", "[]"] {
            assert!(
                matches!(name(wrong), Err(HostError::Brackets { .. })),
                "{wrong:?}"
            );
        }
        assert_eq!(name(""), Err(HostError::Empty));
    }
}
