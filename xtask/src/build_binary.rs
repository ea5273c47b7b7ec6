//! `cargo xtask build-binary`: the appliance binary alone.

use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use crate::binary;
use crate::digest;
use crate::project::Project;

/// Builds the appliance binary `sps`: static, position independent, reproducible.
///
/// It stands in target/appliance/x86_64-unknown-linux-gnu/release/sps, runs on any x86-64 Linux, and is the
/// administrator's command line as well as the appliance's PID 1.
#[derive(Debug, Args)]
pub(crate) struct BuildBinary {}

impl BuildBinary {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let path = binary::ensure(project)?;
        let size = fs::metadata(&path)
            .with_context(|| format!("look at {}", path.display()))?
            .len();
        println!("binary   {}", path.display());
        println!("size     {size} bytes");
        println!("sha256   {}", digest::file(&path)?);
        Ok(())
    }
}
