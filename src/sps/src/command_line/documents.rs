//! Completion scripts and the man page, made from the arguments.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use super::arguments::Arguments;

/// Name of the command.
const NAME: &str = "sps";

/// The completion script of `shell`.
pub(super) fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut script);
    out.write_all(&script)
}

/// One man page with every command.
pub(super) fn man(out: &mut dyn Write) -> io::Result<()> {
    let mut command = Arguments::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    commands(&command, out)
}

/// A section for each command that does something.
fn commands(command: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    for inner in command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help")
    {
        if inner.has_subcommands() {
            commands(inner, out)?;
            continue;
        }
        let title = inner.get_bin_name().unwrap_or(NAME).to_uppercase();
        writeln!(out, ".SH \"{title}\"")?;
        let page = clap_mangen::Man::new(inner.clone());
        page.render_synopsis_section(out)?;
        page.render_description_section(out)?;
        if inner.get_arguments().next().is_some() {
            page.render_options_section(out)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_arguments_hold_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_shell_completes_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = text(|out| completions(shell, out));
            for word in ["firmware", "rollback", "support-bundle", "--keep-data", "verify"] {
                assert!(script.contains(word.trim_start_matches('-')), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn the_overview() {
        let mut command = Arguments::command().term_width(100);
        insta::assert_snapshot!(command.render_long_help());
    }

    #[test]
    fn the_man_page_tells_every_command_and_the_exit_statuses() {
        let page = text(man);
        for part in [
            "SPS FIRMWARE ACTIVATE",
            "SPS NETWORK SET",
            "SPS IMAGE VERIFY",
            "Exit status",
            "SPS MAN",
        ] {
            assert!(page.contains(part), "{part} is missing:\n{page}");
        }
        assert!(
            page.starts_with(".ie") || page.starts_with(".TH"),
            "{}",
            &page[..40]
        );
    }
}
