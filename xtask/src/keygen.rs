//! `cargo xtask keygen`: a new signing key for releases.
//!
//! Invariants: an existing file is never overwritten; the secret is readable by its owner only and never printed.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use sps_image::keys::{KEY_SIZE, SecretKey};

use crate::digest;
use crate::project::Project;

/// Makes a new ed25519 key pair for signing releases.
///
/// FILE gets the secret key (64 hexadecimal digits, mode 0600), FILE.pub the public key in the same form. Use the
/// secret with `build-iso --key FILE`, give the public key to whoever verifies (`sps image verify --key
/// FILE.pub`). Keep the secret outside the checkout; whoever has it can sign firmware that appliances trust.
#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// File for the secret key; must not exist
    file: PathBuf,
}

impl Keygen {
    pub(crate) fn run(self, _project: &Project) -> Result<()> {
        let mut seed = [0; KEY_SIZE];
        let mut random = File::open("/dev/urandom").context("open /dev/urandom")?;
        random.read_exact(&mut seed).context("read /dev/urandom")?;
        let public = SecretKey::from_seed(&seed).public();
        let public_file = public_name(&self.file);
        create(&self.file, 0o600, &digest::hex(&seed))?;
        create(&public_file, 0o644, &public.to_string())?;
        println!(
            "secret key  {} (keep it secret, keep a copy)",
            self.file.display()
        );
        println!("public key  {}", public_file.display());
        println!("key id      {}", public.id());
        Ok(())
    }
}

fn public_name(secret: &Path) -> PathBuf {
    let mut name = secret.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

fn create(path: &Path, mode: u32, line: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .with_context(|| format!("create {}: choose a name that does not exist", path.display()))?;
    file.write_all(format!("{line}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_pair_fits_is_private_and_never_overwritten() {
        let folder = std::env::temp_dir().join(format!("sps-keygen-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("create a folder");
        let file = folder.join("release.key");
        let project = Project::find().expect("run by cargo");
        Keygen { file: file.clone() }.run(&project).expect("a new pair");
        let secret = fs::read_to_string(&file).expect("the secret");
        let byte =
            |index: usize| u8::from_str_radix(&secret[2 * index..2 * index + 2], 16).expect("hexadecimal");
        let seed: [u8; KEY_SIZE] = std::array::from_fn(byte);
        let public = fs::read_to_string(folder.join("release.key.pub")).expect("the public key");
        assert_eq!(public.trim(), SecretKey::from_seed(&seed).public().to_string());
        assert_eq!(
            fs::metadata(&file).expect("there").permissions().mode() & 0o777,
            0o600
        );
        let error = Keygen { file: file.clone() }
            .run(&project)
            .expect_err("it exists");
        assert!(error.to_string().contains("choose a name"), "{error}");
        assert_eq!(fs::read_to_string(&file).expect("unchanged"), secret);
        fs::remove_dir_all(&folder).expect("remove the folder");
    }
}
