//! People and accounts that the configuration itself knows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sps_access::LockOut;
use sps_bootlog::uptime;
use sps_cluster_config::Cluster;
use sps_cluster_config::sections::policies::Account as Kept;
use sps_config::{Secret, hash_password, verify_password};
use sps_proxy_engine::{is_among, means_server};
use sps_proxy_ssh::{Account, Answer, Attempt, Credential, Credentials, Person, PublicKey};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::{error, warn};
use zeroize::Zeroizing;

/// Passwords that are looked at at the same time: each takes 19 MiB, and a flood of logins must not take the machine's memory.
static LOOKED_AT: Semaphore = Semaphore::const_new(4);
/// What is hashed where nobody is known by a name.
const NOBODYS: &str = "the password of nobody";

/// People whom the gateway can ask: those of the configuration now, those of directories later.
pub(crate) trait Users: Send + Sync {
    /// Who it is, if the password is right. Takes as long for an unknown user as for a wrong password.
    fn password(&self, attempt: Attempt, password: Zeroizing<String>) -> Answer<Option<Person>>;

    /// Who it is, if the key is one of theirs.
    fn public_key(&self, attempt: Attempt, key: PublicKey) -> Answer<Option<Person>>;
}

/// Asks for a password, as seldom as on the web: guessing costs time, for the user and for the address.
pub(crate) fn password_of(
    users: &dyn Users,
    lock_out: &Arc<Mutex<LockOut>>,
    attempt: Attempt,
    password: Zeroizing<String>,
) -> Answer<Option<Person>> {
    let (user, from) = (attempt.user.clone(), attempt.from.ip());
    let wait = lock(lock_out).wait(&user, from, uptime());
    if !wait.is_zero() {
        warn!(
            "{user:?} at {from} has to wait {} s: too many wrong passwords",
            wait.as_secs().max(1)
        );
        return Box::pin(async { None });
    }
    let asked = users.password(attempt, password);
    let lock_out = lock_out.clone();
    Box::pin(async move {
        let person = asked.await;
        lock(&lock_out).judged(&user, from, person.is_some(), uptime());
        person
    })
}

fn lock(lock_out: &Mutex<LockOut>) -> MutexGuard<'_, LockOut> {
    lock_out.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the configuration knows.
#[derive(Clone)]
pub(crate) struct Local(pub(crate) Arc<Cluster>);

impl Local {
    /// Somebody with this name, and the groups that name it.
    fn person(&self, user: String) -> Person {
        let groups = self.0.users.groups.iter();
        let groups = groups.filter(|(_, group)| group.members.contains(&user));
        Person {
            groups: groups.map(|(name, _)| name.clone()).collect(),
            user,
        }
    }
}

impl Users for Local {
    fn password(&self, attempt: Attempt, password: Zeroizing<String>) -> Answer<Option<Person>> {
        let document = &self.0;
        let hash = match &attempt.database {
            Some(database) => document
                .policies
                .user_databases
                .get(database)
                .and_then(|users| users.get(&attempt.user))
                .and_then(|user| user.password.clone()),
            None => document
                .users
                .local
                .get(&attempt.user)
                .and_then(|user| user.password.clone()),
        };
        let hash = hash.as_ref().and_then(|hash| hash.known()).cloned();
        let own = self.clone();
        Box::pin(async move {
            let _turn = LOOKED_AT.acquire().await.ok()?;
            let password = Secret::from(password.as_str().to_owned());
            let right = spawn_blocking(move || match hash {
                Some(hash) => verify_password(&password, &hash),
                // As long as for somebody who is known, whatever was typed: a short password is not hashed at all.
                None => hash_password(&Secret::from(NOBODYS.to_owned())).is_ok_and(|_| false),
            });
            right.await.unwrap_or(false).then(|| own.person(attempt.user))
        })
    }

    fn public_key(&self, attempt: Attempt, key: PublicKey) -> Answer<Option<Person>> {
        let databases = &self.0.policies.user_databases;
        let user = attempt.database.as_ref().and_then(|name| databases.get(name));
        let lines = user.and_then(|users| users.get(&attempt.user));
        let known = lines.is_some_and(|user| {
            let read = user
                .public_keys
                .iter()
                .filter_map(|line| PublicKey::from_openssh(line).ok());
            read.into_iter().any(|own| own.key_data() == key.key_data())
        });
        let own = self.clone();
        Box::pin(async move { known.then(|| own.person(attempt.user)) })
    }
}

impl Credentials for Local {
    fn of(&self, account: Account) -> Answer<Vec<Credential>> {
        let store = self.0.policies.credential_stores.get(&account.store);
        let accounts = store.into_iter().flat_map(|store| &store.accounts);
        let fitting = accounts.filter(|(_, kept)| is_for(kept, &account));
        let found = fitting
            .flat_map(|(name, kept)| opens(&account.store, name, kept))
            .collect();
        Box::pin(async move { found })
    }
}

fn is_for(kept: &Kept, account: &Account) -> bool {
    let Person { user, groups } = &account.person;
    kept.user == account.server_user
        && means_server(&kept.servers, &account.host, account.address)
        && (kept.who.is_empty() || is_among(&kept.who, user, groups))
}

/// What is kept of an account: its key first.
fn opens(store: &str, name: &str, kept: &Kept) -> Vec<Credential> {
    let mut found = Vec::new();
    let key = kept.private_key.as_ref().and_then(|key| key.known());
    if let Some(text) = key {
        match sps_proxy_ssh::host_key(text.expose()) {
            Ok(key) => found.push(Credential::Key(Box::new(key))),
            Err(error) => error!(
                "the private key of the account {name:?} in the credential store {store:?} cannot be used: {error}; give it in OpenSSH's \
                 format, without a passphrase"
            ),
        }
    }
    let password = kept.password.as_ref().and_then(|password| password.known());
    found.extend(password.map(|text| Credential::Password(Zeroizing::new(text.expose().to_owned()))));
    found
}

#[cfg(test)]
mod tests {
    use sps_cluster_config::sections::policies::CredentialStore;
    use sps_cluster_config::sections::users::Group;
    use sps_proxy_engine::Host;

    use super::*;

    fn secret(text: &str) -> sps_cluster_config::Protected {
        Secret::from(text.to_owned()).into()
    }

    fn account(user: &str, password: &str, servers: &[&str], who: &[&str]) -> Kept {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Kept {
            user: user.into(),
            password: Some(secret(password)),
            private_key: None,
            servers: words(servers),
            who: words(who),
        }
    }

    async fn found(local: &Local, user: &str, groups: &[&str], server_user: &str, host: &str) -> Vec<String> {
        let account = Account {
            store: "servers".into(),
            server_user: server_user.into(),
            host: Host::parse(host).unwrap(),
            address: "192.0.2.7".parse().unwrap(),
            person: Person {
                user: user.into(),
                groups: groups.iter().map(|&group| group.to_owned()).collect(),
            },
        };
        let found = local.of(account).await.into_iter();
        found
            .map(|credential| match credential {
                Credential::Password(password) => password.to_string(),
                Credential::Key(key) => key.algorithm().to_string(),
            })
            .collect()
    }

    #[tokio::test]
    async fn an_account_is_for_its_servers_and_its_people_alone() {
        let mut document = Cluster::default();
        let accounts = [
            ("all", account("root", "everywhere", &[], &[])),
            (
                "lab",
                account("root", "in the lab", &["*.lab.example.net"], &["operators"]),
            ),
            (
                "net",
                account("oracle", "by address", &["192.0.2.0/24"], &["alice"]),
            ),
            (
                "far",
                account("oracle", "elsewhere", &["198.51.100.0/24"], &["alice"]),
            ),
        ];
        let accounts = accounts.map(|(name, account)| (name.to_owned(), account));
        let store = CredentialStore {
            accounts: accounts.into(),
        };
        document
            .policies
            .credential_stores
            .insert("servers".into(), store);
        let local = Local(Arc::new(document));
        assert_eq!(
            found(&local, "bob", &[], "root", "db.lab.example.net").await,
            ["everywhere"]
        );
        assert_eq!(
            found(&local, "bob", &["operators"], "root", "db.lab.example.net").await,
            ["everywhere", "in the lab"]
        );
        assert_eq!(
            found(&local, "alice", &[], "oracle", "db.example.net").await,
            ["by address"]
        );
        assert!(
            found(&local, "bob", &[], "oracle", "db.example.net")
                .await
                .is_empty()
        );
        assert!(
            found(&local, "alice", &[], "nobody", "db.example.net")
                .await
                .is_empty()
        );
        let other = Account {
            store: "others".into(),
            server_user: "root".into(),
            host: Host::parse("db.example.net").unwrap(),
            address: "192.0.2.7".parse().unwrap(),
            person: Person {
                user: "alice".into(),
                groups: Vec::new(),
            },
        };
        assert!(local.of(other).await.is_empty());
    }

    #[tokio::test]
    async fn a_key_comes_before_the_password_and_one_that_cannot_be_read_is_passed_over() {
        let key = private_key();
        let mut kept = account("root", "secret", &[], &[]);
        kept.private_key = Some(secret(&key));
        let kinds = |kept: &Kept| opens("s", "a", kept).len();
        assert_eq!(kinds(&kept), 2);
        assert!(matches!(opens("s", "a", &kept)[0], Credential::Key(_)));
        kept.private_key = Some(secret("-----BEGIN OPENSSH PRIVATE KEY-----"));
        assert!(matches!(opens("s", "a", &kept)[..], [Credential::Password(_)]));
    }

    fn private_key() -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-t", "ed25519", "-f"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        std::fs::read_to_string(path).unwrap()
    }

    /// Alice, with this password.
    fn alice(password: &str) -> Local {
        let mut document = Cluster::default();
        let hash = hash_password(&Secret::from(password.to_owned())).unwrap();
        let user = sps_cluster_config::sections::users::LocalUser {
            password: Some(secret(hash.expose())),
        };
        document.users.local.insert("alice".into(), user);
        let group = Group {
            members: vec!["alice".into()],
            ..Group::default()
        };
        document.users.groups.insert("operators".into(), group);
        Local(Arc::new(document))
    }

    fn attempt(user: &str) -> Attempt {
        Attempt {
            user: user.into(),
            database: None,
            from: "192.0.2.1:5".parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn guessing_costs_what_it_costs_on_the_web() {
        let (local, lock_out) = (alice("right horse"), Arc::default());
        let tried = |user: &str, password: &str| {
            password_of(&local, &lock_out, attempt(user), Zeroizing::new(password.into()))
        };
        assert!(tried("alice", "right horse").await.is_some());
        for _ in 0..3 {
            assert!(tried("mallory", "wrong").await.is_none());
        }
        assert!(tried("alice", "right horse").await.is_some(), "people mistype");
        for name in ["a", "b", "c", "d", "e"] {
            assert!(tried(name, "wrong").await.is_none());
        }
        assert!(
            tried("alice", "right horse").await.is_none(),
            "from where somebody guesses nobody comes in for a while"
        );
    }

    #[tokio::test]
    async fn people_are_known_with_their_groups() {
        let local = alice("right horse");
        let asked =
            |user: &str, password: &str| local.password(attempt(user), Zeroizing::new(password.into()));
        let person = asked("alice", "right horse").await.unwrap();
        assert_eq!(
            (person.user.as_str(), &person.groups[..]),
            ("alice", &["operators".to_owned()][..])
        );
        assert!(asked("alice", "wrong").await.is_none());
        assert!(asked("mallory", "right horse").await.is_none());
    }
}
