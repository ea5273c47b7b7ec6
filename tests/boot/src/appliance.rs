//! The appliance as every story sees it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sps_harness::{Firmware, Guest, Machine, Nic, Page};

/// Longest boot: it takes 4 to 8 s, and many times that when the machine is shared.
pub const BOOT: Duration = Duration::from_secs(240);
/// Longest anything else takes.
pub const SOON: Duration = Duration::from_secs(90);

/// The machine of most stories: a hardware watchdog and a card with the web ports forwarded.
#[must_use]
pub fn machine() -> Machine {
    Machine::new()
        .watchdog()
        .nic(Nic::user().forward(80).forward(443))
}

/// Waits until every service is ready, and leaves the menu that the medium then opens: while it is in front, the log
/// waits.
///
/// # Errors
/// When that does not happen within [`BOOT`].
pub fn wait_healthy(guest: &Guest) -> Result<()> {
    guest.expect("services healthy", BOOT)?;
    guest.expect("(?m)^Choice: ", SOON)?;
    guest.serial().send("0\r")
}

/// Looks at the boot page on every surface: the redirect, the page, status, JSON log and text log, and that the
/// text is the serial line's.
///
/// # Errors
/// When a surface is missing or says something else.
pub fn check_boot_page(guest: &Guest, firmware: &Firmware) -> Result<()> {
    guest
        .serial()
        .expect_anywhere("address [0-9.]+/[0-9]+ from DHCP server", SOON)?;
    let plain = guest.http()?.get("/")?;
    ensure!(
        (301..=308).contains(&plain.status),
        "port 80 answered {}",
        plain.status
    );
    ensure!(
        plain.location.starts_with("https://"),
        "port 80 leads to {:?}",
        plain.location
    );
    let web = guest.https()?;
    let page = web.get("/")?;
    let version = firmware.release().version.to_string();
    ensure!(
        page.status == 200 && page.body.contains(&version),
        "the page does not show {version}: {}",
        page.body
    );
    let status = web.json("/api/boot/status")?;
    ensure!(status["body"]["health"] == "healthy", "{status}");
    ensure!(
        status["meta"]["appliance"]["build_id"] == *firmware.release().build_id,
        "{status}"
    );
    let log = web.json("/api/boot/log?limit=500")?;
    let entries = log["items"].as_array().context("the log is a list")?;
    ensure!(
        entries
            .iter()
            .any(|entry| entry["body"]["text"] == "services healthy"),
        "{log}"
    );
    same_text(guest, &web.get("/boot/log.txt")?, entries)
}

/// Every line of the text log up to the end of the boot stands on the serial line too, in the same words; but
/// what is for developers (level `debug`) does not.
fn same_text(guest: &Guest, log: &Page, entries: &[Value]) -> Result<()> {
    ensure!(log.status == 200, "the text log answered {}", log.status);
    let serial = guest.serial().text();
    let mut shown = 0;
    for (line, entry) in log.body.lines().zip(entries) {
        let text = entry["body"]["text"].as_str().context("an entry has a text")?;
        ensure!(
            line.ends_with(text),
            "the text log says {line:?}, JSON says {text:?}"
        );
        let on_console = entry["body"]["level"] != "debug";
        ensure!(
            serial.contains(line) == on_console,
            "on the serial line or not: {line:?}"
        );
        shown += usize::from(on_console);
        if text == "services healthy" {
            break;
        }
    }
    ensure!(shown >= 5, "the log has {shown} lines:\n{}", log.body);
    Ok(())
}

/// A disc with an order for the installer, `sps-install.toml`, made in `folder`.
///
/// # Errors
/// When genisoimage cannot be run or fails.
pub fn order_disc(folder: &Path, order: &str) -> Result<PathBuf> {
    let disc = folder.with_extension("iso");
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    fs::write(folder.join("sps-install.toml"), order).context("write the order")?;
    let made = Command::new("genisoimage")
        .args(["-quiet", "-J", "-R", "-o"])
        .args([&disc, folder])
        .status()
        .context("run genisoimage")?;
    ensure!(made.success(), "genisoimage failed");
    Ok(disc)
}
