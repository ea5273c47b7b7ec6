//! `cargo xtask sbom`: the bill of materials alone.

use std::io::Write as _;

use anyhow::{Context, Result};
use clap::Args;

use crate::project::Project;
use crate::sbom;

/// Prints the software bill of materials of the firmware (CycloneDX 1.6, JSON).
///
/// The same document is inside the ISO and beside it. It lists the crates linked into the binary with licence and
/// checksum, and the shipped parts of Debian packages with the versions installed on this machine.
#[derive(Debug, Args)]
pub(crate) struct Sbom {}

impl Sbom {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let document = sbom::json(project, env!("CARGO_PKG_VERSION"))?;
        std::io::stdout()
            .write_all(&document)
            .context("write to standard output")
    }
}
