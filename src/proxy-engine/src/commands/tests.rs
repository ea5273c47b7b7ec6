//! Lines as shells and terminals show them.

use super::*;

/// A terminal on which a shell has shown its prompt.
fn shell() -> CommandLine {
    let mut line = CommandLine::new(24, 80);
    line.output(b"Welcome\r\nalice@db:~$ ");
    line
}

/// Types keys one by one, echoed.
fn type_in(line: &mut CommandLine, keys: &str) {
    for key in keys.chars() {
        let mut bytes = [0; 4];
        let key = key.encode_utf8(&mut bytes).as_bytes();
        line.keys(key);
        line.output(key);
    }
}

fn shown(line: &mut CommandLine) -> Option<String> {
    let entered = line.enter(true)?;
    assert_eq!(entered.typed, "");
    line.output(b"\r\nalice@db:~$ ");
    Some(entered.shown)
}

#[test]
fn a_command_is_what_stands_behind_the_prompt() {
    let mut line = shell();
    type_in(&mut line, "ls -l /etc");
    assert!(line.is_shown());
    assert_eq!(shown(&mut line).as_deref(), Some("ls -l /etc"));
    type_in(&mut line, "id");
    assert_eq!(shown(&mut line).as_deref(), Some("id"));
    assert_eq!(line.enter(true), None, "nothing was typed");
}

#[test]
fn corrected_recalled_and_completed_commands_are_those_on_the_screen() {
    let mut line = shell();
    type_in(&mut line, "rx");
    line.keys(b"\x7f");
    line.output(b"\x08 \x08");
    type_in(&mut line, "m -rf /");
    assert_eq!(shown(&mut line).as_deref(), Some("rm -rf /"));
    // Up: the shell shows what it recalls.
    line.keys(b"\x1b[A");
    line.output(b"rm -rf /");
    assert!(!line.is_shown(), "nothing tells whether all of it is there");
    assert_eq!(shown(&mut line).as_deref(), Some("rm -rf /"));
    // Ctrl-R replaces the prompt.
    line.keys(b"\x12");
    line.output(b"\r\x1b[K(reverse-i-search)`': ");
    line.keys(b"rf");
    line.output(b"\r\x1b[K(reverse-i-search)`rf': rm -rf /");
    assert!(shown(&mut line).unwrap().contains("rm -rf /"));
    // Tab.
    type_in(&mut line, "cat /etc/pas");
    line.keys(b"\t");
    line.output(b"swd ");
    assert_eq!(shown(&mut line).as_deref(), Some("cat /etc/passwd"));
    // Ctrl-C, then another.
    type_in(&mut line, "ls");
    line.keys(b"\x03");
    line.output(b"^C\r\nalice@db:~$ ");
    type_in(&mut line, "reboot");
    assert_eq!(shown(&mut line).as_deref(), Some("reboot"));
}

#[test]
fn long_lines_are_one_line() {
    let mut line = shell();
    let long = format!("echo {} | sh", "word ".repeat(60).trim());
    type_in(&mut line, &long);
    assert!(line.is_shown());
    assert_eq!(shown(&mut line), Some(long));
}

#[test]
fn what_is_typed_without_an_echo_is_told_apart_and_kept_from_view() {
    let mut line = shell();
    line.output(b"\r\nPassword: ");
    line.keys(b"hunter2");
    assert!(!line.is_shown());
    let entered = line.enter(true).unwrap();
    assert_eq!((entered.shown.as_str(), entered.typed.as_str()), ("", "hunter2"));
}

#[test]
fn a_screen_that_was_cleared_or_has_another_size_still_has_its_command() {
    let mut line = shell();
    type_in(&mut line, "shut");
    line.keys(b"\x0c");
    line.output(b"\x1b[H\x1b[2Jroot@db:/# shut");
    type_in(&mut line, "down");
    assert_eq!(shown(&mut line).as_deref(), Some("shutdown"));
    type_in(&mut line, "reboot");
    line.resize(40, 20);
    type_in(&mut line, " now");
    assert!(shown(&mut line).unwrap().contains("reboot now"));
}

#[test]
fn what_is_entered_in_programs_that_have_the_whole_screen_is_looked_at_and_no_command() {
    let mut line = shell();
    type_in(&mut line, "vi x");
    assert!(line.enter(true).is_some());
    line.output(b"\x1b[?10");
    line.output(b"49hsome text");
    line.keys(b"ihello");
    let entered = line.enter(true).unwrap();
    assert_eq!((entered.shown.as_str(), entered.line.as_str()), ("", "some text"));
    line.output(b"\x1b[?1049lalice@db:~$ ");
    type_in(&mut line, "id");
    assert_eq!(shown(&mut line).as_deref(), Some("id"));
}

#[test]
fn much_output_costs_no_more_than_its_last_screens() {
    let mut line = shell();
    for number in 0..100_000 {
        line.output(format!("line {number}\r\n").as_bytes());
        assert!(line.unseen.len() <= KEPT);
    }
    line.output(&[b'x'; 3 * KEPT]);
    assert!(line.unseen.len() <= KEPT);
    line.output(b"\r\nalice@db:~$ ");
    type_in(&mut line, "id");
    assert_eq!(shown(&mut line).as_deref(), Some("id"));
}

#[test]
fn a_line_on_which_nobody_typed_counts_where_a_prompt_is_before_it() {
    let mut line = shell();
    line.output(b"rm -rf /");
    assert_eq!(shown(&mut line).as_deref(), Some("rm -rf /"));
    line.output(b"\r\nContinue?");
    let entered = line.enter(true).unwrap();
    assert_eq!((entered.shown.as_str(), entered.line.as_str()), ("", "Continue?"));
    // A key that adds nothing to what stands there.
    line.output(b"\r\nalice@db:~$ rm -rf /");
    line.keys(b"\x05");
    let entered = line.enter(true).unwrap();
    assert_eq!((entered.shown.as_str(), entered.line.as_str()), ("", "rm -rf /"));
}

#[test]
fn a_line_that_left_the_screen_says_that_it_cannot_be_read() {
    let mut line = shell();
    type_in(&mut line, &"x".repeat(3000));
    assert!(!line.enter(true).unwrap().unreadable, "what was typed is known");
    line.output(b"\r\nalice@db:~$ ");
    line.keys(b"\x1b[A");
    line.output(&[b'x'; 3000]);
    assert!(line.enter(true).unwrap().unreadable);
}

#[test]
fn wide_and_foreign_letters_are_read() {
    let mut line = shell();
    type_in(&mut line, "echo grüße 你好");
    assert_eq!(shown(&mut line).as_deref(), Some("echo grüße 你好"));
}

#[test]
fn what_is_typed_at_once_behind_ctrl_c_is_the_line() {
    let mut line = shell();
    line.keys(b"echo nothing\x03rm kept");
    // Nothing is shown yet: what was typed counts.
    let entered = line.enter(true).unwrap();
    assert_eq!(entered.typed, "rm kept");
    line.output(b"^C\r\nalice@db:~$ ");
    line.keys(b"x\x03y\x03rm kept");
    line.output(b"^C\r\nalice@db:~$ rm kept");
    assert!(line.is_shown());
    assert_eq!(shown(&mut line).as_deref(), Some("rm kept"));
}

#[test]
fn words_put_together_on_a_screen_that_shows_nothing_cannot_be_read() {
    let mut line = shell();
    line.keys(b"xrm kept\x01\x1b[3~");
    assert!(line.is_put_together());
    assert!(line.enter(false).unwrap().unreadable);
    // Keys alone are nothing to be afraid of.
    for keys in [&b"\x1b[A"[..], b"\x1b", b"\x1bOB", b"\x1b[15;2~"] {
        line.keys(keys);
        assert!(!line.is_put_together(), "{keys:?}");
        assert!(line.enter(false).is_none_or(|entered| !entered.unreadable));
    }
}
