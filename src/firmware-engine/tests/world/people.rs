//! What administrators and bad luck do to a running appliance.

use sps_firmware_engine::grub::Menu;
use sps_firmware_engine::{
    Candidate, Decision, Refusal, activate, add, commit, delete, forget, normal_boot, rollback,
};
use sps_image::boot_control::{SIZE, SlotNumber};

use super::{Cut, Kind, World};

const KINDS: [Kind; 7] = [
    Kind::Good,
    Kind::Good,
    Kind::PanicsEarly,
    Kind::PanicsLate,
    Kind::NeverHealthy,
    Kind::NotLoadable,
    Kind::Wearing(1),
];

impl World {
    /// One thing somebody does, or that happens.
    pub(crate) fn something(&mut self) {
        let slot = SlotNumber::ALL[self.dice.below(4) as usize];
        match self.dice.below(100) {
            0..=24 => {
                let kind = KINDS[self.dice.below(KINDS.len() as u64) as usize];
                self.add(kind);
            }
            25..=44 => self.activate(slot),
            45..=51 => self.order("commit", |world| commit(&world.facts())),
            52..=57 => self.rollback(),
            58..=64 => self.order("delete", move |world| delete(&world.facts(), slot)),
            65..=67 => self.forget(),
            68..=73 => self.normal_boot(),
            74..=75 => self.damage(),
            76..=77 => self.power_on(Menu::Rescue),
            _ => {
                self.note(|| "reboot".to_owned());
                self.power_on(Menu::Normal);
            }
        }
    }

    /// Carries out what the engine decides; if the power goes, the machine starts again.
    fn order(&mut self, name: &str, decide: impl FnOnce(&mut Self) -> Result<Decision, Refusal>) {
        match decide(self) {
            Err(refusal) => self.note(|| format!("{name}: refused: {refusal}")),
            Ok(decision) => {
                self.note(|| name.to_owned());
                match self.carry_out(&decision) {
                    Ok(true) => {}
                    Ok(false) | Err(Cut) => self.power_on(Menu::Normal),
                }
            }
        }
    }

    pub(crate) fn add(&mut self, kind: Kind) {
        let Some(running) = self.running else { return };
        let build = self.build(kind);
        let version = self.contents[usize::from(running.slot.get()) - 1]
            .build()
            .map_or(build.version, |build| build.version);
        self.staging = Some(build.clone());
        let candidate = Candidate { build, size: 1 };
        self.order(&format!("add {kind:?}"), |world| {
            add(&world.facts(), &candidate, version).map(|(_, decision)| decision)
        });
    }

    pub(crate) fn activate(&mut self, slot: SlotNumber) {
        self.order(&format!("activate {slot}"), |world| {
            let decision = activate(&world.facts(), slot)?;
            // A person chose: what is activated and what stays behind it have their tries again.
            world.trials.clear();
            Ok(decision)
        });
    }

    pub(crate) fn commit(&mut self) {
        self.order("commit", |world| commit(&world.facts()));
    }

    pub(crate) fn rollback(&mut self) {
        self.order("rollback", |world| {
            let decision = rollback(&world.facts())?;
            // A person chose it again, and it gets its tries again.
            world.trials.clear();
            Ok(decision)
        });
    }

    pub(crate) fn delete(&mut self, slot: SlotNumber) {
        self.order("delete", |world| delete(&world.facts(), slot));
    }

    fn forget(&mut self) {
        let Some(failed) = self.failed.first().cloned() else {
            return;
        };
        self.order("forget", |world| forget(&world.facts(), failed.digest));
    }

    pub(crate) fn normal_boot(&mut self) {
        self.order("normal boot", |world| {
            let decision = normal_boot(&world.facts(), world.attempt.as_ref(), world.mirror.as_ref())?;
            // A person takes it on himself to start what was started too often.
            world.trials.clear();
            Ok(decision)
        });
    }

    /// One copy of the boot control, or both, are damaged.
    fn damage(&mut self) {
        let which = [vec![0], vec![1], vec![0, 1]][self.dice.below(3) as usize].clone();
        self.note(|| format!("copies {which:?} of the control are damaged"));
        for copy in which {
            let place = self.dice.below(SIZE as u64 / 4) as usize;
            self.copies[copy][place] ^= 0x80;
        }
        self.damaged = true;
    }
}
