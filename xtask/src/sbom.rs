//! The software bill of materials of the firmware: CycloneDX 1.6 in JSON.
//!
//! Invariants: only what is in the image is listed: crates linked into `sps` (no build, test or macro crates), the
//! parts of Debian packages, and scripts of others; the text has no clock and no randomness in it, so it is the same in every build.

mod assets;
mod crates;
mod cyclonedx;
mod debian;

use anyhow::Result;

use crate::project::Project;

/// One part of the firmware.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Component {
    /// CycloneDX component type: `library`, `operating-system`, `firmware` or `application`.
    kind: &'static str,
    name: String,
    version: String,
    /// What it is in the image, in a few words.
    description: Option<String>,
    /// SPDX expression.
    licence: Option<String>,
    /// Package URL (ECMA-427).
    purl: String,
    /// SHA-256 of the package the registry serves, in hexadecimal.
    sha256: Option<String>,
}

/// The bill of materials as it stands in the image and beside it. `version` is the firmware's.
pub(crate) fn json(project: &Project, version: &str) -> Result<Vec<u8>> {
    cyclonedx::document(version, &collect(project)?)
}

fn collect(project: &Project) -> Result<Vec<Component>> {
    let mut components = crates::linked(project)?;
    components.push(crates::standard_library()?);
    components.push(assets::player());
    components.extend(debian::shipped()?);
    components.sort();
    Ok(components)
}
