//! The records on `state`: what is remembered of starts, rollbacks and the boot control.
//!
//! Invariant: `state` may be absent or unreadable; then nothing is remembered, and it is said, but slots and boot
//! control are served all the same.

use std::io;

use sps_firmware_engine::{Rollback, Trial};
use sps_image::boot_control::{Control, SIZE};

use crate::documents::{AttemptRecord, Document, LastRollback, Rebuilt, TrialRecord, Unreadable};
use crate::error::FirmwareError;
use crate::firmware::Evidence;
use crate::folder::Folder;

/// Folder of the records on `state`.
pub(crate) const FOLDER: &str = "boot";
/// Copy of the boot control.
const MIRROR: &str = "control.env";

/// The records, if there is a `state`.
#[derive(Debug)]
pub(crate) struct Records(pub(crate) Option<Folder>);

impl Records {
    /// The copy of the boot control.
    pub(crate) fn mirror(&self) -> Option<Control> {
        let folder = self.0.as_ref()?;
        Control::parse(&folder.read(MIRROR, SIZE).ok()?).ok()
    }

    pub(crate) fn write_mirror(&self, control: &Control) -> Result<(), FirmwareError> {
        self.replace(MIRROR, &control.to_bytes())
    }

    /// Reads a record; what cannot be read counts as absent and is told in `problems`.
    pub(crate) fn read<D: Document>(&self, problems: &mut Vec<String>) -> Option<D> {
        D::read(self.0.as_ref()?).unwrap_or_else(|Unreadable(problem)| {
            problems.push(problem);
            None
        })
    }

    pub(crate) fn write<D: Document>(&self, document: &D) -> Result<(), FirmwareError> {
        self.replace(D::NAME, &document.encode()?)
    }

    pub(crate) fn forget<D: Document>(&self) -> Result<(), FirmwareError> {
        let Some(folder) = &self.0 else { return Ok(()) };
        let name = D::NAME;
        let forget = || match folder.kind(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(_) => folder.remove(name).and_then(|()| folder.sync()),
        };
        forget().map_err(|source| FirmwareError::Record { name, source })
    }

    fn replace(&self, name: &'static str, content: &[u8]) -> Result<(), FirmwareError> {
        let absent = || io::Error::new(io::ErrorKind::NotFound, "the state partition is not mounted");
        let replaced = match &self.0 {
            Some(folder) => folder.replace(name, content),
            None => Err(absent()),
        };
        replaced.map_err(|source| FirmwareError::Record { name, source })
    }

    pub(crate) fn attempt(&self, problems: &mut Vec<String>) -> Option<AttemptRecord> {
        self.read(problems)
    }

    pub(crate) fn trial(&self) -> Option<Trial> {
        self.read(&mut Vec::new())
            .map(|record: TrialRecord| record.trial())
    }

    pub(crate) fn write_trial(&self, trial: Trial) -> Result<(), FirmwareError> {
        self.write(&TrialRecord::new(trial))
    }

    pub(crate) fn was_rebuilt(&self, problems: &mut Vec<String>) -> bool {
        let damaged = problems.len();
        // A note that cannot be read was a note: rebuilding in a circle is worse than not rebuilding.
        self.read::<Rebuilt>(problems).is_some() || problems.len() > damaged
    }

    /// What is kept of `evidence` is of the firmware that was left, not of one that ran before it.
    pub(crate) fn note_rollback(
        &self,
        rollback: &Rollback,
        evidence: &Evidence,
    ) -> Result<(), FirmwareError> {
        let log = evidence.log.as_ref().filter(|(slot, _)| *slot == rollback.from);
        let log = log.map_or("", |(_, log)| log);
        self.write(&LastRollback::new(rollback, evidence.now, log, &evidence.kernel))
    }
}
