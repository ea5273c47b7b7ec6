//! The store on a real folder, and on one whose power fails.

mod power_cuts;

use std::fs;

use super::*;
use crate::lost::LossReason;
use crate::protected::Protected;
use crate::testing::{by, named, rich, secret};

fn key() -> ClusterKey {
    ClusterKey::generate().unwrap()
}

fn two_revisions() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, found) = Store::open(folder.path(), Some(key())).unwrap();
    assert_eq!(found, Found::Nothing);
    assert_eq!(store.commit(0, &named("one"), by("a")).unwrap(), 1);
    assert_eq!(
        store
            .commit(1, &named("two"), by("b by SSH from 192.0.2.9"))
            .unwrap(),
        2
    );
    (folder, store)
}

fn again(folder: &tempfile::TempDir, store: &Store) -> (Store, Found) {
    Store::open(folder.path(), store.key.clone()).unwrap()
}

#[test]
fn changes_are_kept_with_who_when_where_what_and_why() {
    let (folder, store) = two_revisions();
    let (again, found) = again(&folder, &store);
    assert_eq!(
        (again.revision(), again.document(), found),
        (2, store.document(), Found::Good)
    );
    let history = again.history(HISTORY_KEPT).unwrap();
    assert_eq!(
        history.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [2, 1]
    );
    let (_, change) = &history[0];
    assert_eq!(change.what, ["network.host_name", "users.console_password"]);
    assert_eq!(
        (change.who.as_str(), change.message.as_str(), change.time),
        ("b by SSH from 192.0.2.9", "because", 1_700_000_000)
    );
    let first = again.at_revision(1).unwrap();
    assert_eq!((first.document, first.lost), (named("one"), Vec::new()));
    assert!(matches!(
        again.at_revision(9),
        Err(StoreError::NoRevision { number: 9 })
    ));
}

#[test]
fn a_rich_document_comes_back_and_no_secret_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(folder.path(), Some(key())).unwrap();
    let rich = rich(7);
    store.commit(0, &rich, by("a")).unwrap();
    let (again, _) = again(&folder, &store);
    assert_eq!((again.document(), again.lost()), (&rich, &[][..]));
    for entry in fs::read_dir(folder.path()).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("hunter") && text.contains("\"encrypted\""));
    }
    assert!(!format!("{store:?}").contains("hunter"));
}

#[test]
fn only_root_reads() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _) = two_revisions();
    for name in [CURRENT, "revision-00000001.json"] {
        let mode = fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn the_second_of_two_writers_is_told_who_was_first() {
    let (_folder, mut store) = two_revisions();
    let error = store.commit(1, &named("three"), by("c")).unwrap_err();
    insta::assert_snapshot!(error, @"the configuration was changed meanwhile by b by SSH from 192.0.2.9 (revision 2, not 1); look at it and make the change again");
    assert_eq!(store.document(), &named("two"));
    assert_eq!(
        store.commit(2, &named("two"), by("c")).unwrap(),
        2,
        "no change is no revision"
    );
}

#[test]
fn what_cannot_be_is_not_stored() {
    let (folder, mut store) = two_revisions();
    assert!(matches!(
        store.commit(2, &named("-"), by("c")),
        Err(StoreError::Check(_))
    ));
    assert_eq!(again(&folder, &store).0.revision(), 2);
}

#[test]
fn a_configuration_whose_key_is_gone_opens_and_says_which_secrets_are_lost() {
    let (folder, store) = two_revisions();
    let right = store.key.clone();
    let sealed = fs::read(folder.path().join(CURRENT)).unwrap();
    for (wrong, reason) in [(None, LossReason::NoKey), (Some(key()), LossReason::OtherKey)] {
        let (mut poor, found) = Store::open(folder.path(), wrong.clone()).unwrap();
        assert_eq!((found, poor.revision()), (Found::Good, 2));
        assert_eq!(poor.document().network.host_name, "two");
        let lost = poor.lost().to_vec();
        assert_eq!(
            (lost.len(), lost[0].path.as_str(), lost[0].reason),
            (1, "/users/console_password", reason)
        );
        assert_eq!(
            fs::read(folder.path().join(CURRENT)).unwrap(),
            sealed,
            "reading wrote"
        );
        // Everything else can be changed, and the lost secret stays for the key that may come back.
        let mut changed = poor.document().clone();
        changed.system.sealed = true;
        assert!(matches!(changed.users.console_password, Some(Protected::Lost(_))));
        poor.commit(2, &changed, by("c")).unwrap();
        let (back, _) = Store::open(folder.path(), right.clone()).unwrap();
        assert_eq!((back.lost(), back.document().system.sealed), (&[][..], true));
        assert_eq!(back.document().users, named("two").users);
        fs::write(folder.path().join(CURRENT), &sealed).unwrap();
        fs::remove_file(folder.path().join(history_file(3))).unwrap();
        if wrong.is_none() {
            changed.users.console_password = Some(secret("hunter again"));
            let error = Store::open(folder.path(), None)
                .unwrap()
                .0
                .commit(2, &changed, by("c"))
                .unwrap_err();
            assert!(
                matches!(error, StoreError::Encode(RecordError::Seal(_))),
                "{error}"
            );
        }
    }
}

#[test]
fn a_secret_that_is_entered_again_is_there_again() {
    let (folder, _store) = two_revisions();
    let new = key();
    let (mut store, _) = Store::open(folder.path(), Some(new.clone())).unwrap();
    let mut mended = store.document().clone();
    mended.users.console_password = Some(secret("hunter again"));
    store.commit(2, &mended, by("c")).unwrap();
    let (again, _) = Store::open(folder.path(), Some(new)).unwrap();
    assert_eq!((again.lost(), again.document()), (&[][..], &mended));
}

#[test]
fn a_damaged_file_gives_way_to_the_newest_good_revision() {
    let (folder, store) = two_revisions();
    let current = folder.path().join(CURRENT);
    let good = fs::read(&current).unwrap();
    let flipped = String::from_utf8(good.clone())
        .unwrap()
        .replacen("\"two\"", "\"twp\"", 1)
        .into_bytes();
    for damage in [&b""[..], b"{", &good[..good.len() / 2], b"\xff\xfe", &flipped] {
        fs::write(&current, damage).unwrap();
        let (mut store, found) = again(&folder, &store);
        assert!(
            matches!(&found, Found::Restored { revision: 2, reason } if reason.contains(CURRENT)),
            "{found:?}"
        );
        assert_eq!(store.document(), &named("two"));
        assert_eq!(fs::read(&current).unwrap(), damage, "reading wrote");
        assert_eq!(
            store.commit(2, &named("two"), by("c")).unwrap(),
            3,
            "the damage stays in force"
        );
        assert_eq!(fs::read(folder.path().join(DAMAGED)).unwrap(), damage);
        assert_eq!(again(&folder, &store).1, Found::Good);
        fs::remove_file(folder.path().join(history_file(3))).unwrap();
    }
}

#[test]
fn damage_in_the_history_is_stepped_over() {
    let (folder, store) = two_revisions();
    fs::remove_file(folder.path().join(CURRENT)).unwrap();
    fs::write(folder.path().join(history_file(2)), "{").unwrap();
    let (mut store, found) = again(&folder, &store);
    assert!(matches!(found, Found::Restored { revision: 1, .. }), "{found:?}");
    assert_eq!(
        store.commit(1, &named("three"), by("c")).unwrap(),
        3,
        "a number is used once"
    );
    fs::write(folder.path().join(history_file(1)), "{").unwrap();
    assert_eq!(store.history(HISTORY_KEPT).unwrap().len(), 1);
    assert!(store.at_revision(1).is_err());
}

#[test]
fn when_all_is_damaged_it_says_so_and_goes_on_with_the_default() {
    let (folder, store) = two_revisions();
    for name in [CURRENT.to_owned(), history_file(1), history_file(2)] {
        fs::write(folder.path().join(name), "no").unwrap();
    }
    let (store, found) = again(&folder, &store);
    assert!(matches!(found, Found::Lost { .. }));
    assert_eq!((store.revision(), store.document()), (0, &Cluster::default()));
}

#[test]
fn another_version_s_file_is_refused_and_kept() {
    let (folder, store) = two_revisions();
    for (other, said) in [
        (
            &br#"{"format": 1, "layout": 6, "rest": {"is": "unknown"}}"#[..],
            "boot the firmware that wrote it",
        ),
        (br#"{"format": 1, "layout": 4}"#, "let the upgrade reorganize"),
    ] {
        fs::write(folder.path().join(CURRENT), other).unwrap();
        let error = Store::open(folder.path(), store.key.clone()).unwrap_err();
        let StoreError::OtherLayout { reason, .. } = &error else {
            panic!("{error}")
        };
        assert!(reason.to_string().contains(said), "{reason}");
        assert_eq!(fs::read(folder.path().join(CURRENT)).unwrap(), other);
    }
    fs::remove_file(folder.path().join(CURRENT)).unwrap();
    fs::write(
        folder.path().join(history_file(3)),
        br#"{"format": 2, "layout": 5}"#,
    )
    .unwrap();
    assert!(matches!(
        Store::open(folder.path(), store.key.clone()),
        Err(StoreError::OtherLayout { .. })
    ));
}

#[test]
fn the_history_is_bounded() {
    let (folder, mut store) = two_revisions();
    let first = fs::read(folder.path().join(history_file(1))).unwrap();
    for number in 0..HISTORY_KEPT as u64 {
        fs::write(folder.path().join(history_file(number)), &first).unwrap();
    }
    store.current.revision = HISTORY_KEPT as u64;
    store.commit(store.revision(), &named("three"), by("c")).unwrap();
    assert_eq!(numbers(store.medium.as_ref()).unwrap().len(), HISTORY_KEPT);
    assert!(folder.path().join(history_file(store.revision())).exists());
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let (folder, mut store) = two_revisions();
    // A folder where the file must be: the rename fails.
    fs::create_dir(folder.path().join(history_file(3))).unwrap();
    let error = store.commit(2, &named("three"), by("c")).unwrap_err();
    assert!(matches!(error, StoreError::Replace(_)), "{error}");
    assert_eq!((store.revision(), store.document()), (2, &named("two")));
    fs::remove_dir(folder.path().join(history_file(3))).unwrap();
    assert_eq!(store.commit(2, &named("three"), by("c")).unwrap(), 3);
}
