//! Trees of the data store that no firmware goes back to are removed, slowly, in the background.
//!
//! As long as a firmware is on trial, and until it is committed, every firmware in a slot keeps its tree.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sps_bootlog::causes;
use sps_datastore::StoreError;
use sps_firmware::Firmware;
use sps_firmware_engine::SlotState;
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::data::{DataState, Opened};
use super::supervise::spec;

/// How often it is looked whether something may go.
const LOOK: Duration = Duration::from_secs(60);
/// Pause after some hundred files: recordings go first, and 600,000 files at once held a disk for half a minute.
const PAUSE: Duration = Duration::from_millis(5);

/// Removes what is not needed.
pub(super) fn service(firmware: &Arc<Firmware>, data: &watch::Receiver<DataState>) -> Service {
    let (firmware, data) = (firmware.clone(), data.clone());
    Service::new(spec("cleaning"), move |context| {
        run(firmware.clone(), data.clone(), context)
    })
}

async fn run(
    firmware: Arc<Firmware>,
    data: watch::Receiver<DataState>,
    context: ServiceContext,
) -> Result<(), ServiceError> {
    context.ready();
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        let opened = data.borrow().opened.clone();
        let Some(opened) = opened else { continue };
        let (firmware, stop) = (firmware.clone(), context.shutdown.clone());
        spawn_blocking(move || clean(&firmware, &opened, &|| !stop.is_cancelled())).await?;
    }
}

fn clean(firmware: &Firmware, opened: &Opened, go_on: &dyn Fn() -> bool) {
    let kept = match kept(firmware) {
        Ok(kept) => kept,
        Err(error) => return warn!("{}", causes(&error)),
    };
    let mut pause = || {
        thread::sleep(PAUSE);
        go_on()
    };
    match opened.store.clean(opened.tree, &kept, &mut pause) {
        Ok(0) | Err(StoreError::Stopped) => {}
        Ok(files) => info!("{files} files of earlier layouts of the data store were removed"),
        Err(error) => warn!("{}", causes(&error)),
    }
}

/// Digests of the firmware that may be gone back to.
fn kept(firmware: &Firmware) -> Result<BTreeSet<String>, sps_firmware::FirmwareError> {
    let slots = firmware.list()?;
    let running = firmware.running().map(|build| build.digest);
    let committed = slots
        .iter()
        .any(|slot| slot.digest == running && running.is_some() && slot.state == SlotState::Committed);
    let digests = slots.iter().filter_map(|slot| slot.digest);
    Ok(digests
        .filter(|digest| !committed || Some(*digest) == running)
        .map(|digest| digest.to_string())
        .collect())
}
