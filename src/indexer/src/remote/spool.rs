//! What a host told of a session, until it is in the index: in memory, and beyond a bound in a file without a name.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{Mode, OFlags, open};

use super::limits::TOLD_IN_MEMORY;
use crate::take::{Reader, ReaderError};

/// Bytes that are given out at a time.
const PIECE: usize = 64 * 1024;

/// The bytes.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    memory: Vec<u8>,
    file: Option<File>,
}

impl Spool {
    /// Where its file would be: nothing is left there, whatever happens.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            memory: Vec::new(),
            file: None,
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.memory.len() + bytes.len() <= TOLD_IN_MEMORY {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        if self.file.is_none() {
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            let file = open(&self.folder, flags, Mode::RUSR | Mode::WUSR)?;
            self.file = Some(File::from(file));
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.memory)?;
            self.memory.clear();
            file.write_all(bytes)?;
        }
        Ok(())
    }

    /// To be read once more, from the front.
    pub(crate) fn told(mut self) -> io::Result<Told> {
        if let Some(file) = &mut self.file {
            file.write_all(&self.memory)?;
            self.memory.clear();
            file.rewind()?;
        }
        Ok(Told(Mutex::new(self)))
    }
}

/// What was told, as if it were told now.
#[derive(Debug)]
pub(crate) struct Told(Mutex<Spool>);

impl Reader for Told {
    fn read(
        &self,
        _input: &mut (dyn Read + Send),
        take: &mut (dyn FnMut(&[u8]) -> bool + Send),
    ) -> Result<(), ReaderError> {
        let mut spool = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(file) = &mut spool.file else {
            take(&spool.memory);
            return Ok(());
        };
        let mut piece = vec![0; PIECE];
        loop {
            let count = file.read(&mut piece)?;
            if count == 0 || !take(piece.get(..count).unwrap_or_default()) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_and_much_come_back_and_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for size in [0, 1000, TOLD_IN_MEMORY, 3 * TOLD_IN_MEMORY + 7] {
            let bytes: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
            let mut spool = Spool::new(folder.path());
            bytes.chunks(60_000).for_each(|piece| spool.write(piece).unwrap());
            let told = spool.told().unwrap();
            let mut read = Vec::new();
            let took = told.read(&mut io::empty(), &mut |piece| {
                read.extend_from_slice(piece);
                true
            });
            assert!(took.is_ok() && read == bytes, "{size}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
