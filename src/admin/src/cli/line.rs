//! Commands typed at a prompt that is not a shell: the console's, or SSH's in rescue.

use std::io;
use std::path::Path;

use clap::{Parser, Subcommand};

use super::arguments::ApplianceCommand;
use super::output::Streams;
use super::run::{USAGE, run};
use crate::session::Session;
use crate::text;

/// Longest line that is parsed, bytes.
const LINE_BYTES: usize = 4096;

/// Commands of the appliance. `help COMMAND` tells more.
#[derive(Debug, Parser)]
#[command(name = "sps", color = clap::ColorChoice::Never, max_term_width = 79, term_width = 79)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Appliance(ApplianceCommand),
}

/// Runs one line, with or without `sps` in front; returns its exit status. An empty line does nothing.
///
/// # Errors
/// A stream cannot be written.
pub fn run_line(line: &str, session: &mut dyn Session, streams: &mut Streams<'_>) -> io::Result<u8> {
    let words = shlex::split(line).filter(|_| line.len() <= LINE_BYTES);
    let Some(words) = words else {
        writeln!(streams.err, "too long, or a quotation mark is missing")?;
        return Ok(USAGE);
    };
    let words = words.strip_prefix(&["sps".to_owned()]).unwrap_or(&words);
    if words.is_empty() {
        return Ok(super::run::DONE);
    }
    let command = std::iter::once("sps").chain(words.iter().map(String::as_str));
    match Line::try_parse_from(command) {
        Ok(Line {
            command: Command::Appliance(command),
        }) => run(&command, session, Path::new("/"), streams),
        Err(refusal) => {
            for line in refusal.to_string().lines() {
                writeln!(streams.err, "{}", text::clean(line))?;
            }
            Ok(u8::try_from(refusal.exit_code()).unwrap_or(USAGE))
        }
    }
}
