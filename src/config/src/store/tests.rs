//! The store on a real folder, and on one whose power fails.

mod power_cuts;

use std::fs;

use super::*;

fn named(name: &str) -> Node {
    let mut node = Node::default();
    node.network.host_name = name.into();
    node
}

fn by(who: &str) -> Change {
    Change {
        time: 1_700_000_000,
        who: who.into(),
        message: "because".into(),
        what: Vec::new(),
    }
}

fn two_revisions() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, found) = Store::open(folder.path()).unwrap();
    assert!(matches!(found, Found::Nothing));
    assert_eq!(store.commit(0, named("one"), by("a")).unwrap(), 1);
    assert_eq!(store.commit(1, named("two"), by("b")).unwrap(), 2);
    (folder, store)
}

#[test]
fn changes_are_kept_with_who_when_what_and_why() {
    let (folder, store) = two_revisions();
    let (again, found) = Store::open(folder.path()).unwrap();
    assert!(matches!(found, Found::Good));
    assert_eq!((again.revision(), again.node()), (2, store.node()));
    let history = again.history().unwrap();
    assert_eq!(
        history.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!(history[0].1.what, ["network.host_name"]);
    assert_eq!(
        (history[0].1.who.as_str(), history[0].1.message.as_str()),
        ("b", "because")
    );
    assert_eq!(again.at_revision(1).unwrap(), named("one"));
    assert_eq!(
        again.at_revision(9).unwrap_err().to_string(),
        "there is no revision 9"
    );
}

#[test]
fn only_root_reads() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, _) = two_revisions();
    let mode = |name| {
        fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        (mode(CURRENT), mode(&history_file(1)), mode(HISTORY)),
        (0o600, 0o600, 0o700)
    );
}

#[test]
fn the_second_of_two_writers_is_told() {
    let (_folder, mut store) = two_revisions();
    let error = store.commit(1, named("three"), by("c")).unwrap_err();
    insta::assert_snapshot!(error, @"the configuration was changed meanwhile by b (revision 2, not 1); look at it and make the change again");
    assert_eq!(store.node(), &named("two"));
    assert_eq!(
        store.commit(2, named("two"), by("c")).unwrap(),
        2,
        "no change is no revision"
    );
}

#[test]
fn what_cannot_be_is_not_stored() {
    let (folder, mut store) = two_revisions();
    assert!(matches!(
        store.commit(2, named("-"), by("c")),
        Err(StoreError::Check(_))
    ));
    assert_eq!(Store::open(folder.path()).unwrap().0.revision(), 2);
}

#[test]
fn a_damaged_file_gives_way_to_the_newest_good_revision() {
    let (folder, _) = two_revisions();
    let current = folder.path().join(CURRENT);
    let good = fs::read(&current).unwrap();
    for damage in [&b""[..], b"{", &good[..good.len() / 2], b"\xff\xfe"] {
        fs::write(&current, damage).unwrap();
        let (mut store, found) = Store::open(folder.path()).unwrap();
        assert!(
            matches!(&found, Found::Restored { revision: 2, reason } if reason.contains("node.json")),
            "{found:?}"
        );
        assert_eq!(store.node(), &named("two"));
        assert_eq!(fs::read(&current).unwrap(), damage, "reading wrote");
        assert_eq!(
            store.commit(2, named("two"), by("c")).unwrap(),
            3,
            "the damage stays in force"
        );
        assert_eq!(fs::read(folder.path().join(DAMAGED)).unwrap(), damage);
        assert!(matches!(Store::open(folder.path()).unwrap().1, Found::Good));
        fs::remove_file(folder.path().join(history_file(3))).unwrap();
    }
}

#[test]
fn damage_in_the_history_is_stepped_over() {
    let (folder, _) = two_revisions();
    fs::remove_file(folder.path().join(CURRENT)).unwrap();
    fs::write(folder.path().join(history_file(2)), "{").unwrap();
    let (mut store, found) = Store::open(folder.path()).unwrap();
    assert!(matches!(found, Found::Restored { revision: 1, .. }), "{found:?}");
    assert_eq!(
        store.commit(1, named("three"), by("c")).unwrap(),
        3,
        "a number is used once"
    );
    fs::write(folder.path().join(history_file(1)), "{").unwrap();
    assert_eq!(store.history().unwrap().len(), 1);
    assert!(store.at_revision(1).is_err());
}

#[test]
fn when_all_is_damaged_it_says_so_and_goes_on_with_the_default() {
    let (folder, _) = two_revisions();
    for name in [CURRENT.to_owned(), history_file(1), history_file(2)] {
        fs::write(folder.path().join(name), "no").unwrap();
    }
    let (store, found) = Store::open(folder.path()).unwrap();
    assert!(matches!(found, Found::Lost { .. }));
    assert_eq!((store.revision(), store.node()), (0, &Node::default()));
}

#[test]
fn a_later_version_s_file_is_refused_and_kept() {
    let (folder, _) = two_revisions();
    let later = br#"{"format": 2, "revision": 3, "rest": {"is": "unknown"}}"#;
    fs::write(folder.path().join(CURRENT), later).unwrap();
    let error = Store::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("has format 2, newer than 1") && error.contains("kept as it is"),
        "{error}"
    );
    assert_eq!(fs::read(folder.path().join(CURRENT)).unwrap(), later);
    fs::remove_file(folder.path().join(CURRENT)).unwrap();
    fs::write(folder.path().join(history_file(3)), later).unwrap();
    assert!(matches!(
        Store::open(folder.path()),
        Err(StoreError::Newer { found: 2, .. })
    ));
}

#[test]
fn the_history_is_bounded() {
    let (folder, mut store) = two_revisions();
    let first = fs::read(folder.path().join(history_file(1))).unwrap();
    for number in 0..HISTORY_KEPT {
        fs::write(folder.path().join(format!("{HISTORY}/{number:08}.json")), &first).unwrap();
    }
    store.current.revision = u64::try_from(HISTORY_KEPT).unwrap();
    store.commit(store.revision(), named("three"), by("c")).unwrap();
    assert_eq!(numbers(store.medium.as_ref()).unwrap().len(), HISTORY_KEPT);
    assert!(folder.path().join(history_file(store.revision())).exists());
}

#[test]
fn a_full_disk_changes_nothing() {
    // A file where the folder must be: every write fails, as on a full or read-only disk.
    let (folder, mut store) = two_revisions();
    let history = folder.path().join(HISTORY);
    fs::rename(&history, folder.path().join("aside")).unwrap();
    fs::write(&history, "in the way").unwrap();
    let error = store.commit(2, named("three"), by("c")).unwrap_err();
    assert!(matches!(error, StoreError::CreateFolder { .. }), "{error}");
    assert_eq!((store.revision(), store.node()), (2, &named("two")));
    fs::remove_file(&history).unwrap();
    fs::rename(folder.path().join("aside"), &history).unwrap();
    assert_eq!(store.commit(2, named("three"), by("c")).unwrap(), 3);
}
