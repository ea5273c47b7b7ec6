//! Nothing that somebody named survives, and references can still be followed.

use std::collections::BTreeSet;

use super::*;
use crate::testing::{random, rich};

/// Texts of a document that may survive: keys of structures, words of closed sets, days and times.
fn harmless() -> BTreeSet<String> {
    let shape = serde_json::to_value(Cluster::default()).unwrap();
    let mut words: BTreeSet<String> = BTreeSet::new();
    keys(&shape, &mut words);
    let more = "read read-write none tls starttls udp tcp local ldap radius x509 leaf full commands screen-content credit-card window-title log \
                notify store terminate monday tuesday 08:00-18:00 08:00-12:00 13:00-18:00 03:00 04:30 smb nfs rsync original fixed nat inband \
                signing-ca managed-host Europe/Vienna UTC [redacted] name";
    words.extend(more.split_whitespace().map(ToOwned::to_owned));
    words
}

fn keys(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                words.insert(key.clone());
                keys(inner, words);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| keys(inner, words)),
        _ => {}
    }
}

/// Every text and every key of a document.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Object(object) => {
            for (key, inner) in object {
                found.insert(key.clone());
                texts(inner, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| texts(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A document's shape: what is left when every text and name goes.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut parts: Vec<String> = object.values().map(|inner| shape(inner).to_string()).collect();
            parts.sort();
            parts.into()
        }
        Value::Array(list) => Value::Array(list.iter().map(shape).collect()),
        Value::String(_) => Value::from("text"),
        other => other.clone(),
    }
}

#[test]
fn no_original_value_survives_anywhere() {
    let harmless = harmless();
    let mut judged = 0;
    for seed in 0..60 {
        let document = random(seed);
        let (before, after) = (
            serde_json::to_value(&document).unwrap(),
            Pseudonyms::new()
                .unwrap()
                .document(&document)
                .unwrap()
                .to_string(),
        );
        let mut values = BTreeSet::new();
        texts(&before, &mut values);
        // What is at random is marked, so that a name can be told from a key of the document.
        let named = values
            .iter()
            .filter(|text| text.contains("qz") || text.contains("hunter") || text.starts_with("10."));
        for text in named {
            let written = serde_json::to_string(text).unwrap();
            assert!(
                !after.contains(written.trim_matches('"')),
                "seed {seed}: {text} survives"
            );
            judged += 1;
        }
        assert!(
            !after.contains("qz") && !after.contains("hunter") && !after.contains("BEGIN"),
            "seed {seed}"
        );
        let mut left = BTreeSet::new();
        texts(&serde_json::from_str(&after).unwrap(), &mut left);
        let mut own = BTreeSet::new();
        structure(&before, &mut own);
        for text in left {
            let pseudonym = ["name-", "address-", "certificate-"]
                .iter()
                .any(|start| text.starts_with(start));
            assert!(
                pseudonym || harmless.contains(&text) || own.contains(&text),
                "seed {seed}: {text:?} is neither"
            );
        }
    }
    assert!(judged > 1000, "only {judged} values were judged");
}

/// Keys of a document that are its own: those of objects that are no lists of names.
fn structure(value: &Value, own: &mut BTreeSet<String>) {
    if let Value::Object(object) = value {
        for (key, inner) in object {
            if !key.contains("qz")
                && key
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
            {
                own.insert(key.clone());
            }
            structure(inner, own);
        }
    }
    if let Value::Array(list) = value {
        list.iter().for_each(|inner| structure(inner, own));
    }
}

#[test]
fn structure_numbers_and_references_stay() {
    let document = rich(4);
    let pseudonyms = Pseudonyms::new().unwrap();
    let after = pseudonyms.document(&document).unwrap();
    let mut before = serde_json::to_value(&document).unwrap();
    seal::leave_out(&mut before, true);
    assert_eq!(shape_text(&before), shape_text(&after));
    let connection = &after["connections"]["ssh"]["connections"][0];
    let policy = connection["channel_policy"].as_str().unwrap();
    assert!(
        after["connections"]["ssh"]["channel_policies"][policy].is_array(),
        "{policy}"
    );
    assert_eq!(connection["port"], 22);
    let stores = after["trust_stores"].as_object().unwrap();
    assert!(stores.contains_key(&pseudonyms.text("corporate")));
}

fn shape_text(value: &Value) -> String {
    shape(value).to_string()
}

#[test]
fn one_bundle_has_one_pseudonym_and_another_has_another() {
    let (one, two) = (Pseudonyms::new().unwrap(), Pseudonyms::new().unwrap());
    assert_eq!(one.text("office"), one.text("office"));
    assert_ne!(one.text("office"), two.text("office"));
    let (address, network) = (one.text("10.1.2.3"), one.text("10.1.2.3/8"));
    assert_eq!(network, format!("{address}/8"));
    assert!(address.starts_with("address-") && one.text("office").starts_with("name-"));
    assert!(!format!("{one:?}").contains("office"));
}
