//! A service for tests alone: records a session as a proxy does, then may end the machine.

use std::fs::{self, File};
use std::io::Write as _;
use std::time::Duration;

use sps_datastore::ContentError;
use sps_datastore_engine::Kind;
use sps_session_record::{Endpoint, FORMAT, Indexing, SessionRecord, TrailFile, Word};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tracing::{error, info};

use super::data::{DataState, Opened};
use super::supervise::spec;
use crate::consoles;
use crate::node::now;

/// The fault that asks for it.
pub(super) const FAULT: &str = "record-session";
/// The fault that ends PID 1 right after it.
pub(super) const THEN_CRASH: &str = "crash-after-session";
/// What the trail holds.
const TRAIL: &[u8] = b"ZAT\x01a session recorded by the fault record-session\n";

/// Records one session as soon as there is a data store.
pub(super) fn service(data: watch::Receiver<DataState>, then_crash: bool) -> Service {
    Service::new(spec("recording"), move |context| {
        run(data.clone(), then_crash, context)
    })
}

async fn run(
    mut data: watch::Receiver<DataState>,
    then_crash: bool,
    context: ServiceContext,
) -> Result<(), ServiceError> {
    let opened = tokio::select! {
        () = context.shutdown.cancelled() => return Ok(()),
        found = data.wait_for(|state| state.opened.is_some()) => found?.opened.clone(),
    };
    if let Some(opened) = opened {
        let kept =
            spawn_blocking(move || record(&opened).map_err(|error| sps_bootlog::causes(error.as_ref())));
        info!("fault {FAULT}: the session {} is kept", kept.await??);
    }
    if then_crash {
        error!("fault {THEN_CRASH}: PID 1 ends here");
        consoles::flush(Duration::from_secs(5));
        std::process::abort();
    }
    // A firmware that crashes does so before it counts as healthy.
    context.ready();
    context.shutdown.cancelled().await;
    Ok(())
}

fn record(opened: &Opened) -> Result<String, ContentError> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let id = format!("ssh-20270115-080000-{}", boot.get(..8).unwrap_or("boot"));
    let record = SessionRecord {
        format: FORMAT,
        trail: Some(write_trail(opened, &id)?),
        id: id.clone(),
        protocol: Word::SSH,
        connection: "test".into(),
        start: i64::try_from(now())? * 1000,
        end: Some(i64::try_from(now())? * 1000 + 1),
        client: Endpoint {
            address: "192.0.2.1".into(),
            port: 50_000,
        },
        server: None,
        target: Some("fault.example.com".into()),
        gateway_user: Some("fault".into()),
        server_user: None,
        verdict: Word::ACCEPT,
        channels: Vec::new(),
        events: Vec::new(),
        indexing: Indexing::default(),
    };
    opened.keep_session(&record)?;
    Ok(id)
}

fn write_trail(opened: &Opened, id: &str) -> Result<TrailFile, ContentError> {
    let name = opened.trail_name(id)?;
    let path = opened.place(Kind::Trails).join(&name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(path)?;
    file.write_all(TRAIL)?;
    rustix::fs::syncfs(&file)?;
    Ok(TrailFile {
        name,
        size: TRAIL.len() as u64,
    })
}
