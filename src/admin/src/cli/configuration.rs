//! The configuration of the cluster on the command line: arguments, and files on the asker's own machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use serde_json::Value;
use sps_config::Secret;
use zeroize::Zeroizing;

use super::arguments::{Change, Common};
use super::output::{self, Files, Streams};
use super::run::{DONE, Job, REFUSED, USAGE, conclude};
use crate::configuration::{
    CONFIGURATION_BYTES, ConfigurationEdit, ConfigurationExport, ConfigurationFile, Given,
};
use crate::failure::Failure;
use crate::request::Request;
use crate::response::Response;
use crate::session::{Session, SessionError};

/// Longest file of a password, bytes.
const PASSWORD_BYTES: u64 = 1024;

/// The configuration of the cluster.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigurationCommand {
    /// Shows settings; secrets are shown as "[redacted]"
    ///
    /// For example: sps configuration show management/mail
    Show {
        /// Path of a setting, such as management/mail [default: everything]
        #[arg(default_value = "", hide_default_value = true)]
        path: String,
        /// As this revision has it [default: the one in force]
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u64>,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
    /// Sets what is at a path, at once
    ///
    /// The value is JSON; a word that is no JSON is taken as text. An object is given whole, as "show --json" shows it. A secret is given as
    /// {"plain": "TEXT"}; where "[redacted]" stands the secret that is set stays. A path that ends in a new name adds an object.
    /// For example: sps configuration set management/disk_fill_up_prevention/used_space_ratio_limit 85
    #[command(
        group = ArgGroup::new("what").required(true).args(["value", "file"]),
        override_usage = "sps configuration set [OPTIONS] <PATH> <VALUE>\n       sps configuration set [OPTIONS] --file <FILE> <PATH>"
    )]
    Set {
        /// Path of a setting
        path: String,
        /// The value
        value: Option<String>,
        /// Reads the value from a file: JSON
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// As everywhere.
        #[command(flatten)]
        edit: EditArgs,
    },
    /// Removes an object; a single setting is set to nothing
    Delete {
        /// Path of it, such as policies/time/office-hours
        path: String,
        /// As everywhere.
        #[command(flatten)]
        edit: EditArgs,
    },
    /// Lists the changes that are kept: number, when, who and from where, what, why
    History {
        /// Number of changes
        #[arg(long, short = 'n', default_value_t = 20, value_name = "NUMBER")]
        limit: u32,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
    /// Shows what differs between two revisions
    Difference {
        /// A revision
        from: u64,
        /// A later one [default: the one in force]
        to: Option<u64>,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
    /// Takes an earlier revision back: a new one that equals it
    Restore {
        /// The earlier revision, as "history" lists it
        revision: u64,
        /// As everywhere.
        #[command(flatten)]
        edit: EditArgs,
    },
    /// Writes the configuration to a file, encrypted with a password or without its secrets
    #[command(group = ArgGroup::new("how").required(true).args(["password_file", "without_secrets"]))]
    Export(ExportArgs),
    /// Takes an exported configuration instead of the one in force
    ///
    /// Without --confirm it shows what would change, and changes nothing. Exports of earlier versions are migrated. Secrets that are not in
    /// the file are listed, and have to be entered again.
    Import {
        /// The exported file
        file: PathBuf,
        /// File with the password that it was exported with
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Takes it
        #[arg(long)]
        confirm: bool,
        /// As everywhere.
        #[command(flatten)]
        edit: EditArgs,
    },
}

/// What a command takes that changes the configuration.
#[derive(Args, Clone, Debug)]
pub struct EditArgs {
    /// Refuses when another revision than this one is in force
    #[arg(long, value_name = "NUMBER")]
    expect: Option<u64>,
    #[command(flatten)]
    change: Change,
}

/// Where an export goes.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// File to write, `-` for standard output [default: its own name in this folder]
    file: Option<PathBuf>,
    /// File with the password that encrypts it: its first line
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Leaves every secret out
    #[arg(long)]
    without_secrets: bool,
    #[command(flatten)]
    common: Common,
}

/// A command as a request, but for an export.
pub(super) fn job(command: &ConfigurationCommand, folder: &Path) -> Result<Job, (Failure, bool)> {
    Ok(match command {
        ConfigurationCommand::Show {
            path,
            revision,
            common,
        } => {
            let request = Request::ConfigurationShow {
                path: path.clone(),
                revision: *revision,
                edits: Vec::new(),
                expected: None,
            };
            Job::read(request, common)
        }
        ConfigurationCommand::Set {
            path,
            value,
            file,
            edit,
        } => {
            let value = given(value.as_deref(), file.as_deref(), folder);
            let value = value.map_err(|failure| (failure, edit.change.common.json))?;
            change(
                ConfigurationEdit::Set {
                    path: path.clone(),
                    value,
                },
                edit,
            )
        }
        ConfigurationCommand::Delete { path, edit } => {
            change(ConfigurationEdit::Delete { path: path.clone() }, edit)
        }
        ConfigurationCommand::History { limit, common } => {
            Job::read(Request::ConfigurationHistory { limit: *limit }, common)
        }
        ConfigurationCommand::Difference { from, to, common } => {
            let request = Request::ConfigurationDifference {
                from: Some(*from),
                to: *to,
            };
            Job::read(request, common)
        }
        ConfigurationCommand::Restore { revision, edit } => {
            let request = Request::ConfigurationRestore {
                revision: *revision,
                expected: edit.expect,
            };
            Job::change(request, &edit.change)
        }
        ConfigurationCommand::Export(arguments) => {
            let request = export_request(arguments, folder);
            Job::read(
                request.map_err(|failure| (failure, arguments.common.json))?,
                &arguments.common,
            )
        }
        ConfigurationCommand::Import {
            file,
            password_file,
            confirm,
            edit,
        } => {
            let request = import_request(file, password_file.as_deref(), *confirm, edit, folder);
            let request = request.map_err(|failure| (failure, edit.change.common.json))?;
            Job::change(request, &edit.change)
        }
    })
}

/// Whether a command reads a file of the asker.
pub(super) fn reads_files(command: &ConfigurationCommand) -> bool {
    match command {
        ConfigurationCommand::Import { .. } => true,
        ConfigurationCommand::Set { file, .. } => file.is_some(),
        ConfigurationCommand::Export(arguments) => arguments.password_file.is_some(),
        _ => false,
    }
}

/// Whether its answer is wanted as JSON.
pub(super) fn json(command: &ConfigurationCommand) -> bool {
    match command {
        ConfigurationCommand::Show { common, .. }
        | ConfigurationCommand::History { common, .. }
        | ConfigurationCommand::Difference { common, .. } => common.json,
        ConfigurationCommand::Export(arguments) => arguments.common.json,
        ConfigurationCommand::Set { edit, .. }
        | ConfigurationCommand::Delete { edit, .. }
        | ConfigurationCommand::Restore { edit, .. }
        | ConfigurationCommand::Import { edit, .. } => edit.change.common.json,
    }
}

fn change(edit: ConfigurationEdit, arguments: &EditArgs) -> Job {
    let request = Request::ConfigurationChange {
        edits: vec![edit],
        expected: arguments.expect,
    };
    Job::change(request, &arguments.change)
}

/// The value of the command line, or of a file.
fn given(value: Option<&str>, file: Option<&Path>, folder: &Path) -> Result<Given, Failure> {
    if let Some(file) = file {
        let path = folder.join(file);
        let text = Zeroizing::new(read(&path, CONFIGURATION_BYTES as u64)?);
        let value = serde_json::from_slice(&text);
        return value
            .map(Given::new)
            .map_err(|error| Failure::invalid(format!("{} is no JSON: {error}", path.display())));
    }
    let text = value.unwrap_or_default();
    Ok(Given::new(
        serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    ))
}

fn export_request(arguments: &ExportArgs, folder: &Path) -> Result<Request, Failure> {
    let file = arguments.password_file.as_deref();
    let password = file.map(|file| password(&folder.join(file))).transpose()?;
    Ok(Request::ConfigurationExport { password })
}

fn import_request(
    file: &Path,
    password_file: Option<&Path>,
    confirm: bool,
    edit: &EditArgs,
    folder: &Path,
) -> Result<Request, Failure> {
    let bytes = read(&folder.join(file), CONFIGURATION_BYTES as u64)?;
    let password = password_file
        .map(|file| password(&folder.join(file)))
        .transpose()?;
    Ok(Request::ConfigurationImport {
        file: ConfigurationFile::new(bytes)?,
        password,
        preview: !confirm,
        expected: edit.expect,
    })
}

/// The first line of a file.
fn password(path: &Path) -> Result<Secret, Failure> {
    let bytes = Zeroizing::new(read(path, PASSWORD_BYTES)?);
    let text = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.lines().next());
    let text = text.filter(|line| !line.is_empty());
    text.map(|line| Secret::from(line.to_owned()))
        .ok_or_else(|| Failure::invalid(format!("{} holds no password in its first line", path.display())))
}

/// A file, when it is not longer than `most`; no more than that is read.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::invalid(format!("could not read {}: {error}", path.display())))?;
    if bytes.len() as u64 > most {
        return Err(Failure::invalid(format!(
            "{} has more than {most} bytes",
            path.display()
        )));
    }
    Ok(bytes)
}

/// Asks for an export and writes it to its file.
pub(super) fn export(
    arguments: &ExportArgs,
    session: &mut dyn Session,
    folder: &Path,
    streams: &mut Streams<'_>,
) -> io::Result<u8> {
    let json = arguments.common.json;
    let file = match (arguments.file.as_deref(), streams.files) {
        (None, Files::OutputOnly) => Some(Path::new("-")),
        (file, _) => file,
    };
    let to_output = file == Some(Path::new("-"));
    let allowed = streams.files == Files::Anywhere || streams.files == Files::OutputOnly && to_output;
    if !allowed || to_output && json {
        let failure = Failure::invalid(
            "not to a file from here: export it in the browser, on the page Export and import",
        );
        return output::error(&failure.into(), json, streams).map(|()| USAGE);
    }
    let request = match export_request(arguments, folder) {
        Ok(request) => request,
        Err(failure) => return output::error(&failure.into(), json, streams).map(|()| USAGE),
    };
    match session.ask(request, "", &mut |_| Ok(())) {
        Ok(Response::Exported(export)) if to_output => {
            streams.out.write_all(export.file.text().as_bytes())?;
            streams.out.flush().map(|()| DONE)
        }
        Ok(Response::Exported(export)) => match write(&export, file, folder) {
            Ok(place) => {
                let mut note = format!("the configuration is in {}", place.display());
                if !export.left_out.is_empty() {
                    note += &format!("; secrets that are not in it: {}", export.left_out.join(", "));
                }
                output::response(&Response::Done { note }, json, streams).map(|()| DONE)
            }
            Err(error) => {
                let failure = Failure::failed(format!("could not write the exported configuration: {error}"));
                output::error(&failure.into(), json, streams).map(|()| REFUSED)
            }
        },
        Ok(_) => conclude(Err(SessionError::Unexpected), json, streams),
        Err(error) => conclude(Err(error), json, streams),
    }
}

/// Writes it beside, syncs it and gives it its name; only its owner reads it.
fn write(export: &ConfigurationExport, file: Option<&Path>, folder: &Path) -> io::Result<PathBuf> {
    let own = Path::new(&export.name)
        .file_name()
        .unwrap_or("configuration".as_ref());
    let place = folder.join(file.unwrap_or_else(|| own.as_ref()));
    let mut part = place.clone().into_os_string();
    part.push(".part");
    let mut out = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    out.write_all(export.file.text().as_bytes())?;
    out.sync_all()?;
    fs::rename(&part, &place)?;
    File::open(place.parent().unwrap_or(folder))?.sync_all()?;
    Ok(place)
}
