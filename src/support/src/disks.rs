//! The disks as sysfs shows them: nothing on a disk is read.

use std::fmt::Write;
use std::path::Path;

use crate::files;

/// Bytes of one value; sysfs shows at most a page.
const VALUE: usize = 4096;
/// Disks and partitions that are told.
const MOST: usize = 256;
/// What is told of each.
const VALUES: [&str; 7] = [
    "size",
    "ro",
    "removable",
    "device/model",
    "device/vendor",
    "device/state",
    "queue/logical_block_size",
];

/// One paragraph a disk; sizes in sectors of 512 bytes, as sysfs gives them.
pub(crate) fn list(sys_block: &Path) -> Result<files::Content, String> {
    let mut text = String::new();
    for disk in files::names(sys_block, MOST)?.into_iter().rev() {
        let folder = sys_block.join(&disk);
        text += &disk;
        text.push('\n');
        for value in VALUES {
            tell(&mut text, &folder, value);
        }
        for part in files::names(&folder, MOST)?
            .into_iter()
            .rev()
            .filter(|name| name.starts_with(&disk))
        {
            tell(&mut text, &folder, &format!("{part}/size"));
        }
    }
    Ok(text.into_bytes().into())
}

fn tell(text: &mut String, folder: &Path, name: &str) {
    if let Ok(content) = files::read(&folder.join(name), VALUE) {
        // Writing to a String cannot fail.
        let _infallible = writeln!(
            text,
            "  {name}: {}",
            String::from_utf8_lossy(&content.bytes).trim()
        );
    }
}
