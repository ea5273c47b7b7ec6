//! From a URL to a stream of bytes: resolve, judge, connect, TLS.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Host;

use crate::error::FetchError;
use crate::guard::Guard;
use crate::limits::ADDRESSES;
use crate::target::Target;

/// Addresses of a name.
type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Resolves names. Clones resolve alike.
#[derive(Clone)]
pub struct Resolver(Arc<dyn Fn(String) -> Found + Send + Sync>);

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    /// The C library's, with the name servers that the network wrote down.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(|name| {
            Box::pin(async move {
                // The port is not looked at.
                let found = lookup_host((name.as_str(), 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        }))
    }

    /// Answers by a function: names of a test.
    pub fn by(answer: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |name| {
            let found = answer(&name);
            Box::pin(async move { found })
        }))
    }
}

/// Bytes there and back.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What connecting needs.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) guard: Guard,
    pub(crate) resolver: Resolver,
    pub(crate) tls: Arc<ClientConfig>,
    /// Time for each of its steps.
    pub(crate) limit: Duration,
}

impl Connector {
    /// A stream to the server of `target`.
    pub(crate) async fn connect(&self, target: &Target) -> Result<Box<dyn Stream>, FetchError> {
        let stream = self.reach(target).await?;
        if !target.is_tls() {
            return Ok(Box::new(stream));
        }
        let name = target.server_name()?;
        let shaking = TlsConnector::from(self.tls.clone()).connect(name, stream);
        let shaken = timeout(self.limit, shaking).await;
        let stream = shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = stream.map_err(|source| FetchError::Tls {
            host: target.to_string(),
            source,
        })?;
        Ok(Box::new(stream))
    }

    /// A connection to the first address that takes one; every address is judged before any is tried.
    async fn reach(&self, target: &Target) -> Result<TcpStream, FetchError> {
        let addresses = self.resolve(target).await?;
        for address in &addresses {
            self.judge(target, *address, self.guard.objection(*address))?;
        }
        let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no address");
        for address in addresses.into_iter().take(ADDRESSES) {
            let address = SocketAddr::new(address, target.port());
            let connected = timeout(self.limit, TcpStream::connect(address)).await;
            match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(stream) => {
                    self.judge_ends(target, &stream)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(FetchError::Connect {
            host: target.to_string(),
            source: last,
        })
    }

    async fn resolve(&self, target: &Target) -> Result<Vec<IpAddr>, FetchError> {
        let name = match target.host() {
            Host::Ipv4(address) => return Ok(vec![(*address).into()]),
            Host::Ipv6(address) => return Ok(vec![(*address).into()]),
            Host::Domain(name) => name.clone(),
        };
        let resolving = (self.resolver.0)(name.clone());
        let resolved = timeout(self.limit, resolving).await;
        let resolved = resolved.map_err(|_| FetchError::ResolveTime {
            host: name.clone(),
            limit: self.limit,
        })?;
        resolved.map_err(|source| FetchError::Resolve { host: name, source })
    }

    fn judge_ends(&self, target: &Target, stream: &TcpStream) -> Result<(), FetchError> {
        let ends = stream
            .local_addr()
            .and_then(|from| Ok((from, stream.peer_addr()?)));
        let (from, to) = ends.map_err(|source| FetchError::Connect {
            host: target.to_string(),
            source,
        })?;
        self.judge(target, to.ip(), self.guard.connected(from, to))
    }

    fn judge(
        &self,
        target: &Target,
        address: IpAddr,
        objection: Option<&'static str>,
    ) -> Result<(), FetchError> {
        match objection {
            None => Ok(()),
            Some(what) => Err(FetchError::Forbidden {
                host: target.to_string(),
                address,
                what,
            }),
        }
    }
}
