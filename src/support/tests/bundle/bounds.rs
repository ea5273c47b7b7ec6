//! Size, time, links, and a writer that takes no more.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use sps_support::{BundleError, Limits, Source};

use crate::lab::{Lab, made};

#[test]
fn long_files_many_files_and_many_bytes_are_bounded() {
    let lab = Lab::new();
    fs::write(
        lab.state().join("boot/attempt.json"),
        [vec![b'a'; 9000], b"the end".to_vec()].concat(),
    )
    .unwrap();
    for n in 0..50 {
        fs::write(lab.state().join(format!("logs/{n:03}.log")), vec![b'x'; 900]).unwrap();
    }
    let limits = Limits {
        file: 1000,
        files: 10,
        all: 8000,
        ..Limits::default()
    };
    let (index, files) = made(lab.bundle().with_limits(limits));
    assert!(files["boot/attempt.json"].ends_with(b"the end") && files["boot/attempt.json"].len() == 1000);
    let cut = index
        .entries
        .iter()
        .find(|entry| entry.name == "boot/attempt.json")
        .unwrap()
        .cut;
    assert_eq!(cut, 8007);
    assert!(
        !files.contains_key("logs/000.log") && files.contains_key("logs/049.log"),
        "{index:?}"
    );
    let all: usize = files
        .iter()
        .filter(|(name, _)| *name != "index.json")
        .map(|(_, content)| content.len())
        .sum();
    assert!(all <= 8000, "{all}");
    assert!(
        index
            .missing()
            .iter()
            .any(|line| line.ends_with("the room of the bundle was used up"))
    );
}

#[test]
fn what_hangs_costs_its_limit_and_no_more() {
    let lab = Lab::new();
    let hang = || {
        Source::fact("hangs.json", || {
            loop {
                std::thread::park();
            }
        })
    };
    let limits = Limits {
        each: Duration::from_millis(50),
        total: Duration::from_secs(20),
        ..Limits::default()
    };
    let begun = Instant::now();
    let (index, files) = made(lab.bundle().with_facts([hang()]).with_limits(limits));
    assert!(
        index
            .missing()
            .contains(&"hangs.json: not answered within 0.1 s".to_owned()),
        "{:?}",
        index.missing()
    );
    assert!(files.contains_key("logs/boot-1.log") && begun.elapsed() < Duration::from_secs(20));
    let limits = Limits {
        each: Duration::from_secs(60),
        total: Duration::from_millis(50),
        ..Limits::default()
    };
    let (index, files) = made(lab.bundle().with_facts([hang(), hang()]).with_limits(limits));
    assert_eq!(files.len(), 1, "{:?}", files.keys());
    assert!(
        index
            .missing()
            .iter()
            .any(|line| line.ends_with("the time of the bundle was over"))
    );
}

#[test]
fn a_link_out_of_state_is_not_followed() {
    let lab = Lab::new();
    let data = lab.folder.path().join("data");
    fs::write(&data, "a session").unwrap();
    symlink(&data, lab.state().join("logs/boot-9.log")).unwrap();
    let (index, files) = made(lab.bundle());
    assert!(!files.contains_key("logs/boot-9.log"));
    assert!(
        index
            .missing()
            .iter()
            .any(|line| line.starts_with("logs/boot-9.log: could not open it"))
    );
}

struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_stick_is_an_error_that_says_so() {
    let error = Lab::new().bundle().write(Full(500)).unwrap_err();
    assert!(matches!(error, BundleError::Write { .. }), "{error}");
}
