//! What can be chosen, by what this boot is.

use sps_admin::{BundleTarget, ConsoleState, Mode, Request, text};

use super::choice::{Action, Choice, Item, Place};
use super::forms::{Confirm, Question};
use super::pager::WIDTH;
use super::replies::{After, DiskUse, SlotUse};

/// Lines of the log that are shown.
const LOG_LINES: u32 = 400;

/// Who this is, and what a person should know first.
pub(super) fn header(state: &ConsoleState, tty: &str) -> String {
    let rule = "=".repeat(WIDTH) + "\n";
    let sealed = if state.sealed { ", sealed" } else { "" };
    let mut lines = vec![
        state.firmware.to_string(),
        format!(
            "{} on console {tty}, running from {}, {}{sealed}",
            state.host_name, state.mode, state.health
        ),
    ];
    lines.extend(state.rescue.as_ref().map(|why| format!("Rescue: {why}")));
    lines.extend(state.rollback.as_ref().map(|why| format!("Rollback: {why}")));
    let lines = lines.iter().flat_map(|line| text::wrap(line, WIDTH));
    format!(
        "\n{rule}{}{rule}",
        lines.map(|line| line + "\n").collect::<String>()
    )
}

/// The list at `place`.
pub(super) fn list(place: Place, state: &ConsoleState) -> Choice {
    match (place, state.mode) {
        (Place::Firmware, mode) => firmware(mode),
        (Place::Main, Mode::Installed) => installed(state.sealed),
        (Place::Main, Mode::Live) => live(),
        (Place::Main, Mode::Rescue) => rescue(),
    }
}

fn main_list(title: &str) -> Choice {
    let back = Item {
        label: "Leave the menu and show the log".into(),
        action: Action::Leave,
    };
    Choice {
        back: Box::new(back),
        ..Choice::new(title, Place::Main)
    }
}

fn show(request: Request) -> Action {
    Action::Ask(request, After::Show(Place::Main))
}

fn log() -> Action {
    show(Request::Log {
        after: 0,
        limit: LOG_LINES,
    })
}

fn installed(sealed: bool) -> Choice {
    let list = main_list("Menu")
        .item("Status", show(Request::Status))
        .item(
            "Network: addresses, name servers, host name",
            Action::Ask(Request::NetworkShow, After::Network),
        )
        .item(
            "Firmware: slots, add, choose, go back",
            Action::Go(Place::Firmware),
        )
        .item("Log", log())
        .item("Support bundle", Action::Choose(bundle(Mode::Installed)));
    let list = if sealed {
        list.item(
            "Unseal",
            confirm("Sealed mode will end", Request::Unseal, After::Sealed(false)),
        )
    } else {
        let warning =
            "Sealed mode: no remote login, no plugin change, password fixed; left at a console only";
        list.item("Change the console password", Action::NewPassword)
            .item("Seal", confirm(warning, Request::Seal, After::Sealed(true)))
    };
    leaving(list.item("Command line", Action::Commands))
}

fn live() -> Choice {
    let list = main_list("Installation medium")
        .item(
            "Install to a disk",
            Action::Ask(Request::InstallDisks, After::Disks(DiskUse::Install)),
        )
        .item(
            "Rescue: reset password, log, support bundle",
            Action::Choose(live_rescue()),
        )
        .item("Status", show(Request::Status));
    leaving(list.item("Command line", Action::Commands))
}

fn live_rescue() -> Choice {
    Choice::new("Rescue", Place::Main)
        .item(
            "Reset the console password of an installed appliance",
            Action::Ask(Request::InstallDisks, After::Disks(DiskUse::ResetPassword)),
        )
        .item("Log", log())
        .item("Support bundle", Action::Choose(bundle(Mode::Live)))
}

fn rescue() -> Choice {
    let list = main_list("Rescue")
        .item(
            "Boot normally: the firmware gets its tries back",
            confirm("The appliance will reboot", Request::NormalBoot, After::Leaving),
        )
        .item("Status", show(Request::Status))
        .item(
            "Firmware: slots, add, choose, go back",
            Action::Go(Place::Firmware),
        )
        .item("Addresses", show(Request::NetworkShow))
        .item("Log", log())
        .item("Support bundle", Action::Choose(bundle(Mode::Rescue)));
    leaving(list.item("Command line", Action::Commands))
}

fn leaving(list: Choice) -> Choice {
    let reason = || "asked at the console menu".to_owned();
    list.item(
        "Reboot",
        confirm(
            "The appliance will reboot",
            Request::Reboot { reason: reason() },
            After::Leaving,
        ),
    )
    .item(
        "Shut down",
        confirm(
            "The appliance will switch off",
            Request::Shutdown { reason: reason() },
            After::Leaving,
        ),
    )
}

fn firmware(mode: Mode) -> Choice {
    let slots = |purpose| Action::Ask(Request::FirmwareList, After::Slots(purpose));
    // In rescue nothing can be tested.
    let choosing = match mode {
        Mode::Rescue => SlotUse::Activate,
        Mode::Installed | Mode::Live => SlotUse::Test,
    };
    Choice::new("Firmware", Place::Main)
        .item(
            "List the slots",
            Action::Ask(Request::FirmwareList, After::Show(Place::Firmware)),
        )
        .item("Choose what boots after the reboot", slots(choosing))
        .item(
            "Add firmware from a disc or stick",
            Action::Ask(Request::FirmwareMedia, After::Media),
        )
        .item(
            "Go back to the firmware before",
            confirm(
                "The firmware before will boot after the reboot",
                Request::FirmwareRollback,
                After::Activated,
            ),
        )
        .item(
            "Keep the running firmware for good",
            confirm(
                "There will be no automatic way back to the firmware before",
                Request::FirmwareCommit,
                After::Show(Place::Firmware),
            ),
        )
        .item("Empty a slot", slots(SlotUse::Delete))
        .item("Allow firmware again that has failed", slots(SlotUse::Forget))
}

/// A stick; in rescue the boot page too.
fn bundle(mode: Mode) -> Choice {
    let title = "Support bundle: logs, status and configuration without secrets";
    let list =
        Choice::new(title, Place::Main).item("To a stick", Action::Ask(Request::Sticks, After::Sticks));
    if mode != Mode::Rescue {
        return list;
    }
    let to = BundleTarget::Download;
    list.item("With a browser", show(Request::SupportBundle { to }))
}

/// Asks for `yes` first.
pub(super) fn confirm(what: &str, request: Request, after: After) -> Action {
    Action::Question(Question::Confirm(Confirm {
        what: format!("{what}."),
        word: "yes".into(),
        request,
        after,
    }))
}
