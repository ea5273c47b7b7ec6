//! No secret leaves, wherever it was planted.

use std::fs;

use sps_support::Source;

use crate::lab::{Lab, PLANTED, unpack};

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

#[test]
fn secrets_of_every_field_and_revision_are_taken_out_of_everything() {
    let lab = Lab::new();
    let all = lab.secrets.join(" and ");
    fs::write(lab.state().join("logs/boot-4.log"), format!("it said: {all}\n")).unwrap();
    fs::write(
        lab.state().join("boot/last-rollback.json"),
        serde_json::to_string(&all).unwrap(),
    )
    .unwrap();
    let fact = Source::fact("status.json", move || Ok(all.into_bytes()));
    let mut bytes = Vec::new();
    let index = lab.bundle().with_facts([fact]).write(&mut bytes).unwrap();
    let files = unpack(&bytes);
    assert_eq!(lab.secrets.len(), 8);
    for (name, content) in &files {
        for secret in lab.secrets.iter().map(String::as_str).chain([PLANTED, "$argon2"]) {
            assert!(!holds(content, secret), "{secret} is in {name}");
            assert!(!holds(&bytes, secret));
        }
    }
    let log = index
        .entries
        .iter()
        .find(|entry| entry.name == "logs/boot-4.log")
        .unwrap();
    assert_eq!(log.scrubbed, 8);
    assert!(holds(&files["config/node.json"], "[redacted]"));
    assert!(
        holds(&files["config/node.json"], "MIIBpublic"),
        "what is public stays"
    );
}

#[test]
fn a_configuration_that_is_not_understood_is_left_out() {
    let lab = Lab::new();
    let path = lab.state().join("config/node.json");
    let text = fs::read_to_string(&path).unwrap();
    for damaged in [
        text.replacen('{', "{\"later\": 1,", 1),
        text.replace("sps1", "spsx"),
        text[..text.len() / 2].into(),
    ] {
        fs::write(&path, damaged).unwrap();
        let mut bytes = Vec::new();
        let index = lab.bundle().write(&mut bytes).unwrap();
        let files = unpack(&bytes);
        assert!(!files.contains_key("config/node.json"));
        assert!(
            index
                .missing()
                .iter()
                .any(|line| line.contains("cannot be redacted")),
            "{:?}",
            index.missing()
        );
        assert!(files.values().all(|content| !holds(content, PLANTED)));
    }
}
