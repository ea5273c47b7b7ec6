//! Exports between two appliances, and what is wrong with them.

use serde_json::json;

use super::*;
use crate::export::{encrypted, encrypted_text, export_encrypted, export_plain};
use crate::key::ClusterKey;
use crate::store::Store;
use crate::testing::{by, named, rich};

fn about() -> About {
    About {
        product: "7.0.3".into(),
        revision: 17,
    }
}

fn password() -> Secret {
    Secret::from("correct horse".to_owned())
}

/// Nothing of an earlier layout is expected.
fn never(_: &Value, layout: u32) -> Result<(Value, Vec<String>), String> {
    panic!("asked to migrate layout {layout}")
}

/// The migration as the appliance wires it.
fn real(document: &Value, layout: u32) -> Result<(Value, Vec<String>), String> {
    let migrated =
        sps_config_migration::migrate(document, layout, LAYOUT).map_err(|error| error.to_string())?;
    let notes = migrated
        .notes
        .into_iter()
        .map(|note| format!("{}: {}", note.setting, note.what));
    Ok((migrated.document, notes.collect()))
}

fn cheap(document: &Cluster) -> Vec<u8> {
    encrypted(document, &about(), &password(), Cost::least()).unwrap()
}

fn refused(bytes: &[u8], password: Option<&Secret>) -> String {
    import(bytes, password, never).unwrap_err().to_string()
}

#[test]
fn a_configuration_goes_from_one_cluster_to_another_with_its_secrets() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let keys = [ClusterKey::generate().unwrap(), ClusterKey::generate().unwrap()];
    let document = rich(11);
    let (mut first, _) = Store::open(folders[0].path(), Some(keys[0].clone())).unwrap();
    first.commit(0, &document, by("a")).unwrap();
    let export = export_encrypted(first.document(), &about(), &password()).unwrap();
    assert!(!String::from_utf8(export.clone()).unwrap().contains("hunter"));
    let imported = import(&export, Some(&password()), never).unwrap();
    assert_eq!((&imported.document, imported.left_out.len()), (&document, 0));
    assert_eq!((imported.about, imported.layout), (about(), LAYOUT));
    let (mut second, _) = Store::open(folders[1].path(), Some(keys[1].clone())).unwrap();
    second.commit(0, &imported.document, by("b")).unwrap();
    let (again, _) = Store::open(folders[1].path(), Some(keys[1].clone())).unwrap();
    assert_eq!((again.document(), again.lost()), (&document, &[][..]));
}

#[test]
fn a_plain_export_is_without_secrets_and_says_which_are_missing() {
    let export = export_plain(&rich(11), &about()).unwrap();
    let text = String::from_utf8(export.clone()).unwrap();
    assert!(!text.contains("hunter") && !text.contains("\"plain\": \"") && !text.contains("\"encrypted\""));
    let imported = import(&export, None, never).unwrap();
    assert!(imported.left_out.len() > 5);
    assert!(
        imported.left_out[0]
            .to_string()
            .contains("left out of the export")
    );
    let small = import(&export_plain(&named("one"), &about()).unwrap(), None, never).unwrap();
    assert_eq!(
        small.document.users.console_password,
        Some(crate::protected::Protected::LeftOut)
    );
    assert_eq!(small.left_out[0].path, "/users/console_password");
}

#[test]
fn secrets_that_are_lost_are_left_out() {
    let mut document = named("one");
    document.users.admin_password = Some(crate::protected::Protected::Lost("1.x.y".into()));
    let imported = import(&cheap(&document), Some(&password()), never).unwrap();
    assert_eq!(imported.left_out.len(), 1);
    assert_eq!(
        imported.document.users.console_password,
        document.users.console_password
    );
}

#[test]
fn every_changed_byte_of_an_encrypted_export_is_refused() {
    let export = cheap(&Cluster::default());
    for place in 0..export.len() {
        for bit in [0, 5, 7] {
            let mut changed = export.clone();
            changed[place] ^= 1 << bit;
            assert!(
                import(&changed, Some(&password()), never).is_err(),
                "byte {place}, bit {bit}"
            );
        }
    }
    for length in 0..export.len() {
        assert!(
            import(&export[..length], Some(&password()), never).is_err(),
            "cut at {length}"
        );
    }
    let spaced = [&export[..1], b" ", &export[1..]].concat();
    assert!(matches!(
        import(&spaced, Some(&password()), never),
        Err(ImportError::Changed)
    ));
    assert!(import(&export, Some(&password()), never).is_ok());
}

#[test]
fn a_changed_plain_export_is_refused() {
    let text = String::from_utf8(export_plain(&named("one"), &about()).unwrap()).unwrap();
    for (from, to) in [
        ("\"one\"", "\"two\""),
        ("7.0.3", "7.0.4"),
        ("\"revision\": 17", "\"revision\": 18"),
    ] {
        assert!(text.contains(from));
        let error = import(text.replacen(from, to, 1).as_bytes(), None, never).unwrap_err();
        assert!(matches!(error, ImportError::Changed), "{from}: {error}");
    }
}

#[test]
fn refusals_say_what_to_do() {
    let good = String::from_utf8(cheap(&named("one"))).unwrap();
    let wrong = Secret::from("wrong horse".to_owned());
    let told = [
        refused(good.as_bytes(), None),
        refused(good.as_bytes(), Some(&wrong)),
        refused(
            good.replace("\"layout\":5", "\"layout\":6").as_bytes(),
            Some(&password()),
        ),
        refused(
            good.replace("\"form\":1", "\"form\":2").as_bytes(),
            Some(&password()),
        ),
        refused(
            good.replace("\"memory_kib\":8", "\"memory_kib\":4000000000")
                .as_bytes(),
            Some(&password()),
        ),
        refused(b"{\"format\": \"sps-configuration\"}", None),
        refused(b"PK\x03\x04", None),
        refused(&vec![b' '; MOST_BYTES + 1], None),
        export_encrypted(&named("one"), &about(), &Secret::from("short".to_owned()))
            .unwrap_err()
            .to_string(),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_export_of_an_earlier_layout_is_migrated_and_one_that_cannot_be_is_refused() {
    for layout in 1..LAYOUT {
        let old = sps_config_migration::sample(layout, 5).unwrap();
        let text = serde_json::to_vec(&old).unwrap();
        let export = encrypted_text(&text, layout, &about(), &password(), Cost::least()).unwrap();
        let imported = import(&export, Some(&password()), real).unwrap();
        assert_eq!((imported.layout, imported.notes.is_empty()), (layout, false));
        imported.document.check().unwrap();
        let strange = encrypted_text(b"{}", layout, &about(), &password(), Cost::least()).unwrap();
        let error = import(&strange, Some(&password()), real).unwrap_err();
        assert!(matches!(error, ImportError::Migration { .. }), "{error}");
    }
}

#[test]
fn everything_is_judged_before_anything_is_handed_out() {
    let mut document = serde_json::to_value(named("one")).unwrap();
    document["network"]["host_name"] = json!("-");
    let text = serde_json::to_vec(&document).unwrap();
    let export = encrypted_text(&text, LAYOUT, &about(), &password(), Cost::least()).unwrap();
    let error = import(&export, Some(&password()), never).unwrap_err();
    let ImportError::Document(reason) = error else {
        panic!("{error}")
    };
    assert!(reason.to_string().starts_with("network.host_name: "), "{reason}");
}

/// Exports that were made once, the seeds of the fuzz target: whatever this code becomes, it reads them.
#[test]
fn exports_of_today_are_read_for_ever() {
    let plain = include_bytes!("../../../../tests/fuzz/seeds/cluster_import/plain.json");
    let sealed = include_bytes!("../../../../tests/fuzz/seeds/cluster_import/encrypted.json");
    let old = include_bytes!("../../../../tests/fuzz/seeds/cluster_import/old.json");
    assert_eq!(import(plain, None, real).unwrap().left_out.len(), 1);
    let imported = import(sealed, Some(&password()), real).unwrap();
    assert_eq!(imported.document, named("one"));
    let imported = import(old, Some(&password()), real).unwrap();
    assert_eq!((imported.layout, imported.about), (1, about()));
}
