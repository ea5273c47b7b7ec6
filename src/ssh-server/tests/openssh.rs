//! The service against OpenSSH's own clients.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code: a failed step ends its test"
)]

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use sps_ssh_server::{
    Access, Answer, FileView, Files, HostKey, Inbox, Login, MenuStream, Output, SshServer, Taking, Upload,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

const PASSWORD: &str = "correct horse";

/// An appliance with one menu entry, one command, two files and an inbox.
#[derive(Clone, Default)]
struct Appliance {
    shelf: Arc<Mutex<Shelf>>,
}

/// What became of the file that arrived.
#[derive(Default)]
struct Shelf {
    bytes: Vec<u8>,
    arrived: Option<String>,
    given_up: bool,
}

impl Access for Appliance {
    fn banner(&self) -> String {
        "Test appliance\r\n".into()
    }

    fn password(&self, user: &str, password: Zeroizing<String>, _from: SocketAddr) -> Answer<bool> {
        let known = user == "admin" && password.as_str() == PASSWORD;
        Box::pin(async move { known })
    }

    fn menu(&self, login: Login, mut terminal: MenuStream) -> Answer<()> {
        Box::pin(async move {
            let _gone = terminal
                .write_all(format!("menu of {}\r\n", login.user).as_bytes())
                .await;
            let mut typed = [0; 16];
            while let Ok(count) = terminal.read(&mut typed).await {
                if count == 0 || typed[..count].contains(&b'q') {
                    break;
                }
            }
            let _gone = terminal.write_all(b"bye\r\n").await;
        })
    }

    fn command(&self, _login: Login, line: String, mut output: Output) -> Answer<u32> {
        Box::pin(async move {
            let _gone = output.write_all(format!("ran {line}\n").as_bytes()).await;
            u32::from(line != "status") * 3
        })
    }

    fn files(&self) -> Arc<dyn Files> {
        Arc::new(Logs)
    }

    fn inbox(&self) -> Option<Arc<dyn Inbox>> {
        Some(Arc::new(self.clone()))
    }
}

impl Inbox for Appliance {
    fn name(&self) -> &'static str {
        "firmware"
    }

    fn begin(&self, login: &Login, file: &str) -> Answer<Result<Box<dyn Upload>, String>> {
        assert_eq!(login.user, "admin");
        let begun: Result<Box<dyn Upload>, String> = if file == "second.iso" {
            Err("another firmware file is arriving".into())
        } else {
            *self.shelf.lock().unwrap() = Shelf::default();
            Ok(Box::new(Arriving {
                shelf: self.shelf.clone(),
                file: file.to_owned(),
            }))
        };
        Box::pin(async move { begun })
    }
}

struct Arriving {
    shelf: Arc<Mutex<Shelf>>,
    file: String,
}

impl Upload for Arriving {
    fn write(&mut self, piece: Vec<u8>) -> Taking<'_, ()> {
        self.shelf.lock().unwrap().bytes.extend(piece);
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>) -> Taking<'static, String> {
        Box::pin(async move {
            let mut shelf = self.shelf.lock().unwrap();
            if shelf.bytes.starts_with(b"bad") {
                return Err("its signature does not fit".into());
            }
            shelf.arrived = Some(self.file.clone());
            Ok("version 0.2.0 is in slot 2".into())
        })
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.shelf.lock().unwrap().given_up = true;
    }
}

struct Logs;

const BIG: usize = 3_000_001;

impl Files for Logs {
    fn list(&self) -> Vec<FileView> {
        let view = |path: &str, size| FileView {
            path: path.into(),
            size,
            modified: 1_700_000_000,
        };
        vec![view("logs/boot.log", 5), view("logs/big", BIG as u64)]
    }

    fn read(&self, path: &str, offset: u64, length: u32) -> Option<Vec<u8>> {
        let content: Vec<u8> = match path {
            "logs/boot.log" => b"hello".to_vec(),
            "logs/big" => (0..BIG).map(|n| n as u8).collect(),
            _ => return None,
        };
        let start = (offset as usize).min(content.len());
        let end = (start + length as usize).min(content.len());
        Some(content[start..end].to_vec())
    }
}

/// A running service and what a client needs to reach it.
struct Lab {
    address: SocketAddr,
    folder: TempDir,
    appliance: Appliance,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
}

impl Lab {
    async fn start() -> Self {
        let key = HostKey::generate().unwrap();
        let local = "127.0.0.1:0".parse().unwrap();
        let appliance = Appliance::default();
        let server = SshServer::bind(&[local], &key, Arc::new(appliance.clone()))
            .await
            .unwrap();
        let address = server.addresses()[0];
        let stop = CancellationToken::new();
        Self {
            address,
            folder: tempfile::tempdir().unwrap(),
            appliance,
            server: tokio::spawn(server.run(stop.clone())),
            stop,
        }
    }

    /// A program that answers the client's question for a password.
    fn askpass(&self, password: &str) -> PathBuf {
        let path = self.folder.path().join("askpass");
        let mut file = fs::File::create(&path).unwrap();
        writeln!(file, "#!/bin/sh\necho '{password}'").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    fn client(&self, program: &str, password: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("SSH_ASKPASS", self.askpass(password))
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("DISPLAY", "none")
            .args([
                "-F",
                "none",
                "-o",
                "StrictHostKeyChecking=accept-new",
                "-o",
                "NumberOfPasswordPrompts=1",
            ])
            .arg("-o")
            .arg(format!(
                "UserKnownHostsFile={}",
                self.folder.path().join("known").display()
            ))
            .args([
                if program == "ssh" { "-p" } else { "-P" },
                &self.address.port().to_string(),
            ])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    async fn ssh(&self, password: &str, arguments: &[&str]) -> (i32, String) {
        let mut command = self.client("ssh", password);
        let output = command
            .arg("admin@127.0.0.1")
            .args(arguments)
            .output()
            .await
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap_or(-1),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    async fn sftp(&self, batch: &str) -> (bool, String) {
        let script = self.folder.path().join("batch");
        fs::write(&script, batch).unwrap();
        // A batch file makes sftp refuse to ask; standard input does not.
        let mut command = self.client("sftp", PASSWORD);
        command
            .arg("admin@127.0.0.1")
            .stdin(fs::File::open(&script).unwrap());
        let output = command.output().await.unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }
}

#[tokio::test]
async fn a_command_runs_and_its_status_comes_back() {
    let lab = Lab::start().await;
    let (status, text) = lab.ssh(PASSWORD, &["status"]).await;
    assert!(
        status == 0 && text.contains("ran status") && text.contains("Test appliance"),
        "{status} {text}"
    );
    let (status, text) = lab.ssh(PASSWORD, &["sh -c id"]).await;
    assert!(status == 3 && text.contains("ran sh -c id"), "{status} {text}");
}

#[tokio::test]
async fn a_wrong_password_and_every_other_way_in_is_refused() {
    let lab = Lab::start().await;
    let (status, text) = lab.ssh("wrong", &["status"]).await;
    assert!(
        status == 255 && text.contains("Permission denied"),
        "{status} {text}"
    );
    for forward in ["-Wlocalhost:22", "-N"] {
        let mut command = lab.client("ssh", PASSWORD);
        command.args([
            forward,
            "-oExitOnForwardFailure=yes",
            "-R0:localhost:22",
            "admin@127.0.0.1",
        ]);
        let output = command.output().await.unwrap();
        assert!(!output.status.success(), "{forward}: {output:?}");
    }
    let (status, _) = lab.ssh(PASSWORD, &["-s", "netconf"]).await;
    assert_ne!(status, 0);
}

#[tokio::test]
async fn the_menu_is_a_terminal() {
    let lab = Lab::start().await;
    let mut command = lab.client("ssh", PASSWORD);
    let mut child = command
        .args(["-tt", "admin@127.0.0.1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut typed, mut shown) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut text = String::new();
    let mut buffer = [0; 256];
    while !text.contains("menu of admin") {
        let count = shown.read(&mut buffer).await.unwrap();
        assert!(count > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    typed.write_all(b"q").await.unwrap();
    shown.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("bye"), "{text}");
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn files_are_read_and_never_written() {
    let lab = Lab::start().await;
    let target = lab.folder.path().join("got");
    fs::create_dir(&target).unwrap();
    let get = format!(
        "ls -l logs\nget logs/boot.log {0}/boot.log\nget logs/big {0}/big\n",
        target.display()
    );
    let (_, text) = lab.sftp(&get).await;
    assert!(text.contains("boot.log"), "{text}");
    assert_eq!(read(&target, "boot.log"), b"hello", "{text}");
    let big = read(&target, "big");
    assert!(big.len() == BIG && big.iter().enumerate().all(|(n, &byte)| byte == n as u8));

    let local = lab.folder.path().join("batch");
    for wrong in [
        format!("put {} logs/new", local.display()),
        "rm logs/big".into(),
        "mkdir x".into(),
        "rename logs/big logs/small".into(),
        "ln -s /etc/passwd logs/x".into(),
        format!("get ../../../../etc/passwd {}/passwd", target.display()),
    ] {
        let (_, text) = lab.sftp(&wrong).await;
        let refused = ["denied", "not found", "No such file"]
            .iter()
            .any(|word| text.contains(word));
        assert!(refused, "{wrong}: {text}");
    }
    assert!(!target.join("passwd").exists());
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap_or_default()
}

#[tokio::test]
async fn stopping_ends_the_connections() {
    let lab = Lab::start().await;
    let mut command = lab.client("ssh", PASSWORD);
    let mut child = command
        .args(["-tt", "admin@127.0.0.1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = child.stdout.take().unwrap();
    assert!(shown.read(&mut [0; 64]).await.unwrap() > 0);
    lab.stop.cancel();
    lab.server.await.unwrap();
    assert!(child.wait().await.is_ok());
}

/// What a client says and how it ends when it copies `file` to `to` with scp.
async fn scp(lab: &Lab, file: &Path, to: &str) -> (bool, String) {
    let mut command = lab.client("scp", PASSWORD);
    command.arg(file).arg(format!("admin@127.0.0.1:{to}"));
    let output = command.output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

fn firmware(lab: &Lab) -> (PathBuf, Vec<u8>) {
    let path = lab.folder.path().join("sps.iso");
    let bytes: Vec<u8> = (0..BIG).map(|n| (n % 251) as u8).collect();
    fs::write(&path, &bytes).unwrap();
    (path, bytes)
}

#[tokio::test]
async fn sftp_and_scp_bring_a_file_byte_for_byte() {
    let lab = Lab::start().await;
    let (path, bytes) = firmware(&lab);
    let arrived = |name: &str| {
        let mut shelf = lab.appliance.shelf.lock().unwrap();
        assert!(shelf.bytes == bytes, "{} bytes", shelf.bytes.len());
        assert_eq!(shelf.arrived.take().as_deref(), Some(name));
    };
    let (_, text) = lab
        .sftp(&format!(
            "ls -l /\nput {} /firmware/mine.iso\nls firmware\n",
            path.display()
        ))
        .await;
    assert!(
        text.contains("firmware") && text.contains("version 0.2.0 is in slot 2"),
        "{text}"
    );
    arrived("mine.iso");
    // As people type it: the folder alone, with modes and times to be kept.
    let (_, text) = lab
        .sftp(&format!("cd firmware\nput -p {}\n", path.display()))
        .await;
    assert!(text.contains("version 0.2.0 is in slot 2"), "{text}");
    arrived("sps.iso");
    let (good, text) = scp(&lab, &path, "/firmware/").await;
    assert!(good && text.contains("version 0.2.0 is in slot 2"), "{text}");
    arrived("sps.iso");
}

#[tokio::test]
async fn what_is_not_taken_is_told_and_fails() {
    let lab = Lab::start().await;
    let bad = lab.folder.path().join("bad.iso");
    fs::write(&bad, "bad firmware").unwrap();
    let (good, text) = scp(&lab, &bad, "/firmware/").await;
    assert!(!good && text.contains("its signature does not fit"), "{text}");
    let (good, text) = scp(&lab, &bad, "/firmware/second.iso").await;
    assert!(
        !good && text.contains("another firmware file is arriving"),
        "{text}"
    );
    for place in [
        "/logs/boot.log",
        "/elsewhere",
        "/firmware/below/x",
        "/firmware/../x",
        "/",
    ] {
        let (good, text) = scp(&lab, &bad, place).await;
        assert!(!good, "{place}: {text}");
    }
    assert!(lab.appliance.shelf.lock().unwrap().arrived.is_none());
    let (_, text) = lab
        .sftp("reput batch firmware/x\nget firmware/x\nrm firmware/x\n")
        .await;
    assert!(!text.contains("slot 2"), "{text}");
}

#[tokio::test]
async fn a_client_that_goes_in_the_middle_leaves_nothing() {
    let lab = Lab::start().await;
    let (path, bytes) = firmware(&lab);
    let mut command = lab.client("sftp", PASSWORD);
    // Slow enough to be in the middle of it.
    let mut child = command
        .args(["-l", "2000", "admin@127.0.0.1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut typed = child.stdin.take().unwrap();
    let put = format!("put {} firmware/x\n", path.display());
    typed.write_all(put.as_bytes()).await.unwrap();
    let until = |wanted: fn(&Shelf) -> bool| {
        let shelf = lab.appliance.shelf.clone();
        async move {
            while !wanted(&shelf.lock().unwrap()) {
                tokio::task::yield_now().await;
            }
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, until(|shelf| !shelf.bytes.is_empty()))
        .await
        .unwrap();
    child.kill().await.unwrap();
    tokio::time::timeout(limit, until(|shelf| shelf.given_up))
        .await
        .unwrap();
    let shelf = lab.appliance.shelf.lock().unwrap();
    assert!(shelf.arrived.is_none() && shelf.bytes.len() < bytes.len());
}
