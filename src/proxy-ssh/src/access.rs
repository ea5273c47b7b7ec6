//! What the proxy asks of the appliance.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use russh::keys::{PrivateKey, PublicKey};
use sps_cluster_config::sections::connections::SshConnection;
use sps_proxy_engine::{Known, Moment};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::policies::Policies;
use crate::recording::{Begun, NoRoom, Recording};

/// An answer that comes later.
pub type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A server as its key is kept: by name or address as it was wanted, and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerName {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Somebody who wants in at the gateway.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The name given.
    pub user: String,
    /// Name of the user database of the connection, if it has one.
    pub database: Option<String>,
    /// Where the client is.
    pub from: SocketAddr,
}

/// Somebody who is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub user: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// Why a server's key could not be kept.
#[derive(Debug, Error)]
#[error("the host key of {server} could not be kept: {reason}")]
pub struct PinError {
    /// The server.
    pub server: String,
    /// What went wrong.
    pub reason: String,
}

/// Why there is no host key for clients.
#[derive(Debug, Error)]
#[error("there is no host key for the connection {connection:?}: {reason}")]
pub struct HostKeyError {
    /// Name of the connection policy.
    pub connection: String,
    /// What went wrong.
    pub reason: String,
}

/// The appliance as the proxy sees it.
pub trait Access: Send + Sync + 'static {
    /// The policies in force.
    fn policies(&self) -> Arc<Policies>;

    /// Whether an address is the appliance's own, or nobody's ([`sps_proxy_engine::Own`]): nobody may go there.
    fn is_own(&self, address: IpAddr) -> bool;

    /// Now, in the appliance's time zone.
    fn moment(&self) -> Moment;

    /// The host keys clients of a connection see.
    ///
    /// # Errors
    /// When there are none.
    fn host_keys(&self, connection: &SshConnection) -> Result<Vec<PrivateKey>, HostKeyError>;

    /// The addresses of a host name.
    fn resolve(&self, name: String) -> Answer<io::Result<Vec<IpAddr>>>;

    /// Who it is, if the password is right. Must take as long for an unknown user as for a wrong password.
    fn password(&self, attempt: Attempt, password: Zeroizing<String>) -> Answer<Option<Person>>;

    /// Who it is, if the key is one of theirs.
    fn public_key(&self, attempt: Attempt, key: PublicKey) -> Answer<Option<Person>>;

    /// Where accounts on servers are kept.
    fn credentials(&self) -> Arc<dyn Credentials>;

    /// The keys known of a server.
    fn known_keys(&self, server: ServerName) -> Answer<Vec<Known>>;

    /// Keeps the first key of a server, on disk when the answer comes.
    fn pin(&self, server: ServerName, key: PublicKey) -> Answer<Result<(), PinError>>;

    /// Tells people of something that looks like an attack.
    fn alarm(&self, text: String);

    /// A session begins: the answer comes when it can be recorded.
    fn begin(&self, begun: Begun) -> Answer<Result<Arc<dyn Recording>, NoRoom>>;
}
