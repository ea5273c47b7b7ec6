//! A bundle becomes a file, whole or not at all.

use std::fs;
use std::path::Path;

use sps_admin::cli::{DONE, REFUSED, UNREACHABLE};
use sps_admin::{BundleWritten, Failure, Response, SessionError, Update};

use crate::lab::{Outcome, run_with};

fn pieces() -> Vec<Update> {
    vec![Update::Data(b"one ".to_vec()), Update::Data(b"two".to_vec())]
}

fn written() -> Result<Response, SessionError> {
    // A name that would leave the folder.
    let name = "../../debug_info-sps1.tar.zst".to_owned();
    Ok(Response::Bundle(BundleWritten {
        name,
        bytes: 7,
        places: Vec::new(),
        missing: Vec::new(),
    }))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn bundle(line: &str, answer: Result<Response, SessionError>, folder: &Path) -> Outcome {
    run_with(line, pieces(), answer, folder, false)
}

#[test]
fn the_file_has_the_bundle_s_own_name_and_stays_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = bundle("support-bundle", written(), folder.path());
    assert_eq!(outcome.status, DONE, "{outcome}");
    assert_eq!(names(folder.path()), ["debug_info-sps1.tar.zst"]);
    assert_eq!(
        fs::read(folder.path().join("debug_info-sps1.tar.zst")).unwrap(),
        b"one two"
    );
}

#[test]
fn a_path_or_standard_output_can_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.tar.zst");
    let outcome = bundle(
        &format!("support-bundle {}", path.display()),
        written(),
        folder.path(),
    );
    assert_eq!(
        (outcome.status, fs::read(path).unwrap()),
        (DONE, b"one two".to_vec())
    );
    let outcome = bundle("support-bundle -", written(), folder.path());
    assert_eq!((outcome.status, outcome.out.as_slice()), (DONE, &b"one two"[..]));
}

#[test]
fn what_ends_early_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = bundle("support-bundle", Err(Failure::failed("no").into()), folder.path());
    assert_eq!((outcome.status, names(folder.path()).len()), (REFUSED, 0));
    let outcome = bundle("support-bundle", Err(SessionError::Ended), folder.path());
    assert_eq!((outcome.status, names(folder.path()).len()), (UNREACHABLE, 0));
}
