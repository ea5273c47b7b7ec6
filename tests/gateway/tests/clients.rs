//! Clients that people use, through the gateway to a real server: what works without it works with it, and each session is recorded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use sps_gateway_tests::laboratory::Laboratory;
use sps_harness::Sshd;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

const WITHIN: Duration = Duration::from_secs(120);

fn laboratory() -> Laboratory {
    Laboratory::start(|_| {}).unwrap()
}

async fn finished(command: &mut Command) -> Output {
    let command = command
        .kill_on_drop(true)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    timeout(WITHIN, command.output()).await.expect("in time").unwrap()
}

fn told(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    format!("{}: {}", output.status, String::from_utf8_lossy(&both))
}

/// The command by which others start `ssh`.
fn ssh_command(laboratory: &Laboratory) -> String {
    let command = laboratory.client("ssh").unwrap();
    let words = std::iter::once("ssh").chain(command.as_std().get_args().map(|word| word.to_str().unwrap()));
    words.collect::<Vec<_>>().join(" ")
}

/// What `command` needs to answer the question for a password.
fn with_password(laboratory: &Laboratory, command: &mut Command) {
    let ssh = laboratory.client("ssh").unwrap();
    for (name, value) in ssh.as_std().get_envs() {
        command.env(name, value.unwrap());
    }
}

/// Bytes that cannot be compressed.
fn noise(path: &Path) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut step = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let bytes: Vec<u8> = (0..8 << 20).map(|_| step()).collect();
    fs::write(path, &bytes).unwrap();
    bytes
}

fn home(laboratory: &Laboratory) -> PathBuf {
    laboratory.server.home()
}

/// A session that ended well stands in the database, with an audit trail.
async fn recorded(laboratory: &Laboratory, sessions: usize) {
    let mut changes = laboratory.running.live.changes();
    while laboratory.running.live.count() > 0 {
        timeout(WITHIN, changes.changed())
            .await
            .expect("in time")
            .unwrap();
    }
    let trails = fs::read_dir(laboratory.path("data").join("trails")).unwrap();
    assert_eq!(trails.count(), sessions);
}

async fn by_python(script: &str) {
    by_script(Command::new("/usr/bin/python3"), script).await;
}

/// The script does all it can, and says `done`.
async fn by_script(mut program: Command, script: &str) {
    let laboratory = laboratory();
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(script);
    program
        .arg(script)
        .arg(laboratory.running.address.port().to_string())
        .args([Sshd::USER, Sshd::PASSWORD])
        .arg(laboratory.path(""))
        .arg(home(&laboratory))
        .arg(laboratory.server.port().to_string());
    let said = finished(&mut program).await;
    assert!(
        said.status.success() && said.stdout == b"done\n",
        "{}",
        told(&said)
    );
    recorded(&laboratory, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paramiko() {
    by_python("paramiko_client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asyncssh() {
    by_python("asyncssh_client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh2_of_node() {
    let libraries = std::env::var("SPS_SSH_CLIENTS")
        .expect("run `cargo xtask test`, or name the folder ssh-clients that `cargo xtask setup` made in SPS_SSH_CLIENTS");
    let mut node = Command::new("node");
    node.env("NODE_PATH", Path::new(&libraries).join("node_modules"));
    by_script(node, "ssh2_client.cjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropbear() {
    let laboratory = laboratory();
    let port = laboratory.running.address.port().to_string();
    let mut client = Command::new("dbclient");
    client
        .env("DROPBEAR_PASSWORD", Sshd::PASSWORD)
        .env("HOME", laboratory.path(""))
        .args([
            "-y",
            "-y",
            "-p",
            &port,
            "-l",
            Sshd::USER,
            "127.0.0.1",
            "cat; echo err >&2; exit 7",
        ])
        .stdin(Stdio::piped());
    let mut client = client
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = client.stdin.take().unwrap();
    typed.write_all(b"through and back").await.unwrap();
    drop(typed);
    let said = timeout(WITHIN, client.wait_with_output())
        .await
        .expect("in time")
        .unwrap();
    assert_eq!(said.status.code(), Some(7), "{}", told(&said));
    assert_eq!(said.stdout, b"through and back");
    recorded(&laboratory, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn putty() {
    let laboratory = laboratory();
    let port = laboratory.running.address.port().to_string();
    let scan = finished(Command::new("ssh-keyscan").args(["-p", &port, "127.0.0.1"])).await;
    let known = laboratory.path("scanned");
    fs::write(&known, scan.stdout).unwrap();
    let print = finished(Command::new("ssh-keygen").arg("-lf").arg(&known)).await;
    let print = String::from_utf8(print.stdout).unwrap();
    let print = print.split(' ').nth(1).unwrap();
    let common = [
        "-batch",
        "-P",
        &port,
        "-l",
        Sshd::USER,
        "-pw",
        Sshd::PASSWORD,
        "-hostkey",
        print,
    ];
    // It closes a channel before it has heard how the program ended.
    for _ in 0..5 {
        let mut plink = Command::new("plink");
        plink
            .env("HOME", laboratory.path(""))
            .args(common)
            .args(["127.0.0.1", "echo out; exit 7"]);
        let said = finished(plink.stdin(Stdio::null())).await;
        assert_eq!(said.status.code(), Some(7), "{}", told(&said));
        assert_eq!(said.stdout, b"out\n");
    }

    let bytes = noise(&laboratory.path("up"));
    let batch = laboratory.path("batch");
    let (up, down, there) = (
        laboratory.path("up"),
        laboratory.path("down"),
        home(&laboratory).join("putty"),
    );
    let commands = format!(
        "put {} {}\nget {1} {}\nrm {1}\n",
        up.display(),
        there.display(),
        down.display()
    );
    fs::write(&batch, commands).unwrap();
    let mut psftp = Command::new("psftp");
    psftp
        .env("HOME", laboratory.path(""))
        .args(common)
        .arg("-b")
        .arg(&batch)
        .arg("127.0.0.1");
    let said = finished(psftp.stdin(Stdio::null())).await;
    assert!(said.status.success(), "{}", told(&said));
    assert!(fs::read(&down).unwrap() == bytes);
    recorded(&laboratory, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rsync() {
    let laboratory = laboratory();
    let tree = laboratory.path("tree");
    fs::create_dir(&tree).unwrap();
    let bytes = noise(&tree.join("large"));
    for number in 0..200 {
        fs::write(tree.join(format!("small {number}")), number.to_string()).unwrap();
    }
    let there = format!("127.0.0.1:{}/tree/", home(&laboratory).display());
    let back = laboratory.path("back");
    for (from, to) in [
        (format!("{}/", tree.display()), there.clone()),
        (there, format!("{}/", back.display())),
    ] {
        let mut rsync = Command::new("rsync");
        rsync
            .args(["-a", "--checksum", "-e", &ssh_command(&laboratory)])
            .args([from, to]);
        with_password(&laboratory, &mut rsync);
        let said = finished(&mut rsync).await;
        assert!(said.status.success(), "{}", told(&said));
    }
    assert!(fs::read(back.join("large")).unwrap() == bytes);
    assert_eq!(fs::read_to_string(back.join("small 199")).unwrap(), "199");
    recorded(&laboratory, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn git() {
    let laboratory = laboratory();
    let repository = laboratory.path("repository");
    let work = laboratory.path("work");
    let there = home(&laboratory).join("work.git");
    let git = |folder: &Path, arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(folder)
            .env("GIT_SSH_COMMAND", ssh_command(&laboratory))
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(arguments);
        with_password(&laboratory, &mut git);
        git
    };
    fs::create_dir(&repository).unwrap();
    let address = format!("127.0.0.1:{}", there.display());
    let make = finished(
        laboratory
            .client("ssh")
            .unwrap()
            .args(["127.0.0.1", "git init -q --bare work.git"]),
    )
    .await;
    assert!(make.status.success(), "{}", told(&make));
    fs::write(repository.join("file"), "text").unwrap();
    for arguments in [
        &["init", "-q"][..],
        &["add", "file"],
        &["commit", "-q", "-m", "first"],
        &["push", "-q", &address, "HEAD:refs/heads/main"],
        &["clone", "-q", "-b", "main", &address, work.to_str().unwrap()],
    ] {
        let said = finished(&mut git(&repository, arguments)).await;
        assert!(said.status.success(), "{arguments:?}: {}", told(&said));
    }
    assert_eq!(fs::read_to_string(work.join("file")).unwrap(), "text");
    recorded(&laboratory, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ansible() {
    let laboratory = laboratory();
    let port = laboratory.running.address.port();
    let inventory = laboratory.path("inventory");
    let sockets = laboratory.path("c");
    let options = format!(
        "-F none -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null -oControlPath={}/%C",
        sockets.display()
    );
    fs::create_dir(&sockets).unwrap();
    let line = format!(
        "target ansible_host=127.0.0.1 ansible_port={port} ansible_user={} ansible_password='{}' ansible_ssh_common_args='{options}' \
         ansible_python_interpreter=/usr/bin/python3\n",
        Sshd::USER,
        Sshd::PASSWORD
    );
    fs::write(&inventory, line).unwrap();
    let book = laboratory.path("book.yml");
    let tasks = "- hosts: target\n  gather_facts: yes\n  tasks:\n    - copy: {content: 'by ansible', dest: copied}\n    \
                 - command: cat copied\n      register: said\n    - assert: {that: said.stdout == 'by ansible'}\n";
    fs::write(&book, tasks).unwrap();
    let mut ansible = Command::new("ansible-playbook");
    ansible
        .env("HOME", laboratory.path(""))
        .env("ANSIBLE_HOST_KEY_CHECKING", "False")
        .env("ANSIBLE_LOCAL_TEMP", laboratory.path("local"))
        .env("LC_ALL", "C.UTF-8")
        .arg("-i")
        .arg(&inventory)
        .arg(&book)
        .stdin(Stdio::null());
    let said = finished(&mut ansible).await;
    assert!(said.status.success(), "{}", told(&said));
    assert_eq!(
        fs::read_to_string(home(&laboratory).join("copied")).unwrap(),
        "by ansible"
    );
    // Its connection stays for a minute: one for all it did.
    assert_eq!(laboratory.running.live.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sshfs() {
    let laboratory = laboratory();
    let mount = laboratory.path("mount");
    fs::create_dir(&mount).unwrap();
    let bytes = noise(&laboratory.path("up"));
    let mut sshfs = Command::new("sshfs");
    sshfs
        .arg(format!("127.0.0.1:{}", home(&laboratory).display()))
        .arg(&mount)
        .arg("-o")
        .arg(format!("ssh_command={}", ssh_command(&laboratory)));
    with_password(&laboratory, &mut sshfs);
    let said = finished(&mut sshfs).await;
    assert!(said.status.success(), "{}", told(&said));
    let (up, there) = (laboratory.path("up"), mount.join("file"));
    let work = tokio::task::spawn_blocking(move || {
        fs::copy(up, &there).unwrap();
        fs::rename(&there, there.with_extension("moved")).unwrap();
        fs::read(there.with_extension("moved")).unwrap()
    });
    let read = timeout(WITHIN, work).await.expect("in time").unwrap();
    let away = finished(Command::new("fusermount").arg("-u").arg(&mount)).await;
    assert!(away.status.success(), "{}", told(&away));
    assert!(read == bytes);
    recorded(&laboratory, 1).await;
}
