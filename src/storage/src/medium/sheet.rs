//! A transparent sheet over a volume, through which `fatfs` sees it: what is read comes from the volume within a budget, what is written
//! stays on the sheet.
//!
//! Invariants: the volume is never written; no chain of clusters that goes in circles is followed for ever.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, SeekFrom, Write};

use sps_image::source::Source;

/// Bytes in which changes are kept: no disk writes less at once.
pub(super) const SECTOR: u64 = 512;
/// Bytes of the longest entry of a FAT. Whatever `fatfs` reads at once beyond it is a folder or a file.
const FAT_ENTRY: usize = 4;

/// What the sheet does besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing; writes are refused.
    Read,
    /// The bytes of files are not read: only where they lie is of interest.
    Survey,
    /// Remembers the sectors that are read.
    Watch,
    /// Takes writes.
    Write,
}

/// The sheet.
pub(super) struct Sheet<'a, S: ?Sized> {
    volume: &'a S,
    mode: Cell<Mode>,
    budget: Cell<u64>,
    /// Where the last read began.
    last: Cell<u64>,
    changed: RefCell<BTreeMap<u64, [u8; SECTOR as usize]>>,
    watched: RefCell<BTreeSet<u64>>,
}

impl<'a, S: Source + ?Sized> Sheet<'a, S> {
    pub(super) fn new(volume: &'a S, budget: u64) -> Self {
        Self {
            volume,
            mode: Cell::new(Mode::Read),
            budget: Cell::new(budget),
            last: Cell::new(0),
            changed: RefCell::default(),
            watched: RefCell::default(),
        }
    }

    pub(super) fn set(&self, mode: Mode) {
        self.mode.set(mode);
    }

    /// Sets how many bytes may be read from now on.
    pub(super) fn limit(&self, budget: u64) {
        self.budget.set(budget);
    }

    pub(super) fn last(&self) -> u64 {
        self.last.get()
    }

    /// The sectors that were changed, and the numbers of those that were watched.
    pub(super) fn into_parts(self) -> (BTreeMap<u64, [u8; SECTOR as usize]>, BTreeSet<u64>) {
        (self.changed.into_inner(), self.watched.into_inner())
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.last.set(offset);
        if self.mode.get() == Mode::Survey && buffer.len() > FAT_ENTRY {
            return Ok(());
        }
        let budget = self.budget.get().checked_sub(buffer.len().max(1) as u64);
        self.budget.set(
            budget.ok_or_else(|| {
                io::Error::other("the FAT volume is too large or its folders go in circles")
            })?,
        );
        self.volume.read_at(offset, buffer)?;
        let end = offset + buffer.len() as u64;
        let sectors = offset / SECTOR..end.div_ceil(SECTOR);
        if self.mode.get() == Mode::Watch {
            self.watched.borrow_mut().extend(sectors.clone());
        }
        for (number, sector) in self.changed.borrow().range(sectors) {
            let start = number * SECTOR;
            let (from, to) = (start.max(offset), (start + SECTOR).min(end));
            buffer[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&sector[(from - start) as usize..(to - start) as usize]);
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.mode.get() != Mode::Write {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        let mut changed = self.changed.borrow_mut();
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (number, inside) = (at / SECTOR, (at % SECTOR) as usize);
            let (now, later) = rest.split_at(rest.len().min(SECTOR as usize - inside));
            let sector = match changed.entry(number) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(new) => {
                    let mut sector = [0; SECTOR as usize];
                    self.volume.read_at(number * SECTOR, &mut sector)?;
                    new.insert(sector)
                }
            };
            sector[inside..inside + now.len()].copy_from_slice(now);
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }
}

/// A place on a sheet, as `fatfs` wants it.
pub(super) struct Cursor<'s, 'a, S: ?Sized> {
    sheet: &'s Sheet<'a, S>,
    position: u64,
}

impl<'s, 'a, S: Source + ?Sized> Cursor<'s, 'a, S> {
    pub(super) const fn new(sheet: &'s Sheet<'a, S>) -> Self {
        Self { sheet, position: 0 }
    }

    /// Bytes of `wanted` that the volume has from here on.
    fn length(&self, wanted: usize) -> usize {
        let rest = self.sheet.volume.size().saturating_sub(self.position);
        usize::try_from(rest).map_or(wanted, |rest| rest.min(wanted))
    }
}

impl<S: Source + ?Sized> Read for Cursor<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.length(buffer.len());
        self.sheet.read(self.position, &mut buffer[..length])?;
        self.position += length as u64;
        Ok(length)
    }
}

impl<S: Source + ?Sized> Write for Cursor<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.length(bytes.len());
        self.sheet.write(self.position, &bytes[..length])?;
        self.position += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Source + ?Sized> Seek for Cursor<'_, '_, S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.sheet.volume.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
