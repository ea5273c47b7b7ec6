//! Asking for a file, and following redirects to where it is.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderName};
use hyper::http::request::Builder;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::connect::{Connector, Resolver};
use crate::download::{Connection, Download};
use crate::error::FetchError;
use crate::guard::Guard;
use crate::limits::{HEAD_BYTES, HEADER_FIELDS, Limits, REDIRECTS};
use crate::target::Target;

/// How the appliance calls itself. Its version is nobody's business.
const USER_AGENT: &str = "sps";

/// Fetches files; clones share what they trust.
#[derive(Clone, Debug)]
pub struct Fetcher {
    connector: Connector,
    limits: Limits,
}

impl Fetcher {
    /// Fetches from where `guard` allows it, within `limits`, trusting public authorities (`DECISION-fetch.md`).
    ///
    /// # Errors
    /// The TLS library refuses its own settings.
    pub fn new(guard: Guard, limits: Limits) -> Result<Self, rustls::Error> {
        let public = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self::trusting(public, guard, limits)
    }

    /// The same, trusting these certificates too, DER; those that are none are passed over.
    ///
    /// # Errors
    /// The TLS library refuses its own settings.
    pub fn also_trusting(roots: &[Vec<u8>], guard: Guard, limits: Limits) -> Result<Self, rustls::Error> {
        let mut all: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        all.add_parsable_certificates(roots.iter().map(|one| one.clone().into()));
        Self::trusting(all, guard, limits)
    }

    /// The same, trusting `roots` alone.
    ///
    /// # Errors
    /// The TLS library refuses its own settings.
    pub fn trusting(roots: RootCertStore, guard: Guard, limits: Limits) -> Result<Self, rustls::Error> {
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = Connector {
            guard,
            resolver: Resolver::system(),
            tls: Arc::new(tls),
            limit: limits.connect,
        };
        Ok(Self { connector, limits })
    }

    /// With names resolved by somebody else.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Resolver) -> Self {
        self.connector.resolver = resolver;
        self
    }

    /// Asks for the file, following redirects; returns when it begins to come.
    ///
    /// # Errors
    /// Everything before its first byte.
    pub async fn open(&self, target: &Target) -> Result<Download, FetchError> {
        let deadline = Instant::now() + self.limits.whole;
        let opened = timeout_at(deadline, self.follow(target, deadline)).await;
        opened.unwrap_or(Err(FetchError::TooSlow {
            got: 0,
            limit: self.limits.whole,
        }))
    }

    /// Sends something of this type and gives back the answer, whole: at most as many bytes as the limits say. No redirect is followed.
    ///
    /// # Errors
    /// As [`Fetcher::open`], and those of the answer.
    pub async fn post(&self, target: &Target, kind: &str, body: Vec<u8>) -> Result<Vec<u8>, FetchError> {
        let deadline = Instant::now() + self.limits.whole;
        let whole = async {
            let request = requested(Request::post(target.path()), target)
                .header(header::CONTENT_TYPE, kind)
                .body(Full::from(body))
                .map_err(|_| FetchError::Url(url::ParseError::InvalidDomainCharacter))?;
            let (response, connection) = self.ask(target, request).await?;
            let mut download = self.begin(target, response, connection, deadline)?;
            let mut answer = Vec::new();
            while let Some(piece) = download.piece().await? {
                answer.extend_from_slice(&piece);
            }
            Ok(answer)
        };
        let limit = self.limits.whole;
        let late = Err(FetchError::TooSlow { got: 0, limit });
        timeout_at(deadline, whole).await.unwrap_or(late)
    }

    async fn follow(&self, first: &Target, deadline: Instant) -> Result<Download, FetchError> {
        let mut target = first.clone();
        for _ in 0..=REDIRECTS {
            let (response, connection) = self.ask(&target, request(&target)?).await?;
            if is_redirect(response.status()) {
                target = target.follow(text(&response, &header::LOCATION))?;
                continue;
            }
            return self.begin(&target, response, connection, deadline);
        }
        Err(FetchError::Redirects)
    }

    /// What comes of an answer.
    fn begin(
        &self,
        target: &Target,
        response: Response<Incoming>,
        connection: Connection,
        deadline: Instant,
    ) -> Result<Download, FetchError> {
        let host = target.to_string();
        if response.status() != StatusCode::OK {
            let status = response.status();
            return Err(FetchError::Status { host, status });
        }
        if let Some(encoding) = text(&response, &header::CONTENT_ENCODING).filter(|name| *name != "identity")
        {
            let encoding = encoding.chars().take(32).collect();
            return Err(FetchError::Encoded { host, encoding });
        }
        Download::begin(response.into_body(), connection, &self.limits, deadline)
    }

    /// One request, on a connection of its own.
    async fn ask(
        &self,
        target: &Target,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Connection), FetchError> {
        let stream = self.connector.connect(target).await?;
        let failed = |source| FetchError::Exchange {
            host: target.to_string(),
            source,
        };
        let (mut sender, exchange) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEADER_FIELDS)
            .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(failed)?;
        let connection = Connection::run(exchange);
        let answered = timeout(self.limits.head, sender.send_request(request)).await;
        let answered = answered.map_err(|_| FetchError::Silent {
            host: target.to_string(),
            limit: self.limits.head,
        })?;
        Ok((answered.map_err(failed)?, connection))
    }
}

/// What every request says.
fn requested(request: Builder, target: &Target) -> Builder {
    request
        .header(header::HOST, target.authority())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::CONNECTION, "close")
}

fn request(target: &Target) -> Result<Request<Full<Bytes>>, FetchError> {
    requested(Request::get(target.path()), target)
        .body(Full::default())
        .map_err(|_| FetchError::Url(url::ParseError::InvalidDomainCharacter))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn text<'a>(response: &'a Response<Incoming>, name: &HeaderName) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}
