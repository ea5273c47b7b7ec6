//! `sps indexer`: this machine indexes for an appliance. Runs until it is told to stop.
//!
//! Trails are read in the sandbox of the appliance alone; where that cannot be had nothing is read.

mod log;

use std::fs;
use std::io::{self, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use clap::Args;
use sps_bootlog::causes;
use sps_indexer::{Feed, Host, HostKeys, HostSettings, Reader, Stop};
use sps_sandbox::Sandbox;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::indexer::{Sandboxed, VERSION};

const DONE: u8 = 0;
const FAILED: u8 = 1;
/// Arguments, configuration or keys are wrong.
const WRONG: u8 = 2;
/// The error stream was closed.
pub(super) const BROKEN: u8 = 1;
/// Longest configuration, bytes.
const LONGEST: u64 = 64 * 1024;

/// Where everything is.
#[derive(Debug, Args)]
pub(crate) struct IndexerArgs {
    /// Configuration of this host, as the appliance gave it
    #[arg(long, value_name = "FILE", default_value = "/etc/indexer/indexerworker.cfg")]
    config: PathBuf,
    /// Private keys that open encrypted audit trails: PEM, or names of files with such
    #[arg(long, value_name = "FILE", default_value = "/etc/indexer/indexer-keys.cfg")]
    keys: PathBuf,
    /// Sessions that are read at once [default: that of the configuration, else half as many as processors]
    #[arg(long, value_name = "NUMBER")]
    workers: Option<u16>,
    /// Address and port of the appliance instead of those in the configuration
    #[arg(long, value_name = "ADDRESS:PORT")]
    connect: Option<String>,
}

/// Why it did not begin: an exit status and words.
type Refused = (u8, String);

/// Indexes until SIGTERM or SIGINT.
pub(super) fn run(arguments: &IndexerArgs, err: &mut dyn Write) -> io::Result<u8> {
    log::begin();
    match prepared(arguments).and_then(|host| work(&host)) {
        Ok(()) => Ok(DONE),
        Err((status, why)) => writeln!(err, "sps indexer: {why}").map(|()| status),
    }
}

fn prepared(arguments: &IndexerArgs) -> Result<Host, Refused> {
    let wrong = |file: &Path, why: &dyn std::fmt::Display| (WRONG, format!("{}: {why}", file.display()));
    let text = read(&arguments.config).map_err(|error| {
        let why = format!(
            "{error}; download the configuration from the appliance (Indexer > Worker status, or `sps indexers add NAME`)"
        );
        wrong(&arguments.config, &why)
    })?;
    let mut settings =
        HostSettings::parse(&text).map_err(|error| wrong(&arguments.config, &causes(&error)))?;
    if let Some(address) = &arguments.connect {
        settings = settings.at(address).map_err(|error| (WRONG, causes(&error)))?;
    }
    let settings = settings
        .with_workers(arguments.workers)
        .map_err(|error| (WRONG, causes(&error)))?;
    let keys = HostKeys::read(&arguments.keys).map_err(|error| wrong(&arguments.keys, &causes(&error)))?;
    keys.notices.iter().for_each(|notice| warn!("{notice}"));
    let reader = sandboxed().map_err(|why| (FAILED, why))?;
    info!(
        "version {VERSION}, host {}, {} keys, appliance {} port {}",
        settings.name,
        keys.len(),
        settings.address,
        settings.port
    );
    let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Host::new(settings, keys, Box::new(reader), VERSION, &host_name).map_err(|error| (WRONG, causes(&error)))
}

fn read(file: &Path) -> io::Result<Zeroizing<String>> {
    let opened = fs::File::open(file)?;
    if opened.metadata()?.permissions().mode() & 0o077 != 0 {
        let file = file.display();
        warn!("{file} holds a private key and is open to others on this host: chmod 600 {file}");
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize));
    opened.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// What reads trails; tried once with nothing, so that a host where it cannot be had takes no session.
fn sandboxed() -> Result<Sandboxed, String> {
    let refused = |why: String| {
        format!(
            "trails come from servers that nobody trusts, and are read in a sandbox alone, which cannot be had here: {why}; run sps as root, on Linux 6.12 or later with Landlock (see lsm= of the kernel), outside of containers that forbid namespaces"
        )
    };
    let reader = Sandboxed::new(Sandbox::default(), Arc::new(AtomicBool::new(false)));
    let reader = reader.map_err(|error| refused(causes(error.as_ref())))?;
    let mut nothing = Feed::new(&[], io::empty());
    reader
        .read(&mut nothing, &mut |_| true)
        .map_err(|error| refused(causes(error.as_ref())))?;
    Ok(reader)
}

fn work(host: &Host) -> Result<(), Refused> {
    let stop = Stop::default();
    listen(&stop).map_err(|error| (FAILED, format!("could not listen for signals: {error}")))?;
    host.run(&stop).map_err(|error| (FAILED, causes(&error)))?;
    info!("the indexer has stopped");
    Ok(())
}

/// The first signal lets every session end or go back; systemd kills what does not.
fn listen(stop: &Stop) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut term, mut int) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let stop = stop.clone();
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
        });
        info!("the indexer stops: sessions end within a minute, or are given back");
        stop.stop();
    })?;
    Ok(())
}
