//! Archiving, clean-up, backups and the end of sessions' time, daily; and what is done when the disk fills up.

use std::sync::Arc;
use std::time::Duration;

use sps_bootlog::causes;
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::supervise::spec;
use crate::node::now;
use crate::space::{SpaceError, Spare, Work};

/// How often it is looked how full the disk is, and whether a policy is due: at 100 MB/s a gigabyte comes meanwhile.
const LOOK: Duration = Duration::from_secs(10);
/// Looks between two looks at the clock, which are kept on disk: an hour.
const CLOCK_EVERY: u32 = 360;

/// Carries policies out.
pub(super) fn service(spare: &Arc<Spare>) -> Service {
    let spare = spare.clone();
    Service::new(spec("retention"), move |context| run(spare.clone(), context))
}

async fn run(spare: Arc<Spare>, context: ServiceContext) -> Result<(), ServiceError> {
    context.ready();
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut working: Option<JoinHandle<()>> = None;
    let mut looks = 0;
    loop {
        tokio::select! {
            () = context.shutdown.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let (look, with_clock) = (spare.clone(), looks % CLOCK_EVERY == 0);
        let found = spawn_blocking(move || look_around(&look, with_clock)).await?;
        let works = match found {
            Ok(works) => works,
            // It is brought up, or being stopped.
            Err(SpaceError::NoStore) => continue,
            Err(error) => {
                warn!("{}", causes(&error));
                continue;
            }
        };
        if looks == 0 {
            let own = spare.clone();
            spawn_blocking(move || tell_problems(&own)).await?;
        }
        looks += 1;
        if works.is_empty() || working.as_ref().is_some_and(|working| !working.is_finished()) {
            continue;
        }
        let (own, stop) = (spare.clone(), context.shutdown.clone());
        working = Some(spawn_blocking(move || {
            for work in works {
                if stop.is_cancelled() {
                    return;
                }
                // What it came to is in the record and in the log.
                let _told = own.run(&work, &mut |_, _| !stop.is_cancelled());
            }
        }));
    }
    // It asks before each file whether to go on.
    if let Some(working) = working {
        working.await?;
    }
    Ok(())
}

/// Policies that will not run, once a start: their page and `sps archive show` say it for ever.
fn tell_problems(spare: &Spare) {
    for due in spare.policies().unwrap_or_default() {
        if let Some(problem) = due.problem {
            warn!("{} does not run: {problem}", due.work.title());
        }
    }
}

/// What is to be run now: because the disk is full, or because its time has come.
fn look_around(spare: &Spare, with_clock: bool) -> Result<Vec<Work>, SpaceError> {
    let now = now();
    if with_clock {
        spare.look_at_clock(now)?;
    }
    let mut works = spare.look(now)?;
    let due = spare.policies()?.into_iter();
    let due = due.filter(|due| due.next.is_some_and(|next| next <= now));
    works.extend(due.map(|due| due.work));
    works.dedup();
    Ok(works)
}
