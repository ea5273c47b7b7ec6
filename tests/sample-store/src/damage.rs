//! What goes wrong in a store over the years.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use sps_datastore_engine::{Kind, Layout};

use crate::store::{Made, folder, path_of};

/// Names that a careful program still takes over: a newline, the longest name there is, no text at all, one that looks like an option.
const NAMES: [&[u8]; 4] = [b"a\nb.zat", &[b'x'; 255], b"\xff\xfe\x80.zat", b"-rf"];

/// Adds damage, and files that no layout names.
pub(crate) fn spoil(tree: &Path, layout: &Layout, made: &mut Made) -> Result<()> {
    let trails = path_of(tree, layout, Kind::Trails)?;
    let mut put = |path: &Path, bytes: &[u8]| -> Result<()> {
        folder(path.parent().context("a file has a folder")?)?;
        fs::write(path, bytes).with_context(|| format!("make {path:?}"))?;
        made.files += 1;
        made.bytes += bytes.len() as u64;
        Ok(())
    };
    for name in NAMES {
        put(&trails.join(OsStr::from_bytes(name)), b"odd")?;
    }
    put(&trails.join("ssh-20240101-000000-empty.zat"), b"")?;
    put(&trails.join("ssh-20240102-000000-short.zat"), b"ZA")?;
    put(
        &trails.join("old/ssh-20200102-000000-below.zat"),
        b"in a folder of its own",
    )?;
    put(&tree.join("notes of an administrator.txt"), b"do not delete\n")?;
    put(&tree.join("some/where/else.bin"), &[0; 100])?;
    // Nothing outside the store is touched, whatever points there.
    symlink("/etc/passwd", trails.join("ssh-20240103-000000-link.zat"))?;
    symlink("/", tree.join("way out"))?;
    mknodat(CWD, trails.join("pipe"), FileType::Fifo, Mode::RUSR, 0)?;
    made.files += 3;
    Ok(())
}
