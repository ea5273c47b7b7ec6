//! The `boot` file system of an image, by Debian's `mke2fs` and `debugfs` on a plain file.
//!
//! Invariants: names, contents and the time given decide every byte; UUID, hash seed and clock are fixed, the build
//! machine's configuration is not read, and whose files they are does not matter. Why not in Rust: DECISION-boot-file-system.md.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

use crate::boot_control::SlotNumber;
use crate::disk::file_systems::{BOOT_ARGUMENTS, TEMPLATE_BOOT_UUID, slot_folder};
use crate::disk::layout::BOOT_SIZE;
use crate::disk::sparse::{CHUNK, Sparse};
use crate::disk::write::Device;

/// Mode of every file.
const FILE_MODE: u32 = 0o644;

/// Why the file system could not be made.
#[derive(Debug, Error)]
pub enum BootError {
    /// A scratch file could not be used.
    #[error("cannot use the scratch file {path}")]
    Scratch {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The configuration of mke2fs is not there.
    #[error("cannot read {path}, the features of the appliance's file systems: build in a whole checkout")]
    Configuration {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program of e2fsprogs could not be started.
    #[error("cannot run {program}: install Debian's e2fsprogs")]
    Run {
        /// The program.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A program of e2fsprogs failed.
    #[error("{program} failed: {message}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it printed.
        message: String,
    },
}

/// What the file system is made with.
#[derive(Clone, Copy, Debug)]
pub struct Workshop<'a> {
    /// A folder of the caller's own, for scratch files.
    pub scratch: &'a Path,
    /// The `mke2fs.conf` of the root file system.
    pub configuration: &'a Path,
}

/// Makes the file system with the folders of all slots and `files`, name and content, in the first. `time` is every
/// time in it, seconds since 1970.
///
/// # Errors
/// When a program of e2fsprogs is missing or fails, or a scratch file cannot be written.
pub fn make(files: &[(&str, Vec<u8>)], time: u64, workshop: &Workshop<'_>) -> Result<Sparse, BootError> {
    // Without it mke2fs takes its own defaults and says nothing.
    fs::metadata(workshop.configuration).map_err(|source| BootError::Configuration {
        path: workshop.configuration.to_path_buf(),
        source,
    })?;
    let image = workshop.scratch.join("boot.ext4");
    let failed = |path: &Path| scratch(path);
    let file = File::create(&image).map_err(failed(&image))?;
    file.set_len(BOOT_SIZE).map_err(failed(&image))?;
    let seed = format!("hash_seed={TEMPLATE_BOOT_UUID},lazy_itable_init=0,nodiscard,root_owner=0:0");
    let mut mke2fs = workshop.command("mke2fs", time);
    mke2fs
        .args(BOOT_ARGUMENTS)
        .args(["-U", TEMPLATE_BOOT_UUID, "-E", &seed]);
    run(mke2fs.arg(&image), "mke2fs")?;
    let commands = workshop.scratch.join("debugfs.commands");
    fs::write(&commands, workshop.script(files)?).map_err(failed(&commands))?;
    let mut debugfs = workshop.command("debugfs", time);
    run(debugfs.arg("-w").arg("-f").arg(&commands).arg(&image), "debugfs")?;
    read(&image).map_err(failed(&image))
}

fn scratch(path: &Path) -> impl FnOnce(io::Error) -> BootError + use<> {
    let path = path.to_owned();
    move |source| BootError::Scratch { path, source }
}

impl Workshop<'_> {
    fn command(&self, program: &str, time: u64) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .env("MKE2FS_CONFIG", self.configuration)
            .env("E2FSPROGS_FAKE_TIME", time.to_string())
            .current_dir(self.scratch);
        command
    }

    /// Puts the files beside the image, `debugfs` copies from files only, and says what it shall do with them.
    fn script(&self, files: &[(&str, Vec<u8>)]) -> Result<String, BootError> {
        let mut script = String::from("mkdir slots\n");
        for slot in SlotNumber::ALL {
            script.push_str(&format!("mkdir {}\n", slot_folder(slot)));
        }
        let folder = slot_folder(SlotNumber::FIRST);
        for (number, (name, content)) in files.iter().enumerate() {
            let path = self.scratch.join(format!("file-{number}"));
            fs::write(&path, content).map_err(scratch(&path))?;
            // The mode is copied, and the build machine's umask has its part in it.
            let mode = fs::Permissions::from_mode(FILE_MODE);
            fs::set_permissions(&path, mode).map_err(scratch(&path))?;
            script.push_str(&format!("write file-{number} {folder}/{name}\n"));
        }
        Ok(script)
    }
}

/// Runs a program. `debugfs` ends with status 0 whatever happened; its standard error holds one line, its version, when all went
/// well.
fn run(command: &mut Command, program: &'static str) -> Result<(), BootError> {
    let output = command
        .output()
        .map_err(|source| BootError::Run { program, source })?;
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let good = message.is_empty() || (program == "debugfs" && message.lines().count() == 1);
    if output.status.success() && good {
        return Ok(());
    }
    Err(BootError::Failed { program, message })
}

/// Reads what is not a hole.
fn read(path: &Path) -> io::Result<Sparse> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut sparse = Sparse::new(size);
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while let Some(data) = next_data(&file, at)?.filter(|data| *data < size) {
        let start = data - data % CHUNK as u64;
        let length = usize::try_from(size - start).map_or(CHUNK, |rest| rest.min(CHUNK));
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut chunk[..length])?;
        sparse.write_at(start, &chunk[..length])?;
        at = start + length as u64;
    }
    Ok(sparse)
}

/// Offset of the first byte from `at` that is not in a hole.
fn next_data(file: &File, at: u64) -> io::Result<Option<u64>> {
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at)) {
        Ok(offset) => Ok(Some(offset)),
        Err(rustix::io::Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
