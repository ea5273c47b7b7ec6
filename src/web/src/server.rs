//! The server as its caller sees it: bind, run, stop.

use std::net::{self, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::boot::content::BootContent;
use crate::http::connection::Port;
use crate::http::error::WebError;
use crate::http::identity::TlsIdentity;
use crate::http::limits::Limits;
use crate::http::{listener, redirect, tls};
use crate::router;
use crate::router::Site;

/// Port of plain HTTP (RFC 9110, section 4.2.1).
pub const HTTP_PORT: u16 = 80;

/// Port of HTTPS (RFC 9110, section 4.2.2).
pub const HTTPS_PORT: u16 = 443;

/// Where and as whom to serve.
#[derive(Clone, Debug)]
pub struct BootPageSettings {
    /// Address of the plain port, which only redirects.
    pub http: SocketAddr,
    /// Address of the HTTPS port.
    pub https: SocketAddr,
    /// Certificate and key.
    pub identity: TlsIdentity,
    /// Bounds; [`Limits::default`] outside tests.
    pub limits: Limits,
}

impl BootPageSettings {
    /// Every address of the appliance, IPv4 and IPv6, on ports 80 and 443: works before any address is configured.
    #[must_use]
    pub fn everywhere(identity: TlsIdentity) -> Self {
        let any = |port| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        Self {
            http: any(HTTP_PORT),
            https: any(HTTPS_PORT),
            identity,
            limits: Limits::default(),
        }
    }
}

/// A server that listens and does not answer yet.
pub struct BootServer {
    http: Port,
    https: Port,
    site: Arc<Site>,
    addresses: (SocketAddr, SocketAddr),
}

impl BootServer {
    /// Listens on both ports of `settings`. Connections wait until [`run`](Self::run).
    ///
    /// # Errors
    /// An address that cannot be listened on; an identity that TLS refuses.
    pub async fn bind(settings: BootPageSettings, content: BootContent) -> Result<Self, WebError> {
        let http = listener::listen(settings.http)?;
        let https = listener::listen(settings.https)?;
        Self::build(http, https, &settings, content)
    }

    /// Takes over listeners that are bound already; the addresses in `settings` are not looked at.
    ///
    /// # Errors
    /// A listener the runtime cannot use; an identity that TLS refuses.
    pub async fn adopt(
        http: net::TcpListener,
        https: net::TcpListener,
        settings: BootPageSettings,
        content: BootContent,
    ) -> Result<Self, WebError> {
        let http = adopt_one("HTTP", http)?;
        let https = adopt_one("HTTPS", https)?;
        Self::build(http, https, &settings, content)
    }

    fn build(
        http: TcpListener,
        https: TcpListener,
        settings: &BootPageSettings,
        content: BootContent,
    ) -> Result<Self, WebError> {
        let address = |protocol, listener: &TcpListener| {
            listener
                .local_addr()
                .map_err(|source| WebError::AdoptListener { protocol, source })
        };
        let addresses = (address("HTTP", &http)?, address("HTTPS", &https)?);
        let config = Arc::new(tls::server_config(&settings.identity)?);
        let limits = settings.limits;
        let site = Arc::new(Site::new(content, &limits));
        let http = Port {
            listener: http,
            tls: None,
            service: redirect::router(addresses.1.port()),
            refusal: router::refusal(),
            limits,
        };
        let https = Port {
            listener: https,
            tls: Some(TlsAcceptor::from(config)),
            service: router::site(site.clone()),
            refusal: router::refusal(),
            limits,
        };
        Ok(Self {
            http,
            https,
            site,
            addresses,
        })
    }

    /// The address of the plain port.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.addresses.0
    }

    /// The address of the HTTPS port.
    #[must_use]
    pub fn https_address(&self) -> SocketAddr {
        self.addresses.1
    }

    /// Serves until `shutdown`; event streams are told, other connections get [`Limits::grace`] to finish.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self {
            http, https, site, ..
        } = self;
        let stop = async {
            shutdown.cancelled().await;
            site.stop();
        };
        tokio::join!(http.run(shutdown.clone()), https.run(shutdown.clone()), stop);
    }
}

/// Binds and serves until `shutdown`.
///
/// # Errors
/// As [`BootServer::bind`]; once bound, serving does not fail.
pub async fn serve(
    settings: BootPageSettings,
    content: BootContent,
    shutdown: CancellationToken,
) -> Result<(), WebError> {
    let fingerprint = settings.identity.fingerprint();
    let server = BootServer::bind(settings, content).await?;
    tracing::info!("boot page on port {}", server.https_address().port());
    tracing::info!("certificate of the boot page: SHA-256 {fingerprint}");
    server.run(shutdown).await;
    Ok(())
}

fn adopt_one(protocol: &'static str, listener: net::TcpListener) -> Result<TcpListener, WebError> {
    let adopt = || {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    adopt().map_err(|source| WebError::AdoptListener { protocol, source })
}
