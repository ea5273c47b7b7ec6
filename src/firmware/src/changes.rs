//! What administrators order.

use std::ops::ControlFlow;

use sps_firmware_engine::{
    Content, Decision, Effect, Facts, Refusal, activate, add, commit, delete, forget, normal_boot,
    require_test, rollback,
};
use sps_image::boot_control::SlotNumber;
use sps_image::hex::Sha256Digest;
use sps_image::source::Source;
use sps_image::version::Version;
use tracing::info;

use crate::documents::TestRecord;
use crate::error::FirmwareError;
use crate::execute::{Context, Staging};
use crate::firmware::{Evidence, Firmware, lock};
use crate::progress::Progress;
use crate::staging::Image;

/// Room left beside a firmware for what ext4 needs for its files: blocks of extents and folders.
const ROOM_BESIDE: u64 = 1024 * 1024;

/// A firmware that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Where it is.
    pub slot: SlotNumber,
    /// Its version.
    pub version: Version,
    /// SHA-256 of its manifest.
    pub digest: Sha256Digest,
}

impl Firmware {
    /// Verifies the firmware in `source` and writes it into a slot. `watcher` is told how far it is and breaks to call
    /// it off; then, and after any error, the slot is empty.
    ///
    /// # Errors
    /// When another change is under way, the firmware is refused, or it cannot be read or written.
    pub fn add(
        &self,
        source: &dyn Source,
        watcher: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Added, FirmwareError> {
        let _change = self.begin()?;
        let facts = self.gather(None)?.facts;
        // Told before minutes are spent on verifying.
        facts.running.ok_or(Refusal::NotInstalled)?;
        let image = Image::verify(source, &self.settings.trust, watcher)?;
        let deciding = self.decide();
        let facts = self.gather(None)?.facts;
        let (slot, decision) = add(&facts, &image.candidate(), self.settings.version)?;
        self.check_room(&facts, slot, image.size())?;
        let mut context = Context {
            staging: Some(Staging {
                image: &image,
                source,
                watcher,
            }),
            evidence: &Evidence::default(),
        };
        // The slot is taken out of use first; writing it concerns nobody else, and a medium may be slow.
        let begins = decision
            .effects
            .iter()
            .position(|effect| matches!(effect, Effect::StageSlot(_)));
        let (taking, filling) = decision.effects.split_at(begins.unwrap_or_default());
        self.carry_out_all(taking, &mut context)?.complete()?;
        *lock(&self.writing) = Some(slot);
        drop(deciding);
        let executed = self.carry_out_all(filling, &mut context);
        *lock(&self.writing) = None;
        executed?.complete()?;
        let build = image.build();
        Ok(Added {
            slot,
            version: build.version,
            digest: build.digest,
        })
    }

    /// Whether the firmware fits once its slot is emptied.
    fn check_room(&self, facts: &Facts, slot: SlotNumber, size: u64) -> Result<(), FirmwareError> {
        let freed = match facts.content(slot) {
            Content::Complete(complete) => complete.size,
            Content::Empty | Content::Incomplete | Content::Damaged { .. } => 0,
        };
        let free = self.free()?;
        let needed = size + ROOM_BESIDE;
        // What lies about of an interrupted or damaged one is not counted as free: writing says whether it fits.
        let is_known = !matches!(facts.content(slot), Content::Incomplete | Content::Damaged { .. });
        if is_known && needed > free.saturating_add(freed) {
            return Err(FirmwareError::NoRoom { needed, free });
        }
        Ok(())
    }

    /// Makes a slot the one that boots next. Its files are read and compared with its manifest first. Its last Test must
    /// have been made with this `revision` of the configuration.
    ///
    /// # Errors
    /// When another change is under way, it is refused, or it cannot be written.
    pub fn activate(&self, slot: SlotNumber, revision: u64) -> Result<(), FirmwareError> {
        let tests = self.tests();
        self.order(Some(slot), |facts| {
            let of_slot =
                |test: &&TestRecord| Some(test.digest) == facts.build(slot).map(|build| build.digest);
            let last = tests.iter().find(of_slot).map(TestRecord::tested);
            let decision = activate(facts, slot)?;
            require_test(facts, slot, revision, last.as_ref())?;
            Ok(decision)
        })?;
        info!("firmware slot {slot} boots next");
        Ok(())
    }

    /// Goes back to the good firmware, by choice. It takes a reboot unless that one runs already: compare
    /// [`Firmware::status`].
    ///
    /// # Errors
    /// When another change is under way, it is refused, or it cannot be written.
    pub fn rollback(&self) -> Result<(), FirmwareError> {
        let second = self
            .gather(None)?
            .facts
            .control
            .and_then(|control| control.second);
        self.order(second, rollback)?;
        info!("firmware rolled back by choice");
        Ok(())
    }

    /// Stays with the running firmware.
    ///
    /// # Errors
    /// When another change is under way, it is refused, or it cannot be written.
    pub fn commit(&self) -> Result<(), FirmwareError> {
        self.order(None, commit)?;
        info!("firmware {} committed by choice", self.settings.version);
        Ok(())
    }

    /// Empties a slot.
    ///
    /// # Errors
    /// When another change is under way, it is refused, or it cannot be written.
    pub fn delete(&self, slot: SlotNumber) -> Result<(), FirmwareError> {
        self.order(None, |facts| delete(facts, slot)).map(|_| ())
    }

    /// Allows a firmware that failed to be added and activated again.
    ///
    /// # Errors
    /// When another change is under way, it is refused, or it cannot be written.
    pub fn forget(&self, digest: Sha256Digest) -> Result<(), FirmwareError> {
        self.order(None, |facts| forget(facts, digest))?;
        info!("the failure of firmware {digest} is forgotten");
        Ok(())
    }

    /// Leaves rescue mode: the good firmware gets its tries again. A reboot is due when this returns.
    ///
    /// # Errors
    /// When another change is under way, it is refused, or it cannot be written.
    pub fn normal_boot(&self) -> Result<(), FirmwareError> {
        let attempt = self
            .records
            .attempt(&mut Vec::new())
            .map(|record| record.attempt());
        let mirror = self.records.mirror();
        self.order(None, |facts| {
            normal_boot(facts, attempt.as_ref(), mirror.as_ref())
        })?;
        info!("a normal boot was chosen in rescue mode");
        Ok(())
    }

    /// Decides and carries out; `closely` is a slot whose files are hashed before. Whether a reboot is due.
    fn order(
        &self,
        closely: Option<SlotNumber>,
        decide: impl FnOnce(&Facts) -> Result<Decision, Refusal>,
    ) -> Result<bool, FirmwareError> {
        let _change = self.begin()?;
        let _deciding = self.decide();
        let decision = decide(&self.gather(closely)?.facts)?;
        let mut context = Context {
            staging: None,
            evidence: &Evidence::default(),
        };
        self.carry_out(&decision, &mut context)?.complete()
    }
}
