//! Edits of documents, and what is wrong with them.

use serde_json::json;

use super::*;
use crate::protected::Protected;
use crate::testing::{named, random, rich, secret};

fn place(text: &str) -> Place {
    text.parse().unwrap()
}

fn set(path: &str, value: Value) -> Edit {
    Edit::Set(place(path), value)
}

fn edited(document: &Cluster, path: &str, value: Value) -> Result<Cluster, EditError> {
    document.edited(&[set(path, value)])
}

fn refused(document: &Cluster, path: &str, value: Value) -> String {
    let text = value.to_string();
    edited(document, path, value).expect_err(&text).to_string()
}

fn syslog(server: &str, key: &Value) -> Value {
    json!({"server": server, "port": 6514, "transport": "tls", "trust_store": null,
        "client": {"certificate": format!("of {server}"), "private_key": key}})
}

#[test]
fn a_value_is_shown_without_its_secrets_and_comes_back_with_them() {
    for seed in 0..20 {
        let document = random(seed);
        let shown = document.shown(&Place::default()).unwrap();
        assert!(!shown.to_string().contains("hunter"), "{shown}");
        assert_eq!(edited(&document, "", shown.clone()).unwrap(), document);
        let sections = shown.as_object().unwrap();
        for (name, value) in sections {
            assert_eq!(edited(&document, name, value.clone()).unwrap(), document);
        }
    }
}

#[test]
fn values_are_set_and_removed_by_their_paths() {
    let mut document = rich(3);
    document = edited(&document, "management/change_log/require_message", json!(true)).unwrap();
    assert!(document.management.change_log.require_message);
    document = edited(
        &document,
        "policies/user_lists/night shift",
        json!({"allow": false, "except": []}),
    )
    .unwrap();
    assert!(!document.policies.user_lists["night shift"].allow);
    document = document
        .edited(&[Edit::Remove(place("policies/user_lists/night shift"))])
        .unwrap();
    assert!(!document.policies.user_lists.contains_key("night shift"));
    let mail = json!({"server": "mail.example.net", "port": 25, "encryption": "none", "sender": "a@example.net",
        "recipients": [], "client": null, "server_certificate": null, "trust_store": null});
    document = edited(&document, "management/mail", mail).unwrap();
    assert_eq!(document.management.mail.as_ref().unwrap().port, 25);
    document = document
        .edited(&[Edit::Remove(place("management/mail"))])
        .unwrap();
    assert_eq!(document.management.mail, None);
}

#[test]
fn objects_of_lists_are_found_by_name_and_by_number() {
    let mut document = rich(3);
    let connections = &document.connections.ssh.connections;
    let (first, many) = (connections[0].name.clone(), connections.len());
    let path = format!("connections/ssh/connections/{first}/port");
    document = edited(&document, &path, json!(2222)).unwrap();
    assert_eq!(document.connections.ssh.connections[0].port, 2222);
    let one = document
        .shown(&place(&format!("connections/ssh/connections/{first}")))
        .unwrap();
    let mut copy = one.clone();
    copy["host_keys"] = json!({"rsa": null, "ed25519": null});
    copy.as_object_mut().unwrap().remove("name");
    document = edited(&document, "connections/ssh/connections/another", copy).unwrap();
    assert_eq!(document.connections.ssh.connections.len(), many + 1);
    assert_eq!(document.connections.ssh.connections[many].name, "another");
    let mut same = document
        .shown(&place("connections/ssh/connections/another"))
        .unwrap();
    same["name"] = one["name"].clone();
    let taken = edited(&document, "connections/ssh/connections/another", same).unwrap_err();
    assert!(matches!(taken, EditError::Taken { .. }), "{taken}");
    let gone = document
        .edited(&[Edit::Remove(place("connections/ssh/connections/another"))])
        .unwrap();
    assert_eq!(gone.connections.ssh.connections.len(), many);
    let number = edited(&document, "connections/ssh/connections/0/port", json!(1)).unwrap_err();
    assert!(
        matches!(number, EditError::NoSuchName { .. }),
        "names are no numbers: {number}"
    );
    let plain = json!({"plain": "hunter"});
    document.management.syslog.clear();
    document = edited(&document, "management/syslog/0", syslog("a", &plain)).unwrap();
    document = edited(&document, "management/syslog/1", syslog("b", &plain)).unwrap();
    assert!(edited(&document, "management/syslog/3", syslog("c", &plain)).is_err());
    assert_eq!(document.management.syslog[1].server, "b");
}

#[test]
fn a_secret_stays_with_what_it_belongs_to() {
    let mut document = Cluster::default();
    for server in ["a", "b", "c"] {
        let key = json!({"plain": format!("hunter of {server}")});
        let many = document.management.syslog.len();
        document = edited(
            &document,
            &format!("management/syslog/{many}"),
            syslog(server, &key),
        )
        .unwrap();
    }
    let mut list = document.shown(&place("management/syslog")).unwrap();
    list.as_array_mut().unwrap().reverse();
    list.as_array_mut().unwrap().pop();
    let fewer = edited(&document, "management/syslog", list).unwrap();
    let key = |at: usize| {
        fewer.management.syslog[at]
            .client
            .as_ref()
            .unwrap()
            .private_key
            .clone()
    };
    assert_eq!((key(0), key(1)), (secret("hunter of c"), secret("hunter of b")));
    let strange = json!([syslog("d", &json!("[redacted]"))]);
    let said = refused(&document, "management/syslog", strange);
    assert!(
        said.starts_with("management/syslog/0/client/private_key: there is no secret to keep"),
        "{said}"
    );
}

#[test]
fn lost_secrets_and_those_left_out_stay_as_they_are() {
    let mut document = named("one");
    document.users.admin_password = Some(Protected::Lost("1.x.y".into()));
    document.users.console_password = Some(Protected::LeftOut);
    let shown = document.shown(&place("users")).unwrap();
    assert_eq!(
        (&shown["admin_password"], &shown["console_password"]),
        (&json!("[redacted]"), &json!("[redacted]"))
    );
    assert_eq!(edited(&document, "users", shown).unwrap(), document);
}

#[test]
fn refusals_name_the_path_and_the_mend() {
    let document = rich(3);
    let remove = |path: &str| {
        document
            .edited(&[Edit::Remove(place(path))])
            .unwrap_err()
            .to_string()
    };
    let told = [
        refused(&document, "management/dsk", json!(1)),
        refused(&document, "nowhere", json!(1)),
        refused(
            &Cluster::default(),
            "users/authentication/radius/servers",
            json!([]),
        ),
        refused(
            &document,
            "management/disk_fill_up_prevention/enabled/deep",
            json!(1),
        ),
        refused(
            &document,
            "management/disk_fill_up_prevention/enabled",
            json!("yes"),
        ),
        refused(
            &document,
            "management/disk_fill_up_prevention",
            json!({"enabled": true}),
        ),
        refused(
            &document,
            "policies/user_lists/x",
            json!({"allow": true, "except": [], "x": 1}),
        ),
        refused(&document, "users/console_password", json!("hunter")),
        refused(&document, "users/console_password", json!({"encrypted": "1.x.y"})),
        refused(&document, "network/host_name", json!("[redacted]")),
        remove("policies/user_lists/nobody"),
        remove("management/change_log"),
        remove(""),
        remove("connections/ssh/connections/nobody"),
    ];
    insta::assert_snapshot!(told.join("\n"));
    assert!(!told.join("").contains("hunter"), "a value is told");
}

#[test]
fn differences_show_both_sides_and_no_secret() {
    let old = rich(3);
    let mut new = old.clone();
    new.management.change_log.require_message = !old.management.change_log.require_message;
    new.users.console_password = Some(secret("hunter again"));
    new.policies.user_lists.clear();
    let found = old.differences(&new).unwrap();
    let told: Vec<String> = found.iter().map(|one| one.place.to_string()).collect();
    assert!(
        told.contains(&"management/change_log/require_message".to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"users/console_password".to_owned()), "{told:?}");
    let text = format!("{found:?}");
    assert!(!text.contains("hunter"), "{text}");
    let gone = found
        .iter()
        .find(|one| one.place.is_within(&place("policies/user_lists")))
        .unwrap();
    assert!(gone.before.is_some() && gone.after.is_none(), "{gone:?}");
    assert_eq!(old.differences(&old).unwrap(), []);
}

/// A new place for names is not forgotten: everything that takes a new name is known to, and nothing else does.
#[test]
fn what_takes_names_is_known() {
    fn walk(document: &Cluster, value: &Value, at: &Place, seen: &mut usize) {
        if let Value::Object(object) = value
            && !seal::is_secret(object)
        {
            if let Some((_, inner)) = object.iter().next_back() {
                let mut all = object.clone();
                all.insert("qz new".into(), inner.clone());
                let mut whole = serde_json::to_value(document).unwrap();
                *find_mut(&mut whole, at).unwrap() = Value::Object(all);
                let said = typed(&whole).err().map(|error| error.to_string());
                let taken = !said.as_ref().is_some_and(|said| said.contains("qz new"));
                assert_eq!(taken, at.holds_names(), "{at}: {said:?}");
                *seen += 1;
            }
            object
                .iter()
                .for_each(|(name, inner)| walk(document, inner, &at.below(name), seen));
        }
        if let Value::Array(list) = value {
            list.iter().enumerate().for_each(|(number, inner)| {
                let name = inner.get("name").and_then(Value::as_str).map(ToOwned::to_owned);
                walk(
                    document,
                    inner,
                    &at.below(&name.unwrap_or(number.to_string())),
                    seen,
                );
            });
        }
    }
    for seed in 0..6 {
        let (document, mut seen) = (rich(seed), 0);
        walk(
            &document,
            &serde_json::to_value(&document).unwrap(),
            &Place::default(),
            &mut seen,
        );
        assert!(seen > 60, "{seen}");
    }
}

/// Every place of a value, the deepest last.
fn places(value: &Value, at: &Place, found: &mut Vec<Place>) {
    found.push(at.clone());
    match value {
        Value::Object(object) => object
            .iter()
            .for_each(|(name, inner)| places(inner, &at.below(name), found)),
        Value::Array(list) => list.iter().enumerate().for_each(|(number, inner)| {
            let name = inner.get("name").and_then(Value::as_str);
            let part = name.map_or(number.to_string(), ToOwned::to_owned);
            places(inner, &at.below(&part), found);
        }),
        _ => {}
    }
}

/// Whatever is set of another document, or removed: it is refused, or shown as it was set, and nothing ever shows a secret.
#[test]
fn any_part_of_another_document_is_taken_as_it_is_or_refused() {
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..2 {
        let (document, other) = (random(seed), rich(seed + 50));
        let shown = other.shown(&Place::default()).unwrap();
        let mut all = Vec::new();
        places(&shown, &Place::default(), &mut all);
        for at in all {
            let value = other.shown(&at).unwrap();
            for edit in [Edit::Set(at.clone(), value.clone()), Edit::Remove(at.clone())] {
                let is_set = matches!(edit, Edit::Set(..));
                match document.edited(&[edit]) {
                    Ok(edited) => {
                        taken += 1;
                        let now = edited.shown(&at);
                        assert!(!is_set || now.as_ref().ok() == Some(&value), "{at}: {now:?}");
                        let differences = document.differences(&edited).unwrap();
                        assert!(!format!("{differences:?}").contains("hunter"), "{at}");
                    }
                    Err(error) => {
                        refused += 1;
                        assert!(!error.to_string().contains("hunter"), "{at}: {error}");
                    }
                }
            }
        }
    }
    assert!(taken > 200 && refused > 200, "{taken} taken, {refused} refused");
}
