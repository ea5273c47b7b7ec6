//! The way to the server: its address, the connection, its host key.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client;
use russh::keys::PublicKey;
use sps_cluster_config::sections::connections::{Destination, Source};
use sps_proxy_engine::{Destined, Host, Known, Wanted, permits_address};
use thiserror::Error;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use crate::access::ServerName;
use crate::algorithms;
use crate::context::Context;
use crate::server_side::ServerSide;
use crate::wire::wire;

/// Longest time for addresses, connection and key exchange together: a person waits.
const WITHIN: Duration = Duration::from_secs(15);
/// Addresses of a name that are tried.
const MOST_ADDRESSES: usize = 8;

/// Why there is no way to the server. The text is for the person who wants to go there.
#[derive(Debug, Error)]
pub(crate) enum DialError {
    #[error("the name {name} could not be looked up: {source}")]
    Resolve { name: String, source: io::Error },
    #[error("{name} has no address")]
    NoAddress { name: String },
    #[error("{server} is the appliance itself: name another server")]
    Own { server: String },
    #[error("{server} is not among the servers of this connection: ask your administrator")]
    Forbidden { server: String },
    #[error("{server} could not be reached: {source}")]
    Connect { server: String, source: io::Error },
    #[error("{server} did not answer within {seconds} seconds", seconds = WITHIN.as_secs())]
    Late { server: String },
    #[error("{0}")]
    HostKey(String),
    #[error("no SSH connection with {server}: {source}")]
    Handshake { server: String, source: russh::Error },
}

/// A server that answered.
pub(crate) struct Dialled {
    pub(crate) handle: client::Handle<ServerSide>,
    pub(crate) address: SocketAddr,
}

/// Connects.
pub(crate) async fn dial(context: &Arc<Context>, destined: &Destined) -> Result<Dialled, DialError> {
    let (Destined::To(wanted) | Destined::IfAddress(wanted)) = destined;
    let server = told(wanted);
    let deadline = Instant::now() + WITHIN;
    let late = |_| DialError::Late {
        server: server.clone(),
    };
    let addresses = timeout_at(deadline, addresses(context, destined, wanted))
        .await
        .map_err(late)??;
    let stream = timeout_at(deadline, connect(context, &addresses, wanted.port))
        .await
        .map_err(late)?
        .map_err(|source| DialError::Connect {
            server: server.clone(),
            source,
        })?;
    let address = stream.peer_addr().map_err(|source| DialError::Connect {
        server: server.clone(),
        source,
    })?;
    let name = ServerName {
        host: wanted.host.to_string(),
        port: wanted.port,
    };
    let known = context.access.known_keys(name.clone()).await;
    let config = Arc::new(algorithms::for_servers(&kinds(&known), None));
    let refusal = Arc::new(Mutex::new(None));
    let side = ServerSide::new(context.clone(), name, known, refusal.clone());
    let connected = timeout_at(deadline, client::connect_stream(config, wire(stream), side))
        .await
        .map_err(late)?;
    let handle = connected.map_err(|source| {
        let refused = refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
        refused.map_or(DialError::Handshake { server, source }, DialError::HostKey)
    })?;
    Ok(Dialled { handle, address })
}

/// Server and port as people write them.
pub(crate) fn told(wanted: &Wanted) -> String {
    match wanted.host {
        Host::Address(IpAddr::V6(address)) => format!("[{address}]:{}", wanted.port),
        _ => format!("{}:{}", wanted.host, wanted.port),
    }
}

async fn addresses(
    context: &Context,
    destined: &Destined,
    wanted: &Wanted,
) -> Result<Vec<IpAddr>, DialError> {
    let mut addresses = match &wanted.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => {
            let found = context.access.resolve(name.clone()).await;
            found.map_err(|source| DialError::Resolve {
                name: name.clone(),
                source,
            })?
        }
    };
    if addresses.is_empty() {
        return Err(DialError::NoAddress {
            name: wanted.host.to_string(),
        });
    }
    // One address of the appliance among others is as bad as that one alone: which is taken would be chance.
    if addresses.iter().any(|address| context.access.is_own(*address)) {
        return Err(DialError::Own { server: told(wanted) });
    }
    if let (Destined::IfAddress(_), Destination::Inband { targets }) =
        (destined, &context.connection.destination)
    {
        addresses.retain(|address| permits_address(targets, *address, wanted.port));
        if addresses.is_empty() {
            return Err(DialError::Forbidden { server: told(wanted) });
        }
    }
    addresses.truncate(MOST_ADDRESSES);
    Ok(addresses)
}

async fn connect(context: &Context, addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match connect_one(context, SocketAddr::new(*address, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn connect_one(context: &Context, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_nodelay(true)?;
    match context.connection.source {
        Source::Own {} => {}
        Source::Fixed { address } => socket.bind(SocketAddr::new(address, 0))?,
        Source::Client {} => {
            transparent(&socket, to.is_ipv4())?;
            socket.bind(SocketAddr::new(context.client.ip(), 0))?;
        }
    }
    socket.connect(to).await
}

/// Lets the socket have an address that is not the appliance's (`IP_TRANSPARENT`, ip(7)).
fn transparent(socket: &TcpSocket, is_v4: bool) -> io::Result<()> {
    let socket = socket2::SockRef::from(socket);
    if is_v4 {
        socket.set_ip_transparent_v4(true)
    } else {
        socket.set_ip_transparent_v6(true)
    }
}

fn kinds(known: &[Known]) -> Vec<russh::keys::Algorithm> {
    let read = known
        .iter()
        .filter_map(|key| PublicKey::from_bytes(&key.blob).ok());
    read.map(|key| key.algorithm()).collect()
}
