//! Support bundles that are kept for a day, so that a program can ask for one and fetch it when it is there. Blocking, but for the
//! making itself.

use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sps_admin::{BundleWritten, Context, Failure, FailureKind, KeptBundle, KeptState, Reply, Response};
use sps_support::{Kept, KeptError};
use tracing::{info, warn};

use super::appliance::{Appliance, done};
use super::{firmware, support};
use crate::node::{self, now};

/// Bytes of one piece sent to the asker.
const PIECE: usize = 32 * 1024;

/// The one that is being made, or why the last one failed; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Making {
    now: Arc<Mutex<Option<KeptBundle>>>,
}

impl Making {
    /// Takes the place of the one that is made. No two have the same key, wherever the clock goes; `newest` is the last that is kept.
    fn begin(&self, now: u64, newest: u64, name: String) -> Result<KeptBundle, Failure> {
        let mut making = self.lock();
        let mut last = newest;
        if let Some(other) = making.as_ref() {
            if other.state == KeptState::InProgress {
                let text = "a support bundle is being made; try again when it is finished";
                return Err(Failure::new(FailureKind::Busy, text));
            }
            last = last.max(other.key);
        }
        let begun = KeptBundle {
            key: now.max(last + 1),
            name,
            bytes: 0,
            state: KeptState::InProgress,
        };
        *making = Some(begun.clone());
        Ok(begun)
    }

    /// It is in the folder now, or it failed.
    fn end(&self, failed: Option<String>) {
        let mut making = self.lock();
        match (making.as_mut(), failed) {
            (Some(bundle), Some(why)) => bundle.state = KeptState::Failed(why),
            _ => *making = None,
        }
    }

    /// Forgets one that failed; whether it was this one.
    fn forget(&self, key: u64) -> Result<bool, Failure> {
        let mut making = self.lock();
        match making.as_ref().filter(|bundle| bundle.key == key) {
            None => Ok(false),
            Some(bundle) if bundle.state == KeptState::InProgress => Err(Failure::refused(
                "it is being made; delete it when it is finished",
            )),
            Some(_) => {
                *making = None;
                Ok(true)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<KeptBundle>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins one.
pub(super) fn begin(own: &Appliance) -> Reply {
    let kept = kept(own)?;
    let newest = kept.list(now()).map_err(|error| failure(&error))?;
    let newest = newest.last().map_or(0, |bundle| bundle.key);
    let bundle = support::bundle(own);
    let begun = own.making.begin(now(), newest, bundle.name())?;
    let (making, key) = (own.making.clone(), begun.key);
    tokio::task::spawn_blocking(move || {
        // Whatever ends this, it does not stay in progress.
        let mut end = End {
            making,
            failed: Some("it ended unexpectedly; the log says more".into()),
        };
        let made = kept.keep(bundle, key);
        end.failed = made.err().map(|error| sps_bootlog::causes(&error));
    });
    Ok(Response::Bundles(vec![begun]))
}

/// Makes one before another firmware is started: what is known now may be asked for when that fails. A failure is told and
/// keeps nobody from upgrading.
pub(super) fn keep_before_upgrade(own: &Appliance) {
    let made = kept(own).and_then(|kept| {
        let list = kept.list(now()).map_err(|error| failure(&error))?;
        let newest = list.last().map_or(0, |bundle| bundle.key);
        let made = kept.keep(support::bundle(own), now().max(newest + 1));
        made.map_err(|error| failure(&error))
    });
    match made {
        Ok((bundle, _)) => info!("support bundle {} is kept before the upgrade", bundle.name),
        Err(failure) => warn!("no support bundle is kept before this upgrade: {failure}"),
    }
}

struct End {
    making: Making,
    failed: Option<String>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.making.end(self.failed.take());
    }
}

/// Those that are kept, and the one that is being made.
pub(super) fn list(own: &Appliance) -> Reply {
    let making = own.making.lock().clone();
    let kept = kept(own)?.list(now()).map_err(|error| failure(&error))?;
    let mut all: Vec<_> = kept.into_iter().map(finished).collect();
    // It may have been finished between the two looks.
    all.extend(making.filter(|making| all.iter().all(|kept| kept.key != making.key)));
    Ok(Response::Bundles(all))
}

fn finished(bundle: sps_support::KeptBundle) -> KeptBundle {
    KeptBundle {
        key: bundle.key,
        name: bundle.name,
        bytes: bundle.bytes,
        state: KeptState::Finished,
    }
}

/// Sends one.
pub(super) fn read(own: &Appliance, key: u64, context: &Context) -> Reply {
    let (bundle, mut file) = kept(own)?.open(key, now()).map_err(|error| failure(&error))?;
    loop {
        let mut piece = vec![0; PIECE];
        let length = file
            .read(&mut piece)
            .map_err(|error| Failure::failed(format!("could not read the support bundle: {error}")))?;
        if length == 0 {
            break;
        }
        piece.truncate(length);
        let sent = context.updates.data_blocking(piece);
        sent.map_err(|gone| Failure::failed(gone.to_string()))?;
    }
    Ok(Response::Bundle(BundleWritten {
        name: bundle.name,
        bytes: bundle.bytes,
        places: Vec::new(),
        missing: Vec::new(),
    }))
}

/// Removes one, or the memory of one that failed.
pub(super) fn remove(own: &Appliance, key: u64) -> Reply {
    let kept = kept(own)?;
    if own.making.forget(key)? {
        return Ok(done("support bundle deleted"));
    }
    kept.remove(key, now()).map_err(|error| failure(&error))?;
    Ok(done("support bundle deleted"))
}

/// Where they are kept, while `state` can be used.
fn kept(own: &Appliance) -> Result<Kept, Failure> {
    firmware::of(own)?;
    Ok(Kept::new(&node::bundles()))
}

fn failure(error: &KeptError) -> Failure {
    let words = sps_bootlog::causes(error);
    match error {
        KeptError::Unknown(_) => Failure::invalid(words),
        _ => Failure::failed(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn one_is_made_at_a_time_and_every_key_is_new() {
        let making = Making::default();
        let first = making.begin(NOW, 0, "a".into()).unwrap();
        assert_eq!((first.key, &first.state), (NOW, &KeptState::InProgress));
        let busy = making.begin(NOW + 1, 0, "b".into()).unwrap_err();
        assert_eq!(busy.kind, FailureKind::Busy);
        assert!(making.forget(NOW).is_err(), "it is being made");
        making.end(None);
        // The clock was set back meanwhile.
        let second = making.begin(NOW - 500, NOW, "c".into()).unwrap();
        assert_eq!(second.key, NOW + 1);
    }

    #[test]
    fn one_that_failed_is_told_until_it_is_deleted_or_the_next_begins() {
        let making = Making::default();
        making.begin(NOW, 0, "a".into()).unwrap();
        making.end(Some("the disk is full".into()));
        let told = making.lock().clone().unwrap();
        assert_eq!(told.state, KeptState::Failed("the disk is full".into()));
        assert!(!making.forget(NOW + 7).unwrap());
        assert!(making.forget(NOW).unwrap());
        assert_eq!(*making.lock(), None);
        making.begin(NOW, 0, "b".into()).unwrap();
        making.end(Some("again".into()));
        let next = making.begin(NOW, 0, "c".into()).unwrap();
        assert_eq!(next.key, NOW + 1);
    }
}
