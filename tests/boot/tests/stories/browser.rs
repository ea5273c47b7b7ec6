//! Stories told by a browser at a really booted appliance: tests/browser holds what it does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Installed};
use sps_harness::{Firmware, Testbed};
use sps_image::build::repack::Changes;
use sps_image::version::Version;
use sps_licence::{Licence, LimitType, development};
use sps_sample_store::{Recipe, TrailSize};

use crate::reorganizing::store_of;

/// Sessions that the upgraded appliance has recorded before.
const SESSIONS: u64 = 3_000;

#[test]
fn from_the_first_start_to_the_first_login() -> Result<()> {
    Testbed::run("browser-first-boot", 1, |bed| {
        let disk = Installed::fresh(bed)?;
        let guest = bed.start("appliance", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        Story::new(bed, "first-boot", guest.address(443)?)?.tell()
    })
}

/// An upgrade with nothing but a browser; then one that breaks, and the machine back with the reason.
#[test]
fn an_upgrade_and_one_that_breaks() -> Result<()> {
    Testbed::run("browser-upgrade", 1, |bed| {
        let firmware = Firmware::built()?;
        let variant = |minor, faults: &[&str]| {
            let changes = Changes {
                version: Some(Version::new(0, minor, 0)),
                faults: Some(faults.iter().map(|&fault| fault.to_owned()).collect()),
                ..Changes::default()
            };
            firmware.repack(&changes, &bed.files().join(format!("0.{minor}.0.iso")))
        };
        let licence = bed.files().join("example.licence");
        fs::write(&licence, example_licence()?)?;
        let (good, broken) = (variant(2, &[])?, variant(3, &["panic-kernel"])?);
        let old = Changes {
            data_layout: Some(1),
            ..Changes::default()
        };
        let old = firmware.repack(&old, &bed.files().join("old.iso"))?;
        let disk = Installed::of(bed, &old)?;
        let recipe = Recipe {
            layout: 1,
            sessions: SESSIONS,
            seed: 5,
            trails: TrailSize::Fixed(2000),
            damaged: true,
            firmware: old.digest()?.to_string(),
        };
        disk.with_data(|root| store_of(root, &recipe))?;
        let guest = bed.start("appliance", disk.machine())?;
        guest.expect("the firmware is healthy", BOOT)?;
        Story::new(bed, "upgrade", guest.address(443)?)?
            .with("SPS_GOOD", good.iso())
            .with("SPS_BROKEN", broken.iso())
            .with("SPS_LICENCE", &licence)
            .tell()
    })
}

/// A licence that development firmware accepts.
fn example_licence() -> Result<String> {
    let licence = Licence {
        customer: "Example Ltd.".into(),
        serial: "SPS-1".into(),
        limit_type: LimitType::Host,
        limit: 500,
        valid_from: "2026-01-01".parse()?,
        valid_until: None,
        lts: vec![0],
        features: Vec::new(),
    };
    Ok(licence.to_text(&development())?)
}

/// One program of tests/browser.
pub(crate) struct Story {
    name: &'static str,
    command: Command,
    pictures: PathBuf,
}

impl Story {
    pub(crate) fn new(bed: &Testbed, name: &'static str, appliance: std::net::SocketAddr) -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../browser");
        let libraries = libraries(&folder)?;
        let pictures = match std::env::var_os("SPS_PICTURES") {
            Some(kept) => PathBuf::from(kept),
            None => bed.files().join("pictures"),
        };
        fs::create_dir_all(&pictures)?;
        let mut command = Command::new("node");
        command
            .arg(folder.join(format!("{name}.mjs")))
            .env("SPS_BROWSER", libraries)
            .env("SPS_URL", format!("https://{appliance}"))
            .env("SPS_PICTURES", &pictures);
        Ok(Self {
            name,
            command,
            pictures,
        })
    }

    fn with(mut self, name: &str, value: &Path) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn tell(mut self) -> Result<()> {
        let output = self
            .command
            .output()
            .context("run node; `cargo xtask setup` installs it")?;
        let told = String::from_utf8_lossy(&output.stdout);
        let problem = String::from_utf8_lossy(&output.stderr);
        println!("{told}");
        ensure!(
            output.status.success(),
            "the story {} (pictures in {}): {told}{problem}",
            self.name,
            self.pictures.display()
        );
        Ok(())
    }
}

/// The libraries that `cargo xtask setup` fetched: where `cargo xtask test` says, else the newest there are.
fn libraries(folder: &Path) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("SPS_BROWSER") {
        return Ok(PathBuf::from(named));
    }
    let own = folder.join("node_modules");
    ensure!(
        own.exists(),
        "run `cargo xtask test`, or name the folder that `cargo xtask setup` made in SPS_BROWSER"
    );
    Ok(folder.to_path_buf())
}
