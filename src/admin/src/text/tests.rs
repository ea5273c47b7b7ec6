//! What people read, as snapshots, and that nothing can garble a terminal.

use std::collections::BTreeMap;

use super::*;
use crate::firmware::{FailedFirmware, FirmwareSource, Medium, Slot, SlotState, Slots};
use crate::install::{Disk, DiskContent, InstallPlan, InstallStep};
use crate::network::{InterfaceStatus, NetworkStatus};
use crate::progress::Progress;
use crate::response::Response;
use crate::status::{FirmwareIdentity, Health, Mode, Rollback, ServiceState, ServiceStatus, Status};
use crate::support::BundleWritten;
use sps_config::{Interface, Ipv4, Network};

/// What every text is tried with: a terminal's escape, a line feed, no ASCII.
const EVIL: &str = "\x1b[2J\r\nÜ\u{9b}";

fn a_slot(number: u8, state: SlotState, version: Option<&str>) -> Slot {
    Slot {
        number,
        state,
        version: version.map(Into::into),
        channel: version.map(|_| "feature".into()),
        digest: version.map(|_| "d18da63cb5c8421d8f18d1df5e883a9e628de1a0".into()),
        bytes: if version.is_some() { 13_000_000 } else { 0 },
        current: number == 1,
        after_reboot: number == 2,
        test: None,
    }
}

fn the_slots(reason: &str) -> Slots {
    Slots {
        slots: vec![
            a_slot(1, SlotState::Committed, Some("7.0.3")),
            a_slot(2, SlotState::Trying { tries_left: 3 }, Some("7.1.0")),
            a_slot(
                3,
                SlotState::Failed {
                    reason: reason.into(),
                },
                Some("7.2.0"),
            ),
            a_slot(4, SlotState::Empty, None),
        ],
        failed: vec![FailedFirmware {
            digest: "0123456789abcdef".into(),
            version: "7.2.0".into(),
            reason: reason.into(),
        }],
        commit_at: Some(1_700_000_000),
        ssh_upload: true,
    }
}

fn an_interface(name: &str, carrier: bool, text: &str) -> InterfaceStatus {
    InterfaceStatus {
        name: name.into(),
        mac: "52:54:00:12:34:56".into(),
        driver: Some("virtio_net".into()),
        carrier,
        speed: carrier.then_some(1000),
        addresses: if carrier {
            vec!["192.0.2.5/24 (dhcp)".into(), "fe80::1/64 (link-local)".into()]
        } else {
            vec![]
        },
        gateway: carrier.then(|| [192, 0, 2, 1].into()),
        dns: vec![],
        problem: (!carrier).then(|| text.into()),
    }
}

fn a_status(mode: Mode, text: &str) -> Status {
    Status {
        mode,
        host_name: "sps1".into(),
        firmware: FirmwareIdentity {
            product: "Safeguard appliance".into(),
            version: "7.0.3".into(),
            channel: "lts".into(),
            build: "0a1b2c3".into(),
            development: true,
        },
        slot: (mode != Mode::Live).then_some(1),
        after_reboot: (mode != Mode::Live).then_some(2),
        after_reboot_version: Some("7.1.0".into()),
        health: Health::Degraded,
        sealed: true,
        uptime: 90_061,
        time: 1_700_000_000,
        time_synchronized: true,
        services: vec![
            ServiceStatus {
                name: "network".into(),
                state: ServiceState::Healthy,
                detail: String::new(),
            },
            ServiceStatus {
                name: "time".into(),
                state: ServiceState::Restarting,
                detail: text.into(),
            },
        ],
        interfaces: vec![
            an_interface("eth0", true, text),
            an_interface("eth1", false, text),
        ],
        rescue: (mode == Mode::Rescue).then(|| text.into()),
        rollback: Some(Rollback {
            version: "7.2.0".into(),
            phase: Some("services".into()),
            reason: text.into(),
            time: 1_699_999_000,
            log: vec![
                "[   12.345] services  ERROR: network: no card".into(),
                text.into(),
            ],
            kernel: vec!["Kernel panic - not syncing: Attempted to kill init!".into()],
        }),
        problems: vec![text.into()],
    }
}

fn the_disks(text: &str) -> Vec<Disk> {
    let disk = |name: &str, content, refused: Option<&str>| Disk {
        name: name.into(),
        model: format!("QEMU HARDDISK {text}"),
        serial: None,
        bytes: 8_589_934_592,
        content,
        refused: refused.map(Into::into),
    };
    let appliance = DiskContent::Appliance {
        host_name: Some("sps1".into()),
        version: Some("7.0.3".into()),
        can_keep: true,
    };
    vec![
        disk("sda", DiskContent::Blank, None),
        disk("sdb", appliance, None),
        disk(
            "sdc",
            DiskContent::Other {
                summary: "3 partitions: ntfs, ntfs, vfat".into(),
            },
            Some("smaller than 3 GB"),
        ),
    ]
}

fn the_network(text: &str) -> NetworkStatus {
    let fixed = Ipv4::Static {
        address: "192.0.2.5/24".parse().unwrap(),
        gateway: Some([192, 0, 2, 1].into()),
    };
    NetworkStatus {
        settings: Network {
            interfaces: BTreeMap::from([
                ("eth0".into(), Interface { ipv4: fixed }),
                ("eth7".into(), Interface { ipv4: Ipv4::Off }),
            ]),
            ..Network::default()
        },
        interfaces: vec![
            an_interface("eth0", true, text),
            an_interface("eth1", false, text),
        ],
    }
}

fn every_response(text: &str) -> Vec<Response> {
    let plan = InstallPlan {
        disk: the_disks(text).remove(1),
        keep_data: true,
        version: "7.0.3".into(),
        steps: vec![
            InstallStep {
                what: format!("write the boot partitions {text}"),
                destroys: true,
            },
            InstallStep {
                what: "keep state and data".into(),
                destroys: false,
            },
        ],
    };
    let medium = Medium {
        source: FirmwareSource::OnMedium {
            device: "sdb1".into(),
            path: "/sps-7.1.0.iso".into(),
        },
        title: text.into(),
        version: Some("7.1.0".into()),
        bytes: 26_000_000,
        problem: None,
    };
    vec![
        Response::Slots(the_slots(text)),
        Response::Slot(a_slot(2, SlotState::Staged, Some("7.1.0"))),
        Response::Network(the_network(text)),
        Response::Disks(the_disks(text)),
        Response::Plan(plan),
        Response::Media(vec![medium]),
        Response::Media(Vec::new()),
        Response::Done { note: text.into() },
        Response::Bundle(BundleWritten {
            name: "debug_info-sps1202311142213.tar.zst".into(),
            bytes: 1_234_567,
            places: vec!["sdb1: /debug_info-sps1202311142213.tar.zst".into()],
            missing: vec![format!("boot/last-rollback.json: {text}")],
        }),
    ]
}

#[test]
fn responses_read_well() {
    let texts: Vec<_> = every_response("no link: check the cable")
        .iter()
        .map(response)
        .collect();
    insta::assert_snapshot!(texts.join("-----\n"));
}

#[test]
fn the_status_says_what_failed() {
    let text = "services not healthy within 300 s: network failed 4 times in a row, the last time because no card answers";
    insta::assert_snapshot!("status_installed", status(&a_status(Mode::Installed, text)));
    insta::assert_snapshot!("status_rescue", status(&a_status(Mode::Rescue, text)));
}

#[test]
fn an_empty_status_is_short() {
    insta::assert_snapshot!(status(&Status {
        mode: Mode::Live,
        ..Status::default()
    }));
}

#[test]
fn nothing_from_outside_reaches_the_terminal_as_it_is() {
    let mut texts: Vec<_> = every_response(EVIL).iter().map(response).collect();
    texts.push(status(&a_status(Mode::Rescue, EVIL)));
    texts.push(progress_line(
        &Progress {
            what: EVIL.into(),
            unit: EVIL.into(),
            ..Progress::default()
        },
        79,
    ));
    for text in texts {
        let odd = text.chars().find(|c| !matches!(c, ' '..='~' | '\n'));
        assert_eq!(odd, None, "{text:?}");
    }
}

#[test]
fn progress_fits_its_line() {
    let progress = |what: &str, done, total, rate, seconds_left| Progress {
        what: what.into(),
        done,
        total,
        unit: "bytes".into(),
        rate,
        seconds_left,
    };
    let mut lines = Vec::new();
    for case in [
        progress("copying the firmware", 0, 26_000_000, None, None),
        progress(
            "copying the firmware",
            13_000_000,
            26_000_000,
            Some(12_345_678.9),
            Some(61),
        ),
        progress("copying the firmware", 26_000_000, 26_000_000, Some(1.0), Some(0)),
        progress("verifying", 5_000_000, 0, Some(f64::NAN), None),
        progress(&"long ".repeat(30), 9, 4, Some(-1.0), Some(7200)),
    ] {
        for width in [79, 40, 10, 0] {
            let line = progress_line(&case, width);
            assert!(line.len() <= width, "{line}");
        }
        lines.push(progress_line(&case, 79));
    }
    insta::assert_snapshot!(lines.join("\n"));
}
