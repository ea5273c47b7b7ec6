//! Files that go on changing: copies, each read back from the disk and compared.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use rustix::fs::{Advice, fadvise};
use sha2::{Digest, Sha256};
use sps_datastore_engine::{Class, Form, Place, work};

use super::Work;
use crate::disk::Folder;
use crate::error::StoreError;
use crate::steps::Step;
use crate::walk::{Met, walk};

/// Bytes read at once.
const PIECE: usize = 1 << 20;
/// Longest configuration that is read.
const MOST_DOCUMENT: u64 = 64 << 20;

/// What arrived.
struct Copied {
    bytes: u64,
    digest: [u8; 32],
    /// Bytes after the last line that is whole.
    torn: u64,
}

impl Work<'_, '_> {
    /// Copies everything in a place. Of lines that are added to a file, a torn last one is kept apart.
    pub(super) fn copy_place(&mut self, from: &Place, to: &Place) -> Result<(), StoreError> {
        if from.form == Form::File {
            let (name, parent) = (
                from.path.as_bytes(),
                Folder::open(self.old.path(), self.old.steps())?,
            );
            return match parent.identity(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                _ => self.copy_one(&parent, name, to.path.as_bytes(), to),
            };
        }
        let Some(folder) = self.old_place(from)? else {
            return Ok(());
        };
        let into = |relative: &[u8]| [to.path.as_bytes(), b"/", relative].concat();
        self.new.make_folder(to.path.as_bytes())?;
        walk(folder, &mut |met| {
            match met {
                Met::Folder(entry) => self.new.make_folder(&into(entry.relative))?,
                Met::Other(entry) => self.copy_one(entry.folder, entry.name, &into(entry.relative), to)?,
                Met::Left(_) => {}
            }
            Ok(true)
        })
    }

    fn copy_one(&mut self, folder: &Folder, name: &[u8], to: &[u8], place: &Place) -> Result<(), StoreError> {
        let source = folder.path_of(name);
        let opened = folder
            .read(name)
            .and_then(|file| Ok((file.metadata()?.is_file(), file)));
        let mut file = match opened {
            Ok((true, file)) => file,
            // A pipe, a link: nothing to copy, and not ours. It is linked.
            Ok((false, _)) => return self.link_odd(folder, name, to),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                return self.link_odd(folder, name, to);
            }
            Err(error) => return Err(StoreError::read(source)(error)),
        };
        if let Some(slash) = to.iter().rposition(|byte| *byte == b'/') {
            self.new.make_folder(&to[..slash])?;
        }
        let mut copy = self.new.create(to)?;
        let lines = place.class == Class::Append;
        let copied = self.pour(&mut file, &source, &mut copy, to, lines)?;
        self.finish(&copy, to, &copied)?;
        if copied.torn > 0 {
            self.keep_torn(&mut file, &source, to, &copied)?;
        }
        self.count(1, copied.bytes)
    }

    fn pour(
        &mut self,
        file: &mut File,
        source: &std::path::Path,
        copy: &mut File,
        to: &[u8],
        lines: bool,
    ) -> Result<Copied, StoreError> {
        let mut piece = vec![0; PIECE];
        let (mut all, mut whole) = (Sha256::new(), Sha256::new());
        let (mut bytes, mut lined) = (0_u64, 0_u64);
        loop {
            let read = file.read(&mut piece).map_err(StoreError::read(source))?;
            if read == 0 {
                break;
            }
            let piece = &piece[..read];
            self.new.write(to, copy, piece)?;
            match piece.iter().rposition(|byte| *byte == b'\n').filter(|_| lines) {
                Some(end) => {
                    all.update(&piece[..=end]);
                    whole = all.clone();
                    lined = bytes + end as u64 + 1;
                    all.update(&piece[end + 1..]);
                }
                None => all.update(piece),
            }
            bytes += read as u64;
            self.effort.advance(work(0, read as u64));
            self.tell(false)?;
        }
        let (kept, digest) = if lines { (lined, whole) } else { (bytes, all) };
        if kept < bytes {
            let cut = self
                .new
                .steps()
                .before(Step::Write)
                .and_then(|()| copy.set_len(kept));
            cut.map_err(StoreError::change(Step::Write, self.new_path(to)))?;
        }
        Ok(Copied {
            bytes: kept,
            digest: digest.finalize().into(),
            torn: bytes - kept,
        })
    }

    /// Makes a copy permanent, reads it back from the disk and compares.
    fn finish(&self, mut copy: &File, to: &[u8], copied: &Copied) -> Result<(), StoreError> {
        let path = || self.new_path(to);
        let synced = self
            .new
            .steps()
            .before(Step::SyncFile)
            .and_then(|()| copy.sync_all());
        synced.map_err(StoreError::change(Step::SyncFile, path()))?;
        // What is permanent may leave memory, so that the disk is asked. Only an advice: what stays is compared all the same.
        let _advice = fadvise(copy, 0, None, Advice::DontNeed);
        copy.seek(SeekFrom::Start(0)).map_err(StoreError::read(path()))?;
        let mut piece = vec![0; PIECE];
        let (mut digest, mut bytes) = (Sha256::new(), 0);
        loop {
            let read = copy.read(&mut piece).map_err(StoreError::read(path()))?;
            if read == 0 {
                break;
            }
            digest.update(&piece[..read]);
            bytes += read as u64;
        }
        if bytes != copied.bytes || <[u8; 32]>::from(digest.finalize()) != copied.digest {
            return Err(StoreError::Differs {
                path: path(),
                what: "what the disk gives back is not what was copied",
            });
        }
        Ok(())
    }

    /// Keeps what came after the last whole line.
    fn keep_torn(
        &mut self,
        file: &mut File,
        source: &std::path::Path,
        to: &[u8],
        copied: &Copied,
    ) -> Result<(), StoreError> {
        let apart = [TORN.as_bytes(), b"/", to].concat();
        let above = apart.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        self.new.make_folder(&apart[..above])?;
        file.seek(SeekFrom::Start(copied.bytes))
            .map_err(StoreError::read(source))?;
        let mut kept = self.new.create(&apart)?;
        let torn = self.pour(file, source, &mut kept, &apart, false)?;
        self.finish(&kept, &apart, &torn)?;
        let (name, bytes) = (String::from_utf8_lossy(to).escape_debug().to_string(), torn.bytes);
        self.note(format!(
            "{name}: the last line was torn, its {bytes} bytes were kept in {TORN}"
        ));
        Ok(())
    }

    fn link_odd(&mut self, folder: &Folder, name: &[u8], to: &[u8]) -> Result<(), StoreError> {
        match folder.link(name, &self.new, to) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StoreError::change(Step::Link, self.new_path(to))(error));
            }
            _ => {}
        }
        let shown = String::from_utf8_lossy(to).escape_debug().to_string();
        self.note(format!("{shown} is no file; it was kept as it is"));
        self.count(1, 0)
    }

    /// Writes a document and makes it permanent.
    pub(super) fn write_whole(&mut self, to: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let name = to.as_bytes();
        if let Some(slash) = to.rfind('/') {
            self.new.make_folder(&name[..slash])?;
        }
        let mut file = self.new.create(name)?;
        self.new.write(name, &mut file, bytes)?;
        let copied = Copied {
            bytes: bytes.len() as u64,
            digest: Sha256::digest(bytes).into(),
            torn: 0,
        };
        self.finish(&file, name, &copied)
    }
}

/// Where torn lines are kept, below the damaged records.
const TORN: &str = "quarantine/torn";

/// A document of the old tree; nothing when it is not there.
pub(super) fn read_whole(tree: &Folder, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        tree.read(path.as_bytes())?
            .take(MOST_DOCUMENT)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::read(tree.path_of(path.as_bytes()))(error)),
    }
}
