//! What the shell is to do.

use sps_image::boot_control::{Control, Copy, SlotNumber};

use crate::attempt::{Failed, Rollback};

/// One thing to do; each is durable before the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Empty a slot: its signature first, then the rest.
    ClearSlot(SlotNumber),
    /// Write the firmware at hand into a slot: its signature last.
    StageSlot(SlotNumber),
    /// Replace the list of failed firmware on `boot`.
    WriteFailedList(Vec<Failed>),
    /// Make GRUB see what was changed on `boot`: it never replays a journal.
    FreezeBoot,
    /// Overwrite one copy of the boot control on the ESP.
    WriteCopy(Copy, Control),
    /// Keep a copy of the boot control on `state`.
    MirrorControl(Control),
    /// Write down on `state` what went wrong.
    NoteRollback(Rollback),
    /// Remove what is written down of the last rollback.
    ForgetRollback,
    /// The start that runs is healthy: it is no failed attempt.
    CloseAttempt,
    /// Begin counting anew how long the firmware on trial has been healthy.
    ForgetTrial,
    /// Write down on `state` that the boot control was rebuilt, so that it is done once and not in a circle.
    NoteRepair,
    /// Remove that note.
    ForgetRepair,
    /// Reboot.
    Reboot,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The boot control afterwards; as before when no effect writes it.
    pub control: Control,
    /// What to do, in this order.
    pub effects: Vec<Effect>,
}

impl Decision {
    pub(crate) const fn nothing(control: Control) -> Self {
        Self {
            control,
            effects: Vec::new(),
        }
    }

    /// Adds the writing of a changed control, as the next write.
    pub(crate) fn write(&mut self, control: Control) {
        self.control = control.with_next_lock();
        let copies = Copy::BOTH.map(|copy| Effect::WriteCopy(copy, self.control));
        self.effects.extend(copies);
        self.effects.push(Effect::MirrorControl(self.control));
    }
}
