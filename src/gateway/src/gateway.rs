//! The appliance as the SSH proxy sees it.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use sps_access::LockOut;
use sps_bootlog::causes;
use sps_cluster_config::Cluster;
use sps_cluster_config::sections::certificates::Credential;
use sps_cluster_config::sections::connections::SshConnection;
use sps_cluster_config::sections::policies::AuditPolicy;
use sps_proxy_engine::{Known, Moment};
use sps_proxy_ssh::{
    Access, Answer, Attempt, Begun, Credentials, HostKeyError, NoRoom, Person, PinError, Policies,
    PrivateKey, PublicKey, Recording, ServerName,
};
use sps_trail::SigningKey;
use sps_trail_store::{Pace, StoreError, TrailStore};
use thiserror::Error;
use tokio::net::lookup_host;
use tokio::task::spawn_blocking;
use tracing::{error, warn};
use zeroize::Zeroizing;

use crate::ground::{Ground, Surroundings};
use crate::host_keys::{HostKey, HostKeys, HostKeysError};
use crate::local::{Local, Users as _, password_of};
use crate::recording::{Content, Desk, Session, seconds};
use crate::stamps::Authorities;
use crate::{interrupted, recovered};

/// What the cluster key makes keys for; another word is another key.
const HOST_KEY: &str = "host key of ssh connections";
const SIGNING_KEY: &str = "signing key of audit trails";

/// Why there is no proxy.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// Trails cannot be written.
    #[error("audit trails cannot be written")]
    Trails(#[from] StoreError),
    /// Keys of servers cannot be read.
    #[error(transparent)]
    HostKeys(#[from] HostKeysError),
    /// There is no configuration.
    #[error("this firmware's data store has no configuration of connections")]
    NoConfiguration,
    /// There is no cluster key.
    #[error("the cluster key is not on this node: connections have no host key, and trails no signature")]
    NoKey,
    /// A key cannot be made.
    #[error("could not make a key of the cluster key: {0}")]
    Key(String),
}

/// What is in force.
struct Force {
    document: Arc<Cluster>,
    policies: Arc<Policies>,
}

/// The gateway.
pub struct Gateway {
    ground: Arc<dyn Ground>,
    surroundings: Surroundings,
    desk: Desk,
    hosts: Arc<HostKeys>,
    host_key: PrivateKey,
    force: Mutex<Arc<Force>>,
    authorities: Authorities,
    /// What guessing passwords costs.
    lock_out: Arc<Mutex<LockOut>>,
}

impl Gateway {
    /// Opens what it works with. Blocking.
    ///
    /// # Errors
    /// When something it works with is missing or cannot be used.
    pub fn open(ground: Arc<dyn Ground>, surroundings: Surroundings) -> Result<Self, GatewayError> {
        // Before the first new one.
        interrupted::close(ground.as_ref());
        recovered::adopt(ground.as_ref());
        let (host_key, signer) = keys(ground.as_ref())?;
        let full = surroundings.full.clone();
        let has_room = move || match *full.borrow() {
            false => Ok(()),
            true => {
                Err("the disk of the appliance is full: an administrator must archive or clean up".into())
            }
        };
        let trails = TrailStore::start(&ground.trails(), Pace::default(), Box::new(has_room))?;
        let desk = Desk {
            trails: Arc::new(trails),
            signer: Arc::new(signer),
            full: surroundings.full.clone(),
            live: surroundings.live.clone(),
            stamping: None,
        };
        let hosts = HostKeys::open(&ground.host_keys())?;
        let force = Mutex::new(Arc::new(Force {
            document: Arc::default(),
            policies: Arc::default(),
        }));
        let authorities = Authorities::new(surroundings.carrier.clone());
        let gateway = Self {
            ground,
            authorities,
            surroundings,
            desk,
            hosts: Arc::new(hosts),
            host_key,
            force,
            lock_out: Arc::default(),
        };
        gateway.refresh();
        Ok(gateway)
    }

    /// Takes over the configuration as it is now; sessions that go on keep theirs.
    pub fn refresh(&self) {
        let Some(store) = self.ground.configuration() else {
            return;
        };
        let document = {
            let store = store.lock().unwrap_or_else(PoisonError::into_inner);
            store.document().clone()
        };
        let (policies, errors) = Policies::new(document.connections.ssh.clone(), &document.policies);
        for error in errors {
            error!("{}", causes(&error));
        }
        let force = Force {
            document: Arc::new(document),
            policies: Arc::new(policies),
        };
        *self.force.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(force);
    }

    /// Ports on which clients are let in.
    pub fn ports(&self) -> Vec<u16> {
        let force = self.force();
        let enabled = force
            .policies
            .ssh
            .connections
            .iter()
            .filter(|connection| connection.enabled);
        let mut ports: Vec<u16> = enabled.map(|connection| connection.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// What was written of audit trails, and how long it took.
    pub fn trails(&self) -> sps_trail_store::Figures {
        self.desk.trails.figures()
    }

    fn force(&self) -> Arc<Force> {
        self.force.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// People and accounts as the configuration knows them now.
    fn local(&self) -> Local {
        Local(self.force().document.clone())
    }
}

/// The keys that the cluster key makes: the same on every node, and after a restore.
fn keys(ground: &dyn Ground) -> Result<(PrivateKey, SigningKey), GatewayError> {
    let store = ground.configuration().ok_or(GatewayError::NoConfiguration)?;
    let store = store.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = store.key().ok_or(GatewayError::NoKey)?;
    let failed = |error: &dyn std::error::Error| GatewayError::Key(causes(error));
    let seed = cluster.derive(HOST_KEY).map_err(|error| failed(&error))?;
    let host = sps_proxy_ssh::host_key_of(&seed).map_err(|error| failed(&error))?;
    let seed = cluster.derive(SIGNING_KEY).map_err(|error| failed(&error))?;
    let signer = SigningKey::from_secret(&seed).map_err(|error| failed(&error))?;
    Ok((host, signer))
}

/// The key of an audit policy. It is looked at when the policy is committed; a session that cannot be signed as it says is none.
fn signer_of(credential: &Credential) -> Result<SigningKey, String> {
    let wrong = |reason: &str| {
        format!(
            "the signing key of the audit policy cannot be used, {reason}: an administrator must give another"
        )
    };
    let private = credential
        .private_key
        .known()
        .ok_or_else(|| wrong("it is lost"))?;
    SigningKey::from_pem(private.expose().as_bytes()).map_err(|error| wrong(&error.to_string()))
}

impl Access for Gateway {
    fn policies(&self) -> Arc<Policies> {
        self.force().policies.clone()
    }

    fn is_own(&self, address: IpAddr) -> bool {
        (self.surroundings.is_own)(address)
    }

    fn moment(&self) -> Moment {
        Moment::at(seconds(), &self.force().document.date_time.time_zone)
    }

    fn host_keys(&self, connection: &SshConnection) -> Result<Vec<PrivateKey>, HostKeyError> {
        let failed = |reason: String| HostKeyError {
            connection: connection.name.clone(),
            reason,
        };
        let mut keys = Vec::new();
        for key in [&connection.host_keys.ed25519, &connection.host_keys.rsa]
            .into_iter()
            .flatten()
        {
            let private = key
                .private
                .known()
                .ok_or_else(|| failed("its private half is lost".into()))?;
            let read = sps_proxy_ssh::host_key(private.expose());
            keys.push(read.map_err(|error| failed(error.to_string()))?);
        }
        if keys.is_empty() {
            keys.push(self.host_key.clone());
        }
        Ok(keys)
    }

    fn resolve(&self, name: String) -> Answer<io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip().to_canonical()).collect())
        })
    }

    fn password(&self, attempt: Attempt, password: Zeroizing<String>) -> Answer<Option<Person>> {
        password_of(&self.local(), &self.lock_out, attempt, password)
    }

    fn public_key(&self, attempt: Attempt, key: PublicKey) -> Answer<Option<Person>> {
        self.local().public_key(attempt, key)
    }

    fn credentials(&self) -> Arc<dyn Credentials> {
        Arc::new(self.local())
    }

    fn known_keys(&self, server: ServerName) -> Answer<Vec<Known>> {
        let lines = self.hosts.of(&server.host, server.port);
        let known = lines
            .iter()
            .filter_map(|line| sps_proxy_ssh::known(line))
            .collect();
        Box::pin(async move { known })
    }

    fn pin(&self, server: ServerName, key: PublicKey) -> Answer<Result<(), PinError>> {
        let hosts = self.hosts.clone();
        Box::pin(async move {
            let name = format!("{}:{}", server.host, server.port);
            let failed = |reason: String| PinError {
                server: name.clone(),
                reason,
            };
            let line = key.to_openssh().map_err(|error| failed(error.to_string()))?;
            let kept = HostKey {
                host: server.host,
                port: server.port,
                key: line,
                since: seconds(),
            };
            let kept = spawn_blocking(move || hosts.keep(kept)).await;
            match kept {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(failed(causes(&error))),
                Err(error) => Err(failed(error.to_string())),
            }
        })
    }

    fn alarm(&self, text: String) {
        warn!("ALERT: {text}");
    }

    fn begin(&self, begun: Begun) -> Answer<Result<Arc<dyn Recording>, NoRoom>> {
        let force = self.force();
        let audit = begun
            .audit_policy
            .as_ref()
            .and_then(|name| force.document.policies.audit.get(name));
        let own = AuditPolicy::default();
        let policy = audit.unwrap_or(&own);
        let mut desk = self.desk.clone();
        desk.stamping = audit.and_then(|policy| self.authorities.of(policy));
        match audit.and_then(|policy| policy.signing.as_ref()).map(signer_of) {
            None => {}
            Some(Ok(signer)) => desk.signer = Arc::new(signer),
            Some(Err(reason)) => return Box::pin(async { Err(NoRoom { reason }) }),
        }
        if *self.surroundings.full.borrow() {
            return Box::pin(async {
                Err(NoRoom {
                    reason: "the disk of the appliance is full: ask your administrator".into(),
                })
            });
        }
        let connections = &force.document.connections.ssh.connections;
        let connection = connections.iter().find(|one| one.name == begun.connection);
        let indexed = connection.and_then(|one| one.indexer_policy.as_ref());
        let is_open = indexed.is_some_and(|name| {
            let policy = force.document.policies.indexer.get(name);
            policy.is_some_and(|policy| policy.encrypted_sessions)
        });
        let content = match indexed {
            None => Content::NotIndexed,
            Some(_) if is_open => Content::IndexedThoughEncrypted,
            Some(_) => Content::Indexed,
        };
        let session = Session::begin(self.ground.clone(), desk, begun, policy, content);
        Box::pin(async move {
            let session: Arc<dyn Recording> = Arc::new(session?);
            Ok(session)
        })
    }
}
