//! Fetches Debian source packages with apt, in a state folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::progress;
use crate::setup::source_index;

/// Downloads every file of `packages` (name, version) into a folder below `scratch` and returns them.
pub(super) fn fetch(packages: &[(String, String)], scratch: &Path) -> Result<Vec<PathBuf>> {
    let (state, files) = (scratch.join("apt"), scratch.join("files"));
    for folder in [
        state.join("lists/partial"),
        state.join("cache/archives/partial"),
        files.clone(),
    ] {
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let sources = state.join("sources.sources");
    fs::write(&sources, source_index()?).with_context(|| format!("write {}", sources.display()))?;
    progress::run("sources: fetch package lists", apt(&state).arg("update"), None)?;
    for (name, version) in packages {
        let mut command = apt(&state);
        command
            .args(["source", "--download-only", &format!("{name}={version}")])
            .current_dir(&files);
        progress::run(&format!("sources: fetch {name} {version}"), &mut command, None).with_context(
            || {
                format!(
                    "the mirror no longer has the source of {name} {version}: upgrade the package and rebuild"
                )
            },
        )?;
    }
    let entries = fs::read_dir(&files).with_context(|| format!("list {}", files.display()))?;
    entries
        .map(|entry| Ok(entry.with_context(|| format!("list {}", files.display()))?.path()))
        .collect()
}

fn apt(state: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let list = state.join("sources.sources");
    let settings = [
        ("Dir::Etc::sourcelist", list),
        ("Dir::Etc::sourceparts", PathBuf::from("/dev/null")),
        ("Dir::State::lists", state.join("lists")),
        ("Dir::Cache", state.join("cache")),
        ("Dir::Cache::archives", state.join("cache/archives")),
    ];
    for (name, value) in settings {
        command.arg("-o").arg(format!("{name}={}", value.display()));
    }
    // apt drops root's rights for downloads, and its own user cannot write here.
    command.args(["-o", "APT::Sandbox::User=root"]).env("LC_ALL", "C");
    command
}
