//! Sticks that people bring: firmware taken from one, a support bundle written to one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sps_boot_tests::{BOOT, Operator, SOON, machine};
use sps_harness::{Bus, Disk, Firmware, Machine, Testbed};
use sps_image::build::repack::Changes;
use sps_image::version::Version;

/// Bytes of the disk.
const DISK: u64 = 4 << 30;
/// Bytes of a stick, and where its partition begins.
const STICK: u64 = 192 << 20;
const PARTITION: u64 = 1 << 20;
/// A file that was on the stick before.
const LETTER: &str = "a letter to somebody\n";

/// An installed appliance.
fn installed(bed: &Testbed) -> Result<Machine> {
    let path = bed.files().join("disk");
    Firmware::built()?.install(&path, DISK, bed.files())?;
    Ok(machine().disk(Disk::new(path, Bus::Virtio)))
}

fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("run {program}"))?;
    let told = String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned();
    ensure!(output.status.success(), "{program} {arguments:?}: {told}");
    Ok(told)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// How mtools call the partition of a stick.
fn partition(stick: &Path) -> String {
    format!("{}@@{PARTITION}", stick.display())
}

/// A stick with a FAT32 partition in a master boot record, as they are sold, and a letter on it.
fn stick(bed: &Testbed, name: &str) -> Result<PathBuf> {
    let path = bed.files().join(name);
    File::create(&path)?.set_len(STICK)?;
    let script = bed.files().join("sfdisk");
    fs::write(&script, "label: dos\nstart=2048, type=c\n")?;
    let table = Command::new("/usr/sbin/sfdisk")
        .args(["-q", text(&path)])
        .stdin(File::open(script)?)
        .output()?;
    ensure!(
        table.status.success(),
        "sfdisk: {}",
        String::from_utf8_lossy(&table.stderr)
    );
    let sectors = format!("{}", (STICK - PARTITION) / 1024);
    let offset = format!("--offset={}", PARTITION / 512);
    run(
        "/usr/sbin/mkfs.vfat",
        &["-F", "32", "-n", "STICK", &offset, text(&path), &sectors],
    )?;
    let letter = bed.files().join("letter.txt");
    fs::write(&letter, LETTER)?;
    run("mcopy", &["-i", &partition(&path), text(&letter), "::letter.txt"])?;
    Ok(path)
}

/// N+1 lies as a file on a stick; the menu lists it, and it is added, activated and healthy.
#[test]
fn an_upgrade_is_taken_from_a_file_on_a_stick() -> Result<()> {
    Testbed::run("stick-upgrade", 1, |bed| {
        let firmware = Firmware::built()?;
        let old = firmware.release().version;
        let changes = Changes {
            version: Some(Version::new(old.major(), old.minor() + 1, 0)),
            ..Changes::default()
        };
        let next = firmware.repack(&changes, &bed.files().join("next.iso"))?;
        let version = next.release().version.to_string();
        let stick = stick(bed, "stick")?;
        run("mmd", &["-i", &partition(&stick), "::Firmware"])?;
        run(
            "mcopy",
            &[
                "-i",
                &partition(&stick),
                text(next.iso()),
                "::Appliance firmware.iso",
            ],
        )?;
        let strange = bed.files().join("strange");
        File::create(&strange)?.set_len(STICK)?;
        run("/usr/sbin/mke2fs", &["-q", "-t", "ext4", text(&strange)])?;

        let guest = bed.start("appliance", installed(bed)?.stick(&stick).stick(&strange))?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.choose("Firmware")?;
        guest.expect("(?m)^Choice: ", SOON)?;
        person.choose("Add firmware")?;
        let listed = person.expect(r"(?s)SOURCE(.*?)Add which firmware(.*?)Choice: ")?;
        ensure!(listed.groups[0].contains("format it as FAT32"), "{listed:?}");
        person.choose(&format!("{version}: sda1: Appliance firmware.iso (QEMU"))?;
        person.expect("Staged")?;
        guest.expect("(?m)^Choice: |go on -- ", SOON)?;
        person.type_line("0")?;
        guest.expect("(?m)^Choice: ", SOON)?;
        person.command_line()?;
        person.run_and_see("firmware add sda1:/letter.txt", "not")?;
        person.run_and_see("firmware add sda:/none.iso", "there is no file")?;
        person.run_and_see("firmware add sdb:/x.iso", "format it as FAT32")?;
        person.test_and_activate(2)?;
        let person = person.restart_into(2)?;
        person.run_and_see("status", &version).map(drop)
    })
}

/// The bundle is chosen in the menu and lies on the stick, whole; the stick's file system and its letter are as they were.
#[test]
fn a_support_bundle_is_written_to_a_stick() -> Result<()> {
    Testbed::run("stick-bundle", 1, |bed| {
        let (stick, full) = (stick(bed, "stick")?, bed.files().join("full"));
        // Large enough for a file system and nothing else.
        run("/usr/sbin/mkfs.vfat", &["-C", text(&full), "64"])?;
        let filler = bed.files().join("filler");
        fs::write(&filler, vec![b'f'; 44 * 1024])?;
        run("mcopy", &["-i", text(&full), text(&filler), "::filler"])?;
        let before = fs::read(&full)?;

        let guest = bed.start("appliance", installed(bed)?.stick(&stick).stick(&full))?;
        guest.expect("the firmware is healthy", BOOT)?;
        let person = Operator::log_in(&guest)?;
        person.choose("Support bundle")?;
        guest.expect("(?m)^Choice: ", SOON)?;
        person.choose("To a stick")?;
        guest.expect(r"(?s)which stick.*?Choice: ", SOON)?;
        person.choose("sda1: QEMU")?;
        let told = person.expect(r"(debug_info-\S+\.tar\.zst), ")?;
        let name = told.groups[1].clone();
        guest.expect("on the stick sda1", SOON)?;
        guest.expect("(?m)^Choice: |go on -- ", SOON)?;
        person.command_line()?;
        person.run_and_see("support-bundle --medium=sdb", "no room")?;
        person.run_and_see("support-bundle --medium", "several sticks")?;
        person.type_line("shutdown")?;
        // The menu, the log of actions and the firmware slots have let go of their files.
        guest.expect("unmounted /state, /boot", SOON)?;
        guest.expect("power off", SOON)?;
        ensure!(!guest.serial().said("not unmounted")?, "something was busy");
        drop(guest);

        ensure!(fs::read(&full)? == before, "the full stick was written to");
        let volume = bed.files().join("volume");
        fs::write(&volume, &fs::read(&stick)?[usize::try_from(PARTITION)?..])?;
        run("/usr/sbin/fsck.vfat", &["-n", text(&volume)])?;
        let (bundle, letter) = (bed.files().join("bundle"), bed.files().join("letter"));
        run(
            "mcopy",
            &["-i", text(&volume), &format!("::{name}"), text(&bundle)],
        )?;
        run("mcopy", &["-i", text(&volume), "::letter.txt", text(&letter)])?;
        ensure!(fs::read_to_string(letter)? == LETTER, "the letter is another");
        let list = run("tar", &["--zstd", "-tf", text(&bundle)])?;
        ensure!(list.contains("boot.log") && list.contains("slots.json"), "{list}");
        Ok(())
    })
}
