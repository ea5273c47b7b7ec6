//! Every part of every flush window of an installation: a disk starts or it does not, and one that starts is whole.

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, machine, order_disc};
use sps_harness::{Bus, Disk, Firmware, PowerCuts, State, Testbed, WriteLog};
use sps_image::disk::file_extents;
use sps_image::disk::layout::{Layout, Part};
use sps_image::disk::read;
use sps_image::source::{FileSource, Section, Source};
use sps_image::{esp, names};

use crate::disk_rules::{Judge, touches};
use crate::scene::{DISK, comes_back, copy, seed, setting, tell};

/// Bytes of the boot code in the first block.
const BOOT_CODE: usize = 440;
/// Type of the partition in the first block that stands for the whole disk.
const PROTECTIVE: u8 = 0xee;
/// Bytes at the beginning of the EFI system partition without which it is no volume.
const HEAD: u64 = 64 * 1024;

/// What makes a disk start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Starts {
    Nowhere,
    UnderUefi,
    UnderBoth,
}

/// Whether a BIOS or UEFI would find something to start, as they look for it.
fn starts(disk: &FileSource) -> Result<Starts> {
    let mut block = [0; 512];
    disk.read_at(0, &mut block)?;
    let code = block[..BOOT_CODE].iter().any(|byte| *byte != 0);
    // Without this record neither UEFI nor GRUB takes the partition table for one (UEFI specification, 5.2.3).
    let protective = block[450] == PROTECTIVE && block[510..] == [0x55, 0xaa];
    let found = match read::read(disk) {
        Ok(found) if protective => found,
        _ => {
            ensure!(!code, "a BIOS would start a disk without partitions");
            return Ok(Starts::Nowhere);
        }
    };
    let place = found.table.entry(Part::Esp)?.extent();
    if file_extents::find(&Section::new(disk, place), esp::LOADER).is_err() {
        // Under BIOS GRUB says that its configuration is not there.
        return Ok(Starts::Nowhere);
    }
    Ok(if code {
        Starts::UnderBoth
    } else {
        Starts::UnderUefi
    })
}

/// Whether both boot loaders are the firmware's.
fn loaders_are_whole(disk: &FileSource, core: &[u8], loader: &[u8]) -> Result<()> {
    let table = read::read(disk)?.table;
    let mut found = vec![0; core.len()];
    disk.read_at(table.entry(Part::Bios)?.extent().offset, &mut found)?;
    ensure!(found == core, "the BIOS boot loader is not the firmware's");
    let place = table.entry(Part::Esp)?.extent();
    let volume = Section::new(disk, place);
    let mut found = Vec::new();
    for extent in file_extents::find(&volume, esp::LOADER)? {
        let start = found.len();
        found.resize(start + usize::try_from(extent.size)?, 0);
        volume.read_at(extent.offset, &mut found[start..])?;
    }
    ensure!(found == loader, "the UEFI boot loader is not the firmware's");
    Ok(())
}

/// Records an installation by `order` on `disk`; `base` keeps what was there before.
fn record(bed: &Testbed, firmware: &Firmware, order: &str, disk: &Path) -> Result<WriteLog> {
    let log = bed.files().join("log");
    File::create(&log).context("create the record")?;
    let order = order_disc(&bed.files().join("order"), order)?;
    let recorded = Disk::new(disk, Bus::Virtio).recorded_to(&log);
    let medium = machine().cd(firmware.iso()).tray(order).disk(recorded);
    let mut guest = bed.start("recorded", medium)?;
    guest.expect("installing on vda without a person", BOOT)?;
    ensure!(guest.wait_exit(BOOT)?.success());
    drop(guest);
    WriteLog::open(&log)
}

/// The requests that decide whether the disk starts.
fn deciding(log: &WriteLog, layout: &Layout) -> BTreeSet<usize> {
    let esp = layout.extent(Part::Esp).offset;
    let places: [Range<u64>; 3] = [
        0..layout.extent(Part::Bios).offset,
        esp..esp + HEAD,
        layout.extent(Part::Data).end()..DISK,
    ];
    let entries = log.entries();
    let decides = |number: &usize| places.iter().any(|place| touches(&entries[*number], place));
    (0..entries.len()).filter(decides).collect()
}

/// Cuts through the record; the disk must have started in the ways of `wanted`.
fn cut(firmware: &Firmware, base: &Path, log: &WriteLog, wanted: &[Starts]) -> Result<()> {
    let core = firmware.payload(names::DISK_CORE)?;
    let loader = esp::loader(&firmware.payload(names::DISK_EFI)?)?;
    let (seed, time) = (
        seed(),
        Duration::from_secs(setting("SPS_POWER_CUT_SECONDS", 60) / 8),
    );
    let cuts = PowerCuts::new(log, seed, time).in_whole(deciding(log, &Layout::for_size(DISK)?));
    let mut judge = Judge::new(base, log)?;
    let (mut seen, mut whole, begun) = (BTreeSet::new(), 0, Instant::now());
    let report = cuts.run(base, |state: &State| {
        let disk = FileSource::new(File::open(base).context("open the disk")?)?;
        let starts = starts(&disk)?;
        seen.insert(starts);
        if starts != Starts::Nowhere {
            whole += 1;
            loaders_are_whole(&disk, &core, &loader)?;
            judge.look(state, &cuts.kept(state))?;
        }

        Ok(())
    })?;
    let took = begun.elapsed().as_secs();
    tell(&format!(
        "installation: {report} in {took} s, {whole} of them start; seed {seed}; {}",
        judge.report()
    ))?;
    ensure!(seen.iter().copied().eq(wanted.iter().copied()), "seen: {seen:?}");
    judge.sees_damage()
}

#[test]
fn no_power_cut_during_an_installation_leaves_a_disk_that_only_seems_installed() -> Result<()> {
    Testbed::run("power-cuts-install", 1, |bed| {
        let (folder, firmware) = (bed.files(), Firmware::built()?);
        let [disk, base] = ["disk", "base"].map(|name| folder.join(name));
        Disk::blank(&disk, DISK, Bus::Virtio)?;
        copy(&disk, &base)?;
        let order = "after = \"poweroff\"\n[disk]\nonly = true\n";
        let log = record(bed, &firmware, order, &disk)?;
        cut(&firmware, &base, &log, &[Starts::Nowhere, Starts::UnderBoth])?;
        comes_back(bed, &base)
    })
}

#[test]
fn no_power_cut_during_a_new_installation_touches_what_is_kept() -> Result<()> {
    Testbed::run("power-cuts-keep", 1, |bed| {
        let (folder, firmware) = (bed.files(), Firmware::built()?);
        let [disk, base] = ["disk", "base"].map(|name| folder.join(name));
        firmware.install(&disk, DISK, folder)?;
        comes_back(bed, &disk)?;
        copy(&disk, &base)?;
        let order = "keep = true\nafter = \"poweroff\"\n[disk]\nonly = true\n";
        let log = record(bed, &firmware, order, &disk)?;
        let layout = Layout::for_size(DISK)?;
        let kept = layout.extent(Part::State).offset..layout.extent(Part::Data).end();
        let strayed = log.entries().iter().find(|entry| touches(entry, &kept));
        ensure!(strayed.is_none(), "written to what is kept: {strayed:?}");
        cut(
            &firmware,
            &base,
            &log,
            &[Starts::Nowhere, Starts::UnderUefi, Starts::UnderBoth],
        )?;
        comes_back(bed, &base)
    })
}
