//! The clock, kept by the time servers that the network names.

use sps_clock::{NtpServer, NtpSettings, NtpState};
use sps_net::NetworkState;
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::sync::watch;

use super::supervise::spec;

/// Follows time servers; the clock is never set below `build_time`, seconds since 1970.
pub(super) fn service(build_time: u64, network: &watch::Sender<NetworkState>) -> Service {
    let floor = i64::try_from(build_time).unwrap_or(i64::MAX);
    let network = network.clone();
    let state = watch::Sender::new(NtpState::default());
    Service::new(spec("time"), move |context| {
        run(floor, network.subscribe(), state.clone(), context)
    })
}

async fn run(
    floor: i64,
    network: watch::Receiver<NetworkState>,
    state: watch::Sender<NtpState>,
    context: ServiceContext,
) -> Result<(), ServiceError> {
    let (servers, wanted) = watch::channel(Vec::new());
    context.ready();
    tokio::select! {
        ended = sps_clock::run_ntp(NtpSettings::above(floor), wanted, state, context.shutdown) => Ok(ended?),
        () = follow(network, servers) => Ok(()),
    }
}

/// Passes on the time servers of the network each time they change.
async fn follow(mut network: watch::Receiver<NetworkState>, servers: watch::Sender<Vec<NtpServer>>) {
    loop {
        let now: Vec<NtpServer> = network
            .borrow_and_update()
            .ntp_servers()
            .into_iter()
            .map(NtpServer::from)
            .collect();
        servers.send_if_modified(|old| {
            let changed = *old != now;
            *old = now;
            changed
        });
        if network.changed().await.is_err() {
            return;
        }
    }
}
