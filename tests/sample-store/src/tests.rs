//! The same recipe, the same store.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sps_datastore_engine::Kind;
use sps_metadb::Metadb;

use crate::store::path_of;
use crate::{Recipe, TrailSize, make};

fn recipe() -> Recipe {
    Recipe {
        layout: 1,
        sessions: 60,
        seed: 7,
        trails: TrailSize::Believable,
        damaged: true,
        firmware: "ab".repeat(32),
    }
}

fn content(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let (path, kind) = entry
            .map(|entry| (entry.path(), entry.file_type().unwrap()))
            .unwrap();
        if kind.is_dir() {
            content(&path, into);
        } else if kind.is_file() {
            into.insert(
                path.strip_prefix("/tmp").unwrap().components().skip(1).collect(),
                fs::read(&path).unwrap(),
            );
        }
    }
}

#[test]
fn the_same_recipe_makes_the_same_store() {
    let made: Vec<_> = (0..2)
        .map(|_| {
            let root = tempfile::tempdir_in("/tmp").unwrap();
            let made = make(root.path(), &recipe(), |_| {}).unwrap();
            let mut found = BTreeMap::new();
            content(root.path(), &mut found);
            (made.files, made.bytes, found)
        })
        .collect();
    assert_eq!(made[0], made[1]);
    assert!(made[0].2.len() > 60);
}

#[test]
fn every_layout_with_its_database() {
    for layout in 1..=4 {
        let root = tempfile::tempdir().unwrap();
        let made = make(root.path(), &Recipe { layout, ..recipe() }, |_| {}).unwrap();
        let layout = sps_datastore_engine::layout(layout).unwrap();
        let database = Metadb::open(&path_of(&made.tree, layout, Kind::SessionDatabase).unwrap()).unwrap();
        assert_eq!(database.count().unwrap(), 60);
        let trails = path_of(&made.tree, layout, Kind::Trails).unwrap();
        for row in database.older_than(sps_metadb::Position::NEWEST, 100).unwrap() {
            let trail = row.session.unwrap().trail.unwrap();
            assert_eq!(fs::metadata(trails.join(trail.name)).unwrap().len(), trail.size);
        }
    }
}
