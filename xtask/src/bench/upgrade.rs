//! How long people wait for a new firmware: from the reset until its login page answers, beside the same with the firmware that
//! runs already.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sps_harness::{Bus, Disk, Firmware, Guest, Machine, Nic, Testbed};
use sps_image::build::repack::Changes;
use sps_image::version::Version;

use super::Figure;
use super::boot::{BOOT, median};
use crate::project::Project;
use crate::reproduce;

/// Reset to login page of the new firmware, as a multiple of the same without an upgrade.
const RATIO: f64 = 1.3;
/// Restarts of each kind; the median counts.
const ROUNDS: usize = 5;
/// Bytes of the disk.
const DISK: u64 = 4_000_000_000;
/// Longest wait for one look at the page: it bounds how exact the figure is.
const LOOK: &str = "0.4";
/// Password of the appliance under test.
const PASSWORD: &str = "correct horse battery staple";

/// Restarts, plain and into another slot.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let iso = reproduce::build(project)?;
    let firmware = Firmware::open(&iso)?;
    let (mut plain, mut upgraded) = (Vec::new(), Vec::new());
    Testbed::run("bench-upgrade", 1, |bed| {
        let changes = Changes {
            version: Some(Version::new(0, 2, 0)),
            ..Changes::default()
        };
        let next = firmware.repack(&changes, &bed.files().join("next.iso"))?;
        let disk = bed.files().join("disk.img");
        firmware.install(&disk, DISK, bed.files())?;
        let machine = Machine::new()
            .watchdog()
            .nic(Nic::user().forward(443))
            .disk(Disk::new(&disk, Bus::Virtio));
        let guest = bed.start("appliance", machine)?;
        guest.expect("the firmware is healthy", BOOT)?;
        let appliance = Appliance::set_up(&guest, bed.files())?;
        appliance.upload(next.iso())?;
        let mut slot = 2;
        for _ in 0..ROUNDS {
            let before = appliance.restart(&guest)?;
            appliance.choose(slot)?;
            let after = appliance.restart(&guest)?;
            eprintln!("slot {}: {before:.1} s, then slot {slot}: {after:.1} s", 3 - slot);
            plain.push(before);
            upgraded.push(after);
            // Back the same way in the next round.
            slot = 3 - slot;
        }
        Ok(())
    })?;
    let figure = Figure::new("reset to login page, other firmware", median(upgraded), "s");
    Ok(vec![figure.against(median(plain)).ratio_at_most(RATIO)])
}

/// An appliance that is talked to by REST.
struct Appliance {
    url: String,
    jar: String,
}

impl Appliance {
    fn set_up(guest: &Guest, folder: &Path) -> Result<Self> {
        let appliance = Self {
            url: format!("https://{}", guest.address(443)?),
            jar: folder.join("jar").display().to_string(),
        };
        let form = serde_json::json!({
            "administration": { "admin_password": PASSWORD },
            "network": { "host_name": "gate-01" },
        });
        appliance.call(&["-X", "POST", "-d", &form.to_string()], "/api/setup")?;
        let user = format!("admin:{PASSWORD}");
        appliance.call(&["-c", &appliance.jar, "-u", &user], "/api/authentication")?;
        Ok(appliance)
    }

    fn upload(&self, iso: &Path) -> Result<()> {
        let file = format!("@{}", iso.display());
        let kind = "content-type: application/x-iso9660-image";
        self.call(
            &["-b", &self.jar, "-H", kind, "--data-binary", &file],
            "/api/upload/firmware",
        )
        .map(drop)
    }

    /// Tests a slot and lets it boot next.
    fn choose(&self, slot: u8) -> Result<()> {
        let order = format!(r#"{{"slot_id": "{slot}"}}"#);
        self.call(&["-b", &self.jar, "-d", &order], "/api/firmware/test")?;
        self.call(&["-b", &self.jar, "-d", &order], "/api/firmware/upgrade")
            .map(drop)
    }

    fn call(&self, arguments: &[&str], path: &str) -> Result<Value> {
        let output = Command::new("curl")
            .args(["-sk", "--max-time", "300"])
            .args(arguments)
            .arg(format!("{}{path}", self.url))
            .output()
            .context("start curl")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let answer: Value =
            serde_json::from_str(&text).with_context(|| format!("{path} answered {text:?}"))?;
        if let Some(error) = answer.get("error") {
            bail!("{path}: {error}");
        }
        Ok(answer)
    }

    /// Seconds from a reset until the login page answers; the firmware is healthy and counts as good when this returns.
    fn restart(&self, guest: &Guest) -> Result<f64> {
        let begun = Instant::now();
        guest.reset()?;
        while !self.shows_login()? {
            ensure!(begun.elapsed() < BOOT, "no login page after {} s", BOOT.as_secs());
        }
        let took = begun.elapsed();
        guest.expect("the firmware is healthy", BOOT)?;
        Ok(took.as_secs_f64())
    }

    fn shows_login(&self) -> Result<bool> {
        let looked = Instant::now();
        let output = Command::new("curl")
            .args(["-sk", "--max-time", LOOK, "-o", "/dev/null", "-w", "%{http_code}"])
            .arg(format!("{}/login", self.url))
            .output()
            .context("start curl")?;
        // A port that refuses at once would make this spin.
        if looked.elapsed() < Duration::from_millis(20) {
            std::thread::yield_now();
        }
        Ok(output.stdout == b"200")
    }
}
