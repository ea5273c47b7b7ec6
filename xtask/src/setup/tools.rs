//! Tools that come through cargo or rustup instead of Debian.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::packages::Purpose;
use crate::progress;
use crate::project::Project;

/// Checks licences, bans and sources of the dependencies. Pinned: a new release brings new opinions.
const CARGO_DENY: &str = "0.20.2";

/// One tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// A component of the Rust toolchain.
    Component(&'static str),
    /// cargo-deny, built into the cache.
    CargoDeny,
}

impl Tool {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Component(name) => name,
            Self::CargoDeny => "cargo-deny",
        }
    }

    /// The version that will be installed.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::Component(_) => "(of this toolchain)",
            Self::CargoDeny => CARGO_DENY,
        }
    }

    /// What it is for.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Component("rustfmt") => "checks the formatting",
            Self::Component(_) => "checks the code",
            Self::CargoDeny => "checks licences and sources of dependencies (compiled: some minutes)",
        }
    }
}

/// Where this project's own cargo-deny stands.
pub(crate) fn cargo_deny(project: &Project) -> PathBuf {
    project
        .cache()
        .join("tools")
        .join(format!("cargo-deny-{CARGO_DENY}"))
        .join("bin/cargo-deny")
}

/// What `purpose` needs and this machine lacks.
pub(super) fn missing(project: &Project, purpose: Purpose) -> Vec<Tool> {
    if purpose < Purpose::All {
        return Vec::new();
    }
    let mut tools = Vec::new();
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !answers(Command::new("cargo").args([subcommand, "--version"])) {
            tools.push(Tool::Component(component));
        }
    }
    if !cargo_deny(project).exists() {
        tools.push(Tool::CargoDeny);
    }
    tools
}

/// Installs `tools`.
pub(super) fn install(project: &Project, tools: &[Tool]) -> Result<()> {
    for tool in tools {
        let name = format!("setup: install {}", tool.name());
        match tool {
            Tool::Component(component) => {
                let mut command = Command::new("rustup");
                progress::run(&name, command.args(["component", "add", component]), None)
                    .with_context(|| format!("add {component} to this Rust toolchain by hand"))?;
            }
            Tool::CargoDeny => {
                let root = cargo_deny(project);
                let root = root
                    .ancestors()
                    .nth(2)
                    .context("the tool's folder has no parent")?;
                let mut command = Command::new("cargo");
                command
                    .args(["install", "--locked", "--version", CARGO_DENY, "--root"])
                    .arg(root);
                progress::run(&name, command.arg("cargo-deny"), None)?;
            }
        }
    }
    Ok(())
}

fn answers(command: &mut Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
