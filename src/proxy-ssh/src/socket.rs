//! Sockets with addresses of others: those that clients wanted to reach, and those of clients towards servers.
//!
//! Both are the kernel's *transparent* sockets. Their packets find the appliance by the packet filter and a routing rule (`sps-net`).

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

use sps_cluster_config::sections::connections::Source;
use thiserror::Error;
use tokio::net::{TcpSocket, TcpStream};

/// Ports that are tried for one that is not the client's own.
const TRIES: usize = 4;

/// Why a server cannot be connected to from the address it should see. The text is for the person who wants to go there.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    #[error(
        "connections with {to} should come from {from}, which is of the other address family: an administrator must choose another \
         source address"
    )]
    Family { from: IpAddr, to: SocketAddr },
    #[error(
        "connections with {to} should come from {from}, which is no address of the appliance now: an administrator must give it to an \
         interface, or choose another source address"
    )]
    NotThere { from: IpAddr, to: SocketAddr },
    #[error("connections with {to} should come from {from}, which the system refuses: {source}")]
    Bind {
        from: IpAddr,
        to: SocketAddr,
        source: io::Error,
    },
    #[error("{to} could not be reached{hint}: {source}")]
    Connect {
        to: SocketAddr,
        hint: String,
        source: io::Error,
    },
}

/// What may be wrong as well when a server sees another's address.
pub(crate) fn hint(source: Source, client: SocketAddr) -> String {
    match source {
        Source::Client {} => format!(
            " from {} (its answers to that address must come to the appliance: an administrator must look at the routers)",
            client.ip().to_canonical()
        ),
        Source::Own {} | Source::Fixed { .. } => String::new(),
    }
}

/// A socket of the address's family.
pub(crate) fn new(address: SocketAddr) -> io::Result<TcpSocket> {
    if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }
}

/// Lets the socket have an address that is not the appliance's (`IP_TRANSPARENT`, ip(7)).
pub(crate) fn transparent(socket: &TcpSocket, address: SocketAddr) -> io::Result<()> {
    let socket = socket2::SockRef::from(socket);
    if address.is_ipv4() {
        socket.set_ip_transparent_v4(true)
    } else {
        socket.set_ip_transparent_v6(true)
    }
}

/// Connects with a server, which sees the address that the policy says.
pub(crate) async fn connect(
    source: Source,
    client: SocketAddr,
    to: SocketAddr,
) -> Result<TcpStream, SourceError> {
    let failed = |error| SourceError::Connect {
        to,
        hint: hint(source, client),
        source: error,
    };
    let socket = match source {
        Source::Own {} => new(to).map_err(failed)?,
        Source::Fixed { address } => bound(address, to, None)?,
        Source::Client {} => bound(client.ip().to_canonical(), to, Some(client.port()))?,
    };
    socket.set_nodelay(true).map_err(failed)?;
    socket.connect(to).await.map_err(failed)
}

/// A socket with this address; `of` is the client's port where the address is the client's.
fn bound(from: IpAddr, to: SocketAddr, of: Option<u16>) -> Result<TcpSocket, SourceError> {
    if from.is_ipv4() != to.is_ipv4() {
        return Err(SourceError::Family { from, to });
    }
    let failed = |source: io::Error| match source.kind() {
        ErrorKind::AddrNotAvailable => SourceError::NotThere { from, to },
        _ => SourceError::Bind { from, to, source },
    };
    let mut passed_over = Vec::new();
    loop {
        let socket = new(to).map_err(failed)?;
        if of.is_some() {
            transparent(&socket, to).map_err(failed)?;
        }
        socket.bind(SocketAddr::new(from, 0)).map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        // The connection to the client has this very pair of addresses the other way round: routers would take the two for one.
        if of != Some(port) || passed_over.len() >= TRIES {
            return Ok(socket);
        }
        passed_over.push(socket);
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_fixed_address_is_the_one_the_server_sees() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = server.local_addr().unwrap();
        let client = "192.0.2.7:50000".parse().unwrap();
        let source = Source::Fixed {
            address: "127.8.9.10".parse().unwrap(),
        };
        let connected = connect(source, client, to).await.unwrap();
        assert_eq!(
            connected.local_addr().unwrap().ip(),
            "127.8.9.10".parse::<IpAddr>().unwrap()
        );
        let (_accepted, seen) = server.accept().await.unwrap();
        assert_eq!(seen.ip(), "127.8.9.10".parse::<IpAddr>().unwrap());
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_is_named_with_its_mend() {
        let (client, to) = ("192.0.2.7:50000".parse().unwrap(), "127.0.0.1:1".parse().unwrap());
        let from = |address: &str| Source::Fixed {
            address: address.parse().unwrap(),
        };
        let error = connect(from("192.0.2.99"), client, to).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "connections with 127.0.0.1:1 should come from 192.0.2.99, which is no address of the appliance now: an administrator must \
             give it to an interface, or choose another source address"
        );
        let error = connect(from("fd00::1"), client, to).await.unwrap_err();
        assert!(
            error.to_string().contains("of the other address family"),
            "{error}"
        );
        let error = connect(Source::Own {}, client, to).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("127.0.0.1:1 could not be reached: "),
            "{error}"
        );
    }
}
