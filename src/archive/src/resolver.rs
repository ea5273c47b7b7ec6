//! Names of servers as addresses: what the system knows, and `localhost` with everything below it, which is this machine (RFC 6761, section
//! 6.3) and which the C library asks name servers for.

use std::future::{Future, ready};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// Resolves names.
#[derive(Clone, Debug)]
pub(crate) struct Resolver(GaiResolver);

impl Resolver {
    pub(crate) fn new() -> Self {
        Self(GaiResolver::new())
    }
}

/// Addresses of a name; the port is filled in by whoever connects.
type Addresses = std::vec::IntoIter<SocketAddr>;

impl Service<Name> for Resolver {
    type Response = Addresses;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Addresses>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if is_here(name.as_str()) {
            let address = |address: IpAddr| SocketAddr::new(address, 0);
            let here = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].map(address);
            return Box::pin(ready(Ok(Vec::from(here).into_iter())));
        }
        let asked = self.0.call(name);
        Box::pin(async move { Ok(asked.await?.collect::<Vec<_>>().into_iter()) })
    }
}

fn is_here(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_localhost_and_what_is_below_it_is_here() {
        for name in ["localhost", "LOCALHOST.", "evidence.localhost"] {
            assert!(is_here(name), "{name}");
        }
        for name in ["localhost.example.net", "notlocalhost", "", "."] {
            assert!(!is_here(name), "{name}");
        }
    }
}
