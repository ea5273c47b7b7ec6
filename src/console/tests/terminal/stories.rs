//! What a person at a terminal lives through.

use std::time::Duration;

use sps_admin::Mode;
use sps_bootlog::Level;

use crate::lab::{Lab, PASSWORD};

#[test]
fn enter_opens_the_menu_and_a_password_is_not_echoed() {
    let mut lab = Lab::new(Mode::Installed);
    lab.log.push(Level::Info, "init", "before");
    lab.sees("before\r\n")
        .keys("typed while the log runs 12 x\x03\x04");
    lab.log_in()
        .keys("1\r")
        .sees("1\r\n")
        .sees("Host name")
        .sees("Enter: go on");
    assert!(!lab.text.contains(PASSWORD), "{:?}", lab.text);
    assert!(!lab.text.contains("typed while"), "{:?}", lab.text);
    assert!(!lab.text.contains("\x1b"), "{:?}", lab.text);
}

#[test]
fn the_log_waits_while_the_menu_is_open_and_then_goes_on() {
    let mut lab = Lab::new(Mode::Installed);
    lab.log.push(Level::Info, "init", "first");
    lab.sees("first").log_in();
    for n in 0..100 {
        lab.log.push(Level::Info, "init", &format!("meanwhile {n}."));
    }
    lab.keys("1\r")
        .sees("Enter: go on -- ")
        .keys("\r")
        .sees("Choice: ");
    assert!(!lab.text.contains("meanwhile"), "{:?}", lab.text);
    lab.keys("0\r");
    for n in 0..100 {
        lab.sees(&format!("meanwhile {n}.\r\n"));
    }
    lab.keys("\n").sees("Console password: ");
}

#[test]
fn progress_is_written_over_and_the_end_is_told() {
    let mut lab = Lab::new(Mode::Installed);
    lab.log_in()
        .keys("3\r")
        .sees("Choice: ")
        .keys("5\r")
        .sees("Type yes")
        .keys("yes\r")
        .sees("\rcommitting [");
    lab.let_go.send(()).unwrap();
    lab.sees("committed\r\n").sees("Choice: ");
}

#[test]
fn a_command_is_run_and_its_output_is_safe() {
    let mut lab = Lab::new(Mode::Installed);
    lab.log_in()
        .keys("8\r")
        .sees("sps> ")
        .keys("status --json\r")
        .sees("\"host_name\": \"h")
        .sees("sps> ");
    lab.keys("firmwear\r")
        .sees("unrecognized subcommand")
        .sees("sps> ")
        .keys("\r")
        .sees("Choice: ");
    assert!(!lab.text.contains("\x1b"), "{:?}", lab.text);
}

#[test]
fn noise_on_the_line_does_no_harm() {
    let mut lab = Lab::new(Mode::Installed);
    lab.keys("\r").sees("Console password: ");
    lab.keys(vec![b'x'; 20_000])
        .keys([0x1b, 0xff, 0xfe, 0xc3, 0x28, 0, 7, 8, 0x7f, 0x1b, b'['])
        .keys("\r");
    lab.sees("Wrong password. Wait 1 s.").sees("Console password: ");
    lab.keys(PASSWORD).keys("\r").sees("Choice: ");
    lab.keys(
        (0..=255_u8)
            .filter(|key| !matches!(key, 3 | 4))
            .collect::<Vec<_>>(),
    )
    .keys("\r")
    .sees("Choice: ");
    lab.keys("\x03").sees("\r\n");
}

#[test]
fn the_last_words_are_the_log_s() {
    let mut lab = Lab::new(Mode::Installed);
    lab.log_in();
    lab.log.push(Level::Info, "init", "rebooting now");
    lab.consoles.flush(Duration::from_secs(20));
    lab.sees("rebooting now\r\n").keys("\r\r1\r");
    lab.log.push(Level::Info, "init", "the end");
    lab.sees("the end");
    assert!(
        !lab.text[lab.text.find("rebooting").unwrap()..].contains("password"),
        "{:?}",
        lab.text
    );
}

#[test]
fn the_medium_s_menu_opens_by_itself() {
    let mut lab = Lab::new(Mode::Live);
    lab.menus.open();
    lab.sees("Installation medium").sees("Choice: ").keys("0\r");
    lab.log.push(Level::Info, "init", "the log again");
    lab.sees("the log again");
}
