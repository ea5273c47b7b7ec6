//! Why a file was not fetched.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::limits::{REDIRECTS, URL_BYTES};

/// Why a file was not fetched. A host is named as it was asked for.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The URL is none.
    #[error("this is no URL: give one such as https://server.example/sps.iso")]
    Url(#[source] url::ParseError),
    /// The URL is too long.
    #[error("the URL is longer than {URL_BYTES} bytes: give a shorter one")]
    LongUrl,
    /// Another scheme.
    #[error("{scheme} is not possible: the URL must begin with http:// or https://")]
    Scheme {
        /// The one found.
        scheme: String,
    },
    /// User or password in the URL.
    #[error("the URL holds a user name or a password, which would end up in logs: give one without")]
    Credentials,
    /// A redirect that says not where to, or to what is no URL.
    #[error("{host} redirects to what is no URL: ask whoever runs it, or give the final URL")]
    Redirect {
        /// The server.
        host: String,
    },
    /// A redirect from HTTPS to HTTP.
    #[error(
        "{host} redirects from https to http, which is not followed: give the http URL if that is wanted"
    )]
    Downgrade {
        /// The server.
        host: String,
    },
    /// They do not end.
    #[error("more than {REDIRECTS} redirects: give the final URL")]
    Redirects,
    /// The name is not found.
    #[error("could not find the address of {host}: check the name, and the name servers in the settings")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The name servers do not answer.
    #[error("could not find the address of {host} in {} s: check the name servers in the settings", .limit.as_secs())]
    ResolveTime {
        /// The name.
        host: String,
        /// The limit.
        limit: Duration,
    },
    /// It leads where nothing is fetched from.
    #[error("{host} is {address}, {what}: nothing is fetched from there; give the URL of another machine")]
    Forbidden {
        /// As it was asked for.
        host: String,
        /// Where it leads.
        address: IpAddr,
        /// What that is.
        what: &'static str,
    },
    /// No connection.
    #[error("could not connect to {host}: check the URL, and that no firewall is between")]
    Connect {
        /// The server.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server's certificate, or its TLS.
    #[error(
        "could not trust {host}: it needs a certificate of a public authority and TLS 1.2; with the SHA-256, http is as safe"
    )]
    Tls {
        /// The server.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It does not speak HTTP, or went away.
    #[error("{host} did not answer as a web server does")]
    Exchange {
        /// The server.
        host: String,
        /// Why.
        #[source]
        source: hyper::Error,
    },
    /// It does not answer.
    #[error("{host} did not answer in {} s: try again, or another server", .limit.as_secs())]
    Silent {
        /// The server.
        host: String,
        /// The limit.
        limit: Duration,
    },
    /// It has no such file.
    #[error("{host} answered {status}: check the URL")]
    Status {
        /// The server.
        host: String,
        /// What it said.
        status: hyper::StatusCode,
    },
    /// The file is compressed on its way.
    #[error("{host} sends the file in the encoding {encoding}, which was not asked for: use another server")]
    Encoded {
        /// The server.
        host: String,
        /// The encoding.
        encoding: String,
    },
    /// It is larger than it may be.
    #[error("the file has more than {most} bytes, the most one may have: check the URL")]
    TooLarge {
        /// Bytes it may have.
        most: u64,
    },
    /// It stopped coming.
    #[error("nothing came for {} s, after {got} bytes: try again", .limit.as_secs())]
    Stalled {
        /// Bytes that came.
        got: u64,
        /// The limit.
        limit: Duration,
    },
    /// It trickles.
    #[error("the file came too slowly: {got} bytes in {} s; use a nearer server", .limit.as_secs())]
    TooSlow {
        /// Bytes that came.
        got: u64,
        /// The limit.
        limit: Duration,
    },
    /// The connection ended before the file.
    #[error("the connection ended after {got} bytes, before the file did: try again")]
    Cut {
        /// Bytes that came.
        got: u64,
        /// Why.
        #[source]
        source: hyper::Error,
    },
}
