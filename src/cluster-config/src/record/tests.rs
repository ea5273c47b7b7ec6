//! Files of revisions: what is written, and what is damaged.

use super::*;
use crate::testing::{by, named};

fn key() -> ClusterKey {
    ClusterKey::generate().unwrap()
}

fn written(key: &ClusterKey) -> String {
    let record = Record::new((3, "0123"), by("a"), &named("one"), Some(key)).unwrap();
    String::from_utf8(record.to_json().unwrap()).unwrap()
}

#[test]
fn what_is_written_is_read_and_no_secret_is_in_it() {
    let key = key();
    let text = written(&key);
    assert!(!text.contains("hunter") && !text.contains("\"plain\""), "{text}");
    let record = Record::from_json(text.as_bytes()).unwrap();
    assert_eq!(record.revision, 3);
    assert_eq!(record.key, Some(key.id().to_string()));
    let opened = record.open(Some(&key)).unwrap();
    assert_eq!((opened.document, opened.lost), (named("one"), Vec::new()));
    assert_eq!(record.to_json().unwrap(), text.as_bytes());
}

#[test]
fn without_a_key_nothing_is_written_in_plain() {
    let error = Record::new((1, "0123"), by("a"), &named("one"), None).unwrap_err();
    insta::assert_snapshot!(error, @"/users/console_password: there is no cluster key to encrypt the secret with: join the cluster again, or import a backup with its password");
    let mut open = named("one");
    open.users.console_password = None;
    assert!(Record::new((1, "0123"), by("a"), &open, None).is_ok());
}

#[test]
fn damage_strangers_and_other_versions_are_told_apart() {
    let text = written(&key());
    let altered = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        let record = Record::from_json(text.replacen(from, to, 1).as_bytes());
        record.unwrap_err().to_string()
    };
    let texts = [
        altered("\"one\"", "\"two\""),
        altered("\"revision\": 3", "\"revision\": \"hunter2\""),
        altered("\"sha256\"", "\"sha512\""),
        altered("\"format\": 1", "\"format\": 2"),
        altered("\"layout\": 5", "\"layout\": 6"),
        altered("\"layout\": 5", "\"layout\": 4"),
        altered("\n}", "\n} x"),
        Record::from_json(b"{\"format\": 9, \"layout\": 9, \"unheard\": 0}")
            .unwrap_err()
            .to_string(),
        Record::from_json(&vec![b' '; MOST_BYTES + 1])
            .unwrap_err()
            .to_string(),
        Record::from_json(b"").unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(texts.join("\n"));
    assert!(!texts.concat().contains("hunter2"));
}

#[test]
fn every_cut_of_a_file_is_refused() {
    let text = written(&key());
    for length in 0..text.len() - 2 {
        assert!(
            Record::from_json(&text.as_bytes()[..length]).is_err(),
            "cut at {length}"
        );
    }
}

#[test]
fn a_secret_that_was_moved_or_whose_key_is_gone_is_named() {
    let right = key();
    let mut document = named("one");
    document.users.admin_password = Some(crate::testing::secret("hunter of admin"));
    let mut record = Record::new((1, "0123"), by("a"), &document, Some(&right)).unwrap();
    let lost: Vec<String> = [None, Some(&key())]
        .into_iter()
        .flat_map(|key| record.open(key).unwrap().lost)
        .map(|lost| lost.to_string().replace(&right.id().to_string(), "KEY"))
        .collect();
    insta::assert_snapshot!(lost.join("\n"));
    record.document["users"]["console_password"] = record.document["users"]["admin_password"].clone();
    let opened = record.open(Some(&right)).unwrap();
    assert_eq!(opened.lost.len(), 1);
    insta::assert_snapshot!(opened.lost[0], @"/users/console_password: the secret cannot be used, it was changed or moved; enter it again, or import a backup with its password");
    assert!(opened.document.users.admin_password.unwrap().known().is_some());
}
