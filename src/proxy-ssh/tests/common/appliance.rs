//! The appliance of the tests: policies, one person, keys and recordings in memory.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use russh::keys::{HashAlg, PrivateKey, PublicKey};
use sps_cluster_config::sections::connections::{
    Channel, Destination, SshAuthentication, SshConnection, SshControl,
};
use sps_cluster_config::sections::policies::Policies as PolicyDocument;
use sps_proxy_engine::{Kind, Known, Moment, Own};
use sps_proxy_ssh::{
    Access, Account, Answer, Attempt, Begun, Credential, Credentials, Event, Facts, HostKeyError, NoRoom,
    Permission, Person, PinError, Policies, Recording, ServerName, Wanted, What,
};
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// What a test changes.
pub(crate) struct Settings {
    pub(crate) ssh: SshControl,
    pub(crate) policies: PolicyDocument,
    pub(crate) names: HashMap<String, Vec<IpAddr>>,
    pub(crate) own: Vec<IpAddr>,
    pub(crate) people: HashMap<String, String>,
    pub(crate) keys: Vec<(String, PublicKey)>,
    /// What opens accounts, by user of the server.
    pub(crate) accounts: Vec<(String, Credential)>,
    /// Another host key than the appliance's own.
    pub(crate) host_key: Option<PrivateKey>,
}

impl Settings {
    /// Everything allowed and recorded, to the server on this port.
    pub(crate) fn to(port: u16) -> Self {
        let channel = |(kind, _): (&str, Kind)| Channel {
            kind: kind.into(),
            audit: true,
            ..Channel::default()
        };
        let connection = SshConnection {
            name: "test".into(),
            enabled: true,
            from: vec!["127.0.0.0/8".parse().unwrap()],
            to: vec!["127.0.0.1/32".parse().unwrap()],
            // The port is filled in when it is known.
            port: 0,
            destination: Destination::Fixed {
                server: "server.test".into(),
                port,
            },
            channel_policy: "all".into(),
            authentication_policy: "base".into(),
            settings: "base".into(),
            ..SshConnection::default()
        };
        let authentication = SshAuthentication {
            relayed: vec!["password".into(), "keyboard-interactive".into()],
            ..SshAuthentication::default()
        };
        let ssh = SshControl {
            connections: vec![connection],
            channel_policies: [("all".to_owned(), Kind::ALL.map(channel).to_vec())].into(),
            authentication_policies: [("base".to_owned(), authentication)].into(),
            ..SshControl::default()
        };
        Self {
            ssh,
            policies: PolicyDocument::default(),
            names: [("server.test".to_owned(), vec!["127.0.0.1".parse().unwrap()])].into(),
            own: Vec::new(),
            people: HashMap::new(),
            keys: Vec::new(),
            accounts: Vec::new(),
            host_key: None,
        }
    }

    pub(crate) fn connection(&mut self) -> &mut SshConnection {
        &mut self.ssh.connections[0]
    }

    pub(crate) fn authentication(&mut self) -> &mut SshAuthentication {
        self.ssh.authentication_policies.get_mut("base").unwrap()
    }

    pub(crate) fn channels(&mut self) -> &mut Vec<Channel> {
        self.ssh.channel_policies.get_mut("all").unwrap()
    }
}

/// A recorded session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) events: Vec<Event>,
    pub(crate) facts: Facts,
    pub(crate) verdict: Option<&'static str>,
    pub(crate) why: String,
}

impl Kept {
    /// What the server said on any channel.
    pub(crate) fn output(&self) -> Vec<u8> {
        let data = self.events.iter().filter_map(|event| match &event.what {
            What::Output { data, .. } => Some(data.as_ref()),
            _ => None,
        });
        data.collect::<Vec<_>>().concat()
    }

    /// What the client said on any channel.
    pub(crate) fn input(&self) -> Vec<u8> {
        let data = self.events.iter().filter_map(|event| match &event.what {
            What::Input { data } => Some(data.as_ref()),
            _ => None,
        });
        data.collect::<Vec<_>>().concat()
    }

    /// Kinds of channels that were opened.
    pub(crate) fn opened(&self) -> Vec<(&'static str, String)> {
        let opened = self.events.iter().filter_map(|event| match &event.what {
            What::Opened { kind, detail } => Some((*kind, detail.clone())),
            _ => None,
        });
        opened.collect()
    }

    /// Kinds of channels that were refused.
    pub(crate) fn denied(&self) -> Vec<&'static str> {
        let denied = self.events.iter().filter_map(|event| match &event.what {
            What::Denied { kind, .. } => Some(*kind),
            _ => None,
        });
        denied.collect()
    }
}

pub(crate) struct Appliance {
    settings: Mutex<Settings>,
    policies: Mutex<Arc<Policies>>,
    host_key: PrivateKey,
    known: Mutex<HashMap<ServerName, Vec<Known>>>,
    sessions: Mutex<Vec<Arc<Session>>>,
    alarms: Mutex<Vec<String>>,
    changed: Notify,
}

pub(crate) struct Session {
    number: usize,
    kept: Mutex<Kept>,
    end: Notify,
    ended: tokio::sync::SetOnce<()>,
}

impl Appliance {
    pub(crate) fn new(settings: Settings) -> Self {
        let seed = russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&[7; 32]);
        let host_key = PrivateKey::new(seed.into(), "").unwrap();
        Self {
            settings: Mutex::new(settings),
            policies: Mutex::default(),
            host_key,
            known: Mutex::default(),
            sessions: Mutex::default(),
            alarms: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// The proxy listens there: its connection policy says so.
    pub(crate) fn listens(&self, port: u16) {
        for connection in &mut self.settings.lock().unwrap().ssh.connections {
            connection.port = port;
        }
        self.follow();
    }

    /// The configuration changes.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.lock().unwrap());
        self.follow();
    }

    /// The connection policies.
    pub(crate) fn connections(&self) -> Vec<SshConnection> {
        self.settings.lock().unwrap().ssh.connections.clone()
    }

    /// The settings are in force.
    pub(crate) fn follow(&self) {
        let settings = self.settings.lock().unwrap();
        let (policies, errors) = Policies::new(settings.ssh.clone(), &settings.policies);
        assert!(errors.is_empty(), "{errors:?}");
        *self.policies.lock().unwrap() = Arc::new(policies);
    }

    /// The session, when it has ended.
    pub(crate) async fn ended(&self, number: usize) -> Kept {
        let session = loop {
            let changed = self.changed.notified();
            if let Some(session) = self.sessions.lock().unwrap().get(number).cloned() {
                break session;
            }
            changed.await;
        };
        session.ended.wait().await;
        session.kept.lock().unwrap().clone()
    }

    /// What is recorded of a session by now.
    pub(crate) fn so_far(&self, number: usize) -> Kept {
        self.sessions.lock().unwrap()[number].kept.lock().unwrap().clone()
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions.lock().unwrap().len()
    }

    pub(crate) fn terminate(&self, number: usize) {
        self.sessions.lock().unwrap()[number].end.notify_one();
    }

    pub(crate) fn alarms(&self) -> Vec<String> {
        self.alarms.lock().unwrap().clone()
    }

    pub(crate) fn pinned(&self) -> Vec<String> {
        let known = self.known.lock().unwrap();
        known
            .values()
            .flatten()
            .map(|key| key.fingerprint.clone())
            .collect()
    }

    pub(crate) fn know(&self, host: &str, port: u16, key: &PublicKey) {
        let name = ServerName {
            host: host.into(),
            port,
        };
        self.known
            .lock()
            .unwrap()
            .entry(name)
            .or_default()
            .push(known(key));
    }
}

fn known(key: &PublicKey) -> Known {
    Known {
        blob: key.to_bytes().unwrap(),
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
    }
}

impl Access for Appliance {
    fn policies(&self) -> Arc<Policies> {
        self.policies.lock().unwrap().clone()
    }

    fn is_own(&self, address: IpAddr) -> bool {
        // The server of the tests stands on this machine: its loopback is somebody else here.
        self.settings.lock().unwrap().own.contains(&address)
            || (!address.is_loopback() && Own::default().holds(address))
    }

    fn moment(&self) -> Moment {
        Moment { day: 0, minute: 600 }
    }

    fn host_keys(&self, _connection: &SshConnection) -> Result<Vec<PrivateKey>, HostKeyError> {
        let other = self.settings.lock().unwrap().host_key.clone();
        Ok(vec![other.unwrap_or_else(|| self.host_key.clone())])
    }

    fn resolve(&self, name: String) -> Answer<io::Result<Vec<IpAddr>>> {
        let found = self.settings.lock().unwrap().names.get(&name).cloned();
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }

    fn password(&self, attempt: Attempt, password: Zeroizing<String>) -> Answer<Option<Person>> {
        let right = self.settings.lock().unwrap().people.get(&attempt.user) == Some(&*password);
        Box::pin(async move {
            right.then_some(Person {
                user: attempt.user,
                groups: Vec::new(),
            })
        })
    }

    fn public_key(&self, attempt: Attempt, key: PublicKey) -> Answer<Option<Person>> {
        let settings = self.settings.lock().unwrap();
        let right = settings
            .keys
            .iter()
            .any(|(user, own)| *user == attempt.user && own.key_data() == key.key_data());
        Box::pin(async move {
            right.then_some(Person {
                user: attempt.user,
                groups: Vec::new(),
            })
        })
    }

    fn credentials(&self) -> Arc<dyn Credentials> {
        Arc::new(Accounts(self.settings.lock().unwrap().accounts.clone()))
    }

    fn known_keys(&self, server: ServerName) -> Answer<Vec<Known>> {
        let found = self
            .known
            .lock()
            .unwrap()
            .get(&server)
            .cloned()
            .unwrap_or_default();
        Box::pin(async move { found })
    }

    fn pin(&self, server: ServerName, key: PublicKey) -> Answer<Result<(), PinError>> {
        self.known
            .lock()
            .unwrap()
            .entry(server)
            .or_default()
            .push(known(&key));
        Box::pin(async { Ok(()) })
    }

    fn alarm(&self, text: String) {
        self.alarms.lock().unwrap().push(text);
    }

    fn begin(&self, _begun: Begun) -> Answer<Result<Arc<dyn Recording>, NoRoom>> {
        let mut sessions = self.sessions.lock().unwrap();
        let session = Arc::new(Session {
            number: sessions.len(),
            kept: Mutex::default(),
            end: Notify::new(),
            ended: tokio::sync::SetOnce::new(),
        });
        sessions.push(session.clone());
        self.changed.notify_waiters();
        let recording: Arc<dyn Recording> = Arc::new(Handle(session));
        Box::pin(async move { Ok(recording) })
    }
}

struct Accounts(Vec<(String, Credential)>);

impl Credentials for Accounts {
    fn of(&self, account: Account) -> Answer<Vec<Credential>> {
        assert_eq!(account.store, "servers");
        let fitting = self.0.iter().filter(|(user, _)| *user == account.server_user);
        let found = fitting.map(|(_, credential)| credential.clone()).collect();
        Box::pin(async move { found })
    }
}

struct Handle(Arc<Session>);

impl Recording for Handle {
    fn id(&self) -> String {
        format!("test-{}", self.0.number)
    }

    fn start(&self) -> Answer<Result<(), sps_proxy_ssh::NotKept>> {
        Box::pin(async { Ok(()) })
    }

    fn event(&self, event: Event) -> sps_proxy_ssh::Kept {
        self.0.kept.lock().unwrap().events.push(event);
        None
    }

    fn facts(&self, facts: Facts) {
        let mut kept = self.0.kept.lock().unwrap();
        let own = &mut kept.facts;
        own.target = facts.target.or(own.target.take());
        own.server = facts.server.or(own.server.take());
        own.gateway_user = facts.gateway_user.or(own.gateway_user.take());
        own.server_user = facts.server_user.or(own.server_user.take());
    }

    fn permission(&self, _: Wanted) -> Answer<Permission> {
        let reason = "nobody agrees in these tests".into();
        Box::pin(async move { Permission::Refused { reason } })
    }

    fn terminated(&self) -> Answer<String> {
        let session = self.0.clone();
        Box::pin(async move {
            session.end.notified().await;
            "ended by admin".into()
        })
    }

    fn end(&self, verdict: &'static str, why: String) -> Answer<()> {
        {
            let mut kept = self.0.kept.lock().unwrap();
            kept.verdict = Some(verdict);
            kept.why = why;
        }
        drop(self.0.ended.set(()));
        Box::pin(async {})
    }
}
