//! Power cuts: every change is stopped before each of its steps, the disk is copied as it is at that moment, still
//! mounted, and judged: by GRUB's reader on the copy, and by this crate after mounting it.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sps_firmware::{Evidence, Firmware, FirmwareError, Steps};
use sps_firmware_engine::SlotState;
use sps_firmware_engine::grub::Menu;
use sps_image::boot_control::{Control, SlotNumber};
use sps_image::manifest::Manifest;

use crate::appliance::{activate, add, boot, installed, names_in, open, slot};
use crate::disk::{Disk, copy_of};
use crate::{forge, grub};

/// Steps of a change at the most; the longest, adding, has some forty.
const MOST_STEPS: usize = 200;

/// Stops at one step, copying the disk, and at every one after it.
struct Cutter {
    left: usize,
    folder: std::path::PathBuf,
    copy: Option<Disk>,
    at: String,
}

fn cutting(disk: &Disk, after: usize) -> (Steps, Arc<Mutex<Cutter>>) {
    let cutter = Arc::new(Mutex::new(Cutter {
        left: after,
        folder: disk.path(),
        copy: None,
        at: String::new(),
    }));
    let inside = Arc::clone(&cutter);
    let steps = Steps::watched(move |step| {
        let mut cutter = inside.lock().unwrap();
        if cutter.left > 0 {
            cutter.left -= 1;
            return Ok(());
        }
        if cutter.copy.is_none() {
            cutter.at = format!("{step:?}");
            cutter.copy = Some(copy_of(&cutter.folder));
        }
        Err(io::Error::other("the power is gone"))
    });
    (steps, cutter)
}

/// Runs `change` on copies of `base`, as the firmware that runs from `running`, cut before every step. Returns how
/// many cuts there were.
fn cut_everywhere(
    base: &Disk,
    running: SlotNumber,
    change: impl Fn(&Firmware) -> Result<(), FirmwareError>,
) -> usize {
    for after in 0..MOST_STEPS {
        let disk = base.copy();
        let mounted = disk.mount();
        let (steps, cutter) = cutting(&disk, after);
        let firmware = open(&disk, &mounted, running, None, &steps).unwrap();
        let result = change(&firmware);
        let mut cutter = cutter.lock().unwrap();
        let Some(cut) = cutter.copy.take() else {
            result.unwrap();
            return after;
        };
        judge(&cut, &format!("cut before {}", cutter.at));
    }
    panic!("more than {MOST_STEPS} steps")
}

/// The slot rules, as GRUB sees them and as the next start does.
fn judge(cut: &Disk, story: &str) {
    let boot_image = cut.boot();
    let copies = cut.copies();
    for copy in &copies {
        let control = Control::parse(copy).unwrap_or_else(|error| panic!("{story}: {error}"));
        for named in [control.first, control.second].into_iter().flatten() {
            assert!(
                grub::is_whole(&boot_image, named),
                "{story}: GRUB does not see slot {named}, which is named"
            );
        }
        let good = [control.first, control.second].into_iter().flatten();
        let good = good.filter(|named| control.slot(*named).good && control.slot(*named).valid);
        assert!(good.count() > 0, "{story}: no good slot is named");
    }
    let (started, rescue) = grub::start(cut, Menu::Normal);
    assert_eq!(rescue, None, "{story}: rescue mode");
    let mounted = cut.mount();
    let firmware = open(cut, &mounted, started, None, &Steps::default()).unwrap();
    let outcome = firmware.boot_started(&Evidence::default()).unwrap();
    assert!(outcome.problems.is_empty(), "{story}: {:?}", outcome.problems);
    firmware.healthy(Duration::from_secs(1)).unwrap();
    for view in firmware.list().unwrap() {
        let folder = mounted.path().join(format!("slots/{}", view.slot));
        match view.state {
            SlotState::Empty => {
                let names = names_in(&mounted, view.slot.get());
                assert!(names.is_empty(), "{story}: slot {} holds {names:?}", view.slot);
            }
            _ => assert!(is_whole(&folder), "{story}: slot {} is not whole", view.slot),
        }
        assert_ne!(view.state, SlotState::Writing, "{story}");
        assert_eq!(
            view.current, view.after_reboot,
            "{story}: current and after reboot do not agree"
        );
    }
}

/// Whether every file is what the manifest says, by reading it.
fn is_whole(folder: &Path) -> bool {
    let manifest = Manifest::from_json(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    manifest
        .payloads
        .iter()
        .all(|payload| match payload.name.strip_prefix("firmware/") {
            Some(name) => {
                let content = std::fs::read(folder.join(name)).unwrap();
                sps_image::hex::Sha256Digest::of(&content) == payload.sha256
            }
            None => true,
        })
}

/// 1.1.0 committed in slot 1, 1.2.0 staged in slot 2.
fn staged() -> Disk {
    let disk = installed();
    let appliance = boot(&disk).up();
    add(&appliance.firmware, &forge::version(2)).unwrap();
    drop(appliance);
    disk
}

/// The same with 1.2.0 activated.
fn activated() -> Disk {
    let disk = staged();
    let appliance = boot(&disk).up();
    activate(&appliance.firmware, slot(2)).unwrap();
    drop(appliance);
    disk
}

/// 1.2.0 runs from slot 2 and is healthy.
fn healthy() -> Disk {
    let disk = activated();
    drop(boot(&disk).up());
    disk
}

/// In one go, so that what GRUB is told to start was never unmounted since it was written.
#[test]
fn adding_and_activating() {
    let image = forge::version(3);
    let cuts = cut_everywhere(&staged(), slot(1), |firmware| {
        let added = add(firmware, &image)?;
        activate(firmware, added.slot)
    });
    println!("add and activate: {cuts} power cuts");
    assert!(cuts > 35);
}

#[test]
fn adding_over_an_older_firmware() {
    let disk = staged();
    let appliance = boot(&disk).up();
    for minor in [3, 4] {
        add(&appliance.firmware, &forge::version(minor)).unwrap();
    }
    drop(appliance);
    let image = forge::version(5);
    let cuts = cut_everywhere(&disk, slot(1), |firmware| add(firmware, &image).map(|_| ()));
    println!("add over an older one: {cuts} power cuts");
    assert!(cuts > 40);
}

#[test]
fn activating_and_deleting() {
    let disk = staged();
    let cuts = cut_everywhere(&disk, slot(1), |firmware| activate(firmware, slot(2)));
    println!("activate: {cuts} power cuts");
    assert!(cuts >= 3);
    let cuts = cut_everywhere(&disk, slot(1), |firmware| firmware.delete(slot(2)));
    println!("delete: {cuts} power cuts");
    assert!(cuts >= 10);
}

#[test]
fn becoming_healthy_committing_and_going_back() {
    let disk = activated();
    assert_eq!(grub::start(&disk, Menu::Normal).0, slot(2));
    let cuts = cut_everywhere(&disk, slot(2), |firmware| {
        firmware.phase("services", 1)?;
        firmware.healthy(Duration::from_secs(1))
    });
    println!("phase and healthy: {cuts} power cuts");
    assert!(cuts >= 5);
    let disk = healthy();
    let cuts = cut_everywhere(&disk, slot(2), Firmware::commit);
    println!("commit: {cuts} power cuts");
    let back = cut_everywhere(&disk, slot(2), Firmware::rollback);
    println!("rollback by choice: {back} power cuts");
    assert!(cuts >= 2 && back >= 3);
}

#[test]
fn rolling_back_by_itself() {
    let disk = activated();
    for _ in 0..3 {
        assert_eq!(grub::start(&disk, Menu::Normal), (slot(2), None));
    }
    assert_eq!(grub::start(&disk, Menu::Normal), (slot(1), None));
    let cuts = cut_everywhere(&disk, slot(1), |firmware| {
        firmware.boot_started(&Evidence::default()).map(|_| ())
    });
    println!("rollback: {cuts} power cuts");
    assert!(cuts >= 8);
}
