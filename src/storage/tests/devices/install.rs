//! Installing: judged by GRUB's and others' eyes, cut short before every step, with state and data kept.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use sps_image::boot_control::{Control, SlotNumber};
use sps_image::disk::file_extents;
use sps_image::disk::layout::{IMAGE_DISK, Identity, LEAST_DISK, Layout, Part};
use sps_image::disk::read::{self, ReadError};
use sps_image::esp;
use sps_image::names;
use sps_image::source::{Section, Source};
use sps_storage::device::BlockDevice;
use sps_storage::disks::Content;
use sps_storage::ext4::{self, Kind, Options};
use sps_storage::helper::Helpers;
use sps_storage::install::{
    Consent, Firmware, FirmwareError, InstallError, Installed, Mode, Observer, Plan, Progress, Refusal,
    STEPS, Step, agree, install, plan, survey,
};
use sps_storage::own::OwnDisk;

use crate::lab::{LoopDisk, StandIn, firmware, grub_reads, image, sgdisk_finds_no_problem, trust};

/// Watches, and stops before the step of this name.
#[derive(Default)]
struct Watch {
    stop_before: &'static str,
    steps: Vec<&'static str>,
    last: Option<Progress>,
}

impl Observer for Watch {
    fn step(&mut self, step: &Step) -> bool {
        self.steps.push(step.name);
        step.name != self.stop_before
    }

    fn progress(&mut self, progress: &Progress) {
        assert!(self.last.is_none_or(|last| last.done < progress.done));
        assert!(progress.done <= progress.total);
        self.last = Some(*progress);
    }
}

fn make_plan(disk: &LoopDisk, keep: bool) -> Result<Plan, Refusal> {
    plan(&survey(&disk.disk()), &[], keep)
}

fn run(plan: &Plan, firmware: &Firmware, watch: &mut Watch) -> Result<Installed, InstallError> {
    let scratch = tempfile::tempdir().unwrap();
    install(plan, firmware, &Helpers::default(), scratch.path(), watch)
}

fn part(disk: &LoopDisk, part: Part) -> Section<BlockDevice> {
    let extent = Layout::for_size(disk.disk().bytes).unwrap().extent(part);
    Section::new(BlockDevice::read_only(disk.path()).unwrap(), extent)
}

fn control(disk: &LoopDisk) -> Control {
    let esp = part(disk, Part::Esp);
    let place = file_extents::find(&esp, esp::control_path(sps_image::boot_control::Copy::A)).unwrap()[0];
    let mut bytes = vec![0; place.size as usize];
    esp.read_at(place.offset, &mut bytes).unwrap();
    Control::parse(&bytes).unwrap()
}

fn boot_code(disk: &LoopDisk) -> Vec<u8> {
    let mut block = vec![0; 512];
    BlockDevice::read_only(disk.path())
        .unwrap()
        .read_at(0, &mut block)
        .unwrap();
    block.truncate(440);
    block
}

fn is_installed(disk: &LoopDisk, firmware: &Firmware) {
    sgdisk_finds_no_problem(disk.path());
    for name in [names::MANIFEST, names::SIGNATURE] {
        let short = names::slot_name(name).unwrap();
        let read = grub_reads(disk.path(), &format!("(loop0,gpt3)/slots/1/{short}"));
        assert_eq!(read.as_deref(), Some(firmware.file(name).unwrap()), "{name}");
    }
    let kernel = grub_reads(disk.path(), "(loop0,gpt3)/slots/1/vmlinuz").unwrap();
    assert!(kernel == firmware.file(names::KERNEL).unwrap());
    let loader = grub_reads(disk.path(), "(loop0,gpt2)/EFI/BOOT/BOOTX64.EFI").unwrap();
    assert!(loader == esp::loader(firmware.file(names::DISK_EFI).unwrap()).unwrap());
    assert_eq!(control(disk), Control::installed(SlotNumber::FIRST));
    assert_eq!(boot_code(disk), firmware.file(names::DISK_BOOT).unwrap()[..440]);
    let core = firmware.file(names::DISK_CORE).unwrap();
    let mut found = vec![0; core.len()];
    part(disk, Part::Bios).read_at(0, &mut found).unwrap();
    assert!(found == core);
}

#[test]
fn a_blank_disk_becomes_a_fresh_appliance() {
    let (disk, firmware) = (LoopDisk::new(LEAST_DISK), firmware());
    assert_eq!(survey(&disk.disk()).content, Content::Blank);
    let mut watch = Watch::default();
    let installed = run(&make_plan(&disk, false).unwrap(), &firmware, &mut watch).unwrap();
    is_installed(&disk, &firmware);
    assert_eq!(watch.steps, STEPS.map(|step| step.name));
    let last = watch.last.unwrap();
    assert_eq!((last.done, last.percent()), (last.total, 100));
    assert!(!installed.kept && installed.bytes * 2 == last.total);
    let Content::Appliance(found) = survey(&disk.disk()).content else {
        panic!("no appliance")
    };
    assert!(found.fresh);
    // Only what has content is written.
    use std::os::unix::fs::MetadataExt;
    let written = fs::metadata(disk.image()).unwrap().blocks() * 512;
    assert!(
        written < installed.bytes + (64 << 20),
        "{written} bytes for {}",
        installed.bytes
    );
}

#[test]
fn cut_short_before_any_step_a_disk_does_not_start_and_is_installed_again() {
    let (disk, firmware) = (LoopDisk::new(LEAST_DISK), firmware());
    let plan = make_plan(&disk, false).unwrap();
    run(&plan, &firmware, &mut Watch::default()).unwrap();
    for step in &STEPS[1..] {
        let mut watch = Watch {
            stop_before: step.name,
            ..Watch::default()
        };
        let stopped = run(&plan, &firmware, &mut watch).unwrap_err();
        assert!(
            matches!(stopped, InstallError::Stopped(name) if name == step.name),
            "{stopped}"
        );
        let table = read::read(&BlockDevice::read_only(disk.path()).unwrap());
        assert!(matches!(table, Err(ReadError::Absent)), "before {}", step.name);
        assert_eq!(boot_code(&disk), [0; 440], "before {}", step.name);
    }
    run(&plan, &firmware, &mut Watch::default()).unwrap();
    is_installed(&disk, &firmware);
}

/// An installed disk that has been booted, with a file on its state.
fn lived_in(firmware: &Firmware) -> LoopDisk {
    let disk = LoopDisk::new(IMAGE_DISK);
    run(&make_plan(&disk, false).unwrap(), firmware, &mut Watch::default()).unwrap();
    let mut own = OwnDisk::take(disk.disk()).unwrap();
    crate::first_boot::do_it(&mut own, &StandIn::new());
    on_state(&disk, |folder| fs::write(folder.join("kept"), "kept").unwrap());
    disk
}

fn on_state<T>(disk: &LoopDisk, work: impl FnOnce(&std::path::Path) -> T) -> T {
    let scratch = tempfile::tempdir().unwrap();
    let device = disk.disk().partition(Part::State.number());
    let mounted = ext4::mount(&device, scratch.path(), Options::Writable).unwrap();
    let result = work(scratch.path());
    mounted.unmount().unwrap();
    result
}

fn state_is_there(disk: &LoopDisk) {
    assert_eq!(
        on_state(disk, |folder| fs::read_to_string(folder.join("kept")).unwrap()),
        "kept"
    );
}

#[test]
fn state_data_and_identity_are_kept_whenever_it_is_cut_short() {
    let firmware = firmware();
    let disk = lived_in(&firmware);
    let before = OwnDisk::take(disk.disk()).unwrap().table().clone();
    for step in STEPS.iter().skip(1) {
        let mut watch = Watch {
            stop_before: step.name,
            ..Watch::default()
        };
        run(&make_plan(&disk, true).unwrap(), &firmware, &mut watch).unwrap_err();
        assert_eq!(boot_code(&disk), [0; 440], "before {}", step.name);
        let esp = file_extents::find(&part(&disk, Part::Esp), esp::LOADER);
        assert!(esp.is_err(), "before {}", step.name);
        state_is_there(&disk);
    }
    let installed = run(&make_plan(&disk, true).unwrap(), &firmware, &mut Watch::default()).unwrap();
    assert!(installed.kept);
    is_installed(&disk, &firmware);
    state_is_there(&disk);
    assert_eq!(*OwnDisk::take(disk.disk()).unwrap().table(), before);
}

#[test]
fn a_lost_partition_table_is_made_anew_around_state_and_data() {
    let firmware = firmware();
    let disk = lived_in(&firmware);
    disk.damage(512, &[0xff; 512]);
    disk.damage(IMAGE_DISK - 512, &[0xff; 512]);
    disk.forget_partitions();
    assert_eq!(survey(&disk.disk()).content, Content::DamagedTable);
    let plan = make_plan(&disk, true).unwrap();
    assert_eq!(plan.mode, Mode::KeepWithNewTable);
    run(&plan, &firmware, &mut Watch::default()).unwrap();
    is_installed(&disk, &firmware);
    state_is_there(&disk);
    let table = OwnDisk::take(disk.disk()).unwrap().table().clone();
    assert!(!table.is_fresh() && table.disk() != Identity::TEMPLATE.disk);
}

#[test]
fn old_signatures_are_gone() {
    let (disk, firmware) = (LoopDisk::new(LEAST_DISK), firmware());
    let layout = Layout::for_size(LEAST_DISK).unwrap();
    disk.damage(32768, b"\x01CD001\x01");
    for kind in [Part::State, Part::Data] {
        disk.damage(layout.extent(kind).offset + 1024 + 0x38, &[0x53, 0xef]);
    }
    disk.damage(layout.extent(Part::Meta).end() - 4096, &[0xff; 4096]);
    run(
        &make_plan(&disk, false).unwrap(),
        &firmware,
        &mut Watch::default(),
    )
    .unwrap();
    assert!(!survey(&disk.disk()).has_state);
    let mut end = vec![9; 4096];
    let meta = part(&disk, Part::Meta);
    meta.read_at(meta.size() - 4096, &mut end).unwrap();
    assert_eq!(end, [0; 4096]);
    assert!(ext4::Superblock::read(&part(&disk, Part::Data)).is_err());
}

#[test]
fn disks_too_small_or_in_use_are_refused() {
    let small = LoopDisk::new(LEAST_DISK - 512);
    assert!(matches!(make_plan(&small, false), Err(Refusal::TooSmall { .. })));

    let disk = LoopDisk::new(LEAST_DISK);
    ext4::make(&Helpers::default(), Kind::Data, disk.path()).unwrap();
    let planned = make_plan(&disk, false).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mounted = ext4::mount(disk.path(), folder.path(), Options::Writable).unwrap();
    let refusal = make_plan(&disk, false).unwrap_err();
    assert!(matches!(&refusal, Refusal::InUse { .. }), "{refusal}");
    // A plan made before is stopped by the kernel.
    let error = run(&planned, &firmware(), &mut Watch::default()).unwrap_err();
    let told = std::error::Error::source(&error)
        .and_then(|e| e.source())
        .unwrap()
        .to_string();
    assert!(told.contains("is in use"), "{told}");
    mounted.unmount().unwrap();
    let survey = survey(&disk.disk());
    assert_eq!(survey.content, Content::FileSystem("ext2, ext3 or ext4"));
    let name = disk.disk().name;
    assert!(agree(&planned, &survey, &Consent::Typed(name)).is_ok());
}

#[test]
fn a_medium_is_asked_once() {
    /// Reads right once, then wrong.
    struct Fickle(Vec<u8>, AtomicU64);
    impl Source for Fickle {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            self.0.read_at(offset, buffer)?;
            // Beside the ISO itself only its head is read, to know how long it is.
            if self.1.fetch_add(buffer.len() as u64, Ordering::Relaxed) > self.size() {
                buffer[0] ^= 1;
            }
            Ok(())
        }
    }
    let disk = LoopDisk::new(LEAST_DISK);
    let firmware = Firmware::open(&Fickle(image(), 0.into()), &trust()).unwrap();
    run(
        &make_plan(&disk, false).unwrap(),
        &firmware,
        &mut Watch::default(),
    )
    .unwrap();
    is_installed(&disk, &firmware);
}

#[test]
fn a_medium_that_is_cut_short_is_refused_as_such() {
    let whole = image();
    for size in [whole.len() - 2048, whole.len() / 2, 40_000, 0] {
        let error = Firmware::open(&whole[..size].to_vec(), &trust()).err().unwrap();
        assert!(matches!(error, FirmwareError::Verify(_)), "{size}: {error:?}");
    }
}

#[test]
fn a_medium_with_an_absurd_size_takes_no_memory() {
    struct Endless;
    impl Source for Endless {
        fn size(&self) -> u64 {
            1 << 50
        }
        fn read_at(&self, _offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            buffer.fill(0);
            Ok(())
        }
    }
    let error = Firmware::open(&Endless, &trust()).err().unwrap().to_string();
    assert!(error.contains("more than any firmware"), "{error}");
}
