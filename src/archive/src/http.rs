//! How requests to S3 are sent: hyper's client with the product's TLS. Connections are kept between requests, a few and not for long.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector as Connector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use crate::resolver::Resolver;

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// Time from a request, with a part of a file in it, to the head of its answer: 64 MiB by 1 MiB/s.
const ANSWER: Duration = Duration::from_secs(120);
/// Connections kept, and for how long: more than one is needed at a time by nobody.
const KEPT: usize = 2;
const KEPT_FOR: Duration = Duration::from_secs(20);

/// Sends requests.
#[derive(Debug, Clone)]
pub(crate) struct Sender(Client<HttpsConnector<HttpConnector<Resolver>>, HttpRequestBody>);

impl Sender {
    /// Trusts the CAs in `authorities` (PEM); the public ones when there are none.
    pub(crate) fn new(authorities: Option<&[String]>) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        match authorities {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(authorities) => {
                for text in authorities {
                    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                        let certificate = certificate.map_err(io::Error::other)?;
                        roots.add(certificate).map_err(io::Error::other)?;
                    }
                }
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut plain = HttpConnector::new_with_resolver(Resolver::new());
        plain.set_connect_timeout(Some(CONNECT));
        plain.set_nodelay(true);
        plain.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(plain);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(KEPT)
            .pool_idle_timeout(KEPT_FOR)
            .build(connector);
        Ok(Self(client))
    }
}

impl Connector for Sender {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Sender {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = timeout(ANSWER, self.0.request(request)).await;
        let answer = answer.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?;
        let answer = answer.map_err(|error| {
            let kind = if error.is_connect() {
                HttpErrorKind::Connect
            } else {
                HttpErrorKind::Request
            };
            HttpError::new(kind, error)
        })?;
        let interrupted = |error| HttpError::new(HttpErrorKind::Interrupted, error);
        Ok(answer.map(|body| HttpResponseBody::new(body.map_err(interrupted))))
    }
}
