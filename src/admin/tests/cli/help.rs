//! Help of every command, as people see it.

use clap::CommandFactory;

use crate::lab::{Arguments, parse};

fn walk(command: &mut clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("sps").to_owned();
    text.push_str(&format!("===== {name} --help\n{}\n", command.render_long_help()));
    for inner in command.get_subcommands_mut() {
        if inner.get_name() != "help" {
            walk(inner, text);
        }
    }
}

#[test]
fn every_help_text() {
    let mut command = Arguments::command().term_width(100);
    command.build();
    let mut text = String::new();
    walk(&mut command, &mut text);
    insta::assert_snapshot!(text);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "",
        "firmware",
        "firmware activate one",
        "firmware activate 256",
        "network set --interface eth0",
        "network set --dhcp",
        "network set --interface eth0 --dhcp --address 192.0.2.5/24",
        "network set --interface eth0 --address 192.0.2.5",
        "network set --interface eth0 --dhcp --gateway 192.0.2.1",
        "network set --dns 192.0.2.1 --no-dns",
        "support-bundle x --medium",
        "install run sda",
    ] {
        let error = parse(line).map(|command| format!("{command:?}")).expect_err(line);
        assert_eq!(
            error.exit_code(),
            i32::from(sps_admin::cli::USAGE),
            "{line}: {error}"
        );
    }
}
