//! `cargo xtask build-kernel`: the appliance kernel, from the cache or built now.

use anyhow::Result;
use clap::Args;

use crate::digest;
use crate::kernel::{self, Lockfile, Variant};
use crate::project::Project;

/// Builds the kernel from Debian's source and the fragments of kernel-config/.
///
/// The result is cached outside the checkout (SPS_CACHE, XDG_CACHE_HOME/sps or ~/.cache/sps) by a hash of the
/// source, the fragments, the compiler and the recipe; when nothing of that changed this takes a moment,
/// otherwise about 16 minutes of processor time. It fails when an option asked for is not in the final
/// configuration, naming the option, its fragment and line, and what it depends on.
#[derive(Debug, Args)]
pub(crate) struct BuildKernel {
    /// Which kernel: release is what ships, test adds fault-injection targets
    #[arg(long, value_enum, default_value_t = Variant::Release)]
    variant: Variant,
    /// Refuse a source other than the one kernel-config/kernel.lock names (the default warns)
    #[arg(long)]
    locked: bool,
    /// Only resolve and check the configuration (half a minute), do not build
    #[arg(long, conflicts_with = "verify_reproducible")]
    check_config: bool,
    /// Build once more in another folder and compare byte by byte with the cached kernel
    #[arg(long)]
    verify_reproducible: bool,
}

impl BuildKernel {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let lockfile = if self.locked {
            Lockfile::Enforce
        } else {
            Lockfile::Warn
        };
        if self.check_config {
            return kernel::check_config(project, self.variant, lockfile);
        }
        if self.verify_reproducible {
            return kernel::verify_reproducible(project, self.variant, lockfile);
        }
        let kernel = kernel::ensure_with(project, self.variant, lockfile)?;
        println!(
            "kernel   {} (Debian source {})",
            kernel.version, kernel.source_version
        );
        println!("image    {}", kernel.bzimage.display());
        println!("config   {}", kernel.config.display());
        println!("sha256   {}", digest::file(&kernel.bzimage)?);
        Ok(())
    }
}
