//! Every refusal, and what is no reason to refuse.

use std::path::PathBuf;

use sps_image::disk::guid::Guid;
use sps_image::disk::layout::{IMAGE_DISK, Identity, LEAST_DISK};

use super::*;
use crate::disks::Bus;

fn disk() -> Disk {
    Disk {
        name: "sda".into(),
        path: PathBuf::from("/dev/sda"),
        sys: PathBuf::from("/sys/block/sda"),
        model: "Disk".into(),
        serial: Some("S1".into()),
        wwid: None,
        bytes: 8_000_000_000,
        logical_block: 512,
        bus: Bus::Ata,
        removable: false,
        read_only: false,
        optical: false,
        in_use: None,
    }
}

fn blank() -> Survey {
    Survey {
        disk: disk(),
        content: Content::Blank,
        table: None,
        has_state: false,
    }
}

fn installed(fresh: bool, size: u64) -> Survey {
    let identity = Identity {
        disk: Guid::from_u128(7),
        ..Identity::TEMPLATE
    };
    let table = Table::new(
        &Layout::for_size(size).unwrap(),
        if fresh { &Identity::TEMPLATE } else { &identity },
    );
    Survey {
        content: Content::Appliance(ApplianceDisk {
            disk: table.disk(),
            esp: table.entry(Part::Esp).unwrap().guid,
            fresh,
            needs_mending: false,
        }),
        table: Some(table),
        has_state: !fresh,
        ..blank()
    }
}

fn refused(survey: &Survey, keep: bool) -> Refusal {
    plan(survey, &["sdz".into()], keep).unwrap_err()
}

#[test]
fn a_blank_disk_is_taken_and_confirmed_by_its_name() {
    let survey = blank();
    let plan = plan(&survey, &[], false).unwrap();
    assert_eq!(plan.mode, Mode::Fresh);
    assert_eq!(agree(&plan, &survey, &Consent::Typed(" sda\n".into())), Ok(()));
    for typed in ["", "y", "yes", "sdaa", "SDA", "/dev/sda"] {
        let refusal = agree(&plan, &survey, &Consent::Typed(typed.into())).unwrap_err();
        assert_eq!(refusal.to_string(), "to confirm, type the disk's name: sda");
    }
    assert_eq!(agree(&plan, &survey, &Consent::Order { erase: false }), Ok(()));
}

#[test]
fn what_cannot_be_a_target_is_refused_with_its_reason() {
    let with = |change: fn(&mut Survey)| {
        let mut survey = blank();
        change(&mut survey);
        refused(&survey, false).to_string()
    };
    assert!(with(|s| s.disk.name = "sdz".into()).contains("runs from"));
    assert!(with(|s| s.disk.optical = true).contains("cannot be written"));
    assert!(with(|s| s.content = Content::NoMedium).contains("cannot be written"));
    assert!(with(|s| s.content = Content::Unreadable("x".into())).contains("cannot be written"));
    assert!(with(|s| s.disk.read_only = true).contains("write-protected"));
    assert!(with(|s| s.disk.in_use = Some(Use::Mounted("/data".into()))).contains("mounted on /data"));
    assert!(with(|s| s.disk.logical_block = 4096).contains("4096"));
    assert!(with(|s| s.disk.bytes = LEAST_DISK - 512).contains("too small"));
}

#[test]
fn state_and_data_are_kept_where_they_are() {
    let survey = installed(false, 8_000_000_000);
    let kept = plan(&survey, &[], true).unwrap();
    assert_eq!(kept.mode, Mode::Keep(survey.table.unwrap()));
    // The disk grew since: its last partition is shorter than it could be.
    assert!(plan(&installed(false, IMAGE_DISK), &[], true).is_ok());
    assert!(matches!(
        refused(&installed(true, IMAGE_DISK), true),
        Refusal::NothingToKeep(_)
    ));
    assert!(matches!(refused(&blank(), true), Refusal::NothingToKeep(_)));
}

#[test]
fn a_lost_table_does_not_lose_state_and_data() {
    let mut survey = blank();
    survey.content = Content::DamagedTable;
    assert!(matches!(refused(&survey, true), Refusal::NothingToKeep(_)));
    survey.has_state = true;
    assert_eq!(plan(&survey, &[], true).unwrap().mode, Mode::KeepWithNewTable);
}

#[test]
fn an_order_erases_an_appliance_only_when_it_says_so() {
    for survey in [
        installed(false, IMAGE_DISK),
        Survey {
            content: Content::DamagedTable,
            has_state: true,
            ..blank()
        },
    ] {
        let fresh = plan(&survey, &[], false).unwrap();
        let refusal = agree(&fresh, &survey, &Consent::Order { erase: false }).unwrap_err();
        assert!(refusal.to_string().contains("`erase = true`"), "{refusal}");
        assert_eq!(agree(&fresh, &survey, &Consent::Order { erase: true }), Ok(()));
        let kept = plan(&survey, &[], true).unwrap();
        assert_eq!(agree(&kept, &survey, &Consent::Order { erase: false }), Ok(()));
    }
    let fresh = installed(true, IMAGE_DISK);
    let plan = plan(&fresh, &[], false).unwrap();
    assert_eq!(agree(&plan, &fresh, &Consent::Order { erase: false }), Ok(()));
}
