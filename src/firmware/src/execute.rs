//! Carries out the effects of a decision, in their order, each durable before the next.

use sps_firmware_engine::{Decision, Effect, Failed};
use sps_image::boot_control::{Control, Copy, SlotNumber};
use sps_image::source::Source;
use sps_sys::freeze;
use tracing::info;

use crate::documents::{AttemptRecord, Document, FailedList, LastRollback, Rebuilt, TrialRecord};
use crate::error::FirmwareError;
use crate::firmware::{Evidence, Firmware};
use crate::inventory::SIGNATURE;
use crate::progress::Watcher;
use crate::staging::Image;
use crate::step::Step;

/// What effects need beside themselves.
pub(crate) struct Context<'a, 'b> {
    /// The firmware to stage.
    pub(crate) staging: Option<Staging<'a, 'b>>,
    /// What is known of the last start.
    pub(crate) evidence: &'a Evidence,
}

/// A firmware to stage.
pub(crate) struct Staging<'a, 'b> {
    pub(crate) image: &'a Image,
    pub(crate) source: &'a dyn Source,
    pub(crate) watcher: &'a mut Watcher<'b>,
}

/// What became of a decision.
#[derive(Debug, Default)]
pub(crate) struct Executed {
    /// Whether a reboot is due.
    pub(crate) reboot: bool,
    /// Records on `state` that could not be written; everything else was done.
    pub(crate) unrecorded: Vec<FirmwareError>,
}

impl Executed {
    /// For somebody who ordered something: an error of a record is one to tell, although the order was carried out.
    pub(crate) fn complete(self) -> Result<bool, FirmwareError> {
        match self.unrecorded.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.reboot),
        }
    }
}

impl Firmware {
    /// Carries out a decision.
    pub(crate) fn carry_out(
        &self,
        decision: &Decision,
        context: &mut Context<'_, '_>,
    ) -> Result<Executed, FirmwareError> {
        self.carry_out_all(&decision.effects, context)
    }

    /// Carries out effects.
    pub(crate) fn carry_out_all(
        &self,
        effects: &[Effect],
        context: &mut Context<'_, '_>,
    ) -> Result<Executed, FirmwareError> {
        let mut executed = Executed::default();
        for effect in effects {
            match self.record(effect, context.evidence) {
                Some(Err(error)) => executed.unrecorded.push(error),
                Some(Ok(())) => {}
                None => self.act(effect, context)?,
            }
            executed.reboot |= *effect == Effect::Reboot;
        }
        Ok(executed)
    }

    /// Effects on `state`; nothing for the others.
    fn record(&self, effect: &Effect, evidence: &Evidence) -> Option<Result<(), FirmwareError>> {
        let records = &self.records;
        Some(match effect {
            Effect::MirrorControl(control) => records.write_mirror(control),
            Effect::NoteRollback(rollback) => records.note_rollback(rollback, evidence),
            Effect::ForgetRollback => records.forget::<LastRollback>(),
            Effect::CloseAttempt => self
                .close_attempt()
                .and_then(|()| records.forget::<AttemptRecord>()),
            Effect::ForgetTrial => records.forget::<TrialRecord>(),
            Effect::NoteRepair => records.write(&Rebuilt::new(evidence.now)),
            Effect::ForgetRepair => records.forget::<Rebuilt>(),
            Effect::ClearSlot(_)
            | Effect::StageSlot(_)
            | Effect::WriteFailedList(_)
            | Effect::FreezeBoot
            | Effect::WriteCopy(..)
            | Effect::Reboot => return None,
        })
    }

    fn act(&self, effect: &Effect, context: &mut Context<'_, '_>) -> Result<(), FirmwareError> {
        match effect {
            Effect::ClearSlot(slot) => self.clear(*slot),
            Effect::StageSlot(slot) => self.stage(*slot, context),
            Effect::WriteFailedList(list) => self.write_failed(list),
            Effect::FreezeBoot => self.freeze(),
            Effect::WriteCopy(copy, control) => self.write_copy(*copy, control),
            _ => Ok(()),
        }
    }

    /// Empties a slot: without its signature it counts as empty, whatever else is still there.
    pub(crate) fn clear(&self, slot: SlotNumber) -> Result<(), FirmwareError> {
        let name = slot.to_string();
        let clear = || {
            if let Ok(inside) = self.slots.folder(&name) {
                inside.remove(SIGNATURE)?;
                inside.sync()?;
            }
            self.slots.remove(&name)?;
            self.slots.sync()
        };
        let number = slot.get();
        clear().map_err(|source| FirmwareError::Clear { slot: number, source })?;
        info!("firmware slot {slot} emptied");
        Ok(())
    }

    fn stage(&self, slot: SlotNumber, context: &mut Context<'_, '_>) -> Result<(), FirmwareError> {
        let Some(staging) = &mut context.staging else {
            return Ok(());
        };
        let written = staging
            .image
            .write(staging.source, &self.slots, slot, staging.watcher);
        if written.is_ok() {
            info!("firmware {} staged in slot {slot}", staging.image.build().version);
        } else if let Err(error) = self.clear(slot) {
            // The first error is the one to tell; what is left counts as empty and goes at the next start.
            tracing::warn!("{}", sps_bootlog::causes(&error));
        }
        written
    }

    fn write_failed(&self, list: &[Failed]) -> Result<(), FirmwareError> {
        let document = FailedList::new(list.to_vec());
        let text = document.encode()?;
        self.slots
            .replace(FailedList::NAME, &text)
            .map_err(FirmwareError::FailedList)
    }

    fn freeze(&self) -> Result<(), FirmwareError> {
        let freeze = || {
            self.slots.steps().before(|| Step::Freeze)?;
            freeze::freeze_and_thaw(&self.slots)
        };
        freeze().map_err(FirmwareError::Freeze)
    }

    fn write_copy(&self, copy: Copy, control: &Control) -> Result<(), FirmwareError> {
        let write = || {
            self.slots.steps().before(|| Step::WriteControl(copy))?;
            self.store.write(copy, &control.to_bytes())
        };
        write().map_err(|source| FirmwareError::WriteControl { copy, source })
    }
}
