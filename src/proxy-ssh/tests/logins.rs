//! Who is let in, where to, and what people are told who are not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod common;

use common::{Lab, Said, Sshd, USER, USER_PASSWORD, keygen};
use russh::keys::PublicKey;
use sps_cluster_config::sections::connections::{Destination, HostKeyCheck, InbandTarget};

/// Goes in-band to the server of the lab.
fn inband(settings: &mut common::Settings) {
    settings.connection().destination = Destination::Inband {
        targets: vec![InbandTarget {
            host: "*.test".into(),
            port: None,
        }],
    };
}

async fn as_user(lab: &Lab, user: &str, password: &str) -> Said {
    let mut command = lab.client("ssh", user, password);
    command.args(["127.0.0.1", "echo in"]);
    Said::from(command.output().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_name_says_where_to_go() {
    let lab = Lab::start(inband).await;
    let port = lab.server.port();
    for name in [
        format!("{USER}@server.test:{port}"),
        format!("{USER}%server.test+{port}"),
        format!("{USER}@SERVER.test./{port}"),
    ] {
        let said = as_user(&lab, &name, USER_PASSWORD).await;
        assert_eq!(
            (said.status, said.out.as_str()),
            (Some(0), "in\n"),
            "{name}: {said:?}"
        );
    }
    let kept = lab.appliance.ended(0).await;
    assert_eq!(kept.facts.target, Some(format!("server.test:{port}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_why_they_cannot_go_there() {
    let lab = Lab::start(|settings| {
        inband(settings);
        settings
            .names
            .insert("self.test".into(), vec!["192.0.2.10".parse().unwrap()]);
        settings.own.push("192.0.2.10".parse().unwrap());
    })
    .await;
    for (name, words) in [
        (USER.to_owned(), "name the server you want"),
        (format!("{USER}@my_server.test"), "RFC 5890"),
        (format!("{USER}@elsewhere.example"), "not among the servers"),
        (format!("{USER}@nobody.test"), "could not be looked up"),
        (format!("{USER}@self.test"), "is the appliance itself"),
        (format!("{USER}@server.test:1"), "could not be reached"),
    ] {
        let said = as_user(&lab, &name, USER_PASSWORD).await;
        assert_eq!(said.status, Some(255), "{name}: {said:?}");
        assert!(said.err.contains(words), "{name}: {said:?}");
    }
    assert_eq!(lab.appliance.ended(0).await.verdict, Some("deny"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_asks_first_and_then_the_server() {
    let lab = Lab::start(|settings| {
        settings.authentication().gateway = vec!["password".into(), "keyboard-interactive".into()];
        // One answer for both questions: askpass knows one.
        settings.people.insert("alice".into(), USER_PASSWORD.into());
    })
    .await;
    let said = as_user(&lab, &format!("gu=alice@{USER}"), USER_PASSWORD).await;
    assert_eq!((said.status, said.out.as_str()), (Some(0), "in\n"), "{said:?}");
    let kept = lab.appliance.ended(0).await;
    assert_eq!(kept.facts.gateway_user.as_deref(), Some("alice"));
    assert_eq!(kept.facts.server_user.as_deref(), Some(USER));
    let said = as_user(&lab, &format!("gu=mallory@{USER}"), USER_PASSWORD).await;
    assert_eq!(said.status, Some(255), "{said:?}");
    // Who is not known at the gateway never gets as far as the server.
    assert_eq!(lab.appliance.ended(1).await.facts.server, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_the_gateway_and_a_password_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let identity = folder.path().join("alice");
    keygen(&identity, "ed25519");
    let public = std::fs::read_to_string(identity.with_extension("pub")).unwrap();
    let lab = Lab::start(|settings| {
        settings.authentication().gateway = vec!["public-key".into()];
        settings
            .keys
            .push(("alice".into(), PublicKey::from_openssh(&public).unwrap()));
    })
    .await;
    let mut command = lab.client("ssh", &format!("gu=alice@{USER}"), USER_PASSWORD);
    command.arg("-i").arg(&identity).args(["127.0.0.1", "echo in"]);
    let said = Said::from(command.output().await.unwrap());
    assert_eq!((said.status, said.out.as_str()), (Some(0), "in\n"), "{said:?}");
    let said = as_user(&lab, &format!("gu=alice@{USER}"), USER_PASSWORD).await;
    assert_eq!(said.status, Some(255), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_host_key_is_kept_and_another_one_stops_everything() {
    let lab = Lab::start(|_| {}).await;
    assert_eq!(lab.ssh(&["true"]).await.status, Some(0));
    let pinned = lab.appliance.pinned();
    let own = PublicKey::from_openssh(&lab.server.host_key().unwrap()).unwrap();
    assert_eq!(
        pinned,
        [own.fingerprint(russh::keys::HashAlg::Sha256).to_string()]
    );
    assert_eq!(lab.ssh(&["true"]).await.status, Some(0));
    // Somebody else answers for the same server.
    let other = Sshd::start("").unwrap();
    let port = other.port();
    let lab = Lab::before(other, |_| {}).await;
    lab.appliance.know("server.test", port, &own);
    let said = lab.ssh(&["true"]).await;
    assert_eq!(said.status, Some(255), "{said:?}");
    assert!(said.err.contains("HAS CHANGED"), "{said:?}");
    assert_eq!(lab.appliance.alarms().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_known_host_keys_when_the_policy_says_so() {
    let lab = Lab::start(|settings| settings.connection().host_key_check = HostKeyCheck::OnlyKnown).await;
    let said = lab.ssh(&["true"]).await;
    assert!(
        said.status == Some(255) && said.err.contains("is not known"),
        "{said:?}"
    );
    let own = PublicKey::from_openssh(&lab.server.host_key().unwrap()).unwrap();
    lab.appliance.know("server.test", lab.server.port(), &own);
    assert_eq!(lab.ssh(&["true"]).await.status, Some(0));
    assert!(lab.appliance.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_nobody_gets_an_answer() {
    let lab = Lab::start(|settings| settings.connection().from = vec!["192.0.2.0/24".parse().unwrap()]).await;
    let said = lab.ssh(&["true"]).await;
    assert_eq!(said.status, Some(255), "{said:?}");
    assert_eq!(lab.appliance.sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_ends_a_session() {
    let lab = Lab::start(|_| {}).await;
    let mut command = lab.client("ssh", USER, USER_PASSWORD);
    command
        .args(["127.0.0.1", "echo begun; cat"])
        .stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut begun = [0; 6];
    tokio::io::AsyncReadExt::read_exact(child.stdout.as_mut().unwrap(), &mut begun)
        .await
        .unwrap();
    // Without it the client would end by itself.
    let open = child.stdin.take();
    lab.appliance.terminate(0);
    let said = Said::from(child.wait_with_output().await.unwrap());
    drop(open);
    assert!(said.err.contains("ended by admin"), "{said:?}");
    assert_eq!(lab.appliance.ended(0).await.verdict, Some("terminated"));
}
