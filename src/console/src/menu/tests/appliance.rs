//! An appliance that answers like the real one, from memory.

use sps_admin::{
    BundleTarget, BundleWritten, ConsoleState, Disk, DiskContent, FailedFirmware, Failure, Finding,
    FirmwareIdentity, FirmwareSource, Health, InstallPlan, InstallStep, InterfaceStatus, LogLines, Medium,
    Mode, NetworkStatus, Request, Response, Severity, Slot, SlotState, Slots, Status, Stick, Test,
};

/// Answers by mode; knows one password.
#[derive(Clone, Debug)]
pub(super) struct Appliance {
    pub(super) mode: Mode,
    pub(super) password: Option<String>,
    pub(super) sealed: bool,
    pub(super) rescue: Option<String>,
    pub(super) rollback: Option<String>,
}

pub(super) fn in_mode(mode: Mode) -> Appliance {
    Appliance {
        mode,
        password: Some("open sesame".into()),
        sealed: false,
        rescue: None,
        rollback: None,
    }
}

fn done(note: &str) -> Result<Response, Failure> {
    Ok(Response::Done { note: note.into() })
}

impl Appliance {
    pub(super) fn answer(&mut self, request: &Request) -> Result<Response, Failure> {
        match request {
            Request::ConsoleState => Ok(Response::ConsoleState(Box::new(self.state()))),
            Request::Login { password } => {
                let accepted = Some(password.expose()) == self.password.as_deref();
                Ok(Response::Login {
                    accepted,
                    wait: if accepted { 0 } else { 4 },
                })
            }
            Request::PasswordSet { password } if password.expose().len() < 8 => Err(Failure::invalid(
                "the password is too short: use at least 8 characters",
            )),
            Request::PasswordSet { password } => {
                self.password = Some(password.expose().to_owned());
                done("")
            }
            Request::Status => Ok(Response::Status(Box::new(self.status()))),
            Request::Log { .. } => Ok(Response::Log(log())),
            Request::FirmwareList
            | Request::FirmwareActivate { .. }
            | Request::FirmwareRollback
            | Request::FirmwareCommit
            | Request::FirmwareForget { .. } => Ok(Response::Slots(slots())),
            Request::FirmwareTest { .. } => Ok(Response::Tested(tested())),
            Request::FirmwareDelete { .. } => Err(Failure::refused("slot 2 is busy: try again")),
            Request::FirmwareMedia => Ok(Response::Media(vec![medium(), strange_medium()])),
            Request::FirmwareAdd { .. } => Ok(Response::Slot(slots().slots.remove(1))),
            Request::NetworkShow | Request::NetworkSet { .. } => Ok(Response::Network(network())),
            Request::Sticks => Ok(Response::Sticks(sticks())),
            Request::SupportBundle {
                to: BundleTarget::Download,
            } => done("open https://192.0.2.5/ in a browser"),
            Request::SupportBundle { .. } => Ok(Response::Bundle(bundle())),
            Request::InstallDisks => Ok(Response::Disks(disks())),
            Request::InstallPlan { disk, keep_data } => Ok(Response::Plan(plan(disk, *keep_data))),
            Request::Seal | Request::Unseal => {
                self.sealed = *request == Request::Seal;
                done(if self.sealed { "sealed" } else { "no longer sealed" })
            }
            Request::InstallRun { .. }
            | Request::PasswordReset { .. }
            | Request::NormalBoot
            | Request::Reboot { .. }
            | Request::Shutdown { .. } => done(""),
            _ => Err(Failure::refused("not at the console")),
        }
    }

    fn state(&self) -> ConsoleState {
        ConsoleState {
            mode: self.mode,
            firmware: FirmwareIdentity {
                product: "Safeguard appliance".into(),
                version: "7.0.3".into(),
                channel: "lts".into(),
                build: "0a1b2c3".into(),
                development: false,
            },
            host_name: "sps1".into(),
            health: Health::Healthy,
            sealed: self.sealed,
            password_set: self.password.is_some(),
            rescue: self.rescue.clone(),
            rollback: self.rollback.clone(),
        }
    }

    fn status(&self) -> Status {
        let state = self.state();
        Status {
            mode: self.mode,
            host_name: state.host_name,
            firmware: state.firmware,
            slot: Some(1),
            after_reboot: Some(1),
            health: state.health,
            sealed: self.sealed,
            time: 1_700_000_000,
            interfaces: network().interfaces,
            ..Status::default()
        }
    }
}

fn log() -> LogLines {
    let line = |n: u32| format!("[{n:>5}.000] services  line {n} of the log \x1b[31mred");
    LogLines {
        lines: (1..=50).map(line).collect(),
        newest: 50,
        missed: 0,
    }
}

fn slot(number: u8, state: SlotState, version: Option<&str>) -> Slot {
    Slot {
        number,
        state,
        version: version.map(Into::into),
        channel: version.map(|_| "lts".into()),
        digest: version.map(|_| "d18da63cb5c8421d".into()),
        bytes: if version.is_some() { 13_000_000 } else { 0 },
        current: number == 1,
        after_reboot: number == 1,
        test: None,
    }
}

fn slots() -> Slots {
    Slots {
        slots: vec![
            slot(1, SlotState::Committed, Some("7.0.3")),
            slot(2, SlotState::Staged, Some("7.1.0")),
            slot(3, SlotState::Empty, None),
        ],
        failed: vec![FailedFirmware {
            digest: "0123456789abcdef".into(),
            version: "7.0.9".into(),
            reason: "services not healthy within 300 s".into(),
        }],
        commit_at: None,
        ssh_upload: false,
    }
}

fn medium() -> Medium {
    let source = FirmwareSource::OnMedium {
        device: "sdb1".into(),
        path: "/sps-7.1.0.iso".into(),
    };
    Medium {
        source,
        title: "sdb1: sps-7.1.0.iso".into(),
        version: Some("7.1.0".into()),
        bytes: 26_000_000,
        problem: None,
    }
}

/// A stick that is of no use.
fn strange_medium() -> Medium {
    Medium {
        source: FirmwareSource::Device("sdc".into()),
        title: "sdc: Acme Stick".into(),
        version: None,
        bytes: 64_000_000_000,
        problem: Some("sdc holds exFAT, which the appliance does not read: format it as FAT32".into()),
    }
}

fn sticks() -> Vec<Stick> {
    let stick = |device: &str, problem: Option<&str>| Stick {
        device: device.into(),
        model: "Acme Stick".into(),
        bytes: 64_000_000_000,
        problem: problem.map(Into::into),
    };
    vec![
        stick("sdb1", None),
        stick("sdc", Some("it holds exFAT: format it as FAT32")),
    ]
}

fn network() -> NetworkStatus {
    let eth0 = InterfaceStatus {
        name: "eth0".into(),
        mac: "52:54:00:12:34:56".into(),
        carrier: true,
        addresses: vec!["192.0.2.5/24 (dhcp)".into()],
        ..InterfaceStatus::default()
    };
    NetworkStatus {
        interfaces: vec![eth0],
        ..NetworkStatus::default()
    }
}

fn bundle() -> BundleWritten {
    BundleWritten {
        name: "debug_info-sps1202311142213-0a1b2c3.tar.zst".into(),
        bytes: 123_456,
        places: vec!["sdb1".into()],
        missing: Vec::new(),
    }
}

fn disks() -> Vec<Disk> {
    let disk = |name: &str, content, refused: Option<&str>| Disk {
        name: name.into(),
        model: "QEMU HARDDISK".into(),
        serial: None,
        bytes: 8_589_934_592,
        content,
        refused: refused.map(Into::into),
    };
    let appliance = DiskContent::Appliance {
        host_name: Some("sps1".into()),
        version: Some("7.0.1".into()),
        can_keep: true,
    };
    vec![
        disk("sda", DiskContent::Blank, None),
        disk("sdb", appliance, None),
        disk("sdc", DiskContent::Blank, Some("this is the installation medium")),
    ]
}

fn plan(name: &str, keep_data: bool) -> InstallPlan {
    let disk = disks().into_iter().find(|disk| disk.name == name).unwrap();
    let step = |what: &str, destroys| InstallStep {
        what: what.into(),
        destroys,
    };
    let steps = vec![
        step("write the partition table", !keep_data),
        step("write the firmware to slot 1", true),
    ];
    InstallPlan {
        disk,
        keep_data,
        version: "7.0.3".into(),
        steps,
    }
}

fn tested() -> Test {
    Test {
        version: "7.1.0".into(),
        passed: true,
        findings: vec![Finding {
            severity: Severity::Warning,
            check: "configuration_backup".into(),
            setting: "Basic Settings > Management > System backup".into(),
            problem: "the configuration was never backed up".into(),
            mend: "back the configuration up now, or export it".into(),
        }],
        ..Test::default()
    }
}
