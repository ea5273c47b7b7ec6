//! What must hold, by name.

use sps_firmware_engine::grub::{self, Menu, Step};
use sps_firmware_engine::{Content, Rescue};
use sps_image::boot_control::{Control, MAX_TRIES, SlotNumber, choose};

use super::{Kind, World};

impl World {
    /// A slot that runs, boots next, or is the good one behind that is never written, whichever copy one believes.
    pub(crate) fn check_write(&self, slot: SlotNumber) {
        if self.running.is_some_and(|running| running.slot == slot) {
            self.fail("the running slot is written");
        }
        let controls = self.copies.iter().filter_map(|copy| Control::parse(copy).ok());
        for control in controls {
            if [control.first, control.second].contains(&Some(slot)) {
                self.fail("a slot that the boot control names is written");
            }
        }
    }

    /// A start that GRUB counts: never of a firmware that failed, and not too often of one that is no good.
    pub(crate) fn check_start(&mut self, slot: SlotNumber, rescue: Option<Rescue>) {
        let Some(digest) = self.digest(slot) else {
            self.fail("GRUB starts a slot without firmware")
        };
        if rescue.is_some() {
            return;
        }
        if self.failed.iter().any(|failed| failed.digest == digest) {
            self.fail("a firmware that failed starts again by itself");
        }
        let trials = self.trials.entry(digest).or_default();
        *trials += 1;
        if *trials > u32::from(MAX_TRIES) {
            self.fail("a firmware starts a fourth time without having been healthy");
        }
    }

    pub(crate) fn became_healthy(&mut self, slot: SlotNumber) {
        let Some(digest) = self.digest(slot) else { return };
        *self.healthy.entry(digest).or_default() += 1;
        self.proving = None;
        self.note(|| format!("slot {slot} is healthy"));
        if let Some(running) = &mut self.running {
            running.healthy = true;
        }
        let control = self.facts().control;
        if control.and_then(|control| control.first) != Some(slot) {
            self.fail("the healthy firmware is not the one that boots next");
        }
    }

    /// However often nothing gets healthy from here on: GRUB comes to a good slot, or to rescue mode. To rescue
    /// mode only if the boot control was damaged or the good slot used up its own tries.
    pub(crate) fn check_there_is_a_way_back(&self) {
        let mut copies = self.copies;
        let loads = |slot: SlotNumber| {
            let index = usize::from(slot.get()) - 1;
            let settled = self.seen[index] == super::Seen::Settled;
            settled
                && matches!(self.contents[index], Content::Complete(_))
                && self.kind(slot) != Some(Kind::NotLoadable)
        };
        for _ in 0..=2 * u32::from(MAX_TRIES) {
            for step in grub::boot(&copies[0], &copies[1], Menu::Normal, self.minute, loads) {
                match step {
                    Step::Save(copy, control) => {
                        copies[copy as usize] = grub::save(&copies[copy as usize], &control);
                    }
                    Step::Start(slot, None) => {
                        if self
                            .digest(slot)
                            .is_some_and(|digest| self.healthy.contains_key(&digest))
                        {
                            return;
                        }
                    }
                    Step::Start(_, Some(_)) => return self.check_rescue_is_deserved(),
                    Step::GiveUp => self.fail("GRUB would find nothing to start"),
                }
            }
        }
        self.fail("GRUB would start a firmware that is no good for ever");
    }

    fn check_rescue_is_deserved(&self) {
        let used_up = self.starts.values().any(|starts| *starts >= u32::from(MAX_TRIES));
        // Two cuts in a row, each in the middle of a sector, spoil first B and then A. It is rebuilt from `state`.
        let lost = choose(&self.copies[0], &self.copies[1]).is_err();
        if !self.damaged && !used_up && !lost {
            self.fail("rescue mode although nothing is damaged and the good slot has tries");
        }
    }
}
