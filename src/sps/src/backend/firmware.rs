//! Firmware slots. Blocking throughout: it runs on threads where it may wait.

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sps_admin::{
    Context, Expected, FailedFirmware, Failure, FirmwareSource, Medium, Notes, Progress, Reply, Response,
    Rollback, Slot, SlotState, Slots,
};
use sps_bootlog::uptime;
use sps_firmware as room;
use sps_firmware::{Commit, Firmware, FirmwareError, LastRollback, SlotView, Stage};
use sps_firmware_engine as engine;
use sps_image::boot_control::SlotNumber;
use sps_image::source::Source;
use sps_net::ports;
use sps_storage::disks::{self, Content, Scope};
use sps_storage::install;
use sps_storage::medium::{self, FirmwareFile};

use super::appliance::{Appliance, done};
use super::{cluster, testing};
use crate::node::now;

const HOUR: Duration = Duration::from_secs(3600);
/// Lines of a rollback's log that are shown.
const SHOWN: usize = 40;

/// The slots of an installed appliance.
pub(super) fn of(own: &Appliance) -> Result<Arc<Firmware>, Failure> {
    own.firmware()
        .ok_or_else(|| Failure::refused("the firmware slots cannot be used in this boot; the log says why"))
}

/// The slots.
pub(super) fn list(own: &Appliance) -> Reply {
    Ok(Response::Slots(slots(own)?))
}

/// Verifies a firmware and puts it into a slot.
pub(super) fn add(own: &Appliance, source: FirmwareSource, context: &Context) -> Reply {
    let firmware = of(own)?;
    let source = open(own, source)?;
    let begun = Instant::now();
    let mut watcher = |progress: room::Progress| {
        context.updates.progress(shown(&progress, begun.elapsed()));
        match context.updates.called_off() {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    };
    let added = firmware.add(source.as_ref(), &mut watcher);
    let added = added.map_err(|error| match (&error, context.updates.called_off()) {
        (FirmwareError::CalledOff, Some(who)) => Failure::called_off(&who),
        _ => failure(&error),
    })?;
    let all = slots(own)?.slots;
    let slot = all.into_iter().find(|slot| slot.number == added.slot.get());
    slot.map(Response::Slot)
        .ok_or_else(|| Failure::failed("the slot that was filled is not there"))
}

fn open(own: &Appliance, source: FirmwareSource) -> Result<Box<dyn Source>, Failure> {
    let path = match source {
        FirmwareSource::Received => {
            let received = own.parts.dock.take(None);
            let received = received.ok_or_else(|| Failure::refused("no firmware file has arrived"))?;
            return Ok(Box::new(received));
        }
        FirmwareSource::Fetched { sha256 } => {
            let received = own.parts.dock.take(Some(&sha256));
            let received = received.ok_or_else(|| {
                Failure::refused("the file that was fetched is not there any more: another one has arrived; fetch it again")
            })?;
            return Ok(Box::new(received));
        }
        FirmwareSource::File(path) => PathBuf::from(path),
        FirmwareSource::Device(name) => Path::new("/dev").join(plain(&name)?),
        FirmwareSource::OnMedium { device, path } => {
            let file = medium::open(plain(&device)?, &path);
            let file = file.map_err(|error| Failure::invalid(sps_bootlog::causes(&error)))?;
            return Ok(Box::new(file));
        }
    };
    let medium = room::Medium::open(&path)
        .map_err(|error| Failure::invalid(format!("could not open {}: {error}", path.display())))?;
    Ok(Box::new(medium))
}

/// A change to one slot.
pub(super) fn change(
    own: &Appliance,
    slot: u8,
    work: impl FnOnce(&Firmware, SlotNumber) -> Result<(), FirmwareError>,
) -> Reply {
    let number = SlotNumber::try_from(slot).map_err(|error| Failure::invalid(error.to_string()))?;
    work(&*of(own)?, number).map_err(|error| failure(&error))?;
    list(own)
}

/// Boots a slot after the next reboot, if its Test was made with the configuration as it is.
pub(super) fn activate(own: &Appliance, slot: u8) -> Reply {
    let (revision, _) = own.parts.settings.revised();
    change(own, slot, |firmware, number| firmware.activate(number, revision))
}

/// A change to all of them.
pub(super) fn change_all(
    own: &Appliance,
    work: impl FnOnce(&Firmware) -> Result<(), FirmwareError>,
) -> Reply {
    work(&*of(own)?).map_err(|error| failure(&error))?;
    list(own)
}

/// Forgets a firmware that failed; a prefix that names one is enough.
pub(super) fn forget(own: &Appliance, prefix: &str) -> Reply {
    let firmware = of(own)?;
    let status = firmware
        .status(uptime(), period(own))
        .map_err(|error| failure(&error))?;
    let mut named = status
        .failed
        .iter()
        .filter(|failed| failed.digest.to_string().starts_with(prefix));
    let (Some(failed), None) = (named.next(), named.next()) else {
        return Err(Failure::invalid(format!(
            "no firmware that failed, or more than one, has a digest that begins with {prefix}"
        )));
    };
    firmware.forget(failed.digest).map_err(|error| failure(&error))?;
    list(own)
}

/// Lets firmware be sent by SSH, or not any more.
pub(super) async fn by_ssh(own: &Appliance, on: bool, context: &Context) -> Reply {
    if let (true, Some(name)) = (on, cluster::sessions_on(own, ports::SSH.number)) {
        return Err(Failure::refused(format!(
            "the connection policy {name:?} takes clients on port {}: give it another port, or switch it off, before firmware is taken there",
            ports::SSH.number
        )));
    }
    let edit = move |node: &mut sps_config::Node| node.firmware.ssh_upload = on;
    own.parts.settings.change(context, edit).await?;
    Ok(done(if on {
        "admin may send firmware by sftp and scp now, into the folder firmware"
    } else {
        "no firmware is taken by SSH any more"
    }))
}

/// Discs and sticks that are firmware media, and firmware files on others.
pub(super) fn media() -> Reply {
    let disks = disks::list(Scope::Hardware);
    let whole = disks.iter().filter_map(whole_medium);
    let files = medium::firmware_files(&disks);
    Ok(Response::Media(
        whole.chain(files.into_iter().map(on_medium)).collect(),
    ))
}

fn whole_medium(disk: &disks::Disk) -> Option<Medium> {
    match install::survey(disk).content {
        Content::Firmware(medium) => Some(Medium {
            source: FirmwareSource::Device(disk.name.clone()),
            title: format!("{}: {}", disk.name, disk.model),
            version: Some(medium.version.to_string()),
            bytes: disk.bytes,
            problem: None,
        }),
        _ => None,
    }
}

fn on_medium(found: FirmwareFile) -> Medium {
    let FirmwareFile { device, model, .. } = found;
    let (title, source, problem) = match found.file {
        Ok(file) => {
            let title = format!("{device}: {file} ({model})");
            let path = format!("/{file}");
            (title, FirmwareSource::OnMedium { device, path }, None)
        }
        Err(problem) => (
            format!("{device}: {model}"),
            FirmwareSource::Device(device),
            Some(problem),
        ),
    };
    Medium {
        source,
        title,
        version: found.version.map(|version| version.to_string()),
        bytes: found.size,
        problem,
    }
}

/// What the slots say of this appliance, for its status; nothing where they cannot be read.
#[derive(Default)]
pub(super) struct Overview {
    /// The slot that boots next.
    pub(super) after_reboot: Option<u8>,
    /// The version in it.
    pub(super) after_reboot_version: Option<String>,
    /// The last firmware that failed.
    pub(super) rollback: Option<Rollback>,
}

/// Reads the slots once.
pub(super) fn overview(own: &Appliance) -> Overview {
    let status = own
        .firmware()
        .and_then(|firmware| firmware.status(uptime(), period(own)).ok());
    status.map_or_else(Overview::default, |status| Overview {
        after_reboot: status.after_reboot.map(SlotNumber::get),
        after_reboot_version: status.after_reboot_version.map(|version| version.to_string()),
        rollback: status.last_rollback.as_ref().map(told),
    })
}

/// What a reboot is to come to; nothing where there are no slots.
pub(super) fn expected(own: &Appliance) -> Option<Expected> {
    let slots = own.firmware()?.list().ok()?;
    let next = slots.iter().find(|slot| slot.after_reboot)?;
    let current = slots.iter().find(|slot| slot.current)?;
    let (from, to) = (current.version?, next.version?);
    let title = match to.cmp(&from) {
        _ if next.slot == current.slot => "reboot".to_owned(),
        Ordering::Greater => format!("upgrade to version {to}"),
        Ordering::Less => format!("return to version {to}"),
        Ordering::Equal => format!("change to another build of version {to}"),
    };
    Some(Expected {
        title,
        other_firmware: next.slot != current.slot,
        digest: next.digest?.to_string(),
    })
}

fn told(rollback: &LastRollback) -> Rollback {
    let lines = |text: &str| -> Vec<String> {
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(SHOWN)..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect()
    };
    let problem = rollback
        .problem
        .as_ref()
        .map_or_else(String::new, |problem| format!(": {problem}"));
    Rollback {
        version: rollback
            .version
            .map(|version| version.to_string())
            .unwrap_or_default(),
        phase: rollback.phase.clone(),
        reason: format!("{}{problem}", rollback.cause),
        time: rollback.at,
        log: lines(&rollback.log),
        kernel: lines(&rollback.kernel),
    }
}

fn slots(own: &Appliance) -> Result<Slots, Failure> {
    let firmware = of(own)?;
    let status = firmware
        .status(uptime(), period(own))
        .map_err(|error| failure(&error))?;
    let tests = firmware.tests();
    let failed = status.failed.iter().map(|failed| FailedFirmware {
        digest: failed.digest.to_string(),
        version: failed.version.to_string(),
        reason: failed.reason.clone(),
    });
    Ok(Slots {
        slots: firmware
            .list()
            .map_err(|error| failure(&error))?
            .iter()
            .map(|view| Slot {
                test: view
                    .digest
                    .and_then(|digest| testing::last(own, &firmware, &tests, digest)),
                ..slot(view)
            })
            .collect(),
        failed: failed.collect(),
        commit_at: match status.commit {
            Commit::InSeconds(left) => Some(now() + left),
            Commit::None | Commit::ByHand => None,
        },
        ssh_upload: own.parts.settings.node().firmware.ssh_upload,
    })
}

fn slot(view: &SlotView) -> Slot {
    Slot {
        number: view.slot.get(),
        state: match view.state {
            engine::SlotState::Empty => SlotState::Empty,
            engine::SlotState::Writing => SlotState::Writing,
            engine::SlotState::Staged => SlotState::Staged,
            engine::SlotState::Trying(tries_left) => SlotState::Trying { tries_left },
            engine::SlotState::Healthy => SlotState::Healthy,
            engine::SlotState::Committed => SlotState::Committed,
            engine::SlotState::Failed => SlotState::Failed {
                reason: view.problem.clone().unwrap_or_default(),
            },
        },
        version: view.version.map(|version| version.to_string()),
        channel: view.channel.map(|channel| channel.to_string()),
        digest: view.digest.map(|digest| digest.to_string()),
        bytes: view.size,
        current: view.current,
        after_reboot: view.after_reboot,
        test: None,
    }
}

fn shown(progress: &room::Progress, elapsed: Duration) -> Progress {
    let rate = progress.done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = progress.total.saturating_sub(progress.done) as f64 / rate.max(1.0);
    Progress {
        what: stage(progress.stage).into(),
        done: progress.done,
        total: progress.total,
        unit: "bytes".into(),
        rate: Some(rate),
        seconds_left: Some(left as u64),
    }
}

const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Verifying => "verifying the firmware",
        Stage::Writing => "writing the firmware",
        Stage::Checking => "reading the firmware back",
    }
}

fn period(own: &Appliance) -> Duration {
    HOUR * own.parts.settings.node().firmware.commit_after_hours
}

/// A name below `/dev`, nothing that leads elsewhere.
pub(super) fn plain(name: &str) -> Result<&str, Failure> {
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(Failure::invalid(format!(
            "{name:?} is no device: name it like sr0 or sdb"
        )));
    }
    Ok(name)
}

/// What the maker says of the firmware in a slot.
pub(super) fn notes(own: &Appliance, slot: u8) -> Reply {
    let number = SlotNumber::try_from(slot).map_err(|error| Failure::invalid(error.to_string()))?;
    let manifest = of(own)?.manifest(number).map_err(|error| failure(&error))?;
    Ok(Response::Notes(Notes {
        version: manifest.version.to_string(),
        upgrade_notes: manifest.upgrade_notes,
        upgrade_news: manifest.upgrade_news,
        build_time: manifest.build_time,
        upgrade_from: manifest.upgrade_from.iter().map(ToString::to_string).collect(),
        supported_until: manifest.supported_until.map(|day| day.to_string()),
    }))
}

pub(super) fn failure(error: &FirmwareError) -> Failure {
    let told = sps_bootlog::causes(error);
    match error {
        FirmwareError::Refused(_) | FirmwareError::Busy | FirmwareError::UntrustedKey { .. } => {
            Failure::refused(told)
        }
        FirmwareError::Verify(_) | FirmwareError::NoRoom { .. } | FirmwareError::TooLarge { .. } => {
            Failure::refused(told)
        }
        _ => Failure::failed(told),
    }
}
