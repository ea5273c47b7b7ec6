//! Whether something uses a disk: mounts, swap, arrays and mappings on it or on a partition of it.

use std::fmt;
use std::fs;
use std::path::Path;

/// What uses a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// It or a partition of it is mounted there.
    Mounted(String),
    /// It belongs to this array, mapping or replicated device.
    Held(String),
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mounted(target) => write!(f, "mounted on {target}"),
            Self::Held(holder) => write!(f, "part of {holder}"),
        }
    }
}

/// What uses the disk whose folder in sysfs this is, with the text of `/proc/thread-self/mountinfo`.
#[must_use]
pub fn in_use(sys: &Path, mountinfo: &str) -> Option<Use> {
    let disk = sys.file_name()?.to_string_lossy().into_owned();
    let partitions = fs::read_dir(sys).into_iter().flatten().flatten();
    let partitions = partitions
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&disk))
        .map(|entry| entry.path());
    std::iter::once(sys.to_path_buf())
        .chain(partitions)
        .find_map(|node| {
            let number = fs::read_to_string(node.join("dev")).ok()?;
            mounted_on(number.trim(), mountinfo)
                .map(Use::Mounted)
                .or_else(|| holder(&node).map(Use::Held))
        })
}

fn holder(node: &Path) -> Option<String> {
    let mut holders = fs::read_dir(node.join("holders")).ok()?.flatten();
    Some(holders.next()?.file_name().to_string_lossy().into_owned())
}

/// The mount point of a device number; fields of `/proc/thread-self/mountinfo` (proc(5)): id, parent, device, root, target.
fn mounted_on(number: &str, mountinfo: &str) -> Option<String> {
    let mut lines = mountinfo.lines().map(|line| line.split(' '));
    lines.find_map(|mut fields| {
        (fields.nth(2)? == number)
            .then(|| fields.nth(1))
            .flatten()
            .map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let disk = root.path().join("sda");
        fs::create_dir_all(disk.join("holders")).unwrap();
        fs::create_dir_all(disk.join("sda1/holders")).unwrap();
        fs::create_dir_all(disk.join("queue")).unwrap();
        fs::write(disk.join("dev"), "8:0\n").unwrap();
        fs::write(disk.join("sda1/dev"), "8:1\n").unwrap();
        root
    }

    #[test]
    fn mounts_and_holders_of_partitions_count() {
        let root = tree();
        let disk = root.path().join("sda");
        let other = "22 1 8:16 / / rw - ext4 /dev/sdb rw\n";
        assert_eq!(in_use(&disk, other), None);
        let ours = "36 22 8:1 / /mnt/a rw,noatime shared:1 - ext4 /dev/sda1 rw\n";
        assert_eq!(in_use(&disk, ours), Some(Use::Mounted("/mnt/a".into())));
        fs::create_dir(disk.join("sda1/holders/drbd0")).unwrap();
        assert_eq!(in_use(&disk, other), Some(Use::Held("drbd0".into())));
    }
}
