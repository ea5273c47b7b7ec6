//! A file written to a stick: other programs read it, a full stick is left as it was, and the power may go at any write.

use std::fs;
use std::io;
use std::process::Command;

use sps_image::disk::write::Device;
use sps_image::source::Source;
use sps_storage::medium::{self, MediumFile, WriteError};

use crate::{path, run};

const NAME: &str = "debug_info-sps1202311142213-0a1b2c3.tar.zst";
/// Kinds of sticks: sectors, options of mformat, files there are before.
const STICKS: [(&str, &[&str], usize); 4] = [
    ("2880", &[], 5),
    ("65536", &[], 40),
    ("200000", &["-F"], 3),
    // Its root folder is about to need another cluster.
    ("200000", &["-F", "-c", "1"], 15),
];

/// A stick in memory that remembers what was done to it.
#[derive(Clone)]
struct Stick {
    bytes: Vec<u8>,
    done: Vec<Step>,
    /// Writes it takes.
    takes: usize,
}

#[derive(Clone)]
enum Step {
    Write(u64, Vec<u8>),
    Sync,
}

impl Source for Stick {
    fn size(&self) -> u64 {
        self.bytes.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.read_at(offset, buffer)
    }
}

impl Device for Stick {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.takes = self
            .takes
            .checked_sub(1)
            .ok_or_else(|| io::Error::other("pulled out"))?;
        self.bytes[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        self.done.push(Step::Write(offset, bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.done.push(Step::Sync);
        Ok(())
    }
}

fn stick((sectors, kind, files): (&str, &[&str], usize)) -> Stick {
    let folder = tempfile::tempdir().unwrap();
    let (image, file) = (folder.path().join("image"), folder.path().join("file"));
    run(
        "mformat",
        &[&["-C", "-i", path(&image), "-T", sectors], kind, &["::"]].concat(),
    );
    for number in 0..files {
        fs::write(&file, content(number)).unwrap();
        run(
            "mcopy",
            &["-i", path(&image), path(&file), &format!("::F{number}")],
        );
    }
    Stick {
        bytes: fs::read(image).unwrap(),
        done: Vec::new(),
        takes: usize::MAX,
    }
}

fn content(number: usize) -> Vec<u8> {
    vec![number as u8 + 1; 700 * (number + 1)]
}

fn bundle() -> Vec<u8> {
    (0..150_000_u32)
        .flat_map(|n| [(n % 251) as u8, (n / 251) as u8])
        .collect()
}

fn read(volume: &Vec<u8>, name: &str) -> Option<Vec<u8>> {
    let file = MediumFile::new(volume, medium::find(volume, name).unwrap()?);
    let mut bytes = vec![0; file.size() as usize];
    file.read_at(0, &mut bytes).unwrap();
    Some(bytes)
}

/// The other files are whole, and this one is there whole or not at all; says which.
fn judge(volume: &Vec<u8>, files: usize) -> bool {
    for number in 0..files {
        assert_eq!(
            read(volume, &format!("F{number}")),
            Some(content(number)),
            "file {number}"
        );
    }
    let found = read(volume, NAME);
    assert!(found.is_none() || found == Some(bundle()), "half a file");
    found.is_some()
}

#[test]
fn other_programs_read_what_was_written() {
    for kind in STICKS {
        let mut stick = stick(kind);
        medium::write(&mut stick, NAME, &bundle()).unwrap();
        assert!(judge(&stick.bytes, kind.2));
        assert!(matches!(stick.done.last(), Some(Step::Sync)));
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        fs::write(&image, &stick.bytes).unwrap();
        let checked = Command::new("/usr/sbin/fsck.fat")
            .args(["-n", "-v", path(&image)])
            .output()
            .unwrap();
        assert!(
            checked.status.success(),
            "{}",
            String::from_utf8_lossy(&checked.stdout)
        );
        let copy = folder.path().join("copy");
        run("mcopy", &["-i", path(&image), &format!("::{NAME}"), path(&copy)]);
        assert!(fs::read(copy).unwrap() == bundle());
        let again = medium::write(&mut stick, NAME, b"x").unwrap_err();
        assert!(matches!(again, WriteError::Exists), "{again}");
    }
}

/// Every prefix of the writes, and every write of a group alone after the groups before it: what a cache may do between two syncs.
#[test]
fn at_no_write_does_a_lost_stick_lose_another_file() {
    for kind in STICKS {
        let before = stick(kind);
        let mut after = before.clone();
        medium::write(&mut after, NAME, &bundle()).unwrap();
        let mut volume = before.bytes.clone();
        let (mut tried, mut whole) = (0, 0);
        for group in after.done.split(|step| matches!(step, Step::Sync)) {
            let apply = |volume: &mut Vec<u8>, step: &Step| {
                if let Step::Write(offset, bytes) = step {
                    // A disk writes a sector whole, a run of them not.
                    for (number, sector) in bytes.chunks(512).enumerate() {
                        volume[*offset as usize + number * 512..][..sector.len()].copy_from_slice(sector);
                    }
                }
            };
            for step in group {
                let mut alone = volume.clone();
                apply(&mut alone, step);
                whole += usize::from(judge(&alone, kind.2));
                tried += 1;
            }
            for step in group {
                apply(&mut volume, step);
                whole += usize::from(judge(&volume, kind.2));
                tried += 1;
            }
        }
        assert!(tried >= 6 && (1..tried).contains(&whole), "{whole} of {tried}");
    }
}

#[test]
fn a_full_stick_and_one_that_fails_say_so() {
    let mut full = stick(STICKS[0]);
    let before = full.bytes.clone();
    let error = medium::write(&mut full, NAME, &vec![1; 2_000_000]).unwrap_err();
    assert!(matches!(error, WriteError::Full { .. }), "{error}");
    assert!(full.bytes == before, "something was written");

    for takes in 0..4 {
        let mut pulled = Stick {
            takes,
            ..stick(STICKS[1])
        };
        let error = medium::write(&mut pulled, NAME, &bundle()).unwrap_err();
        assert!(matches!(error, WriteError::Device(_)), "{takes}: {error}");
        assert!(!judge(&pulled.bytes, STICKS[1].2));
    }
    let mut blank = Stick {
        bytes: vec![0; 1 << 20],
        done: Vec::new(),
        takes: 1,
    };
    assert!(matches!(
        medium::write(&mut blank, NAME, b"x"),
        Err(WriteError::NotFat)
    ));
}
