//! Support bundles by the boot page, in rescue: for whoever knows the console password, judged as a login by SSH is.

use std::net::IpAddr;
use std::time::Duration;

use sps_admin::{BundleTarget, FailureKind};
use sps_admin::{Call, Failure, Operations, Origin, Reply, Request, Response, Update, Updates};
use sps_config::Secret;
use sps_web::{Bundle, Bundles, Later, NoBundle};
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

use crate::backend::Settings;

/// The one whose password it is.
const USER: &str = "admin";
/// A refused password takes at least this long, as with SSH.
const REFUSAL: Duration = Duration::from_secs(2);

/// What makes them.
#[derive(Clone)]
pub(super) struct RescueBundles {
    pub(super) operations: Operations,
    pub(super) settings: Settings,
}

impl std::fmt::Debug for RescueBundles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RescueBundles")
    }
}

impl Bundles for RescueBundles {
    fn why_not(&self) -> Option<&'static str> {
        let node = self.settings.node();
        if node.sealed {
            Some("the appliance is sealed")
        } else if node.administrators.console_password.is_none() {
            Some("no console password is set")
        } else {
            None
        }
    }

    fn make(&self, password: Zeroizing<String>, from: IpAddr) -> Later<Result<Bundle, NoBundle>> {
        let own = self.clone();
        let origin = Origin::Web {
            user: USER.into(),
            address: from.to_string(),
        };
        Box::pin(async move {
            let refused_at = Instant::now() + REFUSAL;
            if let Err(refusal) = own.log_in(&password, &origin).await {
                sleep_until(refused_at).await;
                return Err(refusal);
            }
            own.bundle(origin).await.map_err(|failure| none(&failure))
        })
    }
}

impl RescueBundles {
    async fn log_in(&self, password: &str, origin: &Origin) -> Result<(), NoBundle> {
        let password = Secret::from(password.to_owned());
        let call = call(origin, Request::Login { password });
        let (updates, _nobody_listens) = Updates::channel();
        match self.operations.perform(call, updates).await {
            Ok(Response::Login { accepted: true, .. }) => Ok(()),
            Ok(_) => Err(NoBundle::WrongPassword),
            Err(failure) => Err(none(&failure)),
        }
    }

    /// All of it in memory, where [`sps_support::Limits`] bounds it: a browser is told the name before the first byte.
    async fn bundle(&self, origin: Origin) -> Result<Bundle, Failure> {
        let to = BundleTarget::Stream;
        let (updates, mut heard) = Updates::channel();
        let work = self
            .operations
            .perform(call(&origin, Request::SupportBundle { to }), updates);
        let collect = async {
            let mut bytes = Vec::new();
            while let Some(update) = heard.recv().await {
                if let Update::Data(piece) = update {
                    bytes.extend_from_slice(&piece);
                }
            }
            bytes
        };
        let (reply, bytes): (Reply, Vec<u8>) = tokio::join!(work, collect);
        match reply? {
            Response::Bundle(written) => Ok(Bundle {
                name: written.name,
                bytes,
            }),
            _ => Err(Failure::failed("the answer is not understood")),
        }
    }
}

fn call(origin: &Origin, request: Request) -> Call {
    Call {
        origin: origin.clone(),
        message: String::new(),
        request,
    }
}

fn none(failure: &Failure) -> NoBundle {
    match failure.kind {
        FailureKind::Failed | FailureKind::TimedOut | FailureKind::CalledOff => {
            NoBundle::Failed(failure.to_string())
        }
        _ => NoBundle::Refused(failure.to_string()),
    }
}
