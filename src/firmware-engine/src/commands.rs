//! What administrators order: add, activate, commit, roll back, delete, forget.

use sps_image::boot_control::{Control, PROTOCOL, SlotFlags, SlotNumber};
use sps_image::hex::Sha256Digest;
use sps_image::upgrade_path::{Earlier, judge};
use sps_image::version::Version;

use crate::decision::{Decision, Effect};
use crate::facts::{Build, Content, Facts};
use crate::refusal::Refusal;
use crate::state::SLOT_LIMIT;

/// A firmware somebody wants to add, already verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it is.
    pub build: Build,
    /// Bytes its files need in a slot.
    pub size: u64,
}

/// Chooses the slot for a new firmware: an empty one, else one of no use, else the oldest that is not in use.
///
/// # Errors
/// When the firmware may not be added, or there is no slot for it.
pub fn add(
    facts: &Facts,
    candidate: &Candidate,
    running: Version,
) -> Result<(SlotNumber, Decision), Refusal> {
    let (control, _) = installed(facts)?;
    check_candidate(facts, candidate, running)?;
    let free = SlotNumber::ALL
        .into_iter()
        .filter(|slot| !facts.is_protected(*slot));
    let target = free
        .min_by_key(|slot| usefulness(facts.content(*slot)))
        .ok_or(Refusal::NoSlot)?;
    let mut decision = cleared(facts, control, target);
    decision
        .effects
        .extend([Effect::StageSlot(target), Effect::FreezeBoot]);
    Ok((target, decision))
}

fn check_candidate(facts: &Facts, candidate: &Candidate, running: Version) -> Result<(), Refusal> {
    let build = &candidate.build;
    let version = build.version;
    if candidate.size > SLOT_LIMIT {
        let size = candidate.size;
        return Err(Refusal::TooLarge { version, size });
    }
    check_boot_protocol(build)?;
    check_not_failed(facts, build)?;
    if let Some(slot) = holder(facts, build.digest) {
        return Err(Refusal::AlreadyThere { version, slot });
    }
    // What its own rules say is for its Test to tell; what is older and kept in no slot can never be started here.
    if version < running {
        judge(&[], running, version, Earlier::Gone)?;
    }
    Ok(())
}

/// The slot that holds this firmware whole.
fn holder(facts: &Facts, digest: Sha256Digest) -> Option<SlotNumber> {
    let holds = |slot: &SlotNumber| facts.build(*slot).is_some_and(|build| build.digest == digest);
    SlotNumber::ALL.into_iter().find(holds)
}

const fn check_boot_protocol(build: &Build) -> Result<(), Refusal> {
    if build.boot_protocol > PROTOCOL {
        return Err(Refusal::BootProtocol {
            version: build.version,
            needed: build.boot_protocol,
        });
    }
    Ok(())
}

fn check_not_failed(facts: &Facts, build: &Build) -> Result<(), Refusal> {
    match facts.failure(build.digest) {
        Some(failed) => Err(Refusal::FailedBefore {
            version: build.version,
            digest: build.digest,
            cause: failed.cause,
        }),
        None => Ok(()),
    }
}

/// Order in which slots are given up.
const fn usefulness(content: &Content) -> (u8, u64) {
    match content {
        Content::Empty => (0, 0),
        Content::Incomplete => (1, 0),
        Content::Damaged { .. } => (2, 0),
        Content::Complete(complete) => (3, complete.staged_at),
    }
}

/// Takes a slot out of use: first in both copies of the boot control, if one of them may name it, then its files.
fn cleared(facts: &Facts, control: Control, slot: SlotNumber) -> Decision {
    let mut decision = Decision::nothing(control);
    if control.slot(slot) != SlotFlags::default() || !facts.copies_agree {
        let mut changed = control;
        *changed.slot_mut(slot) = SlotFlags::default();
        decision.write(changed);
    }
    if *facts.content(slot) != Content::Empty {
        decision.effects.push(Effect::ClearSlot(slot));
    }
    decision
}

/// Makes a slot the one that boots next, on trial, with the running one behind it. Choosing the running slot takes
/// an earlier choice back.
///
/// # Errors
/// When the slot cannot be booted, or the running firmware has not proved itself.
pub fn activate(facts: &Facts, slot: SlotNumber) -> Result<Decision, Refusal> {
    let (control, running) = installed(facts)?;
    let build = complete(facts, slot)?;
    if control.first == Some(slot) {
        return Err(Refusal::AlreadyNext { slot });
    }
    check_boot_protocol(build)?;
    check_not_failed(facts, build)?;
    if !control.slot(running).good {
        return Err(Refusal::RunningOnTrial);
    }
    if slot == running {
        return Ok(left(control, running));
    }
    let mut changed = Control {
        first: Some(slot),
        second: Some(running),
        ..control
    };
    for number in SlotNumber::ALL {
        *changed.slot_mut(number) = SlotFlags::default();
    }
    *changed.slot_mut(slot) = SlotFlags::ON_TRIAL;
    *changed.slot_mut(running) = SlotFlags::GOOD;
    let mut decision = Decision::nothing(control);
    decision.effects.extend([Effect::FreezeBoot, Effect::ForgetTrial]);
    decision.write(changed);
    Ok(decision)
}

/// Stays with the running firmware: the one before it is no longer kept ready.
///
/// # Errors
/// When the running firmware has not been healthy, or there is nothing to commit.
pub fn commit(facts: &Facts) -> Result<Decision, Refusal> {
    let (control, running) = installed(facts)?;
    if let Some(slot) = control.first.filter(|slot| *slot != running) {
        return Err(Refusal::Pending { slot });
    }
    if !control.slot(running).good || facts.rescue.is_some() {
        return Err(Refusal::RunningOnTrial);
    }
    let previous = control.second.ok_or(Refusal::NothingToCommit)?;
    let mut changed = Control {
        second: None,
        ..control
    };
    if previous != running {
        *changed.slot_mut(previous) = SlotFlags::default();
    }
    let mut decision = Decision::nothing(control);
    decision.write(changed);
    decision
        .effects
        .extend([Effect::ForgetTrial, Effect::ForgetRollback]);
    Ok(decision)
}

/// Leaves the slot that boots first for the good one behind it, by choice: it is not marked as failed. Takes
/// effect with the next reboot, unless the good one runs already.
///
/// # Errors
/// When there is no good slot behind the first.
pub fn rollback(facts: &Facts) -> Result<Decision, Refusal> {
    let (control, _) = installed(facts)?;
    let back = control
        .second
        .filter(|second| Some(*second) != control.first && control.slot(*second).good)
        .ok_or(Refusal::NothingToRollBack)?;
    complete(facts, back)?;
    Ok(left(control, back))
}

/// `back` boots next and alone; the slot that was to boot is out of use.
fn left(control: Control, back: SlotNumber) -> Decision {
    let mut changed = Control {
        first: Some(back),
        second: None,
        ..control
    };
    for number in SlotNumber::ALL.into_iter().filter(|number| *number != back) {
        *changed.slot_mut(number) = SlotFlags::default();
    }
    *changed.slot_mut(back) = SlotFlags::GOOD;
    let mut decision = Decision::nothing(control);
    decision.effects.extend([Effect::FreezeBoot, Effect::ForgetTrial]);
    decision.write(changed);
    decision
}

/// Empties a slot.
///
/// # Errors
/// When the slot is in use or empty.
pub fn delete(facts: &Facts, slot: SlotNumber) -> Result<Decision, Refusal> {
    let (control, running) = installed(facts)?;
    if slot == running {
        return Err(Refusal::Runs { slot });
    }
    if control.first == Some(slot) {
        return Err(Refusal::BootsNext { slot });
    }
    if control.second == Some(slot) {
        return Err(Refusal::FallsBack { slot });
    }
    if *facts.content(slot) == Content::Empty {
        return Err(Refusal::Empty { slot });
    }
    let mut decision = cleared(facts, control, slot);
    decision.effects.push(Effect::FreezeBoot);
    Ok(decision)
}

/// Allows a firmware that failed to be added and activated again.
///
/// # Errors
/// When it is not in the list.
pub fn forget(facts: &Facts, digest: Sha256Digest) -> Result<Decision, Refusal> {
    let control = facts.control.unwrap_or_default();
    facts.failure(digest).ok_or(Refusal::NotFailed { digest })?;
    let others = facts.failed.iter().filter(|failed| failed.digest != digest);
    Ok(Decision {
        control,
        effects: vec![
            Effect::WriteFailedList(others.cloned().collect()),
            Effect::FreezeBoot,
        ],
    })
}

/// The boot control and the running slot of an installed appliance.
pub(crate) fn installed(facts: &Facts) -> Result<(Control, SlotNumber), Refusal> {
    let running = facts.running.ok_or(Refusal::NotInstalled)?;
    let control = facts.control.ok_or(Refusal::ControlLost)?;
    Ok((control, running))
}

pub(crate) fn complete(facts: &Facts, slot: SlotNumber) -> Result<&Build, Refusal> {
    match facts.content(slot) {
        Content::Empty | Content::Incomplete => Err(Refusal::Empty { slot }),
        Content::Damaged { reason } => Err(Refusal::Damaged {
            slot,
            reason: reason.clone(),
        }),
        Content::Complete(complete) => Ok(&complete.build),
    }
}
