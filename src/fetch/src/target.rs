//! Where a file is: a URL that may be fetched from, as far as its text tells.

use std::fmt;

use rustls::pki_types::ServerName;
use url::{Host, Position, Url};

use crate::error::FetchError;
use crate::limits::URL_BYTES;

/// A URL of HTTP or HTTPS without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    host: Host<String>,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// It is none, of another scheme, too long, or holds credentials.
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        if text.len() > URL_BYTES {
            return Err(FetchError::LongUrl);
        }
        Self::new(Url::parse(text).map_err(FetchError::Url)?)
    }

    fn new(url: Url) -> Result<Self, FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme {
                scheme: url.scheme().to_owned(),
            });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials);
        }
        let host = url.host().map(|host| host.to_owned());
        let host = host.ok_or(FetchError::Url(url::ParseError::EmptyHost))?;
        Ok(Self { url, host })
    }

    /// Where a redirect leads.
    pub(crate) fn follow(&self, location: Option<&str>) -> Result<Self, FetchError> {
        let lost = || FetchError::Redirect {
            host: self.to_string(),
        };
        let location = location.filter(|text| text.len() <= URL_BYTES).ok_or_else(lost)?;
        let next = Self::new(self.url.join(location).map_err(|_| lost())?)?;
        if self.is_tls() && !next.is_tls() {
            return Err(FetchError::Downgrade {
                host: self.to_string(),
            });
        }
        Ok(next)
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) const fn host(&self) -> &Host<String> {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        let usual = if self.is_tls() { 443 } else { 80 };
        self.url.port().unwrap_or(usual)
    }

    /// The name that the server's certificate must hold.
    pub(crate) fn server_name(&self) -> Result<ServerName<'static>, FetchError> {
        match &self.host {
            Host::Ipv4(address) => Ok(ServerName::IpAddress((*address).into())),
            Host::Ipv6(address) => Ok(ServerName::IpAddress((*address).into())),
            Host::Domain(name) => {
                ServerName::try_from(name.clone()).map_err(|_| FetchError::Url(url::ParseError::IdnaError))
            }
        }
    }

    /// Path and query, for the request line.
    pub(crate) fn path(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// Host and port, for the header field.
    pub(crate) fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }
}

/// The server, as people know it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        Target::parse(text).map_or_else(|error| error.to_string(), |target| target.to_string())
    }

    #[test]
    fn only_plain_web_addresses_are_taken() {
        assert_eq!(said("https://server.example/a.iso?b=c#d"), "server.example");
        assert_eq!(said("http://[2001:db8::1]:8080/"), "[2001:db8::1]:8080");
        for (bad, words) in [
            ("", "no URL"),
            ("server.example/a.iso", "no URL"),
            ("https://", "no URL"),
            ("http://300.1.1.1/", "no URL"),
            ("ftp://server.example/a.iso", "ftp is not possible"),
            ("file:///etc/passwd", "file is not possible"),
            ("https://user@server.example/", "user name or a password"),
            ("https://:secret@server.example/", "user name or a password"),
        ] {
            assert!(said(bad).contains(words), "{bad}: {}", said(bad));
        }
        assert!(said(&format!("http://a/{}", "b".repeat(3000))).contains("shorter"));
    }

    #[test]
    fn a_request_holds_path_query_and_host_alone() {
        let target = Target::parse("HTTPS://Server.Example:444/a b?c#d").unwrap();
        assert_eq!(
            (target.path(), target.authority()),
            ("/a%20b?c", "server.example:444")
        );
        assert_eq!((target.port(), target.is_tls()), (444, true));
        // What looks like a number is one: the address is judged, not its spelling.
        assert_eq!(said("http://0x7f.1/"), "127.0.0.1");
    }

    #[test]
    fn redirects_are_judged_like_the_first() {
        let first = Target::parse("https://server.example/a/b.iso").unwrap();
        let next = |to: &str| first.follow(Some(to)).map(|target| target.url.to_string());
        assert_eq!(next("../c.iso").unwrap(), "https://server.example/c.iso");
        assert_eq!(next("//other.example/c").unwrap(), "https://other.example/c");
        assert!(matches!(
            next("http://server.example/"),
            Err(FetchError::Downgrade { .. })
        ));
        assert!(matches!(
            next("ftp://server.example/"),
            Err(FetchError::Scheme { .. })
        ));
        assert!(matches!(
            next("https://a:b@server.example/"),
            Err(FetchError::Credentials)
        ));
        assert!(matches!(first.follow(None), Err(FetchError::Redirect { .. })));
        assert!(matches!(next("https://"), Err(FetchError::Redirect { .. })));
    }
}
