//! Sizes of what was built. Measures files, builds nothing but what is missing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Figure;
use crate::binary;
use crate::kernel::{self, Variant};
use crate::project::Project;
use crate::reproduce;

/// Megabytes the ISO may have: it must stay quick to upload and to hold in memory at boot.
const ISO_LIMIT: f64 = 32.0;

/// ISO, kernel and binary.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let kernel = kernel::ensure(project, Variant::Release)?;
    let binary = binary::ensure(project)?;
    let iso = reproduce::build(project)?;
    Ok(vec![
        Figure::new("ISO", megabytes(&iso)?, "MB").at_most(ISO_LIMIT),
        Figure::new("kernel", megabytes(&kernel.bzimage)?, "MB"),
        Figure::new("binary", megabytes(&binary)?, "MB"),
    ])
}

fn megabytes(path: &Path) -> Result<f64> {
    let size = fs::metadata(path)
        .with_context(|| format!("look at {}", path.display()))?
        .len();
    // Exact to 9 PB, far above any file here.
    Ok(size as f64 / 1e6)
}
