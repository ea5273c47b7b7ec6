//! An appliance on a test disk: what GRUB starts, opened by this crate.

use std::ops::ControlFlow;
use std::time::Duration;

use sps_firmware::{
    Added, Evidence, Firmware, FirmwareError, Settings, SlotView, Started, Steps, TestRecord,
};
use sps_firmware_engine::grub::Menu;
use sps_firmware_engine::{Rescue, SlotState};
use sps_image::boot_control::{Control, SlotNumber};
use sps_image::manifest::Manifest;
use sps_image::version::Version;
use sps_image::{iso9660, names};

use crate::disk::{Disk, Mounted};
use crate::{forge, grub};

/// Time on trial in tests.
pub(crate) const PERIOD: Duration = Duration::from_secs(3600);

pub(crate) fn slot(number: u8) -> SlotNumber {
    SlotNumber::try_from(number).unwrap()
}

/// A disk with version 1.1.0 in slot 1, committed, as the installer leaves it.
pub(crate) fn installed() -> Disk {
    let disk = Disk::new(24, 256, &Control::installed(SlotNumber::FIRST));
    let mounted = disk.mount();
    let folder = mounted.path().join("slots/1");
    std::fs::create_dir(&folder).unwrap();
    let image = forge::image();
    for (name, extent) in iso9660::read(image).unwrap().files {
        if let Some(name) = name.strip_prefix("firmware/") {
            let content = &image[extent.offset as usize..extent.end() as usize];
            std::fs::write(folder.join(name), content).unwrap();
        }
    }
    drop(mounted);
    disk
}

/// A running firmware.
pub(crate) struct Appliance {
    pub(crate) firmware: Firmware,
    pub(crate) slot: SlotNumber,
    pub(crate) rescue: Option<Rescue>,
    /// Unmounted last.
    pub(crate) mounted: Mounted,
}

/// Opens the slots of a mounted disk as the firmware that runs from `slot`.
pub(crate) fn open(
    disk: &Disk,
    mounted: &Mounted,
    slot: SlotNumber,
    rescue: Option<Rescue>,
    steps: &Steps,
) -> Result<Firmware, FirmwareError> {
    let manifest = std::fs::read(mounted.path().join(format!("slots/{slot}/manifest.json")));
    let manifest = manifest.ok().and_then(|text| Manifest::from_json(&text).ok());
    let settings = Settings {
        boot: mounted.path().to_owned(),
        state: Some(disk.state()),
        running: Some(slot),
        rescue,
        version: manifest.map_or(Version::new(1, 1, 0), |manifest| manifest.version),
        trust: forge::trust(),
        boot_id: "test".to_owned(),
    };
    Firmware::open(settings, Box::new(disk.store()), steps)
}

/// Lets GRUB start the disk, and opens it.
pub(crate) fn boot(disk: &Disk) -> Appliance {
    boot_watched(disk, Menu::Normal, &Steps::default())
}

pub(crate) fn boot_watched(disk: &Disk, menu: Menu, steps: &Steps) -> Appliance {
    let (slot, rescue) = grub::start(disk, menu);
    let mounted = disk.mount();
    let firmware = open(disk, &mounted, slot, rescue, steps).unwrap();
    Appliance {
        firmware,
        slot,
        rescue,
        mounted,
    }
}

impl Appliance {
    pub(crate) fn begin(&self) -> Started {
        self.begin_after(slot(2), "the end of the log")
    }

    /// Begins, the last log on disk being of `whose`.
    pub(crate) fn begin_after(&self, whose: SlotNumber, log: &str) -> Started {
        let evidence = Evidence {
            now: 1_700_000_100,
            log: Some((whose, log.to_owned())),
            kernel: "Kernel panic".to_owned(),
        };
        self.firmware.boot_started(&evidence).unwrap()
    }

    /// Begins and gets healthy.
    pub(crate) fn up(self) -> Self {
        self.begin();
        self.firmware.phase("services", 1_700_000_200).unwrap();
        self.firmware.healthy(Duration::from_secs(60)).unwrap();
        self
    }

    pub(crate) fn states(&self) -> Vec<SlotState> {
        self.list().into_iter().map(|slot| slot.state).collect()
    }

    pub(crate) fn list(&self) -> Vec<SlotView> {
        self.firmware.list().unwrap()
    }
}

/// Adds without watching.
pub(crate) fn add(firmware: &Firmware, image: &[u8]) -> Result<Added, FirmwareError> {
    firmware.add(&image.to_vec(), &mut |_| ControlFlow::Continue(()))
}

/// Revision of the configuration in tests.
pub(crate) const REVISION: u64 = 7;

/// A Test that passed, of the firmware in a slot.
pub(crate) fn passed(firmware: &Firmware, slot: SlotNumber) -> Option<TestRecord> {
    let found = firmware
        .list()
        .unwrap()
        .into_iter()
        .find(|view| view.slot == slot);
    let found = found?;
    Some(TestRecord {
        digest: found.digest?,
        version: found.version?,
        running: firmware.running()?.digest,
        revision: REVISION,
        passed: true,
        at: 1_700_000_000,
        report: "{}".to_owned(),
    })
}

/// Activates after a Test that passed.
pub(crate) fn activate(firmware: &Firmware, slot: SlotNumber) -> Result<(), FirmwareError> {
    if let Some(test) = passed(firmware, slot) {
        firmware.keep_test(test)?;
    }
    firmware.activate(slot, REVISION)
}

/// The slots hold the names of the files of a firmware and nothing else.
pub(crate) fn names_in(mounted: &Mounted, number: u8) -> Vec<String> {
    let folder = mounted.path().join(format!("slots/{number}"));
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    found
}

/// What a staged slot holds.
pub(crate) fn expected_names() -> Vec<String> {
    let required = names::REQUIRED.iter().copied();
    let all = required.chain([names::MICROCODE, names::MANIFEST, names::SIGNATURE]);
    let mut expected: Vec<String> = all
        .filter_map(|name| name.strip_prefix("firmware/").map(str::to_owned))
        .collect();
    expected.sort();
    expected
}
