//! `cargo xtask setup`: installs what this machine lacks, after listing it.

mod apt;
mod packages;
mod sources;
mod tools;

use std::env;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context, Result, bail};
use clap::Args;

pub(crate) use packages::Purpose;
pub(crate) use tools::{browser_libraries, cargo_deny, path, s3_server, ssh_clients, ssh_judge, web_judges};

use crate::progress::Step;
use crate::project::Project;
use apt::Missing;

/// Installs the Debian packages and tools this machine lacks, after listing them with reason and version.
///
/// Works as root or with sudo. On a terminal it asks first; with --yes, or without a terminal (CI), it does not.
/// The processor microcode needs Debian's non-free-firmware component: when the machine's package sources lack it,
/// a separate sources file is written for it with the mirror and the signing key those sources already use.
#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// What the machine is for: iso builds and boots the firmware, all also runs every test
    #[arg(long = "for", value_enum, default_value_t = Purpose::All, value_name = "PURPOSE")]
    purpose: Purpose,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Only list; exit status 1 when something is missing
    #[arg(long, conflicts_with = "yes")]
    check: bool,
}

impl Setup {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let missing = apt::missing(self.purpose)?;
        let tools = tools::missing(project, self.purpose);
        if missing.is_empty() && tools.is_empty() {
            println!("setup: nothing is missing");
            return Ok(());
        }
        list(&missing, &tools);
        if self.check {
            bail!(
                "{} things are missing: run `cargo xtask setup`",
                missing.len() + tools.len()
            );
        }
        if !self.yes && !agreed()? {
            bail!("nothing was installed");
        }
        let step = Step::start("setup");
        apt::install(self.purpose, &missing)?;
        // A package that went back to Debian's own may have taken a program along that another's had (npm in nodejs).
        apt::install(self.purpose, &apt::missing(self.purpose)?)?;
        tools::install(project, &tools)?;
        step.done();
        Ok(())
    }
}

/// Does what `setup --yes` does; for commands that bring their own set-up.
pub(crate) fn ensure(project: &Project, purpose: Purpose) -> Result<()> {
    Setup {
        purpose,
        yes: true,
        check: false,
    }
    .run(project)
}

/// A sources file (deb822) of Debian's source packages, from the machine's own mirror.
pub(crate) fn source_index() -> Result<String> {
    sources::source_packages(&sources::read()?, &sources::codename()?)
}

fn list(missing: &[Missing], tools: &[tools::Tool]) {
    println!("missing on this machine:");
    for package in missing {
        let (name, reason) = (package.package.name, package.package.reason);
        println!(
            "  {name:24} {:28} {:>9}  {reason}",
            package.version(),
            package.size()
        );
    }
    for tool in tools {
        println!(
            "  {:24} {:28} {:>9}  {}",
            tool.name(),
            tool.version(),
            "",
            tool.reason()
        );
    }
}

fn agreed() -> Result<bool> {
    if env::var_os("CI").is_some() || !io::stdin().is_terminal() {
        return Ok(true);
    }
    print!("install them? [Y/n] ");
    io::stdout().flush().context("write to the terminal")?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("read from the terminal")?;
    Ok(matches!(answer.trim(), "" | "y" | "Y" | "yes"))
}
