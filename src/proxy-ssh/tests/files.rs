//! What is done to files: recorded, and refused, with the real `sftp` and `scp`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

mod common;

use std::process::Stdio;

use common::{Kept, Lab, Said, USER, USER_PASSWORD, noise_file};
use sps_proxy_ssh::{FileOperation, What};
use tokio::io::AsyncWriteExt as _;

/// A lab in which files may be treated like this; nothing named: in every way.
async fn lab(operations: &[&str]) -> Lab {
    let operations: Vec<String> = operations.iter().map(|&word| word.to_owned()).collect();
    Lab::start(move |settings| {
        for line in settings.channels() {
            if line.kind == "sftp" || line.kind == "scp" {
                line.operations.clone_from(&operations);
            }
        }
    })
    .await
}

/// Runs a batch of `sftp`, which goes on after what fails.
async fn sftp(lab: &Lab, batch: &[&str]) -> Said {
    let mut sftp = lab.client("sftp", USER, USER_PASSWORD);
    let mut sftp = sftp.arg("127.0.0.1").stdin(Stdio::piped()).spawn().unwrap();
    let mut commands = sftp.stdin.take().unwrap();
    commands
        .write_all(format!("{}\n", batch.join("\n")).as_bytes())
        .await
        .unwrap();
    drop(commands);
    Said::from(sftp.wait_with_output().await.unwrap())
}

async fn scp(lab: &Lab, arguments: &[&str]) -> Said {
    let mut scp = lab.client("scp", USER, USER_PASSWORD);
    Said::from(scp.arg("-q").args(arguments).output().await.unwrap())
}

/// Operation, path, bytes and result of each.
fn done(kept: &Kept) -> Vec<(FileOperation, String, Option<u64>, String)> {
    let files = kept.events.iter().filter_map(|event| match &event.what {
        What::File {
            operation,
            path,
            bytes,
            result,
        } => Some((*operation, path.clone(), *bytes, result.clone())),
        _ => None,
    });
    files.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sftp_does_is_recorded_with_path_size_and_result() {
    let lab = lab(&[]).await;
    let home = lab.server.home();
    let home = home.display();
    noise_file(&lab.path("one"), 100_000);
    let local = lab.path("one").display().to_string();
    let back = lab.path("back").display().to_string();
    let said = sftp(
        &lab,
        &[
            &format!("put {local} {home}/a"),
            &format!("rename {home}/a {home}/b"),
            &format!("get {home}/b {back}"),
            &format!("mkdir {home}/d"),
            &format!("ls {home}"),
            &format!("rm {home}/b"),
            &format!("rm {home}/none"),
        ],
    )
    .await;
    assert_eq!(
        std::fs::read(&local).unwrap(),
        std::fs::read(&back).unwrap(),
        "{said:?}"
    );
    let found = done(&lab.appliance.ended(0).await);
    let ok = |operation, path: String, bytes| (operation, path, bytes, "ok".to_owned());
    for wanted in [
        ok(FileOperation::Write, format!("{home}/a"), Some(100_000)),
        ok(FileOperation::Change, format!("{home}/a to {home}/b"), None),
        ok(FileOperation::Read, format!("{home}/b"), Some(100_000)),
        ok(FileOperation::Change, format!("{home}/d"), None),
        ok(FileOperation::Delete, format!("{home}/b"), None),
    ] {
        assert!(found.contains(&wanted), "{wanted:?} in {found:?}");
    }
    assert!(
        found
            .iter()
            .any(|(operation, ..)| *operation == FileOperation::List),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_read_changes_nothing() {
    let lab = lab(&["read", "list"]).await;
    let home = lab.server.home();
    let bytes = noise_file(&home.join("given"), 3_000_000);
    let home = home.display();
    noise_file(&lab.path("one"), 1000);
    let local = lab.path("one").display().to_string();
    let back = lab.path("back").display().to_string();
    let said = sftp(
        &lab,
        &[
            &format!("-put {local} {home}/a"),
            &format!("-rm {home}/given"),
            &format!("-rename {home}/given {home}/other"),
            &format!("-mkdir {home}/d"),
            &format!("-chmod 777 {home}/given"),
            &format!("-symlink {home}/given {home}/link"),
            &format!("get {home}/given {back}"),
            &format!("ls {home}"),
        ],
    )
    .await;
    assert!(said.out.contains("given"), "{said:?}");
    assert!(said.err.to_lowercase().contains("permission denied"), "{said:?}");
    assert!(std::fs::read(&back).unwrap() == bytes);
    let there: Vec<_> = std::fs::read_dir(lab.server.home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(there, ["given"], "something was changed");
    let found = done(&lab.appliance.ended(0).await);
    let refused = found
        .iter()
        .filter(|(.., result)| result == "refused by the policy")
        .count();
    assert_eq!(refused, 6, "{found:?}");

    for protocol in ["-O", "-s"] {
        let target = format!("127.0.0.1:{home}/a");
        assert_ne!(scp(&lab, &[protocol, &local, &target]).await.status, Some(0));
        assert!(!lab.server.home().join("a").exists());
        std::fs::remove_file(&back).unwrap();
        let source = format!("127.0.0.1:{home}/given");
        let said = scp(&lab, &[protocol, &source, &back]).await;
        assert_eq!(said.status, Some(0), "{said:?}");
        assert!(std::fs::read(&back).unwrap() == bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_write_reads_and_lists_nothing() {
    let lab = lab(&["write"]).await;
    let home = lab.server.home();
    noise_file(&home.join("secret"), 1000);
    let home = home.display();
    let bytes = noise_file(&lab.path("one"), 50_000);
    let local = lab.path("one").display().to_string();
    let back = lab.path("back").display().to_string();
    let said = sftp(
        &lab,
        &[
            &format!("-get {home}/secret {back}"),
            &format!("-ls {home}"),
            &format!("put {local} {home}/a"),
        ],
    )
    .await;
    assert!(
        !lab.path("back").exists() || std::fs::read(&back).unwrap().is_empty(),
        "{said:?}"
    );
    assert!(!said.out.contains("\nsecret"), "{said:?}");
    assert!(
        std::fs::read(lab.server.home().join("a")).unwrap() == bytes,
        "{said:?}"
    );
    let source = format!("127.0.0.1:{home}/secret");
    for protocol in ["-O", "-s"] {
        assert_ne!(scp(&lab, &[protocol, &source, &back]).await.status, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_go_by_scp_both_ways_and_each_file_is_recorded() {
    let lab = lab(&[]).await;
    let home = lab.server.home();
    let home = home.display();
    std::fs::create_dir_all(lab.path("tree/inner")).unwrap();
    noise_file(&lab.path("tree/one"), 70_000);
    noise_file(&lab.path("tree/inner/two words"), 0);
    let tree = lab.path("tree").display().to_string();
    let back = lab.path("back").display().to_string();
    assert_eq!(
        scp(&lab, &["-O", "-r", &tree, &format!("127.0.0.1:{home}")])
            .await
            .status,
        Some(0)
    );
    assert_eq!(
        scp(&lab, &["-O", "-r", &format!("127.0.0.1:{home}/tree"), &back])
            .await
            .status,
        Some(0)
    );
    assert!(std::fs::read(lab.path("tree/one")).unwrap() == std::fs::read(lab.path("back/one")).unwrap());
    for (session, operation) in [(0, FileOperation::Write), (1, FileOperation::Read)] {
        let mut found = done(&lab.appliance.ended(session).await);
        found.sort_by(|a, b| a.1.cmp(&b.1));
        let told = |path: &str, bytes| (operation, path.to_owned(), Some(bytes), "ok".to_owned());
        assert_eq!(found, [told("tree/inner/two words", 0), told("tree/one", 70_000)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_pass_unchanged_both_ways_while_they_are_followed() {
    const SIZE: usize = 64 << 20;
    let lab = lab(&["read", "write"]).await;
    let home = lab.server.home();
    let home = home.display();
    let bytes = noise_file(&lab.path("large"), SIZE);
    let local = lab.path("large").display().to_string();
    let back = lab.path("back").display().to_string();
    let said = sftp(
        &lab,
        &[
            &format!("put {local} {home}/large"),
            &format!("get {home}/large {back}"),
        ],
    )
    .await;
    assert!(std::fs::read(&back).unwrap() == bytes, "{said:?}");
    let found = done(&lab.appliance.ended(0).await);
    let sizes: Vec<_> = found
        .iter()
        .map(|(operation, _, bytes, _)| (*operation, *bytes))
        .collect();
    let size = Some(SIZE as u64);
    assert_eq!(sizes, [(FileOperation::Write, size), (FileOperation::Read, size)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sftp_ends_with_a_reason() {
    let lab = lab(&["read"]).await;
    let mut ssh = lab.client("ssh", USER, USER_PASSWORD);
    let mut ssh = ssh
        .args(["-s", "127.0.0.1", "sftp"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = ssh.stdin.take().unwrap();
    typed
        .write_all(b"cat /etc/passwd; this is no packet\n")
        .await
        .unwrap();
    let said = Said::from(ssh.wait_with_output().await.unwrap());
    assert!(said.err.contains("not SFTP"), "{said:?}");
    drop(typed);
}
