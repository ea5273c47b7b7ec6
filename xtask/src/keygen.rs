//! `cargo xtask keygen`: a new signing key for releases or licences.
//!
//! Invariant: no file is ever overwritten; the secret is never printed.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use sps_image::keyfile;

/// Makes a new ed25519 key pair for signing releases or licences
///
/// FILE gets the secret key (readable by its owner only), FILE.pub the public key. Use the secret with
/// `build-iso --key FILE`, give the public key to whoever verifies (`sps image verify ISO --key FILE.pub`). Keep
/// the secret outside the checkout, and a copy of it: whoever has it can sign firmware that appliances trust. Licences
/// need a pair of their own: the secret for `licence --key FILE`, the public key for `build-iso --licence-key FILE.pub`.
#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// File for the secret key; must not exist
    file: PathBuf,
}

impl Keygen {
    pub(crate) fn run(self) -> Result<()> {
        let public_file = public_name(&self.file);
        ensure!(
            !public_file.exists(),
            "{} exists: choose another name",
            public_file.display()
        );
        let secret = keyfile::generate()?;
        keyfile::save_secret(&self.file, &secret)?;
        keyfile::save_public(&public_file, &secret.public())?;
        println!(
            "secret key  {} (keep it secret, keep a copy)",
            self.file.display()
        );
        println!("public key  {}", public_file.display());
        println!("key id      {}", secret.public().id());
        Ok(())
    }
}

fn public_name(secret: &Path) -> PathBuf {
    let mut name = secret.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_pair_fits_and_is_never_overwritten() {
        let folder = std::env::temp_dir().join(format!("sps-keygen-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("create a folder");
        let file = folder.join("release.key");
        Keygen { file: file.clone() }.run().expect("a new pair");
        let secret = keyfile::load_secret(&file).expect("the secret");
        let public = keyfile::load_public(&folder.join("release.key.pub")).expect("the public key");
        assert_eq!(secret.public(), public);
        let before = fs::read(&file).expect("the secret");
        fs::remove_file(folder.join("release.key.pub")).expect("only the secret is left");
        Keygen { file: file.clone() }
            .run()
            .expect_err("the secret exists");
        assert_eq!(fs::read(&file).expect("unchanged"), before);
        fs::remove_dir_all(&folder).expect("remove the folder");
    }
}
