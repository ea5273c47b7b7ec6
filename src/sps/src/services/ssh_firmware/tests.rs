//! The service against OpenSSH's own clients, with a backend that knows one password.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output as Ended, Stdio};

use sps_admin::{
    ActionLog, Arrived, Backend, Context, Failure, JobState, Jobs, Origin, Parcel, Slot, SlotState, Standing,
    Work,
};
use sps_ssh_server::SshServer;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::*;

const PASSWORD: &str = "correct horse";

#[derive(Clone, Default)]
struct Appliance {
    asked: Arc<Mutex<Vec<String>>>,
    file: Arc<Mutex<Vec<u8>>>,
    sealed: bool,
}

impl Backend for Appliance {
    fn standing(&self) -> Standing {
        Standing {
            set_up: true,
            sealed: self.sealed,
            ..Standing::default()
        }
    }

    fn receive(&self, _origin: &Origin, _announced: Option<u64>) -> Result<Box<dyn Parcel>, Failure> {
        Ok(Box::new(self.clone()))
    }

    fn perform<'a>(&'a self, request: Request, context: Context) -> Work<'a> {
        let asked = format!("{}: {}", context.origin, request.title());
        self.asked.lock().unwrap().push(asked);
        Box::pin(async move {
            match request {
                Request::WebLogin { user, password } => Ok(Response::Login {
                    accepted: user == "admin" && password.expose() == PASSWORD,
                    wait: 0,
                }),
                Request::FirmwareAdd { .. } => Ok(Response::Slot(Slot {
                    number: 2,
                    state: SlotState::Staged,
                    version: Some("0.2.0".into()),
                    channel: None,
                    digest: None,
                    bytes: 1,
                    current: false,
                    after_reboot: false,
                    test: None,
                })),
                _ => Err(Failure::refused("not in this test")),
            }
        })
    }
}

impl Parcel for Appliance {
    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.file.lock().unwrap().extend_from_slice(piece);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arrived, Failure> {
        Ok(Arrived {
            bytes: 0,
            sha256: String::new(),
        })
    }
}

struct Lab {
    own: FirmwareBySsh,
    appliance: Appliance,
    jobs: Jobs,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Lab {
    async fn start(appliance: Appliance) -> Self {
        let operations = Operations::new(Arc::new(appliance.clone()), ActionLog::without_file());
        let jobs = Jobs::default();
        let own = FirmwareBySsh {
            operations: operations.clone(),
            settings: Settings::in_memory(),
            network: watch::channel(NetworkState::default()).1,
            inbox: FirmwareInbox {
                operations,
                jobs: jobs.clone(),
            },
            lock_out: Arc::default(),
        };
        let local = "127.0.0.1:0".parse().unwrap();
        let key = HostKey::generate().unwrap();
        let server = SshServer::bind(&[local], &key, Arc::new(own.clone()))
            .await
            .unwrap();
        let address = server.addresses()[0];
        tokio::spawn(server.run(CancellationToken::new()));
        Self {
            own,
            appliance,
            jobs,
            address,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn run(&self, program: &str, password: &str, arguments: &[&str]) -> (bool, String) {
        let known = self.folder.path().join("known").display().to_string();
        let ended: Ended = Command::new(program)
            .env("SSH_ASKPASS", askpass(self.folder.path(), password))
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", "none")
            .args(["-F", "none", "-o", "StrictHostKeyChecking=accept-new"])
            .args([
                "-o",
                "NumberOfPasswordPrompts=1",
                "-o",
                &format!("UserKnownHostsFile={known}"),
            ])
            .args([
                if program == "ssh" { "-p" } else { "-P" },
                &self.address.port().to_string(),
            ])
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .unwrap();
        let text = [ended.stdout, ended.stderr].concat();
        (
            ended.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    fn logins(&self) -> usize {
        let asked = self.appliance.asked.lock().unwrap();
        asked.iter().filter(|what| what.contains("login as")).count()
    }
}

/// A program that answers the client's question for a password.
fn askpass(folder: &Path, password: &str) -> std::path::PathBuf {
    let path = folder.join("askpass");
    fs::write(&path, format!("#!/bin/sh\necho '{password}'\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[tokio::test]
async fn scp_brings_firmware_into_a_slot_and_nothing_else_is_there() {
    let lab = Lab::start(Appliance::default()).await;
    let file = lab.folder.path().join("sps.iso");
    fs::write(&file, "the firmware").unwrap();
    let path = file.display().to_string();
    let (good, text) = lab
        .run("scp", PASSWORD, &[&path, "admin@127.0.0.1:/firmware/"])
        .await;
    assert!(good && text.contains("version 0.2.0 is in slot 2"), "{text}");
    assert_eq!(*lab.appliance.file.lock().unwrap(), b"the firmware");
    let job = lab.jobs.list().remove(0);
    assert_eq!(job.state, JobState::Done("version 0.2.0 is in slot 2".into()));
    assert_eq!(job.owner, "admin by SSH from 127.0.0.1");
    for arguments in [&["admin@127.0.0.1"][..], &["admin@127.0.0.1", "firmware", "list"]] {
        let (_, text) = lab.run("ssh", PASSWORD, arguments).await;
        assert!(text.contains(NOTHING_ELSE), "{text}");
    }
    let asked = lab.appliance.asked.lock().unwrap().join("\n");
    assert!(!asked.contains("firmware list"), "{asked}");
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let lab = Lab::start(Appliance::default()).await;
    let from: SocketAddr = "192.0.2.9:4000".parse().unwrap();
    let password = |text: &str| Zeroizing::new(text.to_owned());
    for _ in 0..4 {
        assert!(!lab.own.password("admin", password("wrong"), from).await);
    }
    let judged = lab.logins();
    assert!(!lab.own.password("admin", password(PASSWORD), from).await);
    assert_eq!(lab.logins(), judged, "the password was judged");
}

#[tokio::test]
async fn sealed_or_under_another_name_nobody_comes_in() {
    let sealed = Appliance {
        sealed: true,
        ..Appliance::default()
    };
    for (appliance, user) in [(sealed, "admin"), (Appliance::default(), "root")] {
        let lab = Lab::start(appliance).await;
        let (_, text) = lab.run("ssh", PASSWORD, &[&format!("{user}@127.0.0.1")]).await;
        assert!(text.contains("Permission denied"), "{user}: {text}");
    }
}
