//! Looking at settings and changing them.

use serde_json::json;
use sps_admin::{
    ConfigurationChanges, ConfigurationEdit, ConfigurationRevision, FailureKind, Request, Response,
};
use sps_config::{Secret, verify_password};

use super::{Lab, set};

fn changes(response: Response) -> ConfigurationChanges {
    match response {
        Response::ConfigurationChanges(changes) => changes,
        other => panic!("{other:?}"),
    }
}

fn history(lab: &Lab) -> Vec<ConfigurationRevision> {
    match lab.ask(&Request::ConfigurationHistory { limit: 10 }).unwrap() {
        Response::Revisions(revisions) => revisions,
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_is_shown_without_a_secret_and_can_be_set_again() {
    let lab = Lab::new(3);
    let all = lab.part("");
    assert!(all.value.to_string().contains("[redacted]"));
    assert_eq!((all.revision, all.lost.len()), (1, 0));
    let before = lab.document();
    for (section, value) in all.value.as_object().unwrap() {
        let made = changes(lab.set(section, value.clone()).unwrap());
        assert_eq!((made.to, made.differences.len()), (Some(1), 0), "{section}");
    }
    assert_eq!((lab.revision(), lab.document()), (1, before));
}

#[test]
fn what_this_firmware_does_not_do_is_refused_and_changes_nothing() {
    let lab = Lab::new(3);
    let (before, revision) = (lab.document(), lab.revision());
    let path = "connections/ssh/authentication_policies/tickets";
    let policy =
        json!({"gateway": ["password"], "relayed": ["password"], "gssapi": true, "user_database": null});
    let refused = lab.change(vec![set(path, policy)], None).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Invalid);
    assert!(
        refused
            .message
            .starts_with("connections.ssh.authentication_policies.tickets.gssapi: "),
        "{}",
        refused.message
    );
    assert_eq!((lab.document(), lab.revision()), (before, revision));
}

#[test]
fn edits_are_one_revision_with_who_and_why() {
    let mut lab = Lab::new(3);
    lab.message = "on tuesday";
    let edits = vec![
        set(
            "management/disk_fill_up_prevention/used_space_ratio_limit",
            json!(85),
        ),
        set(
            "policies/user_lists/night",
            json!({"allow": true, "except": ["hunt"]}),
        ),
    ];
    let made = changes(lab.change(edits, Some(1)).unwrap());
    let paths: Vec<&str> = made.differences.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "management/disk_fill_up_prevention/used_space_ratio_limit",
            "policies/user_lists/night"
        ]
    );
    assert_eq!(
        (made.from, made.to, &made.differences[0].after),
        (1, Some(2), &Some(json!(85)))
    );
    let newest = &history(&lab)[0];
    assert_eq!(
        (
            newest.revision,
            newest.who.as_str(),
            newest.message.as_str(),
            newest.time
        ),
        (2, "admin by web from 192.0.2.9", "on tuesday", 1_800_000_000)
    );
    let told = Request::ConfigurationDifference { from: None, to: None };
    assert_eq!(changes(lab.ask(&told).unwrap()).differences, made.differences);
    let delete = ConfigurationEdit::Delete {
        path: "policies/user_lists/night".into(),
    };
    assert_eq!(changes(lab.change(vec![delete], None).unwrap()).to, Some(3));
}

#[test]
fn one_wrong_edit_refuses_all_and_names_its_path() {
    let lab = Lab::new(3);
    let good = set("management/change_log/require_message", json!(true));
    for (path, value, words) in [
        ("management/dsk", json!(1), "there is no such setting"),
        (
            "management/disk_fill_up_prevention/enabled",
            json!("yes"),
            "not a boolean",
        ),
        (
            "management/disk_fill_up_prevention/used_space_ratio_limit",
            json!(30),
            "50",
        ),
        (
            "connections/ssh/connections/nobody",
            json!(1),
            "none of this name",
        ),
        ("a//b", json!(1), "no path"),
    ] {
        let bad = set(path, value);
        let failure = lab.change(vec![good.clone(), bad], None).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{failure}");
        assert!(failure.message.contains(words), "{path}: {failure}");
        assert!(failure.message.replace('.', "/").contains(path), "{failure}");
    }
    assert_eq!(lab.revision(), 1);
}

#[test]
fn who_looked_at_an_earlier_revision_is_told_who_changed_it() {
    let lab = Lab::new(3);
    lab.set(
        "management/disk_fill_up_prevention/used_space_ratio_limit",
        json!(86),
    )
    .unwrap();
    let edits = vec![set(
        "management/disk_fill_up_prevention/used_space_ratio_limit",
        json!(87),
    )];
    let requests = [
        Request::ConfigurationChange {
            edits: edits.clone(),
            expected: Some(1),
        },
        Request::ConfigurationCompare {
            edits: edits.clone(),
            expected: Some(1),
        },
        Request::ConfigurationShow {
            path: String::new(),
            revision: None,
            edits,
            expected: Some(1),
        },
        Request::ConfigurationRestore {
            revision: 1,
            expected: Some(1),
        },
    ];
    for request in requests {
        let failure = lab.ask(&request).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Conflict);
        assert!(
            failure
                .message
                .contains("changed meanwhile by admin by web from 192.0.2.9"),
            "{failure}"
        );
    }
    assert_eq!(lab.revision(), 2);
}

#[test]
fn a_change_says_why_where_that_is_required() {
    let mut lab = Lab::new(3);
    lab.message = "so it is from now on";
    lab.set("management/change_log/require_message", json!(true))
        .unwrap();
    lab.message = "  ";
    let failure = lab.refused(
        "management/disk_fill_up_prevention/used_space_ratio_limit",
        json!(86),
    );
    assert!(failure.message.contains("needs a reason"), "{failure}");
    let restore = lab
        .ask(&Request::ConfigurationRestore {
            revision: 1,
            expected: None,
        })
        .unwrap_err();
    assert!(restore.message.contains("needs a reason"), "{restore}");
    assert!(lab.part("").message_required);
    lab.message = "because";
    lab.set(
        "management/disk_fill_up_prevention/used_space_ratio_limit",
        json!(86),
    )
    .unwrap();
}

#[test]
fn a_revision_is_taken_back_as_a_new_one() {
    let lab = Lab::new(3);
    let first = lab.document();
    lab.set("users/console_password", json!({"plain": "hunter of the night"}))
        .unwrap();
    let old = Request::ConfigurationShow {
        path: "users".into(),
        revision: Some(1),
        edits: Vec::new(),
        expected: None,
    };
    assert!(lab.ask(&old).is_ok());
    let made = changes(
        lab.ask(&Request::ConfigurationRestore {
            revision: 1,
            expected: Some(2),
        })
        .unwrap(),
    );
    assert_eq!((made.to, lab.revision(), lab.document()), (Some(3), 3, first));
    let failure = lab
        .ask(&Request::ConfigurationRestore {
            revision: 9,
            expected: None,
        })
        .unwrap_err();
    assert!(failure.message.contains("there is no revision 9"), "{failure}");
}

#[test]
fn a_password_is_hashed_before_it_is_kept() {
    let lab = Lab::new(3);
    lab.set(
        "users/local/ann",
        json!({"password": {"plain": "hunter of words"}}),
    )
    .unwrap();
    let user = lab.document().users.local["ann"].clone();
    let hash = user.password.unwrap();
    assert!(verify_password(
        &Secret::from("hunter of words".to_owned()),
        hash.known().unwrap()
    ));
    let failure = lab.refused("users/local/bob", json!({"password": {"plain": "hunt"}}));
    assert!(
        failure.message.starts_with("users.local.bob.password: "),
        "{failure}"
    );
}

#[test]
fn sealed_the_passwords_stay_and_the_rest_can_be_changed() {
    let mut lab = Lab::new(3);
    lab.set("users/console_password", json!({"plain": "hunter of the night"}))
        .unwrap();
    lab.sealed = true;
    let failure = lab.refused("users/console_password", json!({"plain": "hunter of the day"}));
    assert!(
        failure.kind == FailureKind::NotAllowed && failure.message.contains("sealed"),
        "{failure}"
    );
    let back = lab
        .ask(&Request::ConfigurationRestore {
            revision: 1,
            expected: None,
        })
        .unwrap_err();
    assert!(back.message.contains("sealed"), "{back}");
    lab.set(
        "management/disk_fill_up_prevention/used_space_ratio_limit",
        json!(86),
    )
    .unwrap();
}

#[test]
fn what_has_a_way_of_its_own_is_refused_with_the_way() {
    let lab = Lab::new(3);
    let sealed = !lab.document().system.sealed;
    assert!(
        lab.refused("system/sealed", json!(sealed))
            .message
            .contains("sps seal")
    );
    assert!(
        lab.refused("network/host_name", json!("other"))
            .message
            .contains("sps network set")
    );
    assert!(
        lab.refused("system/licence", json!({"serial": "x", "sha256": "00"}))
            .message
            .contains("License")
    );
}

#[test]
fn edits_are_tried_without_changing_anything() {
    let lab = Lab::new(3);
    let edits = vec![
        set("management/mail", json!(null)),
        set("users/local/ann", json!({"password": {"plain": "hunter"}})),
    ];
    let show = Request::ConfigurationShow {
        path: "users/local/ann".into(),
        revision: None,
        edits: edits.clone(),
        expected: Some(1),
    };
    let Response::Configuration(part) = lab.ask(&show).unwrap() else {
        panic!()
    };
    assert_eq!(part.value, json!({"password": "[redacted]"}));
    let compared = changes(
        lab.ask(&Request::ConfigurationCompare {
            edits,
            expected: None,
        })
        .unwrap(),
    );
    assert_eq!(compared.to, None);
    assert!(
        compared
            .differences
            .iter()
            .any(|one| one.path == "users/local/ann")
    );
    assert_eq!(lab.revision(), 1);
}
