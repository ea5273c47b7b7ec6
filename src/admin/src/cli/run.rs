//! From arguments to a request, and from the response to an exit status.

use std::io;
use std::path::Path;

use super::arguments::{
    ApplianceCommand, BundleArgs, Change, Common, FirmwareCommand, ImportCommand, InstallCommand,
    LicenceCommand, NetworkCommand, NetworkSet, SessionsCommand, StoreCommand, Switch,
};
use super::bundle::Sink;
use super::configuration::ConfigurationCommand;
use super::follow::follow;
use super::output::{self, Bar, Files, Streams};
use super::{configuration, indexers, licence, source, space};
use crate::backend::Update;
use crate::failure::Failure;
use crate::network::{InterfaceChange, NetworkChange};
use crate::request::Request;
use crate::response::Response;
use crate::session::{Session, SessionError};
use crate::support::BundleTarget;
use crate::testing::Confirmed;
use sps_config::Ipv4;

/// Carried out.
pub const DONE: u8 = 0;
/// The appliance refused, or it failed.
pub const REFUSED: u8 = 1;
/// The arguments make no sense.
pub const USAGE: u8 = 2;
/// The appliance was not reached, or did not answer to the end.
pub const UNREACHABLE: u8 = 3;

/// A command as a request.
pub(super) struct Job {
    request: Request,
    message: String,
    json: bool,
}

impl Job {
    pub(super) fn read(request: Request, common: &Common) -> Self {
        Self {
            request,
            message: String::new(),
            json: common.json,
        }
    }

    pub(super) fn change(request: Request, change: &Change) -> Self {
        Self {
            request,
            message: change.message.clone(),
            json: change.common.json,
        }
    }
}

/// Runs `command` and returns its exit status. `folder` is where relative files are.
///
/// # Errors
/// A stream cannot be written.
pub fn run(
    command: &ApplianceCommand,
    session: &mut dyn Session,
    folder: &Path,
    streams: &mut Streams<'_>,
) -> io::Result<u8> {
    if let ApplianceCommand::SupportBundle(arguments) = command {
        return support_bundle(arguments, session, folder, streams);
    }
    if let ApplianceCommand::Sessions(SessionsCommand::Follow { id, common }) = command {
        return follow(id, common, session, streams);
    }
    if let ApplianceCommand::Licence(LicenceCommand::Add { change, .. }) = command
        && streams.files != Files::Anywhere
    {
        let failure =
            Failure::invalid("there are no files here: upload it in the browser, on the page License");
        return output::error(&failure.into(), change.common.json, streams).map(|()| USAGE);
    }
    if let ApplianceCommand::Configuration(ConfigurationCommand::Export(arguments)) = command {
        return configuration::export(arguments, session, folder, streams);
    }
    if let ApplianceCommand::Configuration(command) = command
        && configuration::reads_files(command)
        && streams.files != Files::Anywhere
    {
        let failure = Failure::invalid("there are no files here: do it in the browser, or at a command line");
        return output::error(&failure.into(), configuration::json(command), streams).map(|()| USAGE);
    }
    let job = match job(command, folder) {
        Ok(job) => job,
        Err((failure, json)) => return output::error(&failure.into(), json, streams).map(|()| USAGE),
    };
    let mut bar = Bar::new(job.json, streams.terminal);
    let err = &mut *streams.err;
    let answer = session.ask(job.request, &job.message, &mut |update| match update {
        Update::Progress(progress) => bar.show(&progress, err),
        Update::Data(_) => Ok(()),
    });
    bar.end(streams.err)?;
    conclude(answer, job.json, streams)
}

/// Says that the appliance was not reached, the way `command` wants it, and returns the exit status.
///
/// # Errors
/// A stream cannot be written.
pub fn unreachable(
    command: &ApplianceCommand,
    error: &SessionError,
    streams: &mut Streams<'_>,
) -> io::Result<u8> {
    let json = job(command, Path::new("/")).map_or_else(|(_, json)| json, |job| job.json);
    output::error(error, json, streams).map(|()| UNREACHABLE)
}

pub(super) fn conclude(
    answer: Result<Response, SessionError>,
    json: bool,
    streams: &mut Streams<'_>,
) -> io::Result<u8> {
    match answer {
        Ok(response) => output::response(&response, json, streams).map(|()| DONE),
        Err(error) => output::error(&error, json, streams).map(|()| match error {
            SessionError::Failure(_) => REFUSED,
            _ => UNREACHABLE,
        }),
    }
}

fn job(command: &ApplianceCommand, folder: &Path) -> Result<Job, (Failure, bool)> {
    let nothing = String::new;
    Ok(match command {
        ApplianceCommand::Status(common) => Job::read(Request::Status, common),
        ApplianceCommand::Log { lines, common } => Job::read(
            Request::Log {
                after: 0,
                limit: *lines,
            },
            common,
        ),
        ApplianceCommand::Firmware(command) => firmware(command, folder),
        ApplianceCommand::Network(NetworkCommand::Show(common)) => Job::read(Request::NetworkShow, common),
        ApplianceCommand::Network(NetworkCommand::Set(set)) => {
            let change = network_change(set);
            if change == NetworkChange::default() {
                let failure = Failure::invalid("nothing to change: see `sps network set --help`");
                return Err((failure, set.change.common.json));
            }
            Job::change(Request::NetworkSet { change }, &set.change)
        }
        ApplianceCommand::Configuration(command) => return configuration::job(command, folder),
        ApplianceCommand::SupportBundle(arguments) => Job::read(
            Request::SupportBundle {
                to: target(arguments),
            },
            &arguments.common,
        ),
        ApplianceCommand::Reboot(leave) => {
            let request = Request::Reboot {
                reason: leave.reason.clone(),
            };
            Job {
                request,
                message: nothing(),
                json: leave.common.json,
            }
        }
        ApplianceCommand::Shutdown(leave) => {
            let request = Request::Shutdown {
                reason: leave.reason.clone(),
            };
            Job {
                request,
                message: nothing(),
                json: leave.common.json,
            }
        }
        ApplianceCommand::Seal(change) => Job::change(Request::Seal, change),
        ApplianceCommand::Unseal(change) => Job::change(Request::Unseal, change),
        ApplianceCommand::Install(command) => return install(command),
        ApplianceCommand::Licence(command) => return licence(command, folder),
        ApplianceCommand::Store(command) => store(command),
        ApplianceCommand::Archive(command) => space::archive(command),
        ApplianceCommand::Backup(command) => space::backup(command),
        ApplianceCommand::Sessions(command) => sessions(command),
        ApplianceCommand::Indexers(command) => indexers::job(command),
        ApplianceCommand::NormalBoot(change) => Job::change(Request::NormalBoot, change),
    })
}

fn store(command: &StoreCommand) -> Job {
    match command {
        StoreCommand::Show(common) => Job::read(Request::StoreShow, common),
        StoreCommand::Check { adopt, change } => Job::change(Request::StoreCheck { adopt: *adopt }, change),
        StoreCommand::Import { wanted, change } => {
            let on = *wanted == ImportCommand::Pause;
            Job::change(Request::ImportPause { on }, change)
        }
    }
}

fn answer(id: &str, number: u32, agrees: bool) -> Request {
    Request::SessionAnswer {
        id: id.to_owned(),
        number,
        agrees,
    }
}

fn sessions(command: &SessionsCommand) -> Job {
    match command {
        SessionsCommand::List { limit, common } => Job::read(Request::SessionList { limit: *limit }, common),
        SessionsCommand::Search(wanted) => {
            let search = Box::new(wanted.search());
            Job::read(Request::SessionSearch { search }, &wanted.common)
        }
        SessionsCommand::Content {
            id,
            words,
            limit,
            common,
        } => {
            let (id, query) = (id.clone(), words.join(" "));
            Job::read(
                Request::SessionContent {
                    id,
                    query,
                    limit: *limit,
                },
                common,
            )
        }
        SessionsCommand::Active(common) => Job::read(Request::SessionsActive, common),
        SessionsCommand::Follow { id, common } => {
            Job::read(Request::SessionFollow { id: id.clone() }, common)
        }
        SessionsCommand::Terminate { id, change } => {
            Job::change(Request::SessionTerminate { id: id.clone() }, change)
        }
        SessionsCommand::Agree { id, number, change } => Job::change(answer(id, *number, true), change),
        SessionsCommand::Refuse { id, number, change } => Job::change(answer(id, *number, false), change),
        SessionsCommand::Show { id, common } => Job::read(Request::SessionShow { id: id.clone() }, common),
    }
}

fn firmware(command: &FirmwareCommand, folder: &Path) -> Job {
    match command {
        FirmwareCommand::List(common) => Job::read(Request::FirmwareList, common),
        FirmwareCommand::Media(common) => Job::read(Request::FirmwareMedia, common),
        FirmwareCommand::Add { source, change } => Job::change(
            Request::FirmwareAdd {
                source: source::parse(source, folder),
            },
            change,
        ),
        FirmwareCommand::Test {
            slot,
            notes_read,
            data_backed_up,
            snapshot_taken,
            change,
        } => {
            let confirmed = Confirmed {
                release_notes: *notes_read,
                data_backup: *data_backed_up,
                snapshot: *snapshot_taken,
            };
            let request = Request::FirmwareTest {
                slot: *slot,
                confirmed,
            };
            Job::change(request, change)
        }
        FirmwareCommand::Fetch { url, sha256, change } => Job::change(
            Request::FirmwareFetch {
                url: url.clone(),
                sha256: sha256.clone(),
            },
            change,
        ),
        FirmwareCommand::SshUpload { wanted, change } => {
            let on = *wanted == Switch::On;
            Job::change(Request::FirmwareSsh { on }, change)
        }
        FirmwareCommand::Activate { slot, change } => {
            Job::change(Request::FirmwareActivate { slot: *slot }, change)
        }
        FirmwareCommand::Rollback(change) => Job::change(Request::FirmwareRollback, change),
        FirmwareCommand::Commit(change) => Job::change(Request::FirmwareCommit, change),
        FirmwareCommand::Delete { slot, change } => {
            Job::change(Request::FirmwareDelete { slot: *slot }, change)
        }
        FirmwareCommand::Forget { digest, change } => Job::change(
            Request::FirmwareForget {
                digest: digest.clone(),
            },
            change,
        ),
    }
}

fn licence(command: &LicenceCommand, folder: &Path) -> Result<Job, (Failure, bool)> {
    match command {
        LicenceCommand::Show(common) => Ok(Job::read(Request::LicenceShow, common)),
        LicenceCommand::Add { file, change } => match licence::read(&folder.join(file)) {
            Ok(file) => Ok(Job::change(Request::LicenceSet { file }, change)),
            Err(failure) => Err((failure, change.common.json)),
        },
    }
}

fn install(command: &InstallCommand) -> Result<Job, (Failure, bool)> {
    Ok(match command {
        InstallCommand::Disks(common) => Job::read(Request::InstallDisks, common),
        InstallCommand::Plan { target, common } => {
            let request = Request::InstallPlan {
                disk: target.disk.clone(),
                keep_data: target.keep_data,
            };
            Job::read(request, common)
        }
        InstallCommand::Run {
            target,
            confirm,
            change,
        } if *confirm == target.disk => {
            let request = Request::InstallRun {
                disk: target.disk.clone(),
                keep_data: target.keep_data,
            };
            Job::change(request, change)
        }
        InstallCommand::Run {
            target,
            confirm,
            change,
        } => {
            let message = format!(
                "--confirm says {confirm:?}, not {:?}: nothing was done",
                target.disk
            );
            return Err((Failure::invalid(message), change.common.json));
        }
    })
}

fn network_change(set: &NetworkSet) -> NetworkChange {
    let ipv4 = match (set.address, set.dhcp) {
        (Some(address), _) => Ipv4::Static {
            address,
            gateway: set.gateway,
        },
        (None, true) => Ipv4::Dhcp,
        (None, false) => Ipv4::Off,
    };
    let interfaces = set
        .interface
        .iter()
        .map(|name| (name.clone(), InterfaceChange { ipv4: ipv4.clone() }));
    NetworkChange {
        host_name: set.host_name.clone(),
        interfaces: interfaces.collect(),
        dns: (set.no_dns || !set.dns.is_empty()).then(|| set.dns.clone()),
        domain: if set.no_domain {
            Some(String::new())
        } else {
            set.domain.clone()
        },
    }
}

fn target(arguments: &BundleArgs) -> BundleTarget {
    match (&arguments.medium, arguments.download) {
        (Some(device), _) => BundleTarget::Medium {
            device: device.clone(),
        },
        (None, true) => BundleTarget::Download,
        (None, false) => BundleTarget::Stream,
    }
}

fn support_bundle(
    arguments: &BundleArgs,
    session: &mut dyn Session,
    folder: &Path,
    streams: &mut Streams<'_>,
) -> io::Result<u8> {
    let (to, json) = (target(arguments), arguments.common.json);
    let file = match (arguments.file.as_deref(), streams.files) {
        (None, Files::OutputOnly) => Some(Path::new("-")),
        (file, _) => file,
    };
    let to_output = file == Some(Path::new("-"));
    let allowed = match streams.files {
        Files::Anywhere => true,
        Files::OutputOnly => to_output,
        Files::Nowhere => false,
    };
    if to == BundleTarget::Stream && (!allowed || (to_output && json)) {
        let failure = Failure::invalid("not to a file from here: use --medium or --download");
        return output::error(&failure.into(), json, streams).map(|()| USAGE);
    }
    if to != BundleTarget::Stream {
        let answer = session.ask(Request::SupportBundle { to }, "", &mut |_| Ok(()));
        return conclude(answer, json, streams);
    }
    let mut sink = match Sink::open(file, folder) {
        Ok(sink) => sink,
        Err(error) => {
            let failure = Failure::failed(format!("could not make the file of the bundle: {error}"));
            return output::error(&failure.into(), json, streams).map(|()| REFUSED);
        }
    };
    let mut bar = Bar::new(json, streams.terminal);
    let (out, err) = (&mut *streams.out, &mut *streams.err);
    let answer = session.ask(Request::SupportBundle { to }, "", &mut |update| match update {
        Update::Progress(progress) => bar.show(&progress, err),
        Update::Data(piece) => sink.write(&piece, out),
    });
    bar.end(streams.err)?;
    match answer {
        Ok(Response::Bundle(mut written)) => {
            let place = sink.finish(&written, streams.out)?;
            written
                .places
                .extend(place.map(|place| place.display().to_string()));
            if to_output {
                Ok(DONE)
            } else {
                conclude(Ok(Response::Bundle(written)), json, streams)
            }
        }
        Ok(_) => {
            sink.discard();
            conclude(Err(SessionError::Unexpected), json, streams)
        }
        Err(error) => {
            sink.discard();
            conclude(Err(error), json, streams)
        }
    }
}
