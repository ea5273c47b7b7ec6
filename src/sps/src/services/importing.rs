//! Phase two of an upgrade: earlier sessions come into the session database, the newest first, while the appliance works.
//!
//! It gives way: it rests as long as it works, and longer while the machine is busy. Searches find everything meanwhile.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sps_bootlog::causes;
use sps_datastore_engine::Kind;
use sps_sessions::Sessions;
use sps_store_forms::{Filling, Importing};
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::{info, warn};

use super::data::{DataState, Opened};
use super::supervise::spec;

/// How often the log says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Rest after a batch, in times of the batch: while the machine has time, and while it is busy.
const REST: [u32; 2] = [1, 8];
/// Longest rest.
const MOST_REST: Duration = Duration::from_secs(5);

/// Imports whatever is left to import, whenever there is a data store.
pub(super) fn service(data: &watch::Sender<DataState>) -> Service {
    let data = data.clone();
    Service::new(spec("importing"), move |context| run(data.clone(), context))
}

async fn run(data: watch::Sender<DataState>, context: ServiceContext) -> Result<(), ServiceError> {
    context.ready();
    let mut changes = data.subscribe();
    loop {
        let opened = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            found = changes.wait_for(|state| state.opened.is_some()) => found?.opened.clone(),
        };
        if let Some((opened, sessions)) =
            opened.and_then(|opened| Some((opened.clone(), opened.sessions.clone()?)))
        {
            tokio::select! {
                () = context.shutdown.cancelled() => return Ok(()),
                ended = import_all(&data, opened, sessions) => ended?,
            }
        }
        // What is open is done; something else is opened only after that was closed.
        tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            closed = changes.wait_for(|state| state.opened.is_none()) => drop(closed?),
        }
    }
}

async fn import_all(
    data: &watch::Sender<DataState>,
    opened: Arc<Opened>,
    sessions: Arc<Sessions>,
) -> Result<(), ServiceError> {
    while import(data, opened.clone(), sessions.clone()).await? {}
    Ok(())
}

/// Imports what comes next; false when there is nothing more.
async fn import(
    data: &watch::Sender<DataState>,
    opened: Arc<Opened>,
    sessions: Arc<Sessions>,
) -> Result<bool, ServiceError> {
    let (folder, aside) = (
        opened.place(Kind::SessionDatabase),
        opened.place(Kind::Quarantine),
    );
    drop(opened);
    let begin = sessions.clone();
    let next = spawn_blocking(move || {
        Filling::next(&folder, &aside, &begin).map_err(|error| causes(error.as_ref()))
    });
    let Some(mut filling) = next.await?? else {
        return Ok(false);
    };
    let what = filling.what();
    let mut told = Instant::now();
    data.send_modify(|state| {
        state.importing = Some(filling.state());
        state.importing_since = Some((Instant::now(), filling.state().done));
    });
    info!("{what} are imported into the session database in the background");
    loop {
        let mut changes = data.subscribe();
        drop(
            changes
                .wait_for(|state| !state.import_paused || state.opened.is_none())
                .await?,
        );
        if data.borrow().opened.is_none() {
            return Ok(false);
        }
        if data.borrow().importing_since.is_none() {
            data.send_modify(|state| state.importing_since = Some((Instant::now(), filling.state().done)));
        }
        let begun = Instant::now();
        let work = sessions.clone();
        let step = spawn_blocking(move || {
            let now = filling.step(&work).map_err(|error| causes(error.as_ref()));
            (filling, now)
        });
        let (back, now) = step.await?;
        filling = back;
        let now = now?;
        data.send_modify(|state| state.importing = Some(now));
        if now.finished {
            tell_end(what, now);
            return Ok(true);
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            info!("{what}: {} of {} imported", now.done, now.total);
        }
        sleep((begun.elapsed() * REST[usize::from(is_busy())]).min(MOST_REST)).await;
    }
}

fn tell_end(what: &str, now: Importing) {
    info!("all {what} are imported: {} of {}", now.done, now.total);
    if now.aside > 0 {
        warn!(
            "{} of the {what} could not be understood; they were put aside",
            now.aside
        );
    }
}

/// Whether more wants to run than there are processors (`/proc/loadavg`, the first minute).
pub(super) fn is_busy() -> bool {
    let load = fs::read_to_string("/proc/loadavg").ok();
    let load = load.and_then(|load| load.split_whitespace().next()?.parse::<f64>().ok());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    #[expect(clippy::cast_precision_loss, reason = "a number of processors")]
    let processors = processors as f64;
    load.is_some_and(|load| load > processors)
}
