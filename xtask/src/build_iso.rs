//! `cargo xtask build-iso`: the firmware ISO, its checksum and its bill of materials.
//!
//! Invariants: nothing of this machine's clock, paths or users reaches the image; the output folder gets finished
//! files or none.

mod epoch;
mod parts;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use sps_image::build::bundle::{self, Description, Firmware};
use sps_image::build::publish;
use sps_image::hex::Sha256Digest;
use sps_image::keyfile;
use sps_image::keys::{SecretKey, Trust};
use sps_image::version::Version;
use sps_licence::Keys;

use self::parts::Trusted;
use crate::binary;
use crate::progress::Step;
use crate::project::Project;

/// Largest ISO that is built, bytes. 32 MB are wanted (`cargo xtask bench size`), and more than this nobody meant to add: half of it are the
/// processors' microcode (image/DECISION-compression.md).
const LARGEST: usize = 38_250_000;

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
    /// Public key of the licences the firmware accepts; a release needs one, a development build also accepts licences of the
    /// published development licence key
    #[arg(long, env = "SPS_LICENCE_KEY", value_name = "PUB")]
    licence_key: Option<PathBuf>,
    /// Another version than Cargo.toml's, for tests of upgrades [development builds only]
    #[arg(long, value_name = "VERSION", conflicts_with = "key")]
    version: Option<Version>,
    /// Fault to build in, such as panic-pid1-early, to see what a broken upgrade does; may be given several times [development
    /// builds only]
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    fault: Vec<String>,
    /// Folder for the result [default: out/ in the checkout]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Whose firmware it becomes.
struct Identity {
    key: SecretKey,
    trust: Trusted,
}

/// A finished ISO on disk.
struct Built {
    path: PathBuf,
    size: usize,
    digest: Sha256Digest,
}

/// Builds development firmware into `folder` and says how long the assembly alone took.
pub(crate) fn development(project: &Project, folder: &Path) -> Result<(PathBuf, Duration)> {
    let command = BuildIso {
        key: None,
        next_key: None,
        licence_key: None,
        version: None,
        fault: Vec::new(),
        out: Some(folder.to_path_buf()),
    };
    let identity = command.identity()?;
    let description = command.description(project)?;
    let parts = parts::collect(project, &identity.trust, &description)?;
    let start = Instant::now();
    let built = command.assemble(project, parts, &description, &identity.key)?;
    Ok((built.path, start.elapsed()))
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
            let trust = Trusted {
                firmware: Trust::only(key.public()),
                licences: self.licence_keys(&key)?,
            };
            return Ok(Identity { trust, key });
        };
        let key = keyfile::load_secret(path).context("load the signing key")?;
        ensure!(
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
        let firmware = Trust {
            current: key.public(),
            next,
        };
        let licences = self.licence_keys(&key)?;
        Ok(Identity {
            trust: Trusted { firmware, licences },
            key,
        })
    }

    /// The keys of licences that firmware signed with `firmware` accepts.
    fn licence_keys(&self, firmware: &SecretKey) -> Result<Keys> {
        let development = firmware.public().is_development();
        let Some(path) = &self.licence_key else {
            ensure!(
                development,
                "a release would accept no licence: name the public key of its licences with --licence-key (made by cargo xtask \
                 keygen)"
            );
            return Ok(Keys::development());
        };
        let key = keyfile::load_public(path).context("load the licence key")?;
        ensure!(
            key != firmware.public(),
            "{} is the key of the firmware: whoever makes licences must not be able to sign firmware",
            path.display()
        );
        Keys::new(Trust::only(key), development).with_context(|| path.display().to_string())
    }

    fn description(&self, project: &Project) -> Result<Description> {
        let path = project.root().join(FIRMWARE);
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let own: Version = env!("CARGO_PKG_VERSION")
            .parse()
            .context("read the version of Cargo.toml")?;
        let version = self.version.unwrap_or(own);
        let firmware = Firmware::from_toml(&text, version).with_context(|| path.display().to_string())?;
        Ok(Description {
            version,
            build_time: epoch::find(project)?,
            firmware,
            faults: self.fault.clone(),
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
        ensure!(
            iso.len() <= LARGEST || binary::is_quick(),
            "the ISO would have {} bytes, {LARGEST} are allowed",
            iso.len()
        );
        let digest = Sha256Digest::of(&iso);
        let name = file_name(description.version, key.public().is_development());
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
pub(crate) fn file_name(version: Version, development: bool) -> String {
    let mark = if development { "-dev" } else { "" };
    format!("sps-{version}{mark}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_development_build_says_so_in_its_name() {
        assert_eq!(file_name(Version::new(0, 1, 0), false), "sps-0.1.0");
        assert_eq!(file_name(Version::new(0, 1, 0), true), "sps-0.1.0-dev");
    }

    #[test]
    fn the_firmware_of_this_repository_is_described() {
        let project = Project::find().expect("run by cargo");
        let plain = BuildIso {
            key: None,
            next_key: None,
            licence_key: None,
            version: None,
            fault: Vec::new(),
            out: None,
        };
        let description = plain.description(&project).expect("a description");
        assert_eq!(description.version.to_string(), env!("CARGO_PKG_VERSION"));
        assert!(description.firmware.data_layout > 0 && !description.firmware.hardware.is_empty());
    }

    #[test]
    fn the_development_key_signs_no_release() {
        let folder = std::env::temp_dir().join(format!("sps-build-iso-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("create a folder");
        let path = folder.join("key");
        keyfile::save_secret(&path, &SecretKey::development()).expect("a key file");
        let build = BuildIso {
            key: Some(path),
            next_key: None,
            licence_key: None,
            version: None,
            fault: Vec::new(),
            out: None,
        };
        let error = build
            .identity()
            .err()
            .expect("the key is known to everyone")
            .to_string();
        assert!(error.contains("development key"), "{error}");
        fs::remove_dir_all(&folder).expect("remove the folder");
    }

    #[test]
    fn a_release_accepts_licences_of_a_key_of_their_own() {
        let folder = std::env::temp_dir().join(format!("sps-build-iso-licences-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("create a folder");
        let keep = |name: &str, key: &SecretKey| {
            let (secret, public) = (folder.join(name), folder.join(format!("{name}.pub")));
            keyfile::save_secret(&secret, key).expect("a key file");
            keyfile::save_public(&public, &key.public()).expect("a key file");
            (secret, public)
        };
        let (signing, own_public) = keep("firmware", &keyfile::generate().expect("a key"));
        let (_, licences) = keep("licences", &keyfile::generate().expect("a key"));
        let (_, published) = keep("published", &sps_licence::development());
        let build = |key: Option<&PathBuf>, licence_key: Option<&PathBuf>| BuildIso {
            key: key.cloned(),
            next_key: None,
            licence_key: licence_key.cloned(),
            version: None,
            fault: Vec::new(),
            out: None,
        };
        let release = build(Some(&signing), Some(&licences))
            .identity()
            .expect("a release");
        let named = keyfile::load_public(&licences).expect("the key");
        assert_eq!(release.trust.licences.trust().current, named);
        for wrong in [None, Some(&own_public), Some(&published)] {
            assert!(build(Some(&signing), wrong).identity().is_err(), "{wrong:?}");
        }
        for good in [None, Some(&licences), Some(&published)] {
            assert!(build(None, good).identity().is_ok(), "{good:?}");
        }
        fs::remove_dir_all(&folder).expect("remove the folder");
    }
}
