//! What GRUB does with the boot control: the rules of the `disk.cfg` in the image crate, for tests and simulations.
//!
//! Invariants: a try is taken, and saved in both copies, before the files of a slot are loaded; rescue mode takes
//! nothing and saves nothing.

use sps_image::boot_control::{Control, Copy, SIZE, SLOTS, SlotNumber, choose};

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

/// The order in which slots are looked at when nothing is known of them: each minute of the clock begins with another one, so a
/// firmware whose kernel panics is not started for ever although nobody counts.
#[must_use]
pub fn order(minute: u8) -> [SlotNumber; SLOTS] {
    let mut order = SlotNumber::ALL;
    order.rotate_left(usize::from(minute / 10 + minute % 10) % SLOTS);
    order
}

/// What GRUB does with these copies in this `minute` of the clock; `loads` says whether it finds the files of a slot and its signature.
#[must_use]
pub fn boot(a: &[u8], b: &[u8], menu: Menu, minute: u8, loads: impl Fn(SlotNumber) -> bool) -> Vec<Step> {
    let Ok(chosen) = choose(a, b) else {
        let reason = if menu == Menu::Rescue {
            Rescue::Menu
        } else {
            Rescue::Control
        };
        return vec![last_resort(None, order(minute), reason, &loads)];
    };
    let mut control = chosen.control;
    if menu == Menu::Rescue {
        return vec![last_resort(Some(&control), SlotNumber::ALL, Rescue::Menu, &loads)];
    }
    let mut steps = Vec::new();
    let mut reason = Rescue::Tries;
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
        reason = Rescue::Unreadable;
    }
    steps.push(last_resort(Some(&control), SlotNumber::ALL, reason, &loads));
    steps
}

/// The good slot, the one that boots first, or any other in their `order`: the first of them that loads.
fn last_resort(
    control: Option<&Control>,
    order: [SlotNumber; SLOTS],
    reason: Rescue,
    loads: &impl Fn(SlotNumber) -> bool,
) -> Step {
    let valid = |slot: &SlotNumber| control.is_some_and(|control| control.slot(*slot).valid);
    let named = control.map_or([None, None], |control| [control.second, control.first]);
    let all = named.into_iter().flatten().filter(valid).chain(order);
    let start = all.into_iter().find(|slot| loads(*slot));
    start.map_or(Step::GiveUp, |slot| Step::Start(slot, Some(reason)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_boot_control_every_slot_comes_first_within_the_hour() {
        assert_eq!(order(0), SlotNumber::ALL);
        // The self test of the slowest machines takes less than six minutes.
        for pace in 1..=6 {
            for begun in 0..60 {
                let starts = (0..60 / pace).map(|start| (begun + start * pace) % 60);
                let first: Vec<_> = starts.map(|minute| order(minute)[0]).collect();
                let all = SlotNumber::ALL.iter().all(|slot| first.contains(slot));
                assert!(all, "a start every {pace} minutes from {begun}: {first:?}");
            }
        }
    }

    #[test]
    fn a_known_order_is_not_turned() {
        let control = Control::installed(SlotNumber::FIRST).to_bytes();
        for minute in 0..60 {
            let steps = boot(&control, &control, Menu::Rescue, minute, |_| true);
            assert_eq!(steps, [Step::Start(SlotNumber::FIRST, Some(Rescue::Menu))]);
        }
    }
}
