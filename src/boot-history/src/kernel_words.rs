//! The kernel's last words: what a dying kernel left in pstore (EFI variables, ERST), taken once.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::files::HistoryError;

/// Bytes read of one record: EFI variables hold a kilobyte or two each, ERST up to 64 KiB.
const MOST: u64 = 256 * 1024;
/// Records looked at; a dump is cut into some dozens.
const RECORDS: usize = 256;
/// The file that keeps the words of the last kernel that died.
const KEPT: &str = "kernel-last-words.txt";

/// What a kernel said before it died.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelWords {
    /// In the order they were said.
    pub lines: Vec<String>,
}

/// Takes the records out of `pstore` (usually `/sys/fs/pstore`): they are written to `folder`, and only then removed,
/// so that the store has room for the next time. No record, no words.
///
/// # Errors
/// When the words cannot be kept; the records stay.
pub fn collect(pstore: &Path, folder: &Path) -> Result<Option<KernelWords>, HistoryError> {
    let records = records(pstore);
    if records.is_empty() {
        return Ok(None);
    }
    let mut lines = Vec::new();
    for path in &records {
        match read(path) {
            Ok(text) => lines.extend(text.lines().map(str::to_owned)),
            Err(error) => warn!("could not read {}: {error}", path.display()),
        }
    }
    let path = folder.join(KEPT);
    keep(&path, &lines).map_err(|source| HistoryError::Write { path, source })?;
    for path in records {
        if let Err(error) = fs::remove_file(&path) {
            warn!("could not clear {}: {error}", path.display());
        }
    }
    Ok(Some(KernelWords { lines }))
}

/// Dumps of the kernel's log, in the order they were said: the part with the highest number is the oldest.
fn records(pstore: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(pstore).into_iter().flatten().flatten();
    let is_dump = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("dmesg-"))
    };
    let mut found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(is_dump)
        .take(RECORDS)
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(record_number(path)));
    found
}

fn record_number(path: &Path) -> u64 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.rsplit('-')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn keep(path: &Path, lines: &[String]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(lines.join("\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_in_order_and_taken_once() {
        let (pstore, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(
            pstore.path().join("dmesg-efi_pstore-17000000002001"),
            "Panic#2 Part1\nlast\n",
        )
        .unwrap();
        fs::write(
            pstore.path().join("dmesg-efi_pstore-17000000003001"),
            "Panic#2 Part2\nfirst\n",
        )
        .unwrap();
        fs::write(pstore.path().join("console-ramoops-0"), "not a dump").unwrap();
        let words = collect(pstore.path(), folder.path()).unwrap().unwrap();
        assert_eq!(words.lines, ["Panic#2 Part2", "first", "Panic#2 Part1", "last"]);
        assert!(
            fs::read_to_string(folder.path().join(KEPT))
                .unwrap()
                .contains("last")
        );
        assert_eq!(collect(pstore.path(), folder.path()).unwrap(), None);
    }

    #[test]
    fn records_stay_when_they_cannot_be_kept() {
        let pstore = tempfile::tempdir().unwrap();
        let record = pstore.path().join("dmesg-erst-1");
        fs::write(&record, "words").unwrap();
        assert!(collect(pstore.path(), Path::new("/proc/nowhere")).is_err());
        assert!(record.exists());
        assert_eq!(
            collect(Path::new("/nowhere"), Path::new("/nowhere")).unwrap(),
            None
        );
    }
}
