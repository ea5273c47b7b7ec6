//! The first boot: stopped after every step, done again, and what the disk is afterwards.

use std::collections::BTreeSet;

use sps_image::disk::layout::{IMAGE_DISK, Identity, LEAST_DISK, Part};
use sps_image::source::Source;
use sps_storage::data::Data;
use sps_storage::device::BlockDevice;
use sps_storage::ext4::{self, Ext4Error, Superblock};
use sps_storage::first_boot::{FirstBoot, FirstBootError, STEPS, first_boot};
use sps_storage::helper::Helpers;
use sps_storage::install::{Observer, Progress, Step, install, plan, survey};
use sps_storage::own::OwnDisk;

use crate::lab::{LoopDisk, StandIn, firmware, grub_reads, sgdisk_finds_no_problem};

struct Quiet;

impl Observer for Quiet {
    fn step(&mut self, _step: &Step) -> bool {
        true
    }
    fn progress(&mut self, _progress: &Progress) {}
}

fn installed(bytes: u64) -> LoopDisk {
    let disk = LoopDisk::new(bytes);
    let plan = plan(&survey(&disk.disk()), &[], false).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    install(
        &plan,
        &firmware(),
        &Helpers::default(),
        scratch.path(),
        &mut Quiet,
    )
    .unwrap();
    disk
}

fn attempt(own: &mut OwnDisk, stand_in: &StandIn, stop_before: Option<&str>) -> Result<(), FirstBootError> {
    let (scratch, helpers) = (tempfile::tempdir().unwrap(), stand_in.helpers());
    let drbd = stand_in.drbd(own);
    let mut work = FirstBoot {
        own,
        drbd: &drbd,
        helpers: &helpers,
        scratch: scratch.path(),
    };
    first_boot(&mut work, |step| Some(step.name) != stop_before)
}

/// The whole first boot, for other tests.
pub(crate) fn do_it(own: &mut OwnDisk, stand_in: &StandIn) {
    attempt(own, stand_in, None).unwrap();
    assert!(!own.is_fresh());
}

fn uuid(own: &OwnDisk, part: Part) -> [u8; 16] {
    let device = BlockDevice::read_only(&own.partition(part)).unwrap();
    Superblock::read(&device).unwrap().uuid
}

#[test]
fn stopped_after_every_step_it_is_done_again() {
    let disk = installed(LEAST_DISK);
    let before = uuid(&OwnDisk::take(disk.disk()).unwrap(), Part::Boot);
    for step in &STEPS {
        let mut own = OwnDisk::take(disk.disk()).unwrap();
        let stopped = attempt(&mut own, &StandIn::new(), Some(step.name)).unwrap_err();
        assert!(matches!(stopped, FirstBootError::Stopped(name) if name == step.name));
        assert!(
            OwnDisk::take(disk.disk()).unwrap().is_fresh(),
            "before {}",
            step.name
        );
    }
    let mut own = OwnDisk::take(disk.disk()).unwrap();
    do_it(&mut own, &StandIn::new());
    sgdisk_finds_no_problem(disk.path());
    assert!(grub_reads(disk.path(), "(loop0,gpt3)/slots/1/manifest.sig").is_some());

    let own = OwnDisk::take(disk.disk()).unwrap();
    let ids: BTreeSet<_> = own.table().entries().map(|(_, entry)| entry.guid).collect();
    assert_eq!(ids.len(), Part::ALL.len());
    assert!(Identity::TEMPLATE.parts.iter().all(|guid| !ids.contains(guid)));
    assert_ne!(uuid(&own, Part::Boot), before);
    assert_ne!(uuid(&own, Part::State), uuid(&own, Part::Data));
}

#[test]
fn a_disk_that_has_booted_is_left_alone() {
    let disk = installed(LEAST_DISK);
    let mut own = OwnDisk::take(disk.disk()).unwrap();
    do_it(&mut own, &StandIn::new());
    let (table, state) = (own.table().clone(), uuid(&own, Part::State));
    let again = StandIn::new();
    attempt(&mut own, &again, None).unwrap();
    assert_eq!((own.table(), uuid(&own, Part::State)), (&table, state));
    assert!(again.commands().is_empty());
}

#[test]
fn force_is_used_at_the_creation_and_never_after() {
    let disk = installed(LEAST_DISK);
    let (mut own, stand_in) = (OwnDisk::take(disk.disk()).unwrap(), StandIn::new());
    do_it(&mut own, &stand_in);
    let made = stand_in.commands();
    let (data, meta) = (own.partition(Part::Data), own.partition(Part::Meta));
    let attach = format!(
        "attach 0 {} {} flexible --on-io-error=pass_on",
        data.display(),
        meta.display()
    );
    let expected = [
        "new-resource data",
        "new-minor data 0 0",
        &attach,
        "primary 0 --force",
        "secondary 0",
        "down data",
    ];
    assert_eq!(made, expected);

    let folder = tempfile::tempdir().unwrap();
    let data = Data::start(&stand_in.helpers(), &stand_in.drbd(&own), folder.path()).unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    data.stop().unwrap();
    let ran = stand_in.commands().split_off(made.len());
    assert_eq!(ran[3..], ["primary 0", "secondary 0", "down data"]);
}

#[test]
fn data_that_is_not_up_to_date_is_not_used() {
    let disk = installed(LEAST_DISK);
    let mut own = OwnDisk::take(disk.disk()).unwrap();
    do_it(&mut own, &StandIn::new());
    // A DRBD that has never heard of a primary.
    let other = StandIn::new();
    let folder = tempfile::tempdir().unwrap();
    let started = Data::start(&other.helpers(), &other.drbd(&own), folder.path());
    let error = started
        .err()
        .map(|error| std::error::Error::source(&error).unwrap().to_string());
    assert!(error.unwrap().contains("not up to date"));
    assert_eq!(other.commands().last().map(String::as_str), Some("down data"));
}

/// Whether this process has CAP_SYS_RESOURCE, bit 24 (capabilities(7)).
fn may_resize() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:\t"))
        .unwrap();
    u64::from_str_radix(effective, 16).unwrap() & 1 << 24 != 0
}

#[test]
fn a_larger_disk_is_used_at_the_next_boot() {
    let disk = installed(IMAGE_DISK);
    let stand_in = StandIn::new();
    let mut own = OwnDisk::take(disk.disk()).unwrap();
    do_it(&mut own, &stand_in);
    let folder = tempfile::tempdir().unwrap();
    let data = Data::start(&stand_in.helpers(), &stand_in.drbd(&own), folder.path()).unwrap();
    std::fs::write(folder.path().join("file"), "kept").unwrap();
    data.stop().unwrap();
    let identity = own.table().disk();
    drop(own);

    disk.grow(IMAGE_DISK + (2 << 30));
    let own = OwnDisk::take(disk.disk()).unwrap();
    assert_eq!(own.table().disk(), identity);
    sgdisk_finds_no_problem(disk.path());
    let room = BlockDevice::read_only(&own.partition(Part::Data)).unwrap().size();
    assert!(room > 4 << 30, "{room}");
    let data = Data::start(&stand_in.helpers(), &stand_in.drbd(&own), folder.path()).unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("file")).unwrap(),
        "kept"
    );
    data.stop().unwrap();
    let device = BlockDevice::read_only(&own.partition(Part::Data)).unwrap();
    let grown = Superblock::read(&device).unwrap().size > room - (1 << 20);
    // A container may withhold the capability that growing a mounted ext4 takes; data is then used as it is.
    assert_eq!(grown, may_resize());
}

#[test]
fn a_file_system_that_is_gone_is_told_and_not_made_anew() {
    let disk = LoopDisk::new(64 << 20);
    let error = ext4::check(&StandIn::new().helpers(), disk.path()).unwrap_err();
    assert!(matches!(error, Ext4Error::Lost { .. }), "{error}");
    let device = BlockDevice::read_only(disk.path()).unwrap();
    assert!(Superblock::read(&device).is_err());
}
