//! Every part of every flush window of an upgrade.

use std::collections::BTreeSet;
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, SOON, machine};
use sps_harness::{Bus, Disk, Firmware, Guest, PowerCuts, State, Testbed, WriteLog};

use crate::disk_rules::Judge;
use crate::scene::{DISK, at_the_command_line, comes_back, copy, next, random, seed, setting, tell};

/// Disks really booted, usually and in the long run.
const BOOTED: [usize; 2] = [3, 20];

/// First boot, add, activate, trial, commit, power off.
fn upgrade(guest: &mut Guest, version: &str) -> Result<()> {
    let person = at_the_command_line(guest)?;
    person.run_and_see("firmware add /dev/sr0", version)?;
    person.test_and_activate(2)?;
    person.type_line("reboot")?;
    guest.qmp().wait_event("RESET", SOON)?;
    guest.expect("started from slot 2", BOOT)?;
    let person = at_the_command_line(guest)?;
    person.run_and_see("firmware commit", "Committed")?;
    person.type_line("shutdown")?;
    ensure!(guest.wait_exit(SOON)?.success());
    Ok(())
}

/// Disks to be booted: copies made where the seed says.
struct Sample {
    folder: PathBuf,
    /// When the next copy is made, the last one first: in the window that starts with this request, after so many states of it.
    due: Vec<(usize, u64)>,
    copies: Vec<(State, PathBuf)>,
}

impl Sample {
    /// Two of three are drawn where a request that `matters` is in the window.
    fn new(folder: &Path, cuts: &PowerCuts<'_>, matters: &BTreeSet<usize>, seed: u64) -> Self {
        let count = BOOTED[usize::from(env::var_os("SPS_LONG").is_some())];
        let all = cuts.windows();
        let touched = all
            .iter()
            .filter(|&window| matters.range(window.clone()).next().is_some());
        let touched: Vec<_> = touched.cloned().collect();
        let drawn = (0..count as u64).map(|number| {
            let windows = if number % 3 == 0 { &all } else { &touched };
            let window = &windows[random(seed, 2 * number, windows.len() as u64) as usize];
            (
                window.start,
                random(seed, 2 * number + 1, window.len() as u64 + 1),
            )
        });
        let due: BTreeSet<_> = drawn.collect();
        Self {
            folder: folder.into(),
            due: due.into_iter().rev().collect(),
            copies: Vec::new(),
        }
    }

    fn look(&mut self, image: &Path, state: &State) -> Result<()> {
        let Some((window, skipped)) = self.due.last_mut() else {
            return Ok(());
        };
        if state.window.start == *window && *skipped > 0 {
            *skipped -= 1;
        } else if state.window.start >= *window {
            self.due.pop();
            let path = self.folder.join(format!("cut-{}", self.copies.len()));
            copy(image, &path)?;
            self.copies.push((state.clone(), path));
        }
        Ok(())
    }
}

#[test]
fn no_power_cut_during_an_upgrade_leaves_a_disk_that_does_not_boot() -> Result<()> {
    Testbed::run("power-cuts", 1, |bed| {
        let (folder, firmware, seed) = (bed.files(), Firmware::built()?, seed());
        let [disk, base, log] = ["disk", "base", "log"].map(|name| folder.join(name));
        firmware.install(&disk, DISK, folder)?;
        copy(&disk, &base)?;
        let next = next(&firmware, folder)?;
        File::create(&log).context("create the record")?;
        let recorded = Disk::new(&disk, Bus::Virtio).recorded_to(&log);
        let mut guest = bed.start("recorded", machine().disk(recorded).tray(next.iso()))?;
        upgrade(&mut guest, &next.release().version.to_string())?;
        drop(guest);

        let log = WriteLog::open(&log)?;
        let time = Duration::from_secs(setting("SPS_POWER_CUT_SECONDS", 60));
        let mut judge = Judge::new(&base, &log)?;
        let matters = judge.matters();
        let cuts = PowerCuts::new(&log, seed, time).in_whole(matters.iter().copied());
        let mut sample = Sample::new(folder, &cuts, &matters, seed);
        let begun = Instant::now();
        let report = cuts.run(&base, |state| {
            judge.look(state, &cuts.kept(state))?;
            sample.look(&base, state)
        })?;
        let took = begun.elapsed().as_secs();
        tell(&format!("{report} in {took} s; seed {seed}; {}", judge.report()))?;
        judge.saw_everything()?;
        judge.sees_damage()?;
        ensure!(!sample.copies.is_empty(), "no disk was kept to be booted");
        for (state, path) in sample.copies {
            comes_back(bed, &path).with_context(|| format!("after {state:?}, seed {seed}"))?;
            tell(&format!("booted after {state:?}"))?;
        }
        Ok(())
    })
}
