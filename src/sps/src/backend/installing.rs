//! Installing, as the medium offers it. Blocking throughout: it runs on threads where it may wait.

use std::path::Path;

use sps_admin::{
    Context, Disk, DiskContent, Failure, InstallPlan, InstallStep, Progress, Reply, Request, Response,
};
use sps_config::{Change, Store};
use sps_image::disk::layout::Part;
use sps_image::version::Version;
use sps_storage::disks::{self, Content, Scope};
use sps_storage::ext4::{self, Options};
use sps_storage::install::{self, Firmware, Mode, Observer, Plan, STEPS, Step, Survey};
use sps_storage::own::OwnDisk;

use super::appliance::{Appliance, done, scratch};
use crate::node::now;

/// What is done on the medium.
pub(super) fn answer(own: &Appliance, request: Request, context: &Context) -> Reply {
    match request {
        Request::InstallDisks => disks(own),
        Request::InstallPlan { disk, keep_data } => plan(own, &disk, keep_data),
        Request::InstallRun { disk, keep_data } => run(own, &disk, keep_data, context),
        Request::PasswordReset { disk } => reset_password(own, &disk, context),
        _ => Err(Failure::refused("this is not done on the medium")),
    }
}

/// The disks, what is on them, and why one cannot be installed to.
pub(super) fn disks(own: &Appliance) -> Reply {
    let all = disks::list(Scope::Hardware);
    // Without a medium nothing can be installed, but the disks can still be shown.
    let media = medium(own, &all).map(|(_, media)| media).unwrap_or_default();
    let shown = all.iter().map(|disk| view(&install::survey(disk), &media));
    Ok(Response::Disks(shown.collect()))
}

/// What installing would do.
pub(super) fn plan(own: &Appliance, name: &str, keep: bool) -> Reply {
    let prepared = prepare(own, name, keep)?;
    let version = prepared.firmware.manifest().version;
    Ok(Response::Plan(shown(&prepared, version)))
}

/// Installs. The surfaces have asked the person to type the disk's name.
pub(super) fn run(own: &Appliance, name: &str, keep: bool, context: &Context) -> Reply {
    let prepared = prepare(own, name, keep)?;
    let mut told = Told { context };
    let (helpers, folder) = (&own.parts.helpers, scratch("install"));
    let installed = install::install(&prepared.plan, &prepared.firmware, helpers, &folder, &mut told)
        .map_err(|error| Failure::failed(sps_bootlog::causes(&error)))?;
    let kept = if installed.kept {
        ", its state and data are kept"
    } else {
        ""
    };
    Ok(done(format!(
        "version {} is installed on {}{kept}: remove the medium and reboot",
        installed.version, installed.disk
    )))
}

struct Prepared {
    survey: Survey,
    plan: Plan,
    firmware: Firmware,
    media: Vec<String>,
}

fn prepare(own: &Appliance, name: &str, keep: bool) -> Result<Prepared, Failure> {
    let all = disks::list(Scope::Hardware);
    let (firmware, media) = medium(own, &all)?;
    let disk = all.iter().find(|disk| disk.name == name);
    let disk = disk.ok_or_else(|| {
        Failure::invalid(format!("there is no disk {name}: `sps install disks` names them"))
    })?;
    let survey = install::survey(disk);
    let plan = install::plan(&survey, &media, keep)
        .map_err(|error| Failure::refused(sps_bootlog::causes(&error)))?;
    Ok(Prepared {
        survey,
        plan,
        firmware,
        media,
    })
}

pub(super) fn medium(own: &Appliance, disks: &[disks::Disk]) -> Result<(Firmware, Vec<String>), Failure> {
    let parts = &own.parts;
    let (Some(release), Some(trust)) = (&parts.release, &parts.trust) else {
        return Err(Failure::refused(
            "this firmware does not know itself and cannot be installed",
        ));
    };
    install::find_medium(disks, release, trust).map_err(|error| Failure::failed(sps_bootlog::causes(&error)))
}

/// Passes progress on to whoever asked.
pub(super) struct Told<'a> {
    pub(super) context: &'a Context,
}

impl Observer for Told<'_> {
    fn step(&mut self, step: &Step) -> bool {
        self.context.updates.progress(Progress {
            what: step.title.into(),
            ..Progress::default()
        });
        true
    }

    fn progress(&mut self, progress: &install::Progress) {
        self.context.updates.progress(Progress {
            what: progress.title.into(),
            done: progress.done,
            total: progress.total,
            unit: "bytes".into(),
            rate: progress.rate().map(|rate| rate as f64),
            seconds_left: progress.left().map(|left| left.as_secs()),
        });
    }
}

fn view(survey: &Survey, media: &[String]) -> Disk {
    let disk = &survey.disk;
    let refused = install::plan(survey, media, false).err();
    Disk {
        name: disk.name.clone(),
        model: disk.model.clone(),
        serial: disk.serial.clone(),
        bytes: disk.bytes,
        content: content(survey, media),
        refused: refused.map(|error| sps_bootlog::causes(&error)),
    }
}

fn content(survey: &Survey, media: &[String]) -> DiskContent {
    match &survey.content {
        Content::Blank => DiskContent::Blank,
        Content::Appliance(_) => DiskContent::Appliance {
            host_name: None,
            version: None,
            can_keep: install::plan(survey, media, true).is_ok(),
        },
        Content::DamagedTable => DiskContent::Damaged {
            can_keep: install::plan(survey, media, true).is_ok(),
        },
        other => DiskContent::Other {
            summary: other.to_string(),
        },
    }
}

fn shown(prepared: &Prepared, version: Version) -> InstallPlan {
    let keep_data = prepared.plan.mode != Mode::Fresh;
    let step = |step: &Step| InstallStep {
        what: step.title.into(),
        destroys: step.name == "clear" && !keep_data,
    };
    InstallPlan {
        disk: view(&prepared.survey, &prepared.media),
        keep_data,
        version: version.to_string(),
        steps: STEPS.iter().map(step).collect(),
    }
}

/// Removes the console password of the appliance installed on a disk: whoever has the medium has the machine.
pub(super) fn reset_password(own: &Appliance, name: &str, context: &Context) -> Reply {
    let failed = |error: &dyn std::error::Error| Failure::failed(sps_bootlog::causes(error));
    let all = disks::list(Scope::Hardware);
    let disk = all.into_iter().find(|disk| disk.name == name);
    let disk = disk.ok_or_else(|| Failure::invalid(format!("there is no disk {name}")))?;
    let disk = OwnDisk::take(disk).map_err(|error| failed(&error))?;
    if disk.is_fresh() {
        return Err(Failure::refused(
            "that appliance was never started: it has no password yet",
        ));
    }
    let device = disk.partition(Part::State);
    ext4::check(&own.parts.helpers, &device).map_err(|error| failed(&error))?;
    let mounted =
        ext4::mount(&device, &scratch("state"), Options::Writable).map_err(|error| failed(&error))?;
    let changed = forget_password(mounted.target(), context);
    mounted.unmount().map_err(|error| failed(&error))?;
    changed?;
    Ok(done(format!(
        "the appliance on {name} asks for a new console password at its next start"
    )))
}

fn forget_password(state: &Path, context: &Context) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::failed(sps_bootlog::causes(error));
    let (mut store, _found) = Store::open(&state.join("config")).map_err(|error| failed(&error))?;
    let mut node = store.node().clone();
    node.administrators.console_password = None;
    let change = Change {
        time: now(),
        who: format!("installation medium, {}", context.origin),
        message: "console password reset".into(),
        what: Vec::new(),
    };
    let revision = store.revision();
    store
        .commit(revision, node, change)
        .map(drop)
        .map_err(|error| failed(&error))
}
