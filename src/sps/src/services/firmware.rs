//! The firmware on trial: told when every service is healthy, given up when they are not in time, committed after a while.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sps_bootlog::uptime;
use sps_firmware::Firmware;
use sps_firmware_engine::{CommitDue, DEADLINES, Reaction};
use sps_supervisor::{ExitKind, Messenger, Service, ServiceContext, ServiceError};
use sps_web::{BootStatus, Health};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tracing::{error, info, warn};

use super::data::DataState;
use super::jobs::Kept;
use super::supervise::spec;
use crate::backend::Settings;
use crate::node::now;

/// How often the time on trial is looked at.
const LOOK: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What the service works with.
#[derive(Clone)]
pub(super) struct Keeper {
    pub(super) firmware: Arc<Firmware>,
    pub(super) status: watch::Receiver<BootStatus>,
    pub(super) settings: Settings,
    pub(super) exit: Arc<OnceLock<Messenger>>,
    /// Jobs that wait for this firmware to be healthy.
    pub(super) kept: Kept,
    /// Time the services have to become healthy.
    pub(super) deadline: Duration,
    /// A reorganization may take as long as it gets further.
    pub(super) data: watch::Receiver<DataState>,
}

/// Watches over the running firmware.
pub(super) fn service(keeper: &Keeper) -> Service {
    let keeper = keeper.clone();
    Service::new(spec("firmware"), move |context| keeper.clone().run(context))
}

impl Keeper {
    async fn run(mut self, context: ServiceContext) -> Result<(), ServiceError> {
        let begun = Instant::now();
        context.ready();
        tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            waited = self.wait_healthy(begun) => waited?,
        }
        self.aside(|firmware| firmware.healthy(uptime())).await?;
        info!("the firmware is healthy");
        self.kept.jobs.healthy(&self.kept.arrival);
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = context.shutdown.cancelled() => return Ok(()),
                _ = ticks.tick() => self.look().await,
            }
        }
    }

    /// Returns when the services are healthy. When they are not in time the firmware may be given up.
    async fn wait_healthy(&mut self, begun: Instant) -> Result<(), ServiceError> {
        loop {
            let deadline = self.deadline(begun);
            if self.status.borrow_and_update().health == Health::Healthy {
                return Ok(());
            }
            tokio::select! {
                changed = self.status.changed() => changed?,
                () = sleep_until(deadline) => {
                    if self.deadline(begun) > deadline {
                        continue;
                    }
                    self.overdue(begun.elapsed()).await?;
                    // Nothing more to decide: it may still become healthy.
                    self.status.wait_for(|status| status.health == Health::Healthy).await?;
                    return Ok(());
                }
            }
        }
    }

    /// The services' time begins again whenever a reorganization of the data store gets further.
    fn deadline(&self, begun: Instant) -> Instant {
        let advanced = self.data.borrow().advanced.map(Instant::from_std);
        advanced.map_or(begun, |advanced| advanced.max(begun)) + self.deadline
    }

    async fn overdue(&self, since: Duration) -> Result<(), ServiceError> {
        let problems = self.status.borrow().problems.join("; ");
        let told = format!("services not healthy after {} s: {problems}", since.as_secs());
        error!("{told}");
        let reaction = {
            let firmware = self.firmware.clone();
            spawn_blocking(move || {
                if let Err(error) = firmware.problem(&told, now()) {
                    warn!("{}", sps_bootlog::causes(&error));
                }
                // However short the time was: it is over.
                firmware.after_services_overdue(since.max(DEADLINES.services))
            })
            .await?
        };
        if let (Some(Reaction::Reboot), Some(messenger)) = (reaction, self.exit.get()) {
            messenger.exit(
                ExitKind::Reboot,
                "the firmware on trial did not become healthy in time",
            );
        }
        Ok(())
    }

    async fn look(&self) {
        let hours = self.settings.node().firmware.commit_after_hours;
        let period = HOUR * hours;
        match self.aside(move |firmware| firmware.tick(uptime(), period)).await {
            Ok(CommitDue::Now) => info!("the firmware is committed"),
            Ok(_) => {}
            Err(error) => warn!("{}", sps_bootlog::causes(error.as_ref())),
        }
    }

    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Firmware) -> Result<T, sps_firmware::FirmwareError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let firmware = self.firmware.clone();
        Ok(spawn_blocking(move || work(&firmware)).await??)
    }
}
