//! Every screen.

use sps_admin::{Mode, Request};
use zeroize::Zeroizing;

use super::appliance::in_mode;
use super::talk::Talk;
use crate::menu::Input;

fn fits_the_screen(text: &str) {
    for line in text.lines().filter(|line| !line.starts_with('\u{ab}')) {
        let line = line.split('\u{ab}').next().unwrap_or_default();
        assert!(line.len() < 80, "{line}");
        assert!(line.chars().all(|c| matches!(c, ' '..='~')), "{line:?}");
    }
}

macro_rules! screen {
    ($talk:expr) => {
        fits_the_screen(&$talk.shown);
        insta::assert_snapshot!($talk.shown);
    };
}

#[test]
fn login_wrong_and_right() {
    let mut talk = Talk::with(in_mode(Mode::Installed));
    talk.input(Input::Opened).types("wrong");
    talk.waits(std::time::Duration::from_secs(4))
        .types("open sesame")
        .types("0");
    screen!(talk);
}

#[test]
fn the_first_password() {
    let mut appliance = in_mode(Mode::Installed);
    appliance.password = None;
    let mut talk = Talk::with(appliance);
    talk.input(Input::Opened);
    talk.types("one password")
        .types("another one")
        .types("short")
        .types("short")
        .types("open sesame")
        .types("open sesame");
    assert_eq!(talk.appliance.password.as_deref(), Some("open sesame"));
    screen!(talk);
}

#[test]
fn status_and_log_in_pages() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.types("1")
        .types("")
        .types("4")
        .types("")
        .types("q")
        .types("99")
        .types("");
    screen!(talk);
}

#[test]
fn network() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.types("2")
        .types("3")
        .types("2")
        .types("192.0.2.7")
        .types("192.0.2.7/24")
        .types("router")
        .types("192.0.2.1");
    talk.types("3")
        .types("1")
        .types("1")
        .types("sps2")
        .types("2")
        .types("192.0.2.2 x")
        .types("192.0.2.2, 192.0.2.3");
    let set: Vec<_> = talk
        .asked
        .iter()
        .filter(|request| matches!(request, Request::NetworkSet { .. }))
        .collect();
    talk.shown += &format!(
        "\n\n{}\n",
        set.iter()
            .map(|request| request.title())
            .collect::<Vec<_>>()
            .join("\n")
    );
    screen!(talk);
}

#[test]
fn firmware() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.types("3")
        .types("1")
        .types("3")
        .types("1")
        .types("")
        .types("4")
        .types("no");
    talk.types("3")
        .types("5")
        .types("yes")
        .types("")
        .types("6")
        .types("1")
        .types("yes");
    talk.types("7").types("1").types("yes");
    screen!(talk);
}

#[test]
fn after_reboot_is_chosen_confirmed_and_the_reboot_offered() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.types("3").types("2").types("1").types("yes").types("1");
    let last = &talk.asked[talk.asked.len() - 2..];
    assert!(
        matches!(
            last,
            [Request::FirmwareActivate { slot: 2 }, Request::Reboot { .. }]
        ),
        "{last:?}"
    );
    screen!(talk);
}

#[test]
fn seal_and_unseal() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.types("7")
        .types("")
        .types("7")
        .types("yes")
        .types("6")
        .types("yes");
    screen!(talk);
}

#[test]
fn support_bundle_commands_and_shutdown() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.types("5")
        .types("1")
        .types("1")
        .types("8")
        .types("status --json")
        .types("");
    talk.types("10").types("YES").types("10").types("yes");
    screen!(talk);
}

#[test]
fn installing_asks_for_the_disk_s_name() {
    let mut talk = Talk::inside(in_mode(Mode::Live));
    talk.input(Input::Opened);
    talk.types("1").types("1").types("sdb").types("1").types("1");
    assert!(
        !talk
            .asked
            .iter()
            .any(|request| matches!(request, Request::InstallRun { .. }))
    );
    talk.hold = true;
    talk.types("sda")
        .progress(0)
        .progress(42)
        .progress(100)
        .let_go()
        .types("1");
    assert!(talk.asked.contains(&Request::InstallRun {
        disk: "sda".into(),
        keep_data: false
    }));
    screen!(talk);
}

#[test]
fn an_appliance_s_data_can_be_kept() {
    let mut talk = Talk::inside(in_mode(Mode::Live));
    talk.types("1").types("2").types("1").types("sdb").types("0");
    assert!(talk.asked.contains(&Request::InstallRun {
        disk: "sdb".into(),
        keep_data: true
    }));
    screen!(talk);
}

#[test]
fn the_medium_resets_a_password() {
    let mut talk = Talk::inside(in_mode(Mode::Live));
    talk.types("2").types("1").types("1").types("sdb");
    assert_eq!(
        talk.asked.last(),
        Some(&Request::PasswordReset { disk: "sdb".into() })
    );
    screen!(talk);
}

#[test]
fn the_live_menu() {
    let mut talk = Talk::with(in_mode(Mode::Live));
    talk.input(Input::Opened).types("0");
    screen!(talk);
}

#[test]
fn rescue_says_why_and_boots_normally() {
    let mut appliance = in_mode(Mode::Rescue);
    appliance.rescue = Some(
        "firmware 7.1.0 failed three times in phase services, and 7.0.3 three times in phase mounts".into(),
    );
    appliance.rollback = Some("firmware 7.1.0 was left".into());
    let mut talk = Talk::with(appliance);
    talk.input(Input::Opened)
        .types("open sesame")
        .types("1")
        .types("yes");
    assert_eq!(talk.asked.last(), Some(&Request::NormalBoot));
    screen!(talk);
}

#[test]
fn giving_up_goes_back_and_a_request_goes_on() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.types("3")
        .input(Input::Cancel)
        .types("9")
        .input(Input::Cancel);
    talk.hold = true;
    talk.types("1").input(Input::Cancel);
    talk.let_go();
    talk.input(Input::Cancel);
    screen!(talk);
}

#[test]
fn what_hangs_up_is_logged_out() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.input(Input::HungUp)
        .input(Input::Line(Zeroizing::new("1".into())))
        .input(Input::Opened);
    assert!(talk.shown.ends_with("Console password: "), "{}", talk.shown);
}
