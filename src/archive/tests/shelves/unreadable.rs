//! A disk that does not give one trail: it is named, everything else is done, and nothing is lost.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use sps_archive::{Run, Trail, archive, backups};
use tempfile::{NamedTempFile, TempDir};

use crate::backups::{bring_back, make};
use crate::lab::{Faulty, Keeping, Kept, Power, files, runtime, scratch};

const BLOCK: u64 = 4096;
/// What the system says when a disk does not give something.
const SAID: &str = "Input/output error";

fn run(program: &str, arguments: &[&str]) -> String {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(program).args(arguments).env("PATH", path).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?} (as root, with loop devices): {said}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A file system of its own; let go when dropped.
struct Disk {
    image: NamedTempFile,
    at: TempDir,
}

impl Disk {
    fn new() -> Self {
        let image = NamedTempFile::new().unwrap();
        image.as_file().set_len(32 << 20).unwrap();
        run("mkfs.ext4", &["-q", "-b", "4096", image.path().to_str().unwrap()]);
        let own = Self { image, at: scratch() };
        own.mount();
        own
    }

    fn mount(&self) {
        let (image, at) = (self.image.path().to_str().unwrap(), self.at.path());
        run("mount", &["-o", "loop", image, at.to_str().unwrap()]);
    }

    fn path(&self) -> &Path {
        self.at.path()
    }

    /// From now on the disk does not give the list of blocks of a file that [`scattered`] wrote. Its name, size and everything else is
    /// as it was.
    fn lose(&self, name: &str) {
        run("umount", &[self.at.path().to_str().unwrap()]);
        let image = self.image.path().to_str().unwrap();
        let told = run("debugfs", &["-R", &format!("stat /{name}"), image]);
        let (_, rest) = told.split_once("(ETB0):").expect("a tree of blocks");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let at = digits.parse::<u64>().unwrap() * BLOCK;
        let disk = OpenOptions::new().write(true).open(self.image.path()).unwrap();
        disk.write_all_at(&[0; BLOCK as usize], at).unwrap();
        disk.sync_all().unwrap();
        self.mount();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _left = Command::new("umount").arg("-l").arg(self.at.path()).status();
    }
}

/// A file in so many pieces that its list of blocks has a block of its own.
fn scattered(path: &Path) -> u64 {
    let file = File::create(path).unwrap();
    for piece in 0..10 {
        file.write_all_at(&[7; BLOCK as usize], piece * 2 * BLOCK)
            .unwrap();
    }
    file.sync_all().unwrap();
    file.metadata().unwrap().len()
}

#[test]
fn one_trail_that_cannot_be_read_is_named_and_the_others_are_archived() {
    let (disk, there, runtime) = (Disk::new(), scratch(), runtime());
    let mut kept = Kept::default();
    for (id, name) in [("ssh-1", "a.zat"), ("ssh-2", "b.zat"), ("ssh-3", "c.zat")] {
        let size = scattered(&disk.path().join(name));
        let (id, name) = (id.to_owned(), name.to_owned());
        kept.trails.push(Trail { id, name, size });
    }
    disk.lose("b.zat");
    let shelf = Faulty::shelf(there.path(), &Power::cut_before(usize::MAX), &runtime);
    let mut keeper = Keeping {
        kept: &mut kept,
        folder: disk.path().into(),
        power: Power::cut_before(usize::MAX),
    };
    let policy = Run {
        policy: "old",
        shelf: Some(&shelf),
        appliance: "sps-1",
        now: 1_800_000_000,
    };
    let done = archive(&policy, &mut keeper, &mut |_| true).unwrap();
    assert_eq!((done.trails, done.skipped), (2, 1));
    assert_eq!(done.told[0].id, "ssh-2");
    assert!(done.told[0].why.contains(SAID), "{:?}", done.told);
    let left: Vec<String> = fs::read_dir(disk.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".zat"))
        .collect();
    assert_eq!(left, ["b.zat"], "what was not stored stays");
    assert_eq!(kept.gone, ["ssh-1", "ssh-3"]);
    assert!(!kept.notes.contains_key("ssh-2"));
}

#[test]
fn one_trail_that_cannot_be_read_is_named_and_everything_else_is_backed_up() {
    let (disk, there, work, runtime) = (Disk::new(), scratch(), scratch(), runtime());
    let root = disk.path().join("tree");
    fs::create_dir_all(root.join("audit")).unwrap();
    fs::create_dir_all(root.join("configuration")).unwrap();
    fs::write(root.join("configuration/cluster.json"), "{}").unwrap();
    for name in ["a.zat", "b.zat", "c.zat"] {
        scattered(&root.join("audit").join(name));
        fs::write(root.join("audit").join(name).with_extension("txt"), name).unwrap();
    }
    disk.lose("tree/audit/b.zat");
    let shelf = Faulty::shelf(there.path(), &Power::cut_before(usize::MAX), &runtime);
    let made = make(&shelf, &root, work.path(), 1_800_000_000).unwrap();
    assert_eq!((made.files, made.unread), (6, 1), "{made:?}");
    assert!(
        made.unread_told[0].starts_with("audit/b.zat: ") && made.unread_told[0].contains(SAID),
        "{made:?}"
    );
    assert_eq!(backups(&shelf, None).unwrap().len(), 1);
    let back = scratch();
    bring_back(&shelf, &made.name, back.path(), work.path()).unwrap();
    let restored = files(back.path());
    assert_eq!(restored.len(), 6);
    assert!(!restored.contains_key(Path::new("audit/b.zat")));
    assert_eq!(
        restored[Path::new("audit/c.zat")],
        fs::read(root.join("audit/c.zat")).unwrap()
    );
}
