//! What GRUB does for each state of the boot control.

use std::time::Duration;

use anyhow::{Result, ensure};
use sps_harness::{Bus, Disk as Attached, FirmwareKind, Guest, Machine, Testbed};
use sps_image::boot_control::{Chosen, Control, Copy, SlotFlags, SlotNumber, Tries, choose};
use sps_image::build::menus::KERNEL_ARGUMENTS;
use sps_image::disk::layout::{Identity, Part};

use crate::disk::Disk;

/// A boot takes 2 seconds under BIOS and 5 under UEFI when the machine has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(120);

fn slot(number: u8) -> SlotNumber {
    SlotNumber::try_from(number).unwrap()
}

/// A control from `first`, `second` and the tries of slots that are valid. A slot is good unless it is on trial before `second`.
fn control(first: u8, second: u8, tries: &[(u8, u8)]) -> Control {
    let mut control = Control {
        first: SlotNumber::try_from(first).ok(),
        second: SlotNumber::try_from(second).ok(),
        ..Control::default()
    };
    for (number, tries) in tries {
        *control.slot_mut(slot(*number)) = SlotFlags {
            valid: true,
            tries: Tries::new(*tries).unwrap(),
            good: *number == second || second == 0,
        };
    }
    control
}

struct Story<'a> {
    bed: &'a Testbed,
    disk: Disk,
    firmware: FirmwareKind,
    bus: Bus,
}

impl<'a> Story<'a> {
    fn new(bed: &'a Testbed, firmware: FirmwareKind, bus: Bus) -> Result<Self> {
        let disk = Disk::new(bed.files())?;
        Ok(Self {
            bed,
            disk,
            firmware,
            bus,
        })
    }

    fn start(&self, minute: u8) -> Result<Guest> {
        let disk = Attached::new(&self.disk.path, self.bus);
        let machine = Machine::new().firmware(self.firmware).disk(disk);
        self.bed
            .start("grub", machine.rtc(&format!("2026-03-01T12:{minute:02}:00")))
    }

    /// Boots and returns what follows `sps.slot=` on the kernel's command line.
    fn boot(&self) -> Result<String> {
        self.boot_at(0)
    }

    /// The same in this minute of the clock.
    fn boot_at(&self, minute: u8) -> Result<String> {
        let guest = self.start(minute)?;
        let found = guest.expect(r"sps\.slot=([^\n]*)\n", PATIENCE)?;
        let text = guest.serial().text();
        let esp = Identity::TEMPLATE.parts[Part::Esp.index()];
        ensure!(text.contains(&format!("{KERNEL_ARGUMENTS} sps.slot=")), "{text}");
        ensure!(text.contains(&format!("sps.disk={esp}")), "{text}");
        guest.cut_power()?;
        let line = found.groups.get(1).cloned().unwrap_or_default();
        Ok(line.trim().replace(&format!(" sps.disk={esp}"), ""))
    }

    /// What the next boot would read.
    fn chosen(&self) -> Result<Chosen> {
        let [a, b] = [self.disk.read(Copy::A)?, self.disk.read(Copy::B)?];
        Ok(choose(&a, &b)?)
    }

    /// Boots with this control: the expected slot and parameters, and the expected control afterwards.
    fn expect(&self, before: &Control, line: &str, after: &Control) -> Result<()> {
        self.disk.set(before)?;
        self.expect_as_it_is(line, after)
    }

    fn expect_as_it_is(&self, line: &str, after: &Control) -> Result<()> {
        let booted = self.boot()?;
        ensure!(booted == line, "booted {booted:?}, not {line:?}");
        let chosen = self.chosen()?;
        ensure!(chosen.control.says_the_same_as(after), "{chosen:?}");
        Ok(())
    }
}

fn run(name: &str, story: impl FnOnce(&Story<'_>) -> Result<()>) {
    on(name, FirmwareKind::Bios, Bus::Virtio, story);
}

fn on(name: &str, firmware: FirmwareKind, bus: Bus, story: impl FnOnce(&Story<'_>) -> Result<()>) {
    Testbed::run(name, 1, |bed| story(&Story::new(bed, firmware, bus)?)).unwrap();
}

/// Every try is taken before the kernel is started, on both copies; when none is left it is a rescue, and nothing is taken.
fn four_boots(story: &Story<'_>) -> Result<()> {
    story.disk.set(&control(1, 0, &[(1, 3)]))?;
    for left in [2, 1, 0] {
        story.expect_as_it_is("1", &control(1, 0, &[(1, left)]))?;
        let [a, b] = [story.disk.read(Copy::A)?, story.disk.read(Copy::B)?];
        ensure!(a == b, "the copies differ after a boot with {left} tries left");
        ensure!(
            a == Control {
                lock: story.chosen()?.control.lock,
                ..control(1, 0, &[(1, left)])
            }
            .to_bytes()
        );
    }
    story.expect_as_it_is("1 sps.rescue=tries", &control(1, 0, &[(1, 0)]))
}

#[test]
fn tries_are_taken_under_bios_from_virtio() {
    on("grub-bios-virtio", FirmwareKind::Bios, Bus::Virtio, four_boots);
}

#[test]
fn tries_are_taken_under_uefi_from_ahci() {
    on("grub-uefi-ahci", FirmwareKind::Uefi, Bus::Ahci, four_boots);
}

#[test]
fn other_disks_work_too() {
    for (name, firmware, bus) in [
        ("grub-bios-ahci", FirmwareKind::Bios, Bus::Ahci),
        ("grub-bios-nvme", FirmwareKind::Bios, Bus::Nvme),
        ("grub-bios-scsi", FirmwareKind::Bios, Bus::Scsi),
        ("grub-uefi-nvme", FirmwareKind::Uefi, Bus::Nvme),
        ("grub-uefi-virtio", FirmwareKind::Uefi, Bus::Virtio),
    ] {
        on(name, firmware, bus, |story| {
            story.expect(&control(1, 0, &[(1, 3)]), "1", &control(1, 0, &[(1, 2)]))
        });
    }
}

#[test]
fn a_firmware_on_trial_boots_and_then_the_good_one() {
    run("grub-trial", |story| {
        let trial = control(2, 1, &[(2, 1), (1, 3)]);
        story.expect(&trial, "2 sps.trial=1", &control(2, 1, &[(2, 0), (1, 3)]))?;
        story.expect_as_it_is("1", &control(2, 1, &[(2, 0), (1, 2)]))
    });
}

#[test]
fn without_tries_the_good_one_is_rescued_first() {
    run("grub-no-tries", |story| {
        let none = control(2, 1, &[(2, 0), (1, 0)]);
        story.expect(&none, "1 sps.rescue=tries", &none)?;
        let invalid = control(2, 1, &[(2, 0)]);
        story.expect(&invalid, "2 sps.rescue=tries", &invalid)?;
        let nothing = control(0, 0, &[]);
        story.expect(&nothing, "1 sps.rescue=tries", &nothing)
    });
}

#[test]
fn a_slot_that_does_not_load_is_passed_over() {
    run("grub-unreadable", |story| {
        // Slot 3 has no kernel, slot 4 nothing at all; the try is taken before that is known.
        for broken in [3, 4] {
            let before = control(broken, 1, &[(broken, 3), (1, 3)]);
            story.expect(&before, "1", &control(broken, 1, &[(broken, 2), (1, 2)]))?;
        }
        let before = control(3, 2, &[(3, 3), (2, 0)]);
        let after = control(3, 2, &[(3, 2), (2, 0)]);
        story.expect(&before, "2 sps.rescue=unreadable", &after)
    });
}

#[test]
fn one_bad_copy_is_made_good_by_the_other() {
    run("grub-one-bad", |story| {
        for (copy, at) in [(Copy::A, 30), (Copy::B, 30)] {
            story.disk.set(&control(1, 0, &[(1, 3)]))?;
            // The value of `head`: a write that was cut short.
            let mut bytes = story.disk.read(copy)?;
            bytes[at] = b'c';
            ensure!(Control::parse(&bytes).is_err(), "not damaged");
            story.disk.write(copy, &bytes)?;
            story.expect_as_it_is("1", &control(1, 0, &[(1, 2)]))?;
            let [a, b] = [story.disk.read(Copy::A)?, story.disk.read(Copy::B)?];
            ensure!(a == b, "copy {copy} was not mended");
        }
        // A copy that is no environment block is left alone; the other one counts.
        for copy in Copy::BOTH {
            story.disk.set(&control(1, 0, &[(1, 3)]))?;
            story.disk.write(copy, &[0; 1024])?;
            story.expect_as_it_is("1", &control(1, 0, &[(1, 2)]))?;
        }
        Ok(())
    });
}

#[test]
fn two_bad_copies_are_a_rescue() {
    run("grub-both-bad", |story| {
        for bytes in [[0; 1024], [b'#'; 1024]] {
            Copy::BOTH
                .into_iter()
                .try_for_each(|copy| story.disk.write(copy, &bytes))?;
            ensure!(story.boot()? == "1 sps.rescue=control");
            ensure!(story.disk.read(Copy::A)? == bytes, "GRUB wrote to a bad control");
        }
        // Every variable counts: each is made illegal in its turn.
        let good = control(2, 1, &[(2, 3), (1, 3)]).to_bytes();
        let lines = good.iter().take_while(|byte| **byte != 0).enumerate();
        let values: Vec<usize> = lines
            .filter(|(_, byte)| **byte == b'=')
            .map(|(at, _)| at + 1)
            .collect();
        ensure!(values.len() == 17, "{} variables", values.len());
        for at in [values[1], values[3], values[5], values[16]] {
            let mut bytes = good;
            bytes[at] = b'7';
            Copy::BOTH
                .into_iter()
                .try_for_each(|copy| story.disk.write(copy, &bytes))?;
            ensure!(story.boot()? == "1 sps.rescue=control", "byte {at}");
        }
        Ok(())
    });
}

/// Slots 1 and 2 have a kernel that loads, 3 and 4 have none. The rules are those of `sps_firmware_engine::grub::order`.
fn every_minute_begins_with_another_slot(story: &Story<'_>) -> Result<()> {
    Copy::BOTH
        .into_iter()
        .try_for_each(|copy| story.disk.write(copy, &[0xa5; 1024]))?;
    for (minute, slot) in [(1, 2), (2, 1), (10, 2), (12, 1), (45, 2), (59, 1)] {
        let booted = story.boot_at(minute)?;
        ensure!(
            booted == format!("{slot} sps.rescue=control"),
            "minute {minute}: {booted:?}"
        );
    }
    Ok(())
}

#[test]
fn with_two_bad_copies_the_clock_chooses_under_bios() {
    run("grub-clock-bios", every_minute_begins_with_another_slot);
}

#[test]
fn with_two_bad_copies_the_clock_chooses_under_uefi() {
    on(
        "grub-clock-uefi",
        FirmwareKind::Uefi,
        Bus::Virtio,
        every_minute_begins_with_another_slot,
    );
}

#[test]
fn a_disk_without_firmware_says_so_and_restarts() {
    run("grub-nothing", |story| {
        story.disk.erase_slots()?;
        let machine = Machine::new()
            .no_reboot()
            .disk(Attached::new(&story.disk.path, story.bus));
        let mut guest = story.bed.start("grub", machine)?;
        guest.expect("No firmware can be read from this disk", PATIENCE)?;
        guest.wait_exit(PATIENCE)?;
        Ok(())
    });
}

#[test]
fn rescue_can_be_chosen_and_takes_no_try() {
    run("grub-menu", |story| {
        let trial = control(2, 1, &[(2, 3), (1, 3)]);
        story.disk.set(&trial)?;
        let guest = story.start(0)?;
        show_menu(&guest)?;
        // Control-N is the next entry.
        guest.serial().send("\x0e\r")?;
        let found = guest.expect(r"sps\.slot=([^\n]*)\n", PATIENCE)?;
        guest.cut_power()?;
        let line = found.groups.get(1).cloned().unwrap_or_default();
        ensure!(
            line.starts_with("1 ") && line.trim().ends_with(" sps.rescue=menu"),
            "{line}"
        );
        ensure!(story.chosen()?.control == trial, "a try was taken");
        Ok(())
    });
}

/// The countdown is hidden and one second long; escape shows the menu. It waits behind the serial port until GRUB has set that up,
/// which loses the byte before it; a second escape would ask for a password that nobody has.
fn show_menu(guest: &Guest) -> Result<()> {
    guest.serial().send("x\x1b")?;
    guest.expect("GNU GRUB(?s).*Rescue mode", PATIENCE)?;
    Ok(())
}
