//! How far the adding of a firmware has come, and how it is called off.

use std::cell::RefCell;
use std::io;
use std::ops::ControlFlow;

use sps_image::source::Source;

/// What is being done with the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reads all of it and checks it against the signature.
    Verifying,
    /// Writes it into the slot.
    Writing,
    /// Reads back what was written.
    Checking,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Bytes of this stage that are done.
    pub done: u64,
    /// Bytes of this stage.
    pub total: u64,
}

/// Is told how far it is, and breaks to call it off.
pub(crate) type Watcher<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Counts the bytes of a stage.
pub(crate) struct Meter<'a, 'b> {
    watcher: &'a mut Watcher<'b>,
    progress: Progress,
}

/// It was called off.
#[derive(Debug)]
pub(crate) struct CalledOff;

impl<'a, 'b> Meter<'a, 'b> {
    pub(crate) fn new(watcher: &'a mut Watcher<'b>, stage: Stage, total: u64) -> Self {
        let progress = Progress {
            stage,
            done: 0,
            total,
        };
        Self { watcher, progress }
    }

    pub(crate) fn advance(&mut self, bytes: usize) -> Result<(), CalledOff> {
        // Verifying reads some bytes more often than the estimate says.
        self.progress.done = (self.progress.done + bytes as u64).min(self.progress.total);
        match (self.watcher)(self.progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CalledOff),
        }
    }
}

/// A source that tells how much of it was read, and fails once it is called off.
pub(crate) struct Metered<'a, 'b, 'c> {
    source: &'a dyn Source,
    meter: RefCell<Meter<'b, 'c>>,
    called_off: std::cell::Cell<bool>,
}

impl<'a, 'b, 'c> Metered<'a, 'b, 'c> {
    /// Verifying reads everything twice: each payload for its digest, all of it for the structure.
    pub(crate) fn new(source: &'a dyn Source, watcher: &'b mut Watcher<'c>) -> Self {
        let total = source.size().saturating_mul(2);
        Self {
            source,
            meter: RefCell::new(Meter::new(watcher, Stage::Verifying, total)),
            called_off: std::cell::Cell::new(false),
        }
    }

    pub(crate) const fn was_called_off(&self) -> bool {
        self.called_off.get()
    }
}

impl Source for Metered<'_, '_, '_> {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.source.read_at(offset, buffer)?;
        let advanced = self.meter.borrow_mut().advance(buffer.len());
        advanced.map_err(|CalledOff| {
            self.called_off.set(true);
            io::Error::from(io::ErrorKind::Interrupted)
        })
    }
}
