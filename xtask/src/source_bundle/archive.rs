//! A tar archive, compressed with zstd, whose bytes depend on names and contents only.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Nearly everything inside is compressed already.
const LEVEL: i32 = 3;

/// 1 January 2026: the date of every entry.
const DATE: u64 = 1_767_225_600;

/// Writes `entries` (name inside the archive, file) below a folder `top`, sorted, with fixed owner, mode and date.
pub(super) fn write(top: &str, mut entries: Vec<(String, PathBuf)>, output: &Path) -> Result<()> {
    entries.sort();
    if let Some(parent) = output.parent() {
        fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
    }
    let beside = output.with_extension("tmp");
    let written = stream(top, &entries, &beside);
    if written.is_err() {
        // The half-written archive must not stay; the first error is the one that matters.
        let _ = fs::remove_file(&beside);
    }
    written?;
    fs::rename(&beside, output).with_context(|| format!("rename to {}", output.display()))
}

fn stream(top: &str, entries: &[(String, PathBuf)], path: &Path) -> Result<()> {
    let context = || format!("write {}", path.display());
    let file = File::create(path).with_context(context)?;
    let encoder = zstd::Encoder::new(BufWriter::new(file), LEVEL).with_context(context)?;
    let mut archive = tar::Builder::new(encoder);
    for (name, source) in entries {
        let file = File::open(source).with_context(|| format!("open {}", source.display()))?;
        let size = file
            .metadata()
            .with_context(|| format!("look at {}", source.display()))?
            .len();
        let mut header = tar::Header::new_ustar();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(DATE);
        header.set_uid(0);
        header.set_gid(0);
        archive
            .append_data(&mut header, format!("{top}/{name}"), file)
            .with_context(context)?;
    }
    let encoder = archive.into_inner().with_context(context)?;
    let mut buffer = encoder.finish().with_context(context)?;
    buffer.flush().with_context(context)?;
    buffer.get_ref().sync_all().with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_dates_of_the_inputs_do_not_matter() {
        let folder = std::env::temp_dir().join(format!("sps-archive-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("create a folder");
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).expect("write");
            path
        };
        let (a, b) = (file("a", "one"), file("b", "two"));
        let entries = vec![("x/a".to_owned(), a.clone()), ("x/b".to_owned(), b.clone())];
        let (first, second) = (folder.join("1.tar.zst"), folder.join("2.tar.zst"));
        write("top", entries.clone(), &first).expect("written");
        let again = file("a", "one");
        File::open(&again)
            .and_then(|file| file.set_modified(std::time::UNIX_EPOCH))
            .expect("change its date");
        write("top", entries.into_iter().rev().collect(), &second).expect("written");
        assert_eq!(fs::read(&first).expect("read"), fs::read(&second).expect("read"));
        let missing = vec![("x/c".to_owned(), folder.join("missing"))];
        write("top", missing, &folder.join("3.tar.zst")).expect_err("a file is missing");
        assert!(!folder.join("3.tar.tmp").exists() && !folder.join("3.tar.zst").exists());
        fs::remove_dir_all(&folder).expect("remove the folder");
    }
}
