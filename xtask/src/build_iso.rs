//! `cargo xtask build-iso`: the firmware ISO, its checksum and its bill of materials.
//!
//! Invariants: nothing of this machine's clock, paths or users reaches the image; the output folder gets finished
//! files or none.

mod epoch;
mod parts;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use sps_image::build::bundle::{self, Description, Firmware};
use sps_image::build::publish;
use sps_image::hex::Sha256Digest;
use sps_image::keyfile;
use sps_image::keys::{SecretKey, Trust};
use sps_image::version::Version;

use crate::progress::Step;
use crate::project::Project;

/// What the source says of the firmware, relative to the top of the checkout.
const FIRMWARE: &str = "image/firmware.toml";

/// Builds the firmware ISO: kernel, binary, root file system, boot loader, manifest, signature
///
/// Without --key the firmware is a development build: signed with a key everyone has, marked as such in manifest,
/// boot log and boot page, and refused by appliances that run a release. Beside the ISO stand its checksum for
/// `sha256sum -c` and its software bill of materials. Dates in the image are the commit's, or SOURCE_DATE_EPOCH.
#[derive(Args, Debug)]
pub(crate) struct BuildIso {
    /// Secret key to sign a release with, made by `cargo xtask keygen`
    #[arg(long, env = "SPS_SIGNING_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Public key the release shall trust too: the one that will follow
    #[arg(long, value_name = "PUB", requires = "key")]
    next_key: Option<PathBuf>,
    /// Another version than Cargo.toml's, for tests of upgrades [development builds only]
    #[arg(long, value_name = "VERSION", conflicts_with = "key")]
    version: Option<Version>,
    /// Folder for the result [default: out/ in the checkout]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Whose firmware it becomes.
struct Identity {
    key: SecretKey,
    trust: Trust,
}

/// A finished ISO on disk.
struct Built {
    path: PathBuf,
    size: usize,
    digest: Sha256Digest,
}

impl BuildIso {
    pub(crate) fn run(self, project: &Project) -> Result<()> {
        let all = Step::quiet("build-iso");
        let identity = self.identity()?;
        let description = self.description(project)?;
        let parts = parts::collect(project, &identity.trust, &description)?;
        let built = self.assemble(project, parts, &description, &identity.key)?;
        all.done();
        println!("path     {}", built.path.display());
        println!(
            "size     {} bytes ({:.1} MB)",
            built.size,
            built.size as f64 / 1e6
        );
        println!("sha256   {}", built.digest);
        if identity.key.public().is_development() {
            println!(
                "A DEVELOPMENT build: signed with the published key {}.",
                identity.key.public().id()
            );
        }
        Ok(())
    }

    fn identity(&self) -> Result<Identity> {
        let Some(path) = &self.key else {
            let key = SecretKey::development();
            return Ok(Identity {
                trust: Trust::only(key.public()),
                key,
            });
        };
        let key = keyfile::load_secret(path).context("load the signing key")?;
        anyhow::ensure!(
            !key.public().is_development(),
            "{} is the published development key",
            path.display()
        );
        let next = self
            .next_key
            .as_deref()
            .map(keyfile::load_public)
            .transpose()
            .context("load the next key")?;
        Ok(Identity {
            trust: Trust {
                current: key.public(),
                next,
            },
            key,
        })
    }

    fn description(&self, project: &Project) -> Result<Description> {
        let path = project.root().join(FIRMWARE);
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let firmware = Firmware::from_toml(&text).with_context(|| path.display().to_string())?;
        let own: Version = env!("CARGO_PKG_VERSION")
            .parse()
            .context("read the version of Cargo.toml")?;
        let version = self.version.unwrap_or(own);
        Ok(Description {
            version,
            build_time: epoch::find(project)?,
            firmware,
            faults: Vec::new(),
        })
    }

    fn assemble(
        &self,
        project: &Project,
        parts: bundle::Parts,
        description: &Description,
        key: &SecretKey,
    ) -> Result<Built> {
        let step = Step::quiet("assembly");
        let sbom = parts.sbom.clone();
        let iso = bundle::assemble(parts, description, key).context("assemble the ISO")?;
        let digest = Sha256Digest::of(&iso);
        let name = file_name(description.version, key);
        let checksum = format!("{digest}  {name}.iso\n");
        let folder = self.out.clone().unwrap_or_else(|| project.out());
        let files: [(&str, &[u8]); 3] = [
            (&format!("{name}.cdx.json"), &sbom),
            (&format!("{name}.iso"), &iso),
            (&format!("{name}.iso.sha256"), checksum.as_bytes()),
        ];
        publish::publish(&folder, &files)?;
        step.done();
        Ok(Built {
            path: folder.join(format!("{name}.iso")),
            size: iso.len(),
            digest,
        })
    }
}

/// A development build says so in its name.
fn file_name(version: Version, key: &SecretKey) -> String {
    let mark = if key.public().is_development() { "-dev" } else { "" };
    format!("sps-{version}{mark}")
}
