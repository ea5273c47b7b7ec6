//! What a start means: a trial going on, a rollback, damage to mend, rescue mode; and what being healthy means.
//!
//! In rescue mode nothing is changed by itself, with one exception: a boot control of which both copies are bad is
//! rebuilt once and booted. What was on trial then is not tried on: how many starts it had left is not known.

use sps_image::boot_control::{BothBad, Chosen, Control, Other, SlotFlags, SlotNumber, Tries};

use crate::attempt::{Attempt, Cause, Rollback, remember};
use crate::decision::{Decision, Effect};
use crate::facts::{Content, Facts};
use crate::recovery;
use crate::rescue::Rescue;

/// What is known at the start beside the facts.
#[derive(Clone, Debug)]
pub struct BootInput<'a> {
    /// The copies on the ESP.
    pub copies: &'a Result<Chosen, BothBad>,
    /// The last start that was not healthy.
    pub attempt: Option<&'a Attempt>,
    /// The copy of the boot control on `state`.
    pub mirror: Option<&'a Control>,
    /// Whether the boot control was rebuilt and no start was healthy since.
    pub was_repaired: bool,
}

/// What a start is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootOutcome {
    /// The firmware that boots first.
    Normal {
        /// Whether it is on trial.
        trying: bool,
    },
    /// The good firmware, because the one that boots first failed.
    RolledBack(Rollback),
    /// Rescue mode.
    Rescue(Rescue),
    /// The boot control was rebuilt; the appliance reboots.
    Rebuilt,
    /// A firmware that the boot control does not name: nothing is changed.
    Unnamed,
    /// Started from a medium.
    NotInstalled,
}

/// Decides what to do first after a start.
#[must_use]
pub fn boot_started(facts: &Facts, input: &BootInput<'_>) -> (Decision, BootOutcome) {
    let control = facts.control.unwrap_or_default();
    let Some(running) = facts.running else {
        return (Decision::nothing(control), BootOutcome::NotInstalled);
    };
    let rebuilt = recovery::rebuilt(facts, input);
    match (facts.rescue, rebuilt) {
        (Some(Rescue::Control), Some(decision)) => (decision, BootOutcome::Rebuilt),
        (Some(rescue), _) => (Decision::nothing(control), BootOutcome::Rescue(rescue)),
        (None, _) => counted(facts, input, control, running),
    }
}

/// A start that GRUB counted.
fn counted(
    facts: &Facts,
    input: &BootInput<'_>,
    control: Control,
    running: SlotNumber,
) -> (Decision, BootOutcome) {
    let mut decision = Decision::nothing(control);
    let outcome = if control.first == Some(running) {
        mend_copies(&mut decision, input);
        let trying = facts.is_trying();
        BootOutcome::Normal { trying }
    } else if control.second == Some(running) {
        fallen_back(&mut decision, facts, input, running)
    } else {
        return (decision, BootOutcome::Unnamed);
    };
    clean(&mut decision, facts);
    (decision, outcome)
}

/// A start of the good slot in place of the one that boots first.
fn fallen_back(
    decision: &mut Decision,
    facts: &Facts,
    input: &BootInput<'_>,
    running: SlotNumber,
) -> BootOutcome {
    let control = decision.control;
    let mut changed = Control {
        first: Some(running),
        second: None,
        ..control
    };
    let Some(failed) = control.first else {
        decision.write(changed);
        let trying = !control.slot(running).good;
        return BootOutcome::Normal { trying };
    };
    let tries = control.slot(failed).tries;
    *changed.slot_mut(failed) = SlotFlags::default();
    let cause = if tries == Tries::NONE {
        Cause::TriesUsed
    } else {
        Cause::NotLoaded
    };
    let rollback = rolled_back(facts, input.attempt, failed, running, cause);
    note_rollback(decision, facts, &rollback);
    decision.write(changed);
    BootOutcome::RolledBack(rollback)
}

pub(crate) fn rolled_back(
    facts: &Facts,
    attempt: Option<&Attempt>,
    from: SlotNumber,
    to: SlotNumber,
    cause: Cause,
) -> Rollback {
    let build = facts.build(from).map(|build| (build.digest, build.version));
    let same = |attempt: &&Attempt| Some(attempt.digest) == build.map(|(digest, _)| digest);
    let attempt = attempt.filter(same);
    Rollback {
        from,
        build,
        to,
        cause,
        phase: attempt.map(|attempt| attempt.phase.clone()),
        problem: attempt.and_then(|attempt| attempt.problem.clone()),
    }
}

/// The note and the list of failed firmware come before the boot control: cut off in between, the next start finds
/// the same rollback again.
pub(crate) fn note_rollback(decision: &mut Decision, facts: &Facts, rollback: &Rollback) {
    decision.effects.push(Effect::NoteRollback(rollback.clone()));
    if let Some(failed) = rollback.failed() {
        let list = remember(&facts.failed, failed);
        decision.effects.push(Effect::WriteFailedList(list));
    }
    decision.effects.extend([Effect::FreezeBoot, Effect::ForgetTrial]);
}

/// Empties the slots whose writing was interrupted; last, when no copy of the boot control names them.
fn clean(decision: &mut Decision, facts: &Facts) {
    let interrupted: Vec<Effect> = SlotNumber::ALL
        .into_iter()
        .filter(|slot| *facts.content(*slot) == Content::Incomplete && !facts.is_protected(*slot))
        .map(Effect::ClearSlot)
        .collect();
    if !interrupted.is_empty() {
        decision.effects.extend(interrupted);
        decision.effects.push(Effect::FreezeBoot);
    }
}

/// Makes both copies, and the one on `state`, say the same again.
fn mend_copies(decision: &mut Decision, input: &BootInput<'_>) {
    let Ok(chosen) = input.copies else { return };
    if chosen.other != Other::Same {
        decision.write(chosen.control);
    } else if !input
        .mirror
        .is_some_and(|mirror| same_but_tries(mirror, &chosen.control))
    {
        decision.effects.push(Effect::MirrorControl(chosen.control));
    }
}

/// Whether both name the same slots in the same roles; GRUB takes tries without telling `state`.
fn same_but_tries(one: &Control, other: &Control) -> bool {
    let roles = |control: &Control| {
        let flags = control.slots.map(|flags| (flags.valid, flags.good));
        (control.first, control.second, flags)
    };
    roles(one) == roles(other)
}

/// The running firmware on trial has advanced a reorganization of the data store that goes on over starts: this start gets its
/// try back. Such work ends, so the number of starts does.
#[must_use]
pub fn advanced(facts: &Facts) -> Decision {
    let Some(control) = facts.control else {
        return Decision::nothing(Control::default());
    };
    let mut decision = Decision::nothing(control);
    let (Some(running), true) = (facts.running, facts.is_trying()) else {
        return decision;
    };
    let flags = control.slot(running);
    if let Some(tries) = Tries::new(flags.tries.get() + 1) {
        let mut changed = control;
        changed.slot_mut(running).tries = tries;
        decision.write(changed);
    }
    decision
}

/// Every service of the running firmware is healthy. In rescue mode, or when the boot control does not name the
/// running slot as the first, that changes nothing.
#[must_use]
pub fn healthy(facts: &Facts) -> Decision {
    let Some(control) = facts.control else {
        return Decision::nothing(Control::default());
    };
    let mut decision = Decision::nothing(control);
    let (Some(running), None) = (facts.running, facts.rescue) else {
        return decision;
    };
    if control.first != Some(running) {
        return decision;
    }
    if control.slot(running) != SlotFlags::GOOD {
        let mut changed = control;
        *changed.slot_mut(running) = SlotFlags::GOOD;
        decision.write(changed);
    }
    decision
        .effects
        .extend([Effect::CloseAttempt, Effect::ForgetRepair]);
    decision
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_trial(tries: u8) -> Facts {
        let slot = SlotNumber::ALL[1];
        let mut control = Control {
            first: Some(slot),
            second: Some(SlotNumber::ALL[0]),
            ..Control::default()
        };
        control.slot_mut(slot).tries = Tries::new(tries).unwrap();
        Facts {
            control: Some(control),
            copies_agree: true,
            running: Some(slot),
            ..Facts::default()
        }
    }

    #[test]
    fn a_start_that_advanced_gets_its_try_back_and_never_more() {
        let slot = SlotNumber::ALL[1];
        for (had, has) in [(0, 1), (2, 3), (3, 3)] {
            let decision = advanced(&on_trial(had));
            assert_eq!(decision.control.slot(slot).tries.get(), has, "{had}");
            assert_eq!(decision.effects.is_empty(), had == has);
        }
    }

    #[test]
    fn only_a_trial_has_tries_to_give_back() {
        let mut good = on_trial(1);
        if let Some(control) = &mut good.control {
            *control.slot_mut(SlotNumber::ALL[1]) = SlotFlags::GOOD;
        }
        let rescue = Facts {
            rescue: Some(Rescue::Menu),
            ..on_trial(1)
        };
        for facts in [good, rescue, Facts::default()] {
            assert!(advanced(&facts).effects.is_empty());
        }
    }
}
