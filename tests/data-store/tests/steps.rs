//! Stopped before every step that changes the disk, and failing at every one.

use std::io::{self, Write as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use sps_data_store_tests::scene::{Before, LAST, NEW, scratch, start, store};
use sps_datastore::{Step, Steps};

/// Objects at the step with this number, and counts.
fn objecting(
    at: usize,
    error: impl Fn(Step) -> io::Error + Send + Sync + 'static,
) -> (Steps, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let steps = Steps::watched({
        let count = count.clone();
        move |step| {
            if count.fetch_add(1, Ordering::Relaxed) == at {
                Err(error(step))
            } else {
                Ok(())
            }
        }
    });
    (steps, count)
}

fn every_step(error: impl Fn(Step) -> io::Error + Clone + Send + Sync + 'static) -> Result<usize> {
    for at in 0.. {
        let root = scratch()?;
        let tree = store(root.path(), 1, 3)?;
        let before = Before::new(root.path(), &tree, 1)?;
        let (steps, count) = objecting(at, error.clone());
        let stopped = start(root.path(), NEW, LAST, &steps);
        if count.load(Ordering::Relaxed) <= at {
            stopped?;
            return Ok(at);
        }
        ensure!(stopped.is_err(), "step {at} failed and nobody noticed");
        before
            .old_is_whole()
            .with_context(|| format!("stopped at step {at}"))?;
        let new =
            start(root.path(), NEW, LAST, &Steps::default()).with_context(|| format!("after step {at}"))?;
        before
            .new_is_whole(&new)
            .with_context(|| format!("gone on with after step {at}"))?;
        before.old_is_whole()?;
    }
    Ok(0)
}

#[test]
fn stopped_at_every_step_the_old_store_is_whole_and_the_next_start_goes_on() -> Result<()> {
    let steps = every_step(|_| io::Error::other("the power is gone"))?;
    writeln!(stderr(), "stopped at each of {steps} steps")?;
    ensure!(steps > 100, "{steps}");
    Ok(())
}

#[test]
fn a_full_disk_at_every_step_loses_nothing() -> Result<()> {
    let steps = every_step(|_| io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error()))?;
    ensure!(steps > 100, "{steps}");
    Ok(())
}
