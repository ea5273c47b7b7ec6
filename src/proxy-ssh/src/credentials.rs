//! What opens servers for people whom the gateway knows.

use std::fmt;
use std::net::IpAddr;

use russh::keys::PrivateKey;
use sps_proxy_engine::Host;
use zeroize::Zeroizing;

use crate::access::{Answer, Person};

/// An account on a server that somebody is to have.
#[derive(Clone, Debug)]
pub struct Account {
    /// Name of the credential store.
    pub store: String,
    /// The user there.
    pub server_user: String,
    /// The server, as it was asked for.
    pub host: Host,
    /// Its address.
    pub address: IpAddr,
    /// For whom.
    pub person: Person,
}

/// Something that opens an account. Never logged.
#[derive(Clone)]
pub enum Credential {
    /// A password.
    Password(Zeroizing<String>),
    /// A private key; it is zeroized when it goes.
    Key(Box<PrivateKey>),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password",
            Self::Key(_) => "Key",
        })
    }
}

/// Where accounts on servers are kept.
pub trait Credentials: Send + Sync + 'static {
    /// What opens an account, best first; nothing where there is none, or not for this person.
    fn of(&self, account: Account) -> Answer<Vec<Credential>>;
}
