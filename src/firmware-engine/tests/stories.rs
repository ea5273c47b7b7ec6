//! Single decisions: what is refused and in which words, what becomes of the flags, what people see of them.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code: a failed step ends its test"
)]

use std::time::Duration;

use sps_firmware_engine::{
    Attempt, BootInput, BootOutcome, Build, Candidate, Cause, CommitDue, Complete, Content, DEADLINES,
    Decision, Effect, Facts, Failed, MAX_FAILED, Reaction, Refusal, Rescue, SLOT_LIMIT, SlotState, Trial,
    activate, add, boot_started, commit, commit_due, delete, forget, healthy, normal_boot, rollback,
    services_overdue, state, storage_failed,
};
use sps_image::boot_control::{
    BothBad, Chosen, Control, ControlError, Copy, Other, SlotFlags, SlotNumber, Tries,
};
use sps_image::hex::Sha256Digest;
use sps_image::version::Version;

fn slot(number: u8) -> SlotNumber {
    SlotNumber::try_from(number).unwrap()
}

fn build(minor: u32) -> Build {
    let version = Version::new(1, minor, 0);
    Build {
        digest: Sha256Digest::of(&minor.to_le_bytes()),
        version,
        channel: version.channel(),
        build_id: format!("build-{minor}"),
        build_time: 0,
        development: true,
        boot_protocol: 1,
        data_layout: 1,
    }
}

fn whole(minor: u32) -> Content {
    Content::Complete(Complete {
        build: build(minor),
        size: 1,
        staged_at: u64::from(minor),
    })
}

/// Version 1.1.0 runs from slot 1 and is committed; 1.2.0 is staged in slot 2.
fn committed() -> Facts {
    Facts {
        control: Some(Control::installed(slot(1))),
        copies_agree: true,
        contents: [whole(1), whole(2), Content::Empty, Content::Empty],
        running: Some(slot(1)),
        ..Facts::default()
    }
}

/// After the decision, running from `running`.
fn after(facts: &Facts, decision: &Decision, running: u8) -> Facts {
    Facts {
        control: Some(decision.control),
        running: Some(slot(running)),
        ..facts.clone()
    }
}

fn activated() -> Facts {
    let facts = committed();
    after(&facts, &activate(&facts, slot(2)).unwrap(), 1)
}

/// 1.2.0 runs from slot 2 for the first time.
fn trying() -> Facts {
    let mut facts = activated();
    facts.running = Some(slot(2));
    facts.control.as_mut().unwrap().slot_mut(slot(2)).tries = Tries::new(2).unwrap();
    facts
}

fn healthy_on_trial() -> Facts {
    let facts = trying();
    after(&facts, &healthy(&facts), 2)
}

fn with_tries(facts: &Facts, number: u8, tries: u8) -> Facts {
    let mut facts = facts.clone();
    facts.control.as_mut().unwrap().slot_mut(slot(number)).tries = Tries::new(tries).unwrap();
    facts
}

fn started(facts: &Facts) -> (Decision, BootOutcome) {
    let control = facts.control.unwrap();
    let copies = Ok(Chosen {
        control,
        copy: Copy::A,
        other: Other::Same,
    });
    let input = BootInput {
        copies: &copies,
        attempt: None,
        mirror: Some(&control),
        was_repaired: false,
    };
    boot_started(facts, &input)
}

fn candidate(minor: u32) -> Candidate {
    Candidate {
        build: build(minor),
        size: 1,
    }
}

fn states(facts: &Facts) -> [SlotState; 4] {
    SlotNumber::ALL.map(|number| state(facts, number))
}

#[test]
fn people_see_these_states_on_the_way_of_an_upgrade() {
    use SlotState::{Committed, Empty, Failed, Healthy, Staged, Trying};
    assert_eq!(states(&committed()), [Committed, Staged, Empty, Empty]);
    assert_eq!(states(&activated()), [Committed, Staged, Empty, Empty]);
    assert_eq!(states(&trying()), [Committed, Trying(2), Empty, Empty]);
    let facts = healthy_on_trial();
    assert_eq!(states(&facts), [Committed, Healthy, Empty, Empty]);
    let facts = after(&facts, &commit(&facts).unwrap(), 2);
    assert_eq!(states(&facts), [Staged, Committed, Empty, Empty]);

    let mut facts = with_tries(&trying(), 2, 0);
    facts.running = Some(slot(1));
    let (decision, outcome) = started(&facts);
    let BootOutcome::RolledBack(rollback) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (rollback.from, rollback.to, rollback.cause),
        (slot(2), slot(1), Cause::TriesUsed)
    );
    let mut facts = after(&facts, &decision, 1);
    let list = decision.effects.iter().find_map(|effect| match effect {
        Effect::WriteFailedList(list) => Some(list.clone()),
        _ => None,
    });
    facts.failed = list.unwrap();
    facts.contents[2] = Content::Damaged {
        reason: String::new(),
    };
    facts.contents[3] = Content::Incomplete;
    assert_eq!(states(&facts), [Committed, Failed, Failed, Empty]);
    facts.control = None;
    assert_eq!(state(&facts, slot(1)), Staged);
}

#[test]
fn activation_keeps_the_running_firmware_behind_the_new_one() {
    let facts = committed();
    let decision = activate(&facts, slot(2)).unwrap();
    let control = decision.control;
    assert_eq!((control.first, control.second), (Some(slot(2)), Some(slot(1))));
    assert_eq!(control.slot(slot(2)), SlotFlags::ON_TRIAL);
    assert_eq!(control.slot(slot(1)), SlotFlags::GOOD);
    assert_eq!(
        decision.effects,
        [
            Effect::FreezeBoot,
            Effect::ForgetTrial,
            Effect::WriteCopy(Copy::A, control),
            Effect::WriteCopy(Copy::B, control),
            Effect::MirrorControl(control),
        ]
    );
    let back = activate(&activated(), slot(1)).unwrap().control;
    assert!(
        back.says_the_same_as(&committed().control.unwrap()),
        "the choice was not taken back"
    );
    let healthy = healthy_on_trial();
    let again = activate(&healthy, slot(1)).unwrap().control;
    assert_eq!((again.first, again.second), (Some(slot(1)), Some(slot(2))));
    assert_eq!(
        again.slot(slot(1)),
        SlotFlags::ON_TRIAL,
        "going back is a trial as well"
    );
}

#[test]
fn a_new_firmware_goes_where_it_hurts_least() {
    let target = |facts: &Facts| {
        add(facts, &candidate(9), Version::new(1, 1, 0))
            .map(|(slot, decision)| (slot.get(), decision.effects))
    };
    let stage = |number: u8| vec![Effect::StageSlot(slot(number)), Effect::FreezeBoot];
    let cleared = |number: u8| [vec![Effect::ClearSlot(slot(number))], stage(number)].concat();
    let mut facts = committed();
    assert_eq!(target(&facts), Ok((3, stage(3))));
    facts.contents[2] = whole(3);
    facts.contents[3] = Content::Incomplete;
    assert_eq!(target(&facts), Ok((4, cleared(4))));
    facts.contents[3] = Content::Damaged {
        reason: String::new(),
    };
    assert_eq!(target(&facts), Ok((4, cleared(4))));
    facts.contents[3] = whole(4);
    assert_eq!(target(&facts), Ok((2, cleared(2))), "the oldest is given up");
    facts.copies_agree = false;
    let effects = target(&facts).unwrap().1;
    assert!(matches!(effects[0], Effect::WriteCopy(Copy::A, _)), "{effects:?}");
}

#[test]
fn being_healthy_makes_current_and_after_reboot_agree() {
    let facts = trying();
    assert!(facts.is_trying());
    let decision = healthy(&facts);
    assert_eq!(decision.control.first, facts.running);
    assert_eq!(decision.control.slot(slot(2)), SlotFlags::GOOD);
    assert_eq!(
        decision.control.second,
        Some(slot(1)),
        "the earlier one is kept until the commit"
    );
    let effects = healthy(&after(&facts, &decision, 2)).effects;
    assert_eq!(
        effects,
        [Effect::CloseAttempt, Effect::ForgetRepair],
        "nothing is written twice"
    );
    let rescue = Facts {
        rescue: Some(Rescue::Menu),
        ..facts
    };
    assert!(healthy(&rescue).effects.is_empty());
}

#[test]
fn a_commit_is_due_after_so_much_healthy_time_of_this_very_firmware() {
    let facts = healthy_on_trial();
    let period = Duration::from_secs(100);
    let due = |facts: &Facts, minor: u32, seconds: u64| {
        let trial = Trial {
            digest: build(minor).digest,
            healthy_for: Duration::from_secs(seconds),
        };
        commit_due(facts, Some(&trial), period)
    };
    assert_eq!(due(&facts, 2, 30), CommitDue::In(Duration::from_secs(70)));
    assert_eq!(due(&facts, 3, 30), CommitDue::In(period));
    assert_eq!(due(&facts, 2, 100), CommitDue::Now);
    assert_eq!(commit_due(&facts, None, Duration::ZERO), CommitDue::ByHand);
    assert_eq!(due(&committed(), 1, 100), CommitDue::Never);
    assert_eq!(due(&trying(), 2, 100), CommitDue::Never);
    assert_eq!(DEADLINES.commit, Duration::from_secs(86_400));
}

#[test]
fn what_follows_a_failure_depends_on_what_is_behind() {
    let five_minutes = DEADLINES.services;
    let reactions = |facts: &Facts| {
        (
            storage_failed(facts),
            services_overdue(facts, five_minutes).unwrap(),
        )
    };
    assert_eq!(reactions(&trying()), (Reaction::Reboot, Reaction::Reboot));
    assert_eq!(
        reactions(&healthy_on_trial()),
        (Reaction::Reboot, Reaction::Reboot)
    );
    assert_eq!(
        reactions(&committed()),
        (Reaction::Rescue, Reaction::StayDegraded)
    );
    assert_eq!(
        reactions(&activated()),
        (Reaction::Rescue, Reaction::StayDegraded)
    );
    assert_eq!(
        services_overdue(&trying(), five_minutes - Duration::from_millis(1)),
        None
    );
}

#[test]
fn the_phase_of_the_last_start_is_told() {
    let mut facts = with_tries(&trying(), 2, 1);
    facts.running = Some(slot(1));
    let copies = Ok(Chosen {
        control: facts.control.unwrap(),
        copy: Copy::A,
        other: Other::Same,
    });
    let attempt = |minor| Attempt {
        slot: slot(2),
        digest: build(minor).digest,
        phase: "services".to_owned(),
        problem: Some("web is not ready".to_owned()),
    };
    let outcome = |attempt: &Attempt| {
        let input = BootInput {
            copies: &copies,
            attempt: Some(attempt),
            mirror: None,
            was_repaired: false,
        };
        match boot_started(&facts, &input).1 {
            BootOutcome::RolledBack(rollback) => rollback,
            other => panic!("{other:?}"),
        }
    };
    let rollback = outcome(&attempt(2));
    assert_eq!(
        rollback.cause,
        Cause::NotLoaded,
        "it has a try left and was not started"
    );
    assert_eq!(rollback.phase.as_deref(), Some("services"));
    assert_eq!(rollback.problem.as_deref(), Some("web is not ready"));
    assert_eq!(
        outcome(&attempt(1)).phase,
        None,
        "the record is of another firmware"
    );
}

#[test]
fn a_lost_boot_control_is_rebuilt_once_and_leaves_the_trial() {
    let copies = Err(BothBad {
        a: ControlError::NoBlock,
        b: ControlError::NoBlock,
    });
    let mirror = activated().control.unwrap();
    let facts = Facts {
        control: None,
        rescue: Some(Rescue::Control),
        ..activated()
    };
    let started = |was_repaired, mirror| {
        let input = BootInput {
            copies: &copies,
            attempt: None,
            mirror,
            was_repaired,
        };
        boot_started(&facts, &input)
    };
    let (decision, outcome) = started(false, Some(&mirror));
    assert_eq!(outcome, BootOutcome::Rebuilt);
    assert!(decision.control.says_the_same_as(&Control::installed(slot(1))));
    assert_eq!(decision.effects.first(), Some(&Effect::NoteRepair));
    assert_eq!(decision.effects.last(), Some(&Effect::Reboot));
    for (decision, outcome) in [started(true, Some(&mirror)), started(false, None)] {
        assert_eq!(outcome, BootOutcome::Rescue(Rescue::Control));
        assert!(
            decision.effects.is_empty(),
            "rescue mode changes nothing by itself"
        );
    }
    let lower = Facts {
        running: Some(slot(2)),
        ..facts.clone()
    };
    let by_hand = normal_boot(&lower, None, Some(&mirror)).unwrap().control;
    assert!(
        by_hand.says_the_same_as(&Control::installed(slot(1))),
        "the one that runs is not the good one"
    );
    let by_hand = normal_boot(&facts, None, None).unwrap().control;
    assert!(by_hand.says_the_same_as(&Control::installed(slot(1))));
}

#[test]
fn a_person_leaves_rescue_mode() {
    let mut facts = with_tries(&with_tries(&trying(), 2, 0), 1, 0);
    facts.rescue = Some(Rescue::Tries);
    let control = normal_boot(&facts, None, None).unwrap().control;
    assert!(
        control.says_the_same_as(&Control::installed(slot(1))),
        "{control:?}"
    );
    let committed = Facts {
        rescue: Some(Rescue::Tries),
        ..with_tries(&committed(), 1, 0)
    };
    let control = normal_boot(&committed, None, None).unwrap().control;
    assert_eq!(control.slot(slot(1)), SlotFlags::GOOD);
    let menu = Facts {
        rescue: Some(Rescue::Menu),
        ..trying()
    };
    let control = normal_boot(&menu, None, None).unwrap().control;
    assert_eq!(
        control.slot(slot(2)).tries.get(),
        2,
        "a trial gets no more tries by way of the menu"
    );
}

#[test]
fn the_list_of_failed_firmware_is_bounded_and_has_nobody_twice() {
    let failed = |minor| Failed {
        digest: build(minor).digest,
        version: build(minor).version,
        cause: Cause::TriesUsed,
        phase: None,
    };
    let mut facts = with_tries(&trying(), 2, 0);
    facts.running = Some(slot(1));
    facts.failed = (100..100 + MAX_FAILED as u32).map(failed).collect();
    facts.failed[5] = failed(2);
    let list = |facts: &Facts| {
        let effects = started(facts).0.effects;
        effects.into_iter().find_map(|effect| match effect {
            Effect::WriteFailedList(list) => Some(list),
            _ => None,
        })
    };
    assert_eq!(list(&facts).unwrap().len(), MAX_FAILED);
    assert_eq!(list(&facts).unwrap().last(), Some(&failed(2)));
    facts.failed[5] = failed(99);
    let bounded = list(&facts).unwrap();
    assert_eq!((bounded.len(), bounded.first()), (MAX_FAILED, Some(&failed(101))));
}

#[test]
fn what_is_refused_is_said_with_its_mend() {
    let mut failed = committed();
    failed.failed = vec![Failed {
        digest: build(2).digest,
        version: build(2).version,
        cause: Cause::TriesUsed,
        phase: Some("services".to_owned()),
    }];
    let mut damaged = committed();
    damaged.contents[1] = Content::Damaged {
        reason: "vmlinuz is missing".to_owned(),
    };
    let mut newer = committed();
    if let Content::Complete(complete) = &mut newer.contents[1] {
        complete.build.boot_protocol = 2;
    }
    let nowhere = Facts {
        running: None,
        ..committed()
    };
    let lost = Facts {
        control: None,
        ..committed()
    };
    let adding = |facts: &Facts, candidate: Candidate, running: u32| {
        add(facts, &candidate, Version::new(1, running, 0)).map(|(_, decision)| decision)
    };
    let large = Candidate {
        size: SLOT_LIMIT + 1,
        ..candidate(9)
    };
    let mut beyond = candidate(9);
    beyond.build.boot_protocol = 2;
    let refusals: Vec<Result<Decision, Refusal>> = vec![
        adding(&nowhere, candidate(9), 1),
        adding(&lost, candidate(9), 1),
        adding(&committed(), large, 1),
        adding(&committed(), beyond, 1),
        adding(&committed(), candidate(2), 1),
        adding(&failed, candidate(2), 1),
        activate(&failed, slot(2)),
        adding(&committed(), candidate(0), 1),
        activate(&committed(), slot(3)),
        activate(&damaged, slot(2)),
        activate(&newer, slot(2)),
        activate(&committed(), slot(1)),
        activate(&trying(), slot(1)),
        commit(&committed()),
        commit(&trying()),
        commit(&activated()),
        rollback(&committed()),
        delete(&committed(), slot(1)),
        delete(&activated(), slot(2)),
        delete(&healthy_on_trial(), slot(1)),
        delete(&committed(), slot(4)),
        forget(&committed(), build(2).digest),
        normal_boot(&committed(), None, None),
    ];
    let text: Vec<String> = refusals
        .into_iter()
        .map(|refusal| refusal.unwrap_err().to_string())
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}
