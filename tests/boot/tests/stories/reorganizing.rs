//! An upgrade that brings another layout of the data store: through power cuts, back when it fails, and back by choice with
//! what was recorded meanwhile.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Installed, Operator, SOON, power_off};
use sps_harness::{Firmware, Guest, Testbed};
use sps_image::build::repack::Changes;
use sps_image::version::Version;
use sps_sample_store::{Recipe, TrailSize, make};

/// Sessions of the store that is upgraded.
const SESSIONS: u64 = 20_000;
/// Of a store that is only to be brought over.
const FEW: u64 = 200;

/// An appliance that works on the first layout and has recorded sessions, and a firmware of the last.
struct Scene {
    disk: Installed,
    next: Firmware,
}

impl Scene {
    fn new(bed: &Testbed, sessions: u64, faults: &[&str]) -> Result<Self> {
        let built = Firmware::built()?;
        let old = Changes {
            data_layout: Some(1),
            ..Changes::default()
        };
        let old = built.repack(&old, &bed.files().join("old.iso"))?;
        let version = old.release().version;
        let next = Changes {
            version: Some(Version::new(version.major(), version.minor() + 1, 0)),
            faults: Some(faults.iter().map(|&fault| fault.to_owned()).collect()),
            ..Changes::default()
        };
        let next = built.repack(&next, &bed.files().join("next.iso"))?;
        let disk = Installed::of(bed, &old)?;
        disk.with_data(|root| fill(root, sessions, &old))?;
        Ok(Self { disk, next })
    }

    fn start(&self, bed: &Testbed, name: &str) -> Result<Guest> {
        bed.start(name, self.disk.machine().tray(self.next.iso()))
    }

    /// Adds, tests and activates the next firmware, and reboots.
    fn upgrade(&self, guest: &Guest, sessions: u64) -> Result<()> {
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(guest)?;
        person.command_line()?;
        person.run_and_see("sessions list --limit 3", &format!("3 of {sessions} sessions"))?;
        person.run_and_see("firmware add /dev/sr0", &self.next.release().version.to_string())?;
        person.test_and_activate(2)?;
        person.type_line("reboot")?;
        guest.qmp().wait_event("RESET", SOON).map(drop)
    }
}

/// Fills `data` as years of work would.
fn fill(root: &Path, sessions: u64, firmware: &Firmware) -> Result<()> {
    let recipe = Recipe {
        layout: 1,
        sessions,
        seed: 5,
        trails: TrailSize::Fixed(2000),
        damaged: true,
        firmware: firmware.digest()?.to_string(),
    };
    store_of(root, &recipe)
}

/// Makes `data` this store.
pub(crate) fn store_of(root: &Path, recipe: &Recipe) -> Result<()> {
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        if path.file_name() != Some("lost+found".as_ref()) {
            let gone = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            gone.with_context(|| format!("remove {}", path.display()))?;
        }
    }
    make(root, recipe, |_| {}).map(drop)
}

/// Writes over a page in the middle of the session database.
fn damage(root: &Path) -> Result<()> {
    let trees = std::fs::read_dir(root)?.collect::<std::io::Result<Vec<_>>>()?;
    let files = trees.iter().map(|tree| tree.path().join("sessions/sessions.db"));
    let file = files.into_iter().find(|file| file.exists());
    let file = file.context("a session database")?;
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xff);
    std::fs::write(&file, &bytes).context("damage the session database")
}

/// Waits until every earlier session is in the session database; the log is not shown while somebody is at the command line.
fn imported(person: &Operator<'_>) -> Result<()> {
    let until = Instant::now() + BOOT * 2;
    loop {
        let shown = person.run("store show")?;
        if shown.contains(&format!("all imported: {SESSIONS} of {SESSIONS}")) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "not all sessions are imported: {shown}");
    }
}

#[test]
fn power_cuts_in_the_middle_and_then_everything_is_there() -> Result<()> {
    Testbed::run("reorganization-cut", 1, |bed| {
        let scene = Scene::new(bed, SESSIONS, &[])?;
        let guest = scene.start(bed, "before")?;
        scene.upgrade(&guest, SESSIONS)?;
        guest.expect("started from slot 2", BOOT)?;
        guest.expect("Reorganizing the data store: audit trails", BOOT)?;
        drop(guest);
        for cut in ["index files", "closed logs"] {
            let guest = scene.start(bed, &format!("cut-{}", &cut[..5]))?;
            guest.expect("started from slot 2", BOOT)?;
            guest.expect(&format!("Reorganizing the data store: {cut}"), BOOT)?;
            drop(guest);
        }
        let guest = scene.start(bed, "after")?;
        guest.expect("started from slot 2", BOOT)?;
        guest.expect("the data store was reorganized", BOOT)?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        person.run_and_see("sessions list --limit 3", &format!("3 of {SESSIONS} sessions"))?;
        let shown = person.run("store show")?;
        ensure!(
            shown.contains("5 (since 7.0)") && shown.contains("layout-1.1"),
            "{shown}"
        );
        person.run_and_see("store import pause", "rests")?;
        let shown = person.run("store show")?;
        ensure!(
            shown.contains("paused") || shown.contains("all imported"),
            "{shown}"
        );
        person.run_and_see("store import resume", "goes on")?;
        imported(&person)
    })
}

#[test]
fn a_firmware_that_crashes_after_its_first_session_leaves_it_to_the_one_before() -> Result<()> {
    Testbed::run("reorganization-back", 1, |bed| {
        let scene = Scene::new(bed, FEW, &["record-session", "crash-after-session"])?;
        let guest = scene.start(bed, "appliance")?;
        scene.upgrade(&guest, FEW)?;
        guest.expect("fault record-session: the session (\\S+) is kept", BOOT)?;
        guest.expect("started from slot 1", BOOT * 3)?;
        guest.expect("sessions of other firmware were taken over", BOOT)?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        let listed = person.run("sessions list --limit 5")?;
        ensure!(listed.contains("fault.example.com"), "{listed}");
        person.run_and_see("store show", "1 (since 5.0)")?;
        person.type_line("exit")?;
        power_off(guest)
    })
}

#[test]
fn going_back_by_choice_loses_no_session() -> Result<()> {
    Testbed::run("reorganization-choice", 1, |bed| {
        let scene = Scene::new(bed, FEW, &["record-session"])?;
        let guest = scene.start(bed, "appliance")?;
        scene.upgrade(&guest, FEW)?;
        guest.expect("fault record-session: the session (\\S+) is kept", BOOT)?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        person.run_and_see("sessions list", &format!("of {} sessions", FEW + 1))?;
        person.run("firmware rollback")?;
        let person = person.restart_into(1)?;
        let listed = person.run("sessions list --limit 5")?;
        ensure!(
            listed.contains("fault.example.com") && listed.contains(&format!("of {} sessions", FEW + 1)),
            "{listed}"
        );
        Ok(())
    })
}

#[test]
fn a_damaged_session_database_keeps_nobody_from_working_and_is_read_anew() -> Result<()> {
    Testbed::run("reorganization-damage", 1, |bed| {
        let built = Firmware::built()?;
        let disk = Installed::of(bed, &built)?;
        let recipe = Recipe {
            layout: 4,
            sessions: FEW,
            seed: 5,
            trails: TrailSize::Fixed(2000),
            damaged: false,
            firmware: "01".repeat(32),
        };
        disk.with_data(|root| store_of(root, &recipe))?;
        let guest = bed.start("before", disk.machine())?;
        guest.expect("the data store was reorganized", BOOT)?;
        guest.expect("services healthy", BOOT)?;
        guest.expect("all earlier sessions are imported", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        person.run_and_see(
            "store check",
            &format!("{FEW} sessions and {FEW} audit trails are in order"),
        )?;
        person.run_and_see("sessions search --limit 3", &format!("3 of {FEW} sessions"))?;
        person.type_line("exit")?;
        power_off(guest)?;
        disk.with_data(damage)?;
        let guest = bed.start("after", disk.machine())?;
        guest.expect("the session database was damaged and put aside as damaged-", BOOT)?;
        guest.expect("services healthy", BOOT)?;
        guest.expect("all sessions of a damaged database are imported", BOOT)?;
        guest.expect("all earlier sessions are imported", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.command_line()?;
        person.run_and_see("sessions search --limit 3", &format!("3 of {FEW} sessions"))?;
        person.run_and_see("status", "put aside as damaged-")?;
        person.type_line("exit")?;
        power_off(guest)
    })
}
