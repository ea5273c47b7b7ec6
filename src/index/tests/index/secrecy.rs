//! Nothing is readable without the key, and what was changed is found.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::common::{KEY, add, find};
use sps_index::{Folder, Index, Progress};

fn open(folder: &Path, key: &[u8; 32]) -> Result<Index, sps_index::IndexError> {
    Index::open(Arc::new(Folder::make(folder).unwrap()), key)
}

fn filled(folder: &Path) {
    let index = open(folder, &KEY).unwrap();
    let texts: Vec<String> = (0..5000).map(|n| format!("secretword number {n}")).collect();
    add(
        &index,
        "session-name",
        1,
        &texts.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    index.commit().unwrap();
    index.set_progress(Progress::Complete).unwrap();
}

#[test]
fn no_word_and_no_name_of_a_session_stands_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let mut bytes = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let content = fs::read(entry.unwrap().path()).unwrap();
        bytes += content.len();
        for text in [&b"secretword"[..], b"session-name", b"segment", b"tantivy"] {
            let there = content.windows(text.len()).any(|window| window == text);
            assert!(!there, "{}", String::from_utf8_lossy(text));
        }
    }
    assert!(bytes > 10_000);
    assert_eq!(find(&open(folder.path(), &KEY).unwrap(), "4999"), [1]);
}

#[test]
fn another_key_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let error = open(folder.path(), &[8; 32]).unwrap_err();
    assert!(error.to_string().contains("could not open the index"), "{error}");
}

#[test]
fn a_file_that_is_changed_cut_or_exchanged_is_an_error_and_never_another_answer() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let mut refused = 0;
    for path in &names {
        let good = fs::read(path).unwrap();
        let mut changed = good.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        let block = 40 + 16 * 1024 + 16;
        let cut = &good[..if good.len() > block { block } else { good.len() - 1 }];
        let other = fs::read(names.iter().find(|other| *other != path).unwrap()).unwrap();
        for bytes in [&changed[..], cut, &other, b""] {
            fs::write(path, bytes).unwrap();
            let read = || -> Result<usize, sps_index::IndexError> {
                let index = open(folder.path(), &KEY)?;
                index.progress()?;
                let query = sps_index_engine::Query::parse("secretword 4999").unwrap();
                let found = index.sessions(&query, std::time::Duration::from_secs(60))?;
                index.moments(&query, "session-name", 9999)?;
                Ok(found.numbers.len())
            };
            match read() {
                Err(_) => refused += 1,
                Ok(found) => assert_eq!(found, 1, "{}", path.display()),
            }
            fs::write(path, &good).unwrap();
        }
    }
    assert!(refused >= 3 * names.len(), "{refused} of {}", 4 * names.len());
    assert_eq!(find(&open(folder.path(), &KEY).unwrap(), "4999"), [1]);
}
