//! The one date of a build.
//!
//! Invariant: the same commit always has the same date; the clock of this machine is never asked.

use std::env;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::project::Project;

/// 1 January 2026: the date of a tree that is neither a commit nor told its date.
const FALLBACK: u64 = 1_767_225_600;

/// `SOURCE_DATE_EPOCH` (reproducible-builds.org), else the date of the commit, else a constant.
pub(super) fn find(project: &Project) -> Result<u64> {
    if let Ok(text) = env::var("SOURCE_DATE_EPOCH") {
        return text
            .parse()
            .with_context(|| format!("SOURCE_DATE_EPOCH is {text:?}, not seconds since 1970"));
    }
    Ok(commit(project)?.unwrap_or_else(|| {
        eprintln!(
            "not a git checkout: the firmware is dated 1 January 2026; set SOURCE_DATE_EPOCH for another date"
        );
        FALLBACK
    }))
}

fn commit(project: &Project) -> Result<Option<u64>> {
    // A copied tree inside another repository must not take that one's date.
    if !project.root().join(".git").exists() {
        return Ok(None);
    }
    let shell = Shell::new().context("open a shell")?;
    let root = project.root();
    let text = cmd!(shell, "git -C {root} log -1 --format=%ct").quiet().read();
    let text =
        text.context("ask git for the date of the commit; set SOURCE_DATE_EPOCH if there is no git")?;
    text.parse()
        .map(Some)
        .with_context(|| format!("git says {text:?}, not seconds since 1970"))
}
