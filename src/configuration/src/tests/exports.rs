//! Exports of one cluster and imports into another, whose key is another.

use sps_admin::{ConfigurationFile, ConfigurationImport, Reply, Request, Response};
use sps_config::Secret;

use super::Lab;

fn word() -> Option<Secret> {
    Some(Secret::from("correct horse".to_owned()))
}

fn export(lab: &Lab, password: Option<Secret>) -> ConfigurationFile {
    match lab.ask(&Request::ConfigurationExport { password }).unwrap() {
        Response::Exported(export) => {
            assert_eq!(
                export.name,
                format!("sps-configuration-gate-{}.json", lab.revision())
            );
            export.file
        }
        other => panic!("{other:?}"),
    }
}

fn import(lab: &Lab, file: &ConfigurationFile, password: Option<Secret>, preview: bool) -> Reply {
    lab.ask(&Request::ConfigurationImport {
        file: file.clone(),
        password,
        preview,
        expected: None,
    })
}

fn imported(reply: Reply) -> ConfigurationImport {
    match reply.unwrap() {
        Response::Imported(imported) => imported,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_export_with_a_password_brings_everything_to_another_cluster() {
    let (one, other) = (Lab::new(3), Lab::new(4));
    let file = export(&one, word());
    let (before, revision) = (other.document(), other.revision());
    let preview = imported(import(&other, &file, word(), true));
    assert_eq!((preview.changes.to, preview.left_out.len()), (None, 0));
    assert!(!preview.changes.differences.is_empty());
    assert_eq!((other.document(), other.revision()), (before.clone(), revision));
    let done = imported(import(&other, &file, word(), false));
    assert_eq!(done.changes.differences, preview.changes.differences);
    assert_eq!((done.changes.to, done.product.as_str()), (Some(2), "7.0.3"));
    // What it asks for in vain is told, and keeps nothing from being taken.
    let notes = done.changes.notes.join("\n");
    assert!(
        notes.contains("connections.ssh.authentication_policies.base.gssapi: Kerberos"),
        "{notes}"
    );
    assert_eq!(done.changes.notes, preview.changes.notes);
    let mut expected = one.document();
    expected.system.sealed = before.system.sealed;
    assert_eq!(other.document(), expected);
}

#[test]
fn an_export_without_a_password_names_the_secrets_to_enter_again() {
    let (one, other) = (Lab::new(3), Lab::new(4));
    let file = export(&one, None);
    assert!(!file.text().contains("hunter"));
    let done = imported(import(&other, &file, None, false));
    assert!(done.left_out.len() > 5, "{:?}", done.left_out);
    assert!(
        done.left_out.iter().all(|path| path.starts_with('/')),
        "{:?}",
        done.left_out
    );
}

#[test]
fn a_wrong_password_and_another_file_change_nothing() {
    let (one, other) = (Lab::new(3), Lab::new(4));
    let file = export(&one, word());
    let strange = ConfigurationFile::new(b"{}".to_vec()).unwrap();
    let wrong = Some(Secret::from("wrong horse".to_owned()));
    let before = other.document();
    for (file, password, words) in [
        (&file, None, "give the password"),
        (&file, wrong, "not the one"),
        (&strange, None, "no exported configuration"),
    ] {
        let failure = import(&other, file, password, false).unwrap_err();
        assert!(failure.message.contains(words), "{failure}");
    }
    assert_eq!((other.document(), other.revision()), (before, 1));
    let short = Request::ConfigurationExport {
        password: Some(Secret::from("short".to_owned())),
    };
    assert!(one.ask(&short).unwrap_err().message.contains("too short"));
}

#[test]
fn an_export_of_the_first_layout_is_migrated_and_says_what_changed() {
    let old = include_str!("../../../../tests/fuzz/seeds/cluster_import/old.json");
    let file = ConfigurationFile::new(old.into()).unwrap();
    let lab = Lab::new(4);
    let done = imported(import(&lab, &file, word(), false));
    assert_eq!((done.layout, done.changes.to), (1, Some(2)));
    assert!(!done.changes.notes.is_empty());
}
