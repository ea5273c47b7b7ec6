//! What is in a bundle.

use std::fs;
use std::process::{Command, Stdio};

use sps_support::{Index, Source};

use crate::lab::{Lab, made};

#[test]
fn everything_an_engineer_asks_for_is_there() {
    let lab = Lab::new();
    let fact = Source::fact("status.json", || Ok(b"{\"health\":\"degraded\"}".to_vec()));
    let (index, files) = made(lab.bundle().with_facts([fact]));
    for name in [
        "status.json",
        "boot/control.env",
        "config/node.json",
        "config/history/00000001.json",
        "logs/boot-3.log",
        "pstore/dmesg-efi-1",
        "disks.txt",
        "proc/meminfo",
        "proc/self/mountinfo",
        "index.json",
    ] {
        assert!(files.contains_key(name), "{name} is missing: {:?}", files.keys());
    }
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    assert_eq!(text("disks.txt"), "sda\n  size: 16777216\n  sda1/size: 4096\n");
    assert!(text("config/node.json").contains("\"host_name\": \"sps1\""));
    assert_eq!(index.entries[0].name, "status.json", "facts come first");
    let own: Index = serde_json::from_slice(&files["index.json"]).unwrap();
    assert_eq!(own, index);
}

#[test]
fn what_is_missing_is_said_and_the_rest_is_there() {
    let lab = Lab::new();
    fs::remove_dir_all(lab.state().join("logs")).unwrap();
    let broken = Source::fact("slots.json", || Err("the boot partition cannot be read".into()));
    let panics = Source::fact("network.json", || panic!("a fault"));
    let (index, files) = made(lab.bundle().with_facts([broken, panics]));
    let missing = index.missing();
    for start in [
        "slots.json: the boot partition cannot be read",
        "network.json: asking for it failed",
        "logs: could not list it",
    ] {
        assert!(
            missing.iter().any(|line| line.starts_with(start)),
            "{start}: {missing:?}"
        );
    }
    assert!(files.contains_key("boot/control.env"));
}

#[test]
fn without_state_there_is_still_a_bundle() {
    let roots = sps_support::Roots::default();
    let (_, files) = made(sps_support::Bundle::new("sps1", 1_700_000_000, "0a1b2c3", &roots));
    assert!(files.contains_key("proc/meminfo") && !files.contains_key("config/node.json"));
}

#[test]
fn another_tar_reads_it() {
    let lab = Lab::new();
    let mut bytes = Vec::new();
    lab.bundle().write(&mut bytes).unwrap();
    let plain = zstd::decode_all(bytes.as_slice()).unwrap();
    let path = lab.folder.path().join("bundle.tar");
    fs::write(&path, plain).unwrap();
    let listed = Command::new("tar")
        .arg("-tf")
        .arg(&path)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(listed.status.success());
    let names = String::from_utf8(listed.stdout).unwrap();
    assert!(
        names.contains("debug_info-sps1202311142213-0a1b2c3/logs/boot-1.log\n"),
        "{names}"
    );
}
