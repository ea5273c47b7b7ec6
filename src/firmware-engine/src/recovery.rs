//! Ways out of damage and of rescue mode: a boot control made anew, a normal boot by choice.

use sps_image::boot_control::{Control, SlotFlags, SlotNumber, Tries};

use crate::attempt::{Attempt, Cause};
use crate::boot::{BootInput, note_rollback, rolled_back};
use crate::decision::{Decision, Effect};
use crate::facts::Facts;
use crate::refusal::Refusal;

/// A new boot control for one of which both copies are bad, from the copy on `state`; nothing if that was done
/// before without success, or nothing on `state` can be relied on.
pub(crate) fn rebuilt(facts: &Facts, input: &BootInput<'_>) -> Option<Decision> {
    if input.copies.is_ok() || input.was_repaired {
        return None;
    }
    let mut decision = Decision::nothing(Control::default());
    decision.effects.push(Effect::NoteRepair);
    rebuild(&mut decision, facts, input.attempt, input.mirror?)?;
    decision.effects.push(Effect::Reboot);
    Some(decision)
}

/// The good slots of the copy on `state`, without what was on trial: how many tries it had left is not known.
fn rebuild(
    decision: &mut Decision,
    facts: &Facts,
    attempt: Option<&Attempt>,
    mirror: &Control,
) -> Option<()> {
    let good = |slot: &SlotNumber| mirror.slot(*slot).good && facts.is_usable(*slot);
    let stay = [mirror.first, mirror.second].into_iter().flatten().find(good)?;
    let second = mirror.second.filter(|second| *second != stay && good(second));
    let mut control = Control {
        lock: mirror.lock,
        first: Some(stay),
        second,
        ..Control::default()
    };
    for slot in [Some(stay), second].into_iter().flatten() {
        *control.slot_mut(slot) = SlotFlags::GOOD;
    }
    if let Some(left) = mirror.first.filter(|first| *first != stay) {
        let rollback = rolled_back(facts, attempt, left, stay, Cause::ControlLost);
        decision.effects.push(Effect::NoteRollback(rollback));
        decision.effects.push(Effect::ForgetTrial);
    }
    decision.write(control);
    Some(())
}

/// Leaves rescue mode by choice: the good firmware gets all its tries again and boots next. A boot control of which
/// both copies are bad is made anew from `mirror`, the copy on `state`, else around the slot that runs.
///
/// # Errors
/// When this is not rescue mode, or not an installed appliance.
pub fn normal_boot(
    facts: &Facts,
    attempt: Option<&Attempt>,
    mirror: Option<&Control>,
) -> Result<Decision, Refusal> {
    let running = facts.running.ok_or(Refusal::NotInstalled)?;
    facts.rescue.ok_or(Refusal::NotRescue)?;
    let mut decision = Decision::nothing(facts.control.unwrap_or_default());
    match facts.control {
        Some(control) => resume(&mut decision, facts, attempt, control, running),
        None => {
            let from_state = mirror.and_then(|mirror| rebuild(&mut decision, facts, attempt, mirror));
            if from_state.is_none() {
                decision.write(Control::installed(running));
            }
        }
    }
    decision.effects.push(Effect::Reboot);
    Ok(decision)
}

/// Gives the slots of a good boot control their tries again.
fn resume(
    decision: &mut Decision,
    facts: &Facts,
    attempt: Option<&Attempt>,
    control: Control,
    running: SlotNumber,
) {
    let good = |slot: &SlotNumber| control.slot(*slot).good;
    let mut changed = control;
    match (control.first, control.second.filter(good)) {
        (Some(first), Some(second))
            if first != second && (control.slot(first).tries == Tries::NONE || !facts.is_usable(first)) =>
        {
            let rollback = rolled_back(facts, attempt, first, second, Cause::TriesUsed);
            note_rollback(decision, facts, &rollback);
            (changed.first, changed.second) = (Some(second), None);
            *changed.slot_mut(first) = SlotFlags::default();
            *changed.slot_mut(second) = SlotFlags::GOOD;
        }
        (None, None) => {
            changed.first = Some(running);
            *changed.slot_mut(running) = SlotFlags::GOOD;
        }
        (first, second) => refill(&mut changed, first, second),
    }
    decision.write(changed);
}

/// Good slots get their tries back; a trial keeps what it has, or a bad firmware would get more, unless there is
/// nothing else.
fn refill(control: &mut Control, first: Option<SlotNumber>, second: Option<SlotNumber>) {
    let named = || [first, second].into_iter().flatten();
    let any_good = named().any(|slot| control.slot(slot).good);
    for slot in named() {
        let flags = control.slot_mut(slot);
        if flags.good || !any_good {
            flags.valid = true;
            flags.tries = Tries::FULL;
        }
    }
}
