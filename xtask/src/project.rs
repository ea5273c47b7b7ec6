//! Where things are: the checkout, what it builds, and the cache outside it.
//!
//! Invariant: nothing is written inside the checkout but `target/` and `out/`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folders every command works with.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    root: PathBuf,
    cache: PathBuf,
}

impl Project {
    /// Finds the checkout this xtask was built from and the cache folder: `SPS_CACHE`, else
    /// `XDG_CACHE_HOME/sps`, else `~/.cache/sps`.
    pub(crate) fn find() -> Result<Self> {
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask …`")?;
        let root = Path::new(&manifest_dir)
            .parent()
            .context("the xtask folder has no parent")?
            .to_path_buf();
        let cache = match (
            env::var_os("SPS_CACHE"),
            env::var_os("XDG_CACHE_HOME"),
            env::var_os("HOME"),
        ) {
            (Some(own), _, _) => PathBuf::from(own),
            (None, Some(xdg), _) => Path::new(&xdg).join("sps"),
            (None, None, Some(home)) => Path::new(&home).join(".cache/sps"),
            (None, None, None) => anyhow::bail!("no place for the cache: set SPS_CACHE or HOME"),
        };
        Ok(Self { root, cache })
    }

    /// The top of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What people take away: ISO, checksum, SBOM.
    pub(crate) fn out(&self) -> PathBuf {
        self.root.join("out")
    }

    /// Kernels and downloads by content hash; safe to delete, shared by checkouts.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }
}
