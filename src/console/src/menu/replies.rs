//! What a response leads to.

use sps_admin::{
    BundleTarget, Confirmed, Disk, DiskContent, InstallPlan, Medium, NetworkStatus, Request, Response, Slot,
    SlotState, Slots, Stick, Test, text,
};
use sps_config::Ipv4;

use super::choice::{Action, Choice, Place};
use super::forms::{Confirm, Question, change_interface};
use super::items::confirm;

/// What to do with the response.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum After {
    /// Greet.
    Greet,
    /// Let in, or not.
    Login,
    /// The password is set: let in.
    PasswordSet,
    /// Show it, then go there.
    Show(Place),
    /// Sealed mode is now this.
    Sealed(bool),
    /// Choose a slot.
    Slots(SlotUse),
    /// Choose a firmware file.
    Media,
    /// Choose a stick for the support bundle.
    Sticks,
    /// Choose what to change.
    Network,
    /// Choose a disk.
    Disks(DiskUse),
    /// Show the plan and ask for the disk's name.
    Plan,
    /// Ask whether the slot that was tested is to boot after the reboot, if it may.
    Tested(u8),
    /// Offer the reboot that the change needs.
    Activated,
    /// Offer the reboot into what was installed.
    Installed,
    /// The appliance goes.
    Leaving,
}

/// What a slot is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotUse {
    Test,
    Activate,
    Delete,
    Forget,
}

/// What a disk is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiskUse {
    Install,
    ResetPassword,
}

/// What follows a response that is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// A list.
    Choice(Choice),
    /// A question.
    Question(Question),
    /// Back to a list.
    Place(Place),
    /// To the log.
    Leave,
}

/// Text to show and what follows; nothing when the response is not what was asked for.
pub(super) fn follow(after: &After, response: &Response) -> Option<(String, Next)> {
    let shown = text::response(response);
    let next = match (after, response) {
        (After::Show(place), _) => Next::Place(*place),
        (After::Sealed(_), _) => Next::Place(Place::Main),
        (After::Slots(purpose), Response::Slots(slots)) => Next::Choice(slot_choice(*purpose, slots)),
        (After::Media, Response::Media(media)) => Next::Choice(media_choice(media)),
        (After::Sticks, Response::Sticks(sticks)) => Next::Choice(stick_choice(sticks)),
        (After::Network, Response::Network(network)) => Next::Choice(network_choice(network)),
        (After::Disks(purpose), Response::Disks(disks)) => Next::Choice(disk_choice(*purpose, disks)),
        (After::Plan, Response::Plan(plan)) => Next::Question(plan_question(plan)),
        (After::Tested(slot), Response::Tested(Test { passed: true, .. })) => {
            Next::Question(activation(*slot))
        }
        (After::Tested(_), Response::Tested(_)) => Next::Place(Place::Firmware),
        (After::Activated, _) => Next::Choice(reboot_choice(
            "The change acts at the next reboot.",
            Place::Firmware,
        )),
        (After::Installed, _) => {
            let title = "Installed. Take the medium out when the machine restarts.";
            Next::Choice(reboot_choice(title, Place::Main))
        }
        (After::Leaving, _) => Next::Leave,
        _ => return None,
    };
    Some((shown, next))
}

fn slot_choice(purpose: SlotUse, slots: &Slots) -> Choice {
    match purpose {
        SlotUse::Test | SlotUse::Activate => {
            let fits =
                |slot: &&Slot| !slot.current && !matches!(slot.state, SlotState::Empty | SlotState::Writing);
            let title = "Boot which slot after the reboot?";
            pick_slot(title, slots.slots.iter().filter(fits), |slot| {
                let number = slot.number;
                if purpose == SlotUse::Activate {
                    return Action::Question(activation(number));
                }
                let request = Request::FirmwareTest {
                    slot: number,
                    confirmed: Confirmed::default(),
                };
                Action::Ask(request, After::Tested(number))
            })
        }
        SlotUse::Delete => {
            let fits = |slot: &&Slot| !slot.current && !slot.after_reboot && slot.state != SlotState::Empty;
            pick_slot("Empty which slot?", slots.slots.iter().filter(fits), |slot| {
                let what = format!("Slot {} will be emptied", slot.number);
                confirm(
                    &what,
                    Request::FirmwareDelete { slot: slot.number },
                    After::Show(Place::Firmware),
                )
            })
        }
        SlotUse::Forget => {
            let mut choice = Choice::new("Allow which firmware again?", Place::Firmware);
            for failed in &slots.failed {
                let what = format!("Firmware {} failed: {}", failed.version, failed.reason);
                let request = Request::FirmwareForget {
                    digest: failed.digest.clone(),
                };
                choice = choice.item(
                    format!("{}, failed: {}", failed.version, failed.reason),
                    confirm(&what, request, After::Show(Place::Firmware)),
                );
            }
            choice
        }
    }
}

fn activation(slot: u8) -> Question {
    Question::Confirm(Confirm {
        what: format!("Slot {slot} will boot after the reboot, on trial."),
        word: "yes".into(),
        request: Request::FirmwareActivate { slot },
        after: After::Activated,
    })
}

fn pick_slot<'a>(
    title: &str,
    slots: impl Iterator<Item = &'a Slot>,
    action: impl Fn(&Slot) -> Action,
) -> Choice {
    let mut choice = Choice::new(title, Place::Firmware);
    for slot in slots {
        let version = slot.version.as_deref().unwrap_or("unknown version");
        choice = choice.item(
            format!("Slot {}: {version}, {}", slot.number, slot.state),
            action(slot),
        );
    }
    choice
}

fn media_choice(media: &[Medium]) -> Choice {
    let mut choice = Choice::new("Add which firmware?", Place::Firmware);
    for medium in media.iter().filter(|medium| medium.problem.is_none()) {
        let version = medium.version.as_deref().unwrap_or("unknown version");
        let request = Request::FirmwareAdd {
            source: medium.source.clone(),
        };
        choice = choice.item(
            format!("{version}: {}", medium.title),
            Action::Ask(request, After::Show(Place::Firmware)),
        );
    }
    choice.item("Look again", Action::Ask(Request::FirmwareMedia, After::Media))
}

fn stick_choice(sticks: &[Stick]) -> Choice {
    let mut choice = Choice::new("Write the bundle to which stick?", Place::Main);
    for stick in sticks.iter().filter(|stick| stick.problem.is_none()) {
        let to = BundleTarget::Medium {
            device: Some(stick.device.clone()),
        };
        choice = choice.item(
            format!("{}: {}, {}", stick.device, stick.model, text::bytes(stick.bytes)),
            Action::Ask(Request::SupportBundle { to }, After::Show(Place::Main)),
        );
    }
    choice.item("Look again", Action::Ask(Request::Sticks, After::Sticks))
}

fn network_choice(network: &NetworkStatus) -> Choice {
    let mut choice = Choice::new("Change what?", Place::Main)
        .item("Host name", Action::Question(Question::HostName))
        .item("Name servers", Action::Question(Question::NameServers));
    for interface in &network.interfaces {
        let name = &interface.name;
        let by = |ipv4| Action::Ask(change_interface(name, ipv4), After::Network);
        let addressing = Choice::new(&format!("Address of {name}"), Place::Main)
            .item("By DHCP", by(Ipv4::Dhcp))
            .item(
                "Set by hand",
                Action::Question(Question::Address {
                    interface: name.clone(),
                }),
            )
            .item("None", by(Ipv4::Off));
        choice = choice.item(format!("Interface {name}"), Action::Choose(addressing));
    }
    choice
}

fn disk_choice(purpose: DiskUse, disks: &[Disk]) -> Choice {
    let title = match purpose {
        DiskUse::Install => "Install to which disk?",
        DiskUse::ResetPassword => "Reset the password of the appliance on which disk?",
    };
    let mut choice = Choice::new(title, Place::Main);
    for disk in disks {
        let label = format!(
            "{}: {}, {}, {}",
            disk.name,
            disk.model,
            text::bytes(disk.bytes),
            text::content(&disk.content)
        );
        let action = match purpose {
            DiskUse::Install if disk.refused.is_none() => Some(install(disk)),
            DiskUse::ResetPassword => reset(disk),
            DiskUse::Install => None,
        };
        if let Some(action) = action {
            choice = choice.item(label, action);
        }
    }
    choice.item(
        "Look again",
        Action::Ask(Request::InstallDisks, After::Disks(purpose)),
    )
}

fn install(disk: &Disk) -> Action {
    let plan = |keep_data| {
        Action::Ask(
            Request::InstallPlan {
                disk: disk.name.clone(),
                keep_data,
            },
            After::Plan,
        )
    };
    if !disk.content.can_keep() {
        return plan(false);
    }
    let choice = Choice::new("There is an appliance on this disk.", Place::Main)
        .item("Keep its configuration and data", plan(true))
        .item("Erase everything", plan(false));
    Action::Choose(choice)
}

fn reset(disk: &Disk) -> Option<Action> {
    matches!(disk.content, DiskContent::Appliance { .. }).then(|| {
        Action::Question(Question::Confirm(Confirm {
            what: format!(
                "The appliance on {} will ask for a new console password when it boots.",
                disk.name
            ),
            word: disk.name.clone(),
            request: Request::PasswordReset {
                disk: disk.name.clone(),
            },
            after: After::Show(Place::Main),
        }))
    })
}

/// Only the disk's own name starts the installation.
fn plan_question(plan: &InstallPlan) -> Question {
    let what = if plan.keep_data {
        "Configuration and data stay; the firmware on the disk is replaced."
    } else {
        "EVERYTHING ON THIS DISK WILL BE LOST."
    };
    Question::Confirm(Confirm {
        what: what.into(),
        word: plan.disk.name.clone(),
        request: Request::InstallRun {
            disk: plan.disk.name.clone(),
            keep_data: plan.keep_data,
        },
        after: After::Installed,
    })
}

fn reboot_choice(title: &str, back: Place) -> Choice {
    let request = Request::Reboot {
        reason: "asked at the console menu".into(),
    };
    Choice::new(title, back).item("Reboot now", Action::Ask(request, After::Leaving))
}
