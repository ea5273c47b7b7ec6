//! The way to the server: its address, the connection, its host key.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::PublicKey;
use russh::{AlgorithmKind, client};
use sps_cluster_config::sections::connections::Destination;
use sps_proxy_engine::{Destined, Host, HostKeyRefusal, Known, Wanted, permits_address};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::access::ServerName;
use crate::algorithms;
use crate::context::Context;
use crate::server_side::ServerSide;
use crate::socket::{self, SourceError};
use crate::wire::wire;

/// Longest time for addresses, connection and key exchange together: a person waits.
const WITHIN: Duration = Duration::from_secs(15);
/// Addresses of a name that are tried.
const MOST_ADDRESSES: usize = 8;
/// Characters of what a server says that people are shown.
const MOST_SHOWN: usize = 200;

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
    #[error(transparent)]
    Connect(#[from] SourceError),
    #[error("{server} went away at once: {source}")]
    Gone { server: String, source: io::Error },
    #[error("{server} did not answer within {seconds} seconds{hint}", seconds = WITHIN.as_secs())]
    Late { server: String, hint: String },
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
        hint: socket::hint(context.connection.source, context.client),
    };
    let addresses = timeout_at(deadline, addresses(context, destined, wanted))
        .await
        .map_err(late)??;
    let stream = timeout_at(deadline, connect(context, wanted, &addresses))
        .await
        .map_err(late)??;
    let address = stream.peer_addr().map_err(|source| DialError::Gone {
        server: server.clone(),
        source,
    })?;
    let name = ServerName {
        host: wanted.host.to_string(),
        port: wanted.port,
    };
    let known = context.access.known_keys(name.clone()).await;
    let config = Arc::new(algorithms::for_servers(
        &kinds(&known),
        None,
        context.ciphers(),
        context.watched.window,
    ));
    let refusal = Arc::new(Mutex::new(None));
    let side = ServerSide::new(context.clone(), name, known, refusal.clone());
    let connected = timeout_at(deadline, client::connect_stream(config, wire(stream), side))
        .await
        .map_err(late)?;
    let handle = connected.map_err(|source| {
        let refused = refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
        refused.map_or_else(|| not_agreed(server, source), DialError::HostKey)
    })?;
    Ok(Dialled { handle, address })
}

/// Why there is no connection, where the host key was not judged.
fn not_agreed(server: String, source: russh::Error) -> DialError {
    match source {
        russh::Error::ShortServerKey { bits } => {
            DialError::HostKey(HostKeyRefusal::Short { bits }.to_string())
        }
        russh::Error::NoCommonAlgo {
            kind: AlgorithmKind::Key,
            theirs,
            ..
        } => DialError::HostKey(
            HostKeyRefusal::Kind {
                algorithm: shown(&theirs.join(", ")),
            }
            .to_string(),
        ),
        source => DialError::Handshake { server, source },
    }
}

/// What a server says, as far as it can be shown.
fn shown(said: &str) -> String {
    said.chars()
        .filter(|c| !c.is_control())
        .take(MOST_SHOWN)
        .collect()
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

/// The first address that answers; else what is wrong with the last one.
async fn connect(context: &Context, wanted: &Wanted, addresses: &[IpAddr]) -> Result<TcpStream, DialError> {
    let mut last = DialError::NoAddress {
        name: wanted.host.to_string(),
    };
    for address in addresses {
        let to = SocketAddr::new(*address, wanted.port);
        match socket::connect(context.connection.source, context.client, to).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

fn kinds(known: &[Known]) -> Vec<russh::keys::Algorithm> {
    let read = known
        .iter()
        .filter_map(|key| PublicKey::from_bytes(&key.blob).ok());
    read.map(|key| key.algorithm()).collect()
}
