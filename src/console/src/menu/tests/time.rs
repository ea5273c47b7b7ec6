//! Time: wrong passwords, and people who walk away.

use std::time::Duration;

use sps_admin::{Mode, Request};

use super::appliance::in_mode;
use super::talk::Talk;
use crate::menu::Input;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn logins(talk: &Talk) -> usize {
    talk.asked
        .iter()
        .filter(|request| matches!(request, Request::Login { .. }))
        .count()
}

#[test]
fn after_a_wrong_password_nothing_is_heard_for_the_time_told() {
    let mut talk = Talk::with(in_mode(Mode::Installed));
    talk.input(Input::Opened).types("wrong");
    assert!(
        talk.shown.ends_with("Wrong password. Wait 4 s.\n"),
        "{}",
        talk.shown
    );
    talk.waits(seconds(3)).types("open sesame");
    assert_eq!(logins(&talk), 1);
    talk.waits(seconds(1));
    assert!(talk.shown.ends_with("Console password: "), "{}", talk.shown);
    talk.types("open sesame");
    assert_eq!(logins(&talk), 2);
}

#[test]
fn whoever_walks_away_is_logged_out() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.waits(seconds(599)).types("3").waits(seconds(599));
    assert!(!talk.menu.is_closed());
    talk.waits(seconds(1));
    assert!(
        talk.menu.is_closed() && talk.shown.ends_with("logged out.\n(the log)\n"),
        "{}",
        talk.shown
    );
    assert_eq!(talk.menu.wake_at(), None);
    talk.input(Input::Opened);
    assert!(talk.shown.ends_with("Console password: "));
    talk.waits(seconds(60));
    assert!(talk.menu.is_closed(), "a prompt without a person hides the log");
}

#[test]
fn a_long_request_is_no_idleness_and_the_medium_waits_for_ever() {
    let mut talk = Talk::inside(in_mode(Mode::Installed));
    talk.hold = true;
    talk.types("1").waits(seconds(5000));
    assert!(!talk.menu.is_closed());
    talk.let_go();
    assert!(talk.shown.contains("Host name"));
    let mut talk = Talk::inside(in_mode(Mode::Live));
    assert_eq!(talk.menu.wake_at(), None);
    talk.waits(seconds(100_000)).types("3");
    assert!(talk.shown.contains("Host name"));
}
