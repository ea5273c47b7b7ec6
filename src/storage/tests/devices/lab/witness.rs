//! Programs that know nothing of this code and judge what it wrote.

use std::path::Path;
use std::process::Command;

use super::disk::run;

/// sgdisk checks both copies of a partition table and what they say.
pub(crate) fn sgdisk_finds_no_problem(disk: &Path) {
    let said = run("sgdisk", &["--verify", disk.to_str().unwrap()]);
    assert!(said.contains("No problems found"), "{said}");
}

/// The bytes GRUB's own file system code reads at `(loop0,gpt3)/…`: without replaying the journal.
pub(crate) fn grub_reads(disk: &Path, path: &str) -> Option<Vec<u8>> {
    let output = Command::new("grub-fstest")
        .arg(disk)
        .args(["cat", path])
        .output()
        .unwrap();
    output.status.success().then_some(output.stdout)
}
