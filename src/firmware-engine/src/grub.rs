//! What GRUB does with the boot control: the rules of the `disk.cfg` in the image crate, for tests and simulations.
//!
//! Invariants: a try is taken, and saved in both copies, before the files of a slot are loaded; rescue mode takes
//! nothing and saves nothing.

use sps_image::boot_control::{Control, Copy, SIZE, SlotNumber, choose};

use crate::rescue::Rescue;

/// What was chosen in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    /// The default.
    Normal,
    /// Rescue mode.
    Rescue,
}

/// One thing GRUB does; the power may go after any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Saves a copy.
    Save(Copy, Control),
    /// Starts a slot.
    Start(SlotNumber, Option<Rescue>),
    /// Says that nothing can be loaded, waits, reboots.
    GiveUp,
}

/// What GRUB does with these copies; `loads` says whether it finds the files of a slot.
#[must_use]
pub fn boot(a: &[u8], b: &[u8], menu: Menu, loads: impl Fn(SlotNumber) -> bool) -> Vec<Step> {
    let Ok(chosen) = choose(a, b) else {
        let start = last_resort([None, None], &loads);
        return vec![start.map_or(Step::GiveUp, |slot| Step::Start(slot, Some(Rescue::Control)))];
    };
    let mut control = chosen.control;
    if menu == Menu::Rescue {
        let start = last_resort([control.second, control.first], &loads);
        return vec![start.map_or(Step::GiveUp, |slot| Step::Start(slot, Some(Rescue::Menu)))];
    }
    let mut steps = Vec::new();
    for slot in [control.first, control.second].into_iter().flatten() {
        let flags = control.slot_mut(slot);
        let Some(left) = flags.tries.take().filter(|_| flags.valid) else {
            continue;
        };
        flags.tries = left;
        control = control.with_next_lock();
        steps.extend(Copy::BOTH.map(|copy| Step::Save(copy, control)));
        if loads(slot) {
            steps.push(Step::Start(slot, None));
            return steps;
        }
    }
    let valid = |slot: &SlotNumber| control.slot(*slot).valid;
    let named = [control.second.filter(valid), control.first.filter(valid)];
    let start = last_resort(named, &loads);
    steps.push(start.map_or(Step::GiveUp, |slot| Step::Start(slot, Some(Rescue::Tries))));
    steps
}

/// The first of these that loads, else any that does.
fn last_resort(named: [Option<SlotNumber>; 2], loads: &impl Fn(SlotNumber) -> bool) -> Option<SlotNumber> {
    let all = named.into_iter().flatten().chain(SlotNumber::ALL);
    all.into_iter().find(|slot| loads(*slot))
}

/// The copy after `save_env`: it writes into a block that begins as one, whatever else is in it, and fails on
/// anything else.
#[must_use]
pub fn save(old: &[u8; SIZE], control: &Control) -> [u8; SIZE] {
    let new = control.to_bytes();
    let signature = new.iter().position(|byte| *byte == b'\n').unwrap_or_default() + 1;
    if old[..signature] == new[..signature] {
        new
    } else {
        *old
    }
}
