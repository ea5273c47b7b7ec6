//! The service: one loop around the client.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, EVENT_QUEUE};
use crate::clock::{Clock, KernelClock};
use crate::error::ClockError;
use crate::settings::{NtpServer, NtpSettings};
use crate::state::NtpState;

/// Runs the NTP client on the machine's clock until `shutdown`.
///
/// `servers` may change at any time: what DHCP brings, what an administrator sets.
///
/// # Errors
/// The clock does not obey; servers that do not answer are only shown in `state`.
pub async fn run_ntp(
    settings: NtpSettings,
    servers: watch::Receiver<Vec<NtpServer>>,
    state: watch::Sender<NtpState>,
    shutdown: CancellationToken,
) -> Result<(), ClockError> {
    run_ntp_with(Arc::new(KernelClock), settings, servers, state, shutdown).await
}

/// As [`run_ntp`], on any clock.
///
/// # Errors
/// As [`run_ntp`].
pub async fn run_ntp_with(
    clock: Arc<dyn Clock>,
    settings: NtpSettings,
    mut servers: watch::Receiver<Vec<NtpServer>>,
    state: watch::Sender<NtpState>,
    shutdown: CancellationToken,
) -> Result<(), ClockError> {
    let (events, mut happened) = mpsc::channel(EVENT_QUEUE);
    let mut client = Client::new(clock, settings, events);
    client.set_servers(&servers.borrow_and_update());
    let mut may_change = true;
    loop {
        client.see_to_trouble()?;
        show(&state, client.state());
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            changed = servers.changed(), if may_change => match changed {
                Ok(()) => client.set_servers(&servers.borrow_and_update()),
                Err(_no_one_left_to_change_them) => may_change = false,
            },
            Some(event) = happened.recv() => client.on_event(event).await,
            () = until(client.deadline()) => client.on_time().await,
        }
    }
}

fn show(state: &watch::Sender<NtpState>, new: NtpState) {
    state.send_if_modified(|shown| {
        let changed = *shown != new;
        *shown = new;
        changed
    });
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => pending().await,
    }
}
