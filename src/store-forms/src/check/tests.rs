//! A check finds each kind of damage, and nothing else.

use std::sync::Arc;

use sps_sample_store::{Random, session};

use super::*;
use crate::{Forms, Opening};

type Tells = dyn Fn(&Path, &str) -> io::Result<Option<SessionRecord>>;

const LIMIT: Duration = Duration::from_secs(60);

struct Lab {
    _folder: tempfile::TempDir,
    sessions: Arc<Sessions>,
    folder: PathBuf,
    trails: PathBuf,
    quarantine: PathBuf,
    records: Vec<SessionRecord>,
}

impl Lab {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let [folder, trails, quarantine] = ["sessions", "audit", "quarantine"].map(|name| {
            let path = root.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        });
        let sessions = Arc::new(Opening::of(&folder, 1).unwrap().sessions);
        let mut random = Random::new(5);
        let mut records: Vec<_> = (0..300).map(|n| session(n, 300, &mut random)).collect();
        for record in &mut records {
            let name = format!("2024/{:02}/11/{}.zat", record.start % 12, record.id);
            let path = trails.join(&name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, record.id.as_bytes()).unwrap();
            let size = record.id.len() as u64;
            record.trail = Some(TrailFile { name, size });
        }
        let batch = Batch {
            records: records.clone(),
            ..Batch::default()
        };
        assert_eq!(sessions.import(batch).unwrap().refused, []);
        Self {
            _folder: root,
            sessions,
            folder,
            trails,
            quarantine,
            records,
        }
    }

    fn check(&self, adopt: bool) -> Findings {
        self.check_with(adopt, &|_, _| Ok(None))
    }

    fn check_with(&self, adopt: bool, tells: &Tells) -> Findings {
        let catalogue = Forms::recorded(&self.folder, self.sessions.clone()).unwrap();
        let checked = Checked {
            sessions: &self.sessions,
            catalogue: catalogue.as_ref(),
            folder: &self.folder,
            trails: &self.trails,
            quarantine: &self.quarantine,
            tells,
        };
        check(&checked, adopt, &mut |_, _, _| true).unwrap()
    }

    fn trail(&self, from: usize) -> (&str, PathBuf) {
        let with = self.records[from..]
            .iter()
            .find(|record| record.trail.is_some())
            .unwrap();
        (&with.id, self.trails.join(&with.trail.as_ref().unwrap().name))
    }
}

#[test]
fn a_store_in_order_is_clean() {
    let lab = Lab::new();
    let found = lab.check(false);
    assert_eq!(found.told, Vec::<String>::new());
    assert_eq!((found.sessions, found.trails), (300, 300));
}

#[test]
fn missing_cut_and_unknown_trails_are_told_and_the_last_are_adopted() {
    let lab = Lab::new();
    let (gone, path) = lab.trail(0);
    fs::remove_file(&path).unwrap();
    let (cut, path) = lab.trail(100);
    fs::write(&path, b"short").unwrap();
    let stray = lab.trails.join("2026/01/02/ssh-20260102-000000-stray.zat");
    fs::create_dir_all(stray.parent().unwrap()).unwrap();
    fs::write(&stray, b"recorded").unwrap();
    fs::write(lab.trails.join("a name\nof two lines"), b"too").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", lab.trails.join("link.zat")).unwrap();
    fs::write(lab.quarantine.join("metadata.jsonl"), b"{}").unwrap();
    let found = lab.check(false);
    assert_eq!((found.told.len(), found.quarantined), (5, 1), "{:?}", found.told);
    for words in [
        format!("of session {gone} is not there"),
        format!("of session {cut} has 5 bytes"),
        "ssh-20260102-000000-stray.zat belongs to no session".into(),
    ] {
        assert!(
            found.told.iter().any(|told| told.contains(&words)),
            "{words}: {:?}",
            found.told
        );
    }
    let found = lab.check(true);
    assert_eq!(found.adopted, 2, "{:?}", found.told);
    let record = lab.sessions.get("ssh-20260102-000000-stray").unwrap().unwrap();
    assert_eq!((record.protocol, record.trail.unwrap().size), (Word::SSH, 8));
    assert_eq!(lab.check(true).adopted, 0, "once");
    assert_eq!(lab.check(false).told.len(), 3);
}

#[test]
fn damage_is_noted_and_the_next_start_puts_the_database_aside() {
    let lab = Lab::new();
    lab.sessions.flush(LIMIT).unwrap();
    aside::suspect(&mut Folder::new(&lab.folder), "page 7").unwrap();
    lab.sessions.close(LIMIT).unwrap();
    let again = Opening::of(&lab.folder, 9).unwrap();
    assert_eq!(again.damaged.len(), 1);
    assert_eq!(again.damaged[0].why, "page 7");
    again.sessions.close(LIMIT).unwrap();
    assert_eq!(
        Opening::of(&lab.folder, 10).unwrap().damaged.len(),
        1,
        "noted once"
    );
}

#[test]
fn nothing_is_adopted_while_sessions_are_still_to_come() {
    let lab = Lab::new();
    fs::write(lab.trails.join("ssh-20260102-000000-stray.zat"), b"recorded").unwrap();
    let batch = Batch {
        incomplete_until: Some(7),
        ..Batch::default()
    };
    lab.sessions.import(batch).unwrap();
    let found = lab.check(true);
    assert_eq!((found.adopted, found.told.len()), (0, 1), "{:?}", found.told);
    lab.sessions.import(Batch::default()).unwrap();
    assert_eq!(lab.check(true).adopted, 1);
}

#[test]
fn what_a_trail_tells_is_adopted_and_one_that_cannot_be_read_keeps_its_name() {
    let lab = Lab::new();
    let mut random = Random::new(6);
    let mut told = session(7, 300, &mut random);
    told.id = "ssh-20260102-000000-told".into();
    for name in ["told", "broken"] {
        fs::write(
            lab.trails.join(format!("ssh-20260102-000000-{name}.zat")),
            b"recorded",
        )
        .unwrap();
    }
    told.trail = Some(TrailFile {
        name: "ssh-20260102-000000-told.zat".into(),
        size: 8,
    });
    let expected = told.clone();
    // Read errors of a disk come this way; real ones are injected in tests/data-store.
    let found = lab.check_with(true, &move |_, name| {
        if name.contains("told") {
            Ok(Some(told.clone()))
        } else {
            Err(io::Error::from_raw_os_error(5))
        }
    });
    assert_eq!(found.adopted, 2, "{:?}", found.told);
    let words = "broken.zat cannot be read: Input/output error";
    assert!(
        found.told.iter().any(|told| told.contains(words)),
        "{:?}",
        found.told
    );
    assert_eq!(lab.sessions.get(&expected.id).unwrap().unwrap(), expected);
    let broken = lab.sessions.get("ssh-20260102-000000-broken").unwrap().unwrap();
    assert_eq!(
        (broken.client.address.as_str(), broken.trail.unwrap().size),
        ("0.0.0.0", 8)
    );
}
