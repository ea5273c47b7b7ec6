//! When the appliance cannot start as it should: what it offers then, and how it comes back.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Installed, Operator, PASSWORD, SOON, ssh_client};
use sps_harness::{Firmware, FirmwareKind, Guest, Machine, Testbed};
use sps_image::build::repack::Changes;
use sps_image::disk::layout::Part;
use sps_image::version::Version;

/// Three starts that never become healthy, then rescue: reachable by console, SSH and browser, and left by choice.
#[test]
fn three_failed_starts_lead_to_rescue_and_back() -> Result<()> {
    Testbed::run("rescue-tries", 1, |bed| {
        let disk = Installed::used(bed)?;
        let guest = after_three_cuts(bed, &|| disk.machine())?;
        ensure!(!guest.serial().said("data is mounted")?, "data was mounted");
        by_ssh(bed, &guest)?;
        by_browser(bed, &guest)?;
        back_to_normal(&guest)
    })
}

/// The same under UEFI, where GRUB is another program and counts by the same rules.
#[test]
fn three_failed_starts_lead_to_rescue_and_back_under_uefi() -> Result<()> {
    Testbed::run("rescue-tries-uefi", 1, |bed| {
        let disk = Installed::used(bed)?;
        let guest = after_three_cuts(bed, &|| disk.machine().firmware(FirmwareKind::Uefi))?;
        back_to_normal(&guest)
    })
}

/// The start after three that lost their power, in rescue and asking for the password.
fn after_three_cuts(bed: &Testbed, machine: &dyn Fn() -> Machine) -> Result<Guest> {
    for _ in 0..3 {
        let guest = bed.start("cut", machine())?;
        guest.expect("Starting slot 1", BOOT)?;
        guest.cut_power()?;
    }
    let guest = bed.start("rescue", machine())?;
    guest.expect("Rescue mode: tries", BOOT)?;
    guest.expect("rescue mode: every installed firmware used up its starts", BOOT)?;
    guest.serial().expect_anywhere("Console password: ", BOOT)?;
    guest.https()?.get("/").context("the boot page")?;
    Ok(guest)
}

/// Leaves rescue by the menu.
fn back_to_normal(guest: &Guest) -> Result<()> {
    guest.serial().send(&format!("{PASSWORD}\r"))?;
    let person = Operator::greeted(guest)?;
    person.choose("Boot normally")?;
    guest.expect("Type yes", SOON)?;
    person.type_line("yes")?;
    guest.qmp().wait_event("RESET", SOON)?;
    guest.expect("the firmware is healthy", BOOT).map(drop)
}

/// OpenSSH's clients: a command, a support bundle, a log; no shell and no way in without the password.
fn by_ssh(bed: &Testbed, guest: &Guest) -> Result<()> {
    let port = guest.address(22)?.port();
    let status = ssh_client(bed, "ssh", port, PASSWORD)?
        .args(["admin@127.0.0.1", "status"])
        .output()?;
    ensure!(told(&status).contains("used up its starts"), "{}", told(&status));
    let shell = ssh_client(bed, "ssh", port, PASSWORD)?
        .args(["admin@127.0.0.1", "/bin/sh"])
        .output()?;
    ensure!(!shell.status.success(), "a shell was given: {}", told(&shell));
    let wrong = ssh_client(bed, "ssh", port, "not the password")?
        .args(["admin@127.0.0.1", "status"])
        .output()?;
    ensure!(wrong.status.code() == Some(255), "{}", told(&wrong));

    let bundle = bed.files().join("bundle.tar.zst");
    let made = ssh_client(bed, "ssh", port, PASSWORD)?
        .args(["admin@127.0.0.1", "support-bundle"])
        .stdout(File::create(&bundle)?)
        .output()?;
    ensure!(made.status.success(), "{}", told(&made));
    holds_the_log(&bundle)?;

    let (batch, log) = (bed.files().join("batch"), bed.files().join("this-boot.log"));
    fs::write(&batch, format!("get this-boot.log {}\n", log.display()))?;
    ssh_client(bed, "sftp", port, PASSWORD)?
        .arg("admin@127.0.0.1")
        .stdin(File::open(&batch)?)
        .output()?;
    ensure!(
        fs::read_to_string(&log)?.contains("rescue mode"),
        "the log is another"
    );
    Ok(())
}

/// The form of the boot page: the bundle for the password, an explanation for another one.
fn by_browser(bed: &Testbed, guest: &Guest) -> Result<()> {
    let page = guest.https()?.get("/")?;
    ensure!(page.body.contains("Support bundle"), "{}", page.body);
    let url = format!("https://{}/boot/support-bundle", guest.address(443)?);
    let post = |password: &str, file: &Path| {
        let mut curl = Command::new("curl");
        curl.args(["-ksS", "--max-time", "120", "-w", "%{http_code}", "-o"])
            .arg(file)
            .arg("--data-urlencode")
            .arg(format!("password={password}"))
            .arg(&url);
        curl.output()
    };
    let (refused, bundle) = (bed.files().join("refused"), bed.files().join("browser.tar.zst"));
    let answer = post("not the password", &refused)?;
    ensure!(told(&answer) == "403", "{}", told(&answer));
    let answer = post(PASSWORD, &bundle)?;
    ensure!(told(&answer) == "200", "{}", told(&answer));
    holds_the_log(&bundle)
}

/// The bundle is an archive with the boot log.
fn holds_the_log(bundle: &Path) -> Result<()> {
    let list = Command::new("tar")
        .arg("--zstd")
        .arg("-tf")
        .arg(bundle)
        .output()?;
    ensure!(told(&list).contains("boot.log"), "{}", told(&list));
    Ok(())
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Both copies of the boot control are rubbish: GRUB starts what it finds, the appliance makes them anew and starts again.
#[test]
fn a_lost_boot_control_is_made_anew() -> Result<()> {
    Testbed::run("rescue-control", 1, |bed| {
        let disk = Installed::used(bed)?;
        for name in ["sps/control-a.env", "sps/control-b.env"] {
            for place in disk.loader_file(name)? {
                disk.spoil(place)?;
            }
        }
        let guest = bed.start("damaged", disk.machine())?;
        guest.expect("Rescue mode: control", BOOT)?;
        guest.expect("the boot control was damaged and has been rebuilt", BOOT)?;
        guest.qmp().wait_event("RESET", SOON)?;
        guest.expect("Starting slot 1", BOOT)?;
        guest.expect("the firmware is healthy", BOOT).map(drop)
    })
}

/// Both copies are rubbish and the firmware in the first slot panics at once: the machine goes round the slots until one comes up.
#[test]
fn without_a_boot_control_a_panicking_kernel_is_left() -> Result<()> {
    Testbed::run("rescue-panic", 1, |bed| {
        let disk = Installed::fresh(bed)?;
        let next = repacked(bed, 1, &[])?;
        let bad = repacked(bed, 2, &["panic-kernel"])?;
        let guest = bed.start("prepared", disk.machine().tray(next.iso()).stick(bad.iso()))?;
        bad_in_slot_1(&guest)?;
        drop(guest);
        for name in ["sps/control-a.env", "sps/control-b.env"] {
            for place in disk.loader_file(name)? {
                disk.spoil(place)?;
            }
        }
        // At the full hour the first slot comes first, from the next minute on another one.
        let guest = bed.start("damaged", disk.machine().rtc("2030-03-01T12:00:00"))?;
        guest.expect("Rescue mode: control", BOOT)?;
        guest.expect("fault panic-kernel", BOOT)?;
        guest.qmp().wait_event("RESET", BOOT)?;
        guest.expect("started from slot 2", BOOT + BOOT)?;
        guest.expect("the boot control was damaged and has been rebuilt", BOOT)?;
        guest.expect("Starting slot 2", BOOT)?;
        guest.expect("the firmware is healthy", BOOT).map(drop)
    })
}

/// The built firmware as a later version, with faults.
fn repacked(bed: &Testbed, later: u32, faults: &[&str]) -> Result<Firmware> {
    let built = Firmware::built()?;
    let old = built.release().version;
    let changes = Changes {
        version: Some(Version::new(old.major(), old.minor() + later, 0)),
        faults: Some(faults.iter().map(|&fault| fault.to_owned()).collect()),
        ..Changes::default()
    };
    built.repack(&changes, &bed.files().join(format!("later-{later}.iso")))
}

/// Upgrades to the firmware in the tray, puts the one on the stick into the slot left, and switches off.
fn bad_in_slot_1(guest: &Guest) -> Result<()> {
    guest.expect("the firmware is healthy", BOOT)?;
    let person = Operator::log_in(guest)?;
    person.command_line()?;
    person.run_and_see("firmware add /dev/sr0", "Staged")?;
    person.test_and_activate(2)?;
    let person = person.restart_into(2)?;
    person.run_and_see("firmware commit", "Committed")?;
    person.run("firmware delete 1")?;
    let added = person.run_and_see("firmware add /dev/sda", "Staged")?;
    ensure!(added.lines().any(|line| line.starts_with("1 ")), "{added}");
    person.type_line("shutdown")?;
    guest.expect("power off", SOON).map(drop)
}

/// What the node keeps cannot be read: the good firmware stays, and says so, instead of restarting for ever.
#[test]
fn an_unreadable_state_leads_to_rescue() -> Result<()> {
    Testbed::run("rescue-state", 1, |bed| {
        let disk = Installed::used(bed)?;
        disk.spoil(disk.partition(Part::State)?)?;
        let guest = bed.start("damaged", disk.machine())?;
        guest.expect("rescue mode: the phase state failed", BOOT)?;
        let person = Operator::greeted(&guest)?;
        person.command_line()?;
        person.run_and_see("status", "the phase state failed")?;
        Ok(())
    })
}
