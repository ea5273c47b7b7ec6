//! Killed at every system call that changes the disk, those of SQLite among them, and every one of them failing: the real
//! program under `strace`, which counts and injects.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Write as _, stderr};
use std::path::Path;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, ensure};
use sps_data_store_tests::scene::{Before, NEW, scratch, start, store};
use sps_datastore::Steps;

/// System calls that change a disk, by their names in `strace`. A file is created by opening it.
const CHANGES: &str = "open,openat,openat2,creat,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,link,linkat,symlink,\
    symlinkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,sync_file_range,syncfs";
/// The way with the most to write: the metadata is split by SQLite.
const TO: u32 = 4;
const FROM: u32 = 1;

fn traced(root: &Path, options: &[&str]) -> Result<ExitStatus> {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq"])
        .args(options)
        .arg(env!("CARGO_BIN_EXE_upgrade-store"));
    let run = command.arg(root).arg(TO.to_string()).output();
    Ok(run.context("strace is in the Debian package strace")?.status)
}

/// The calls that changed something, by name, each with its number among those of that name.
fn changes(root: &Path, folder: &Path) -> Result<BTreeMap<String, Vec<usize>>> {
    let out = folder.join("trace");
    let (out_name, trace) = (out.display().to_string(), format!("trace={CHANGES}"));
    let ended = traced(root, &["-o", &out_name, "-e", &trace])?;
    ensure!(ended.success(), "the upgrade failed: {ended}");
    let (mut seen, mut changes) = (
        BTreeMap::<String, usize>::new(),
        BTreeMap::<String, Vec<usize>>::new(),
    );
    for line in fs::read_to_string(out)?.lines() {
        let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
        let Some((name, arguments)) = call.split_once('(') else {
            continue;
        };
        let number = seen.entry(name.to_owned()).or_default();
        *number += 1;
        let only_reads = name.contains("open") && !arguments.contains("O_CREAT");
        let failed = arguments.contains("= -1 ");
        if !only_reads && !failed {
            changes.entry(name.to_owned()).or_default().push(*number);
        }
    }
    Ok(changes)
}

/// Copies the store into place of the one that was tried on.
fn restore(base: &Path, root: &Path) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    let copied = Command::new("cp").arg("-a").args([base, root]).status()?;
    ensure!(copied.success(), "could not copy the store");
    Ok(())
}

fn every_call(injected: &str) -> Result<()> {
    let folder = scratch()?;
    let (base, root) = (folder.path().join("base"), folder.path().join("data"));
    fs::create_dir(&base)?;
    store(&base, FROM, 2)?;
    restore(&base, &root)?;
    let before = Before::new(&root, &root.join("layout-1.1"), FROM)?;
    let changes = changes(&root, folder.path())?;
    let mut tried = 0;
    for (name, numbers) in &changes {
        for number in numbers {
            restore(&base, &root)?;
            let inject = format!("inject={name}:{injected}:when={number}");
            traced(
                &root,
                &["-o", "/dev/null", "-e", &format!("trace={name}"), "-e", &inject],
            )?;
            let judged = before.old_is_untouched().and_then(|()| {
                let new = start(&root, NEW, TO, &Steps::default())?;
                before.new_is_whole(&new)?;
                before.old_is_whole()
            });
            judged.with_context(|| format!("{injected} at call {number} of {name}"))?;
            tried += 1;
        }
    }
    let counts: BTreeMap<_, _> = changes
        .iter()
        .map(|(name, numbers)| (name, numbers.len()))
        .collect();
    writeln!(stderr(), "{injected} at each of {tried} system calls: {counts:?}")?;
    ensure!(tried > 150, "only {tried}");
    Ok(())
}

#[test]
fn killed_at_every_system_call_nothing_is_lost() -> Result<()> {
    every_call("signal=KILL")
}

#[test]
fn every_system_call_that_fails_loses_nothing() -> Result<()> {
    every_call("error=EIO")
}

/// System calls that read what is in a file.
const READS: &str = "read,pread64,readv,preadv,preadv2,copy_file_range,sendfile,splice,mmap";

/// The upgrade when those of `calls` that touch `path` fail as those of a broken disk do; what it said.
fn with_broken(root: &Path, path: &Path, calls: &str) -> Result<(bool, String)> {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(path)
        .args([
            "-e",
            &format!("trace={calls}"),
            "-e",
            &format!("inject={calls}:error=EIO"),
        ])
        .arg(env!("CARGO_BIN_EXE_upgrade-store"));
    let output = command.arg(root).arg(TO.to_string()).output()?;
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}

fn files_below(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && entry.path().to_str().is_some_and(|path| !path.contains('\n')) {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Each file of the store in turn cannot be read: either nobody had to read it, as with audit trails, or the upgrade ends with its name, the
/// earlier firmware has everything, and the upgrade succeeds once the file can be read again.
#[test]
fn a_file_that_cannot_be_read_is_named_and_costs_nothing() -> Result<()> {
    let folder = scratch()?;
    let (base, root) = (folder.path().join("base"), folder.path().join("data"));
    fs::create_dir(&base)?;
    store(&base, FROM, 2)?;
    restore(&base, &root)?;
    let before = Before::new(&root, &root.join("layout-1.1"), FROM)?;
    let (mut unread, mut named) = (Vec::new(), Vec::new());
    for file in files_below(&base.join("layout-1.1"))? {
        let relative = file.strip_prefix(&base)?;
        restore(&base, &root)?;
        let (succeeded, said) = with_broken(&root, &root.join(relative), READS)?;
        before.old_is_untouched()?;
        let name = relative.display().to_string();
        if succeeded {
            unread.push(name);
        } else {
            let file_name = relative.file_name().context("a name")?.to_string_lossy();
            ensure!(said.contains(&*file_name), "{name}: {said}");
            named.push(name);
        }
        let new = start(&root, NEW, TO, &Steps::default())?;
        before.new_is_whole(&new)?;
        before.old_is_whole()?;
    }
    writeln!(
        stderr(),
        "{} files nobody reads: {unread:?}\n{} files whose read errors are told: {named:?}",
        unread.len(),
        named.len()
    )?;
    ensure!(
        unread.iter().any(|name| name.contains(".zat")),
        "audit trails are read"
    );
    ensure!(!named.is_empty(), "nothing was read");
    Ok(())
}
