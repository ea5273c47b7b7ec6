//! The machine: GRUB, the firmware that starts, and the shell that carries out effects.

use sps_firmware_engine::grub::{self, Menu, Step};
use sps_firmware_engine::{
    Attempt, BootInput, BootOutcome, Complete, Content, Decision, Effect, Reaction, Rescue, boot_started,
    healthy, services_overdue, storage_failed,
};
use sps_image::boot_control::{Control, Copy, SIZE, SlotNumber, choose};

use super::{Cut, Kind, Running, Seen, World};

/// Starts in a row without anything becoming of it: every trial, the good slot and the rebuilding of the boot
/// control together need fewer.
const MOST_STARTS: u32 = 24;

impl World {
    /// Switches on and lets the machine start until something stays up. The power may go on the way; it comes back.
    pub(crate) fn power_on(&mut self, menu: Menu) {
        for _ in 0..MOST_STARTS {
            self.running = None;
            match self.start(menu) {
                Ok(true) => return,
                Ok(false) | Err(Cut) => self.check_there_is_a_way_back(),
            }
        }
        // With power that fails all the time nothing has to come up.
        if matches!(self.power, super::Power::Steady) {
            self.fail("nothing stays up");
        }
    }

    /// One start; whether it stays up.
    fn start(&mut self, menu: Menu) -> Result<bool, Cut> {
        self.minute = (self.minute + 1) % 60;
        let loads: Vec<bool> = SlotNumber::ALL.map(|slot| self.loads(slot)).to_vec();
        let steps = grub::boot(&self.copies[0], &self.copies[1], menu, self.minute, |slot| {
            loads[usize::from(slot.get()) - 1]
        });
        for step in steps {
            match step {
                Step::Save(copy, control) => {
                    self.count_tries(copy, &control);
                    let new = grub::save(&self.copies[copy as usize], &control);
                    self.overwrite(copy, new)?;
                }
                Step::Start(slot, rescue) => {
                    self.step()?;
                    return self.run(slot, rescue);
                }
                Step::GiveUp => self.fail("GRUB finds nothing to start"),
            }
        }
        Ok(false)
    }

    /// A try counts from the moment on when it may be gone.
    fn count_tries(&mut self, copy: Copy, control: &Control) {
        let before = self.facts().control.filter(|_| copy == Copy::A);
        for slot in SlotNumber::ALL {
            let taken = before.is_some_and(|before| control.slot(slot).tries < before.slot(slot).tries);
            if let Some(digest) = self.digest(slot).filter(|_| taken) {
                *self.starts.entry(digest).or_default() += 1;
            }
        }
    }

    fn loads(&mut self, slot: SlotNumber) -> bool {
        let index = usize::from(slot.get()) - 1;
        if self.seen[index] == Seen::Unsettled {
            return self.dice.chance(50) && matches!(self.contents[index], Content::Complete(_));
        }
        self.kind(slot).is_some_and(|kind| kind != Kind::NotLoadable)
    }

    fn run(&mut self, slot: SlotNumber, rescue: Option<Rescue>) -> Result<bool, Cut> {
        self.note(|| format!("starts slot {slot} {rescue:?} {:?}", self.kind(slot)));
        self.running = Some(Running {
            slot,
            rescue,
            healthy: false,
        });
        self.proving = None;
        self.check_start(slot, rescue);
        let kind = self.behaviour(slot);
        // Rescue mode of such a firmware panics as well. Where GRUB knows of the slots a person has to help: left out.
        let known = choose(&self.copies[0], &self.copies[1]).is_ok();
        if kind == Kind::PanicsEarly && (rescue.is_none() || !known) {
            return Ok(false);
        }
        // Mounting replays the journal, and what it brings is on the disk from then on.
        self.seen = [Seen::Settled; 4];
        if !self.first_decision(slot, rescue)? {
            return Ok(false);
        }
        if rescue.is_some() {
            self.rescues += 1;
            return Ok(true);
        }
        self.phases(slot, kind)
    }

    fn behaviour(&self, slot: SlotNumber) -> Kind {
        let times = self
            .digest(slot)
            .and_then(|digest| self.healthy.get(&digest))
            .copied();
        match self.kind(slot) {
            Some(Kind::Wearing(most)) if times.unwrap_or_default() >= most => Kind::PanicsLate,
            Some(Kind::Wearing(_)) => Kind::Good,
            Some(kind) => kind,
            None => self.fail("a slot without firmware starts"),
        }
    }

    /// What the start means; whether it goes on.
    fn first_decision(&mut self, slot: SlotNumber, rescue: Option<Rescue>) -> Result<bool, Cut> {
        let copies = choose(&self.copies[0], &self.copies[1]);
        let facts = self.facts();
        let (attempt, mirror) = (self.attempt.clone(), self.mirror);
        let input = BootInput {
            copies: &copies,
            attempt: attempt.as_ref(),
            mirror: mirror.as_ref(),
            was_repaired: self.repaired,
        };
        let (decision, outcome) = boot_started(&facts, &input);
        self.note(|| format!("slot {slot}: {outcome:?}"));
        if rescue.is_some() && outcome != BootOutcome::Rebuilt && !decision.effects.is_empty() {
            self.fail("rescue mode changes something by itself");
        }
        self.rollbacks += u32::from(matches!(outcome, BootOutcome::RolledBack(_)));
        self.carry_out(&decision)
    }

    /// Boot phases and services; whether the machine stays up.
    fn phases(&mut self, slot: SlotNumber, kind: Kind) -> Result<bool, Cut> {
        for phase in ["data", "services"] {
            self.step()?;
            let digest = self
                .digest(slot)
                .unwrap_or_else(|| self.fail("the running slot is empty"));
            self.attempt = Some(Attempt {
                slot,
                digest,
                phase: phase.to_owned(),
                problem: None,
            });
            if kind == Kind::PanicsLate && phase == "services" {
                return Ok(false);
            }
        }
        let facts = self.facts();
        if kind == Kind::NeverHealthy {
            let reactions = (
                storage_failed(&facts),
                services_overdue(&facts, sps_firmware_engine::DEADLINES.services),
            );
            return Ok(reactions.0 != Reaction::Reboot && reactions.1 != Some(Reaction::Reboot));
        }
        self.proving = self.digest(slot);
        self.carry_out(&healthy(&facts))?;
        self.became_healthy(slot);
        Ok(true)
    }

    /// Carries out effects; false when one of them is a reboot.
    pub(crate) fn carry_out(&mut self, decision: &Decision) -> Result<bool, Cut> {
        for effect in &decision.effects {
            self.step()?;
            self.note(|| format!("  {}", short(effect)));
            if *effect == Effect::Reboot {
                return Ok(false);
            }
            self.perform(effect)?;
            if matters_to_grub(effect) {
                self.check_there_is_a_way_back();
            }
        }
        Ok(true)
    }

    fn perform(&mut self, effect: &Effect) -> Result<(), Cut> {
        match effect {
            Effect::ClearSlot(slot) => {
                self.check_write(*slot);
                self.seen[usize::from(slot.get()) - 1] = Seen::Unsettled;
                *self.content_mut(*slot) = Content::Incomplete;
                self.step()?;
                *self.content_mut(*slot) = Content::Empty;
            }
            Effect::StageSlot(slot) => self.stage(*slot)?,
            Effect::WriteFailedList(list) => self.failed.clone_from(list),
            Effect::FreezeBoot => self.seen = [Seen::Settled; 4],
            Effect::WriteCopy(copy, control) => self.write_copy(*copy, control)?,
            Effect::MirrorControl(control) => self.mirror = Some(*control),
            Effect::NoteRollback(rollback) => self.rollback = Some(rollback.clone()),
            Effect::ForgetRollback => self.rollback = None,
            Effect::CloseAttempt => self.attempt = None,
            Effect::ForgetTrial => self.trial = None,
            Effect::NoteRepair => {
                self.repaired = true;
                // A firmware that was good gets its tries again with the new control, once until it is healthy.
                let healthy = &self.healthy;
                self.trials.retain(|digest, _| !healthy.contains_key(digest));
            }
            Effect::ForgetRepair => self.repaired = false,
            Effect::Reboot => {}
        }
        Ok(())
    }

    fn stage(&mut self, slot: SlotNumber) -> Result<(), Cut> {
        self.check_write(slot);
        self.seen[usize::from(slot.get()) - 1] = Seen::Unsettled;
        *self.content_mut(slot) = Content::Incomplete;
        self.step()?;
        let build = self
            .staging
            .clone()
            .unwrap_or_else(|| self.fail("nothing to stage"));
        let staged_at = self.kinds.len() as u64;
        *self.content_mut(slot) = Content::Complete(Complete {
            build,
            size: 1,
            staged_at,
        });
        Ok(())
    }

    fn write_copy(&mut self, copy: Copy, control: &Control) -> Result<(), Cut> {
        for slot in [control.first, control.second].into_iter().flatten() {
            if self.seen[usize::from(slot.get()) - 1] == Seen::Unsettled {
                self.fail("the boot control names a slot that GRUB may not see");
            }
        }
        if let Some(digest) = self.proving {
            self.trials.insert(digest, 0);
        }
        self.overwrite(copy, control.to_bytes())?;
        if copy == Copy::B {
            for slot in SlotNumber::ALL {
                if let Some(digest) = self.digest(slot).filter(|_| control.slot(slot).tries.get() == 3) {
                    self.starts.insert(digest, 0);
                }
            }
        }
        Ok(())
    }

    /// Overwrites a copy; when the power goes, it holds the old, the new, or the beginning of the new.
    fn overwrite(&mut self, copy: Copy, new: [u8; SIZE]) -> Result<(), Cut> {
        let cut = self.step();
        let whole = match cut {
            Ok(()) => SIZE,
            Err(Cut) => [0, SIZE, self.dice.below(SIZE as u64) as usize][self.dice.below(3) as usize],
        };
        self.copies[copy as usize][..whole].copy_from_slice(&new[..whole]);
        cut
    }
}

/// Whether GRUB may do something else after an effect.
fn matters_to_grub(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::ClearSlot(_) | Effect::StageSlot(_) | Effect::FreezeBoot | Effect::WriteCopy(..)
    )
}

fn short(effect: &Effect) -> String {
    match effect {
        Effect::WriteCopy(copy, control) => format!(
            "writes copy {copy}: first {:?} second {:?} {:?}",
            control.first.map(SlotNumber::get),
            control.second.map(SlotNumber::get),
            control
                .slots
                .map(|flags| (flags.valid, flags.tries.get(), flags.good))
        ),
        Effect::MirrorControl(_) => "keeps a copy of the control".to_owned(),
        other => format!("{other:?}"),
    }
}
