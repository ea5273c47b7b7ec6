//! Who is whom on servers, and what opens them: accounts the appliance keeps, and agents of clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{Lab, Said, Settings, Sshd, USER, USER_PASSWORD, keygen};
use russh::keys::PrivateKey;
use sps_cluster_config::sections::policies::{MappedUser, UserMapping};
use sps_proxy_ssh::Credential;
use zeroize::Zeroizing;

/// What alice types at the gateway; the server does not know it.
const AT_GATEWAY: &str = "at the gateway";

/// Alice is known at the gateway, and the server asks nobody.
fn gateway(settings: &mut Settings) {
    settings.authentication().gateway = vec!["password".into()];
    settings.authentication().relayed = Vec::new();
    settings.people.insert("alice".into(), AT_GATEWAY.into());
}

/// So it is, and the appliance keeps this account.
fn keeping(settings: &mut Settings, credentials: Vec<Credential>) {
    gateway(settings);
    settings.connection().credential_store = Some("servers".into());
    let accounts = credentials
        .into_iter()
        .map(|credential| (USER.to_owned(), credential));
    settings.accounts.extend(accounts);
}

fn password(text: &str) -> Credential {
    Credential::Password(Zeroizing::new(text.to_owned()))
}

async fn as_alice(lab: &Lab, server_user: &str, more: &[&str]) -> Said {
    let mut command = lab.client("ssh", &format!("gu=alice@{server_user}"), AT_GATEWAY);
    command.args(more).args(["127.0.0.1", "echo in"]);
    Said::from(command.output().await.unwrap())
}

fn is_in(said: &Said) {
    assert_eq!((said.status, said.out.as_str()), (Some(0), "in\n"), "{said:?}");
}

fn is_out(said: &Said, words: &str) {
    assert_eq!(said.status, Some(255), "{said:?}");
    assert!(said.err.contains(words), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_password_opens_the_server() {
    let lab = Lab::start(|settings| keeping(settings, vec![password(USER_PASSWORD)])).await;
    is_in(&as_alice(&lab, USER, &[]).await);
    let kept = lab.appliance.ended(0).await;
    assert_eq!(kept.facts.gateway_user.as_deref(), Some("alice"));
    assert_eq!(kept.facts.server_user.as_deref(), Some(USER));
    assert!(!format!("{kept:?}").contains(USER_PASSWORD));
    is_out(
        &as_alice(&lab, "nobody", &[]).await,
        "nothing is kept here that opens \"nobody\"",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_password_answers_a_server_that_asks() {
    let server =
        Sshd::start("PasswordAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM yes").unwrap();
    let lab = Lab::before(server, |settings| {
        keeping(settings, vec![password(USER_PASSWORD)]);
    })
    .await;
    is_in(&as_alice(&lab, USER, &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_key_opens_the_server_and_one_that_is_not_taken_is_told() {
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        keygen(&path, kind);
        let key = PrivateKey::from_openssh(std::fs::read_to_string(&path).unwrap()).unwrap();
        let key = Credential::Key(Box::new(key));
        // The password is for the case that the key is not taken.
        let lab = Lab::start(|settings| keeping(settings, vec![key.clone()])).await;
        is_out(
            &as_alice(&lab, USER, &[]).await,
            "does not take what is kept here",
        );
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        lab.server.authorize(&public).unwrap();
        is_in(&as_alice(&lab, USER, &[]).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_kept_people_may_log_in_themselves() {
    let lab = Lab::start(|settings| {
        keeping(settings, vec![password("old")]);
        // Once by each method: the client asks once.
        settings.authentication().gateway = vec!["keyboard-interactive".into()];
        settings.authentication().relayed = vec!["password".into()];
        // One answer for both questions: askpass knows one.
        settings.people.insert("alice".into(), USER_PASSWORD.into());
    })
    .await;
    let mut command = lab.client("ssh", &format!("gu=alice@{USER}"), USER_PASSWORD);
    command.args(["127.0.0.1", "echo in"]);
    is_in(&Said::from(command.output().await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_those_on_servers_whom_the_mapping_names() {
    let lab = Lab::start(|settings| {
        keeping(settings, vec![password(USER_PASSWORD)]);
        settings.connection().user_mapping = Some("staff".into());
        let line = |who: &str, server_user: &str| MappedUser {
            server_user: server_user.into(),
            who: vec![who.into()],
        };
        let mapping = UserMapping {
            users: vec![line("alice", USER), line("bob", "root")],
            others: false,
        };
        settings.policies.user_mappings.insert("staff".into(), mapping);
    })
    .await;
    is_in(&as_alice(&lab, USER, &[]).await);
    is_out(
        &as_alice(&lab, "root", &[]).await,
        "you may not log in at servers as \"root\"",
    );
    is_out(
        &as_alice(&lab, "daemon", &[]).await,
        "you may not log in at servers as \"daemon\"",
    );
    // Who may not, never gets as far as the server.
    let kept = lab.appliance.ended(1).await;
    assert_eq!((kept.facts.server, kept.verdict), (None, Some("deny")));
    lab.appliance
        .change(|settings| settings.connection().user_mapping = Some("gone".into()));
    is_out(&as_alice(&lab, USER, &[]).await, "you may not log in");
}

/// An agent with these keys.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn with(folder: &Path, keys: &[&Path]) -> Self {
        let socket = folder.join("agent");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut agent = Self { child, socket };
        // It says where it listens when it does.
        let mut said = String::new();
        BufReader::new(agent.child.stdout.as_mut().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert!(said.contains("SSH_AUTH_SOCK"), "{said}");
        for key in keys {
            let added = Command::new("ssh-add")
                .arg("-q")
                .arg(key)
                .env("SSH_AUTH_SOCK", &agent.socket)
                .status();
            assert!(added.unwrap().success());
        }
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

async fn with_agent(lab: &Lab, agent: &Agent, more: &[&str]) -> Said {
    let mut command = lab.client("ssh", &format!("gu=alice@{USER}"), AT_GATEWAY);
    command.env("SSH_AUTH_SOCK", &agent.socket).args(more);
    command.args(["127.0.0.1", "echo in"]);
    Said::from(command.output().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_agent_signs_for_the_server() {
    for kind in ["ed25519", "rsa"] {
        let folder = tempfile::tempdir().unwrap();
        let (other, key) = (folder.path().join("other"), folder.path().join("key"));
        keygen(&other, "ed25519");
        keygen(&key, kind);
        let agent = Agent::with(folder.path(), &[&other, &key]);
        let lab = Lab::start(|settings| {
            gateway(settings);
            settings.authentication().relayed = vec!["agent".into()];
        })
        .await;
        is_out(
            &with_agent(&lab, &agent, &["-A"]).await,
            "the server takes none of the 2 keys",
        );
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        lab.server.authorize(&public).unwrap();
        is_in(&with_agent(&lab, &agent, &["-A"]).await);
        is_out(
            &with_agent(&lab, &agent, &["-a"]).await,
            "connect with agent forwarding, ssh -A",
        );
        let kept = lab.appliance.ended(1).await;
        assert_eq!(kept.verdict, Some("accept"));
        assert_eq!(kept.facts.gateway_user.as_deref(), Some("alice"));
        let kept = lab.appliance.ended(2).await;
        assert_eq!((kept.verdict, kept.events.len()), (Some("auth-fail"), 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_gateway_login_no_agent_and_no_mapping_lets_anybody_in() {
    for change in [
        (|settings: &mut Settings| settings.authentication().relayed = vec!["agent".into()])
            as fn(&mut Settings),
        |settings| settings.connection().user_mapping = Some("staff".into()),
    ] {
        let lab = Lab::start(|settings| {
            change(settings);
            settings.authentication().gateway = Vec::new();
        })
        .await;
        let said = lab.ssh(&["true"]).await;
        is_out(&said, "nobody is asked at the gateway");
    }
}
