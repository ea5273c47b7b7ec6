//! Firmware files fetched from a server: they arrive at the same place as those that are uploaded, one at a time.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use sps_admin::{Arrived, Context, Failure, Intake, Parcel, Progress, Reply, Updates};
use sps_fetch::{Download, FetchError, Fetcher, Guard, Limits, Target};
use sps_image::manifest::MAX_IMAGE;
use sps_net::NetworkState;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tracing::error;

use super::appliance::{Appliance, done};
use super::receiving;

/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_millis(250);

/// What fetches for this appliance, never from one of its own addresses; nothing where TLS cannot be used.
pub(crate) fn fetcher(network: &watch::Sender<NetworkState>) -> Option<Fetcher> {
    let network = network.subscribe();
    let own = move || -> Vec<IpAddr> {
        let state = network.borrow();
        let addresses = state.interfaces.iter().flat_map(|interface| &interface.addresses);
        addresses.map(|address| address.address).collect()
    };
    let made = Fetcher::new(Guard::new(own), Limits::up_to(MAX_IMAGE));
    made.map_err(|error| error!("nothing can be fetched: {error}"))
        .ok()
}

/// Fetches a file and keeps it for whoever adds it next, when its SHA-256 is right.
pub(super) async fn fetch(own: &Appliance, url: &str, sha256: &str, context: &Context) -> Reply {
    let nothing = || Failure::refused("nothing can be fetched in this boot; the log says why");
    let fetcher = own.parts.fetcher.as_ref().ok_or_else(nothing)?;
    let place = |announced| {
        let (own, origin) = (own.clone(), context.origin.clone());
        let place = spawn_blocking(move || receiving::receive(&own, &origin, announced));
        async move {
            place
                .await
                .unwrap_or_else(|_| Err(Failure::failed("it ended unexpectedly; the log says more")))
        }
    };
    let fetched = arrive(fetcher, url, place, &context.updates).await?;
    let judged = judge(&fetched, sha256);
    if judged.is_err() {
        own.parts.dock.take(Some(&fetched.sha256));
    }
    judged.map(|()| done(format!("{} bytes have arrived", fetched.bytes)))
}

/// Whether what has arrived is what was asked for.
fn judge(arrived: &Arrived, sha256: &str) -> Result<(), Failure> {
    if arrived.sha256.eq_ignore_ascii_case(sha256) {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "the file has the SHA-256 {}, not the one given; nothing of it is kept: check both URL and SHA-256",
        arrived.sha256
    )))
}

/// Brings the file to the parcel that `place` makes room for, unless it is called off.
async fn arrive<P>(
    fetcher: &Fetcher,
    url: &str,
    place: impl FnOnce(Option<u64>) -> P,
    updates: &Updates,
) -> Result<Arrived, Failure>
where
    P: Future<Output = Result<Box<dyn Parcel>, Failure>>,
{
    let target = Target::parse(url).map_err(|error| invalid(&error))?;
    let called_off = |who: String| Failure::called_off(&who);
    updates.progress(Progress {
        what: format!("asking {target}"),
        ..Progress::default()
    });
    let mut download = tokio::select! {
        who = updates.until_called_off() => return Err(called_off(who)),
        opened = fetcher.open(&target) => opened.map_err(|error| failed(&error))?,
    };
    let intake = Intake::new(place(download.size()).await?);
    let moved = tokio::select! {
        who = updates.until_called_off() => Err(called_off(who)),
        moved = transfer(&mut download, &intake, updates) => moved,
    };
    match moved {
        Ok(()) => intake.finish().await,
        Err(failure) => {
            // The place is free again before anybody hears of the end.
            intake.give_up().await;
            Err(failure)
        }
    }
}

async fn transfer(
    download: &mut Download,
    intake: &Intake<Vec<u8>>,
    updates: &Updates,
) -> Result<(), Failure> {
    let (begun, mut told, mut got) = (Instant::now(), None::<Instant>, 0);
    while let Some(piece) = download.piece().await.map_err(|error| failed(&error))? {
        got += piece.len() as u64;
        if intake.take(Vec::from(piece)).await.is_err() {
            // What the disk says is told by the end of the intake.
            return Ok(());
        }
        if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            let total = download.size().unwrap_or(0);
            updates.progress(Progress::of_bytes(
                "fetching the firmware",
                got,
                total,
                begun.elapsed(),
            ));
            told = Some(Instant::now());
        }
    }
    Ok(())
}

fn failed(error: &FetchError) -> Failure {
    Failure::failed(sps_bootlog::causes(error))
}

fn invalid(error: &FetchError) -> Failure {
    Failure::invalid(sps_bootlog::causes(error))
}

#[cfg(test)]
mod tests;
