//! Requests to authorities of timestamps, carried to other machines and never to the appliance's own addresses.

use std::net::IpAddr;
use std::time::Duration;

use sps_bootlog::causes;
use sps_fetch::{FetchError, Fetcher, Guard, Limits, Target};
use sps_gateway::Carrier;
use sps_net::NetworkState;
use sps_proxy_ssh::Answer;
use tokio::sync::watch;

/// Bounds of an answer: tokens have some thousand bytes.
const LIMITS: Limits = Limits {
    bytes: 64 * 1024,
    connect: Duration::from_secs(5),
    head: Duration::from_secs(10),
    silence: Duration::from_secs(10),
    whole: Duration::from_secs(10),
};

/// Carries them.
pub(super) struct Carrying {
    guard: Guard,
}

impl Carrying {
    pub(super) fn new(network: watch::Receiver<NetworkState>) -> Self {
        let own = move || -> Vec<IpAddr> {
            let state = network.borrow();
            let addresses = state.interfaces.iter().flat_map(|interface| &interface.addresses);
            addresses.map(|address| address.address).collect()
        };
        Self {
            guard: Guard::new(own),
        }
    }
}

impl Carrier for Carrying {
    fn post(&self, url: &str, roots: &[Vec<u8>], request: Vec<u8>) -> Answer<Result<Vec<u8>, String>> {
        let fetcher = Fetcher::also_trusting(roots, self.guard.clone(), LIMITS);
        let target = Target::parse(url);
        Box::pin(async move {
            let fetcher = fetcher.map_err(|error| causes(&error))?;
            let target = target.map_err(|error| said(&error))?;
            let posted = fetcher
                .post(&target, "application/timestamp-query", request)
                .await;
            posted.map_err(|error| said(&error))
        })
    }
}

/// The words of a download, where they are not those for an answer.
fn said(error: &FetchError) -> String {
    match error {
        FetchError::Tls { host, source } => format!(
            "could not trust {host}: it needs a certificate of a public authority, or of a CA in the audit policy, and TLS 1.2: {source}"
        ),
        FetchError::TooLarge { most } => format!("its answer has more than {most} bytes"),
        FetchError::TooSlow { limit, .. } | FetchError::Stalled { limit, .. } => {
            format!("it did not answer in {} s", limit.as_secs())
        }
        error => causes(error),
    }
}
