//! Boot page and web interface: what they are given to show, and under which certificate.

use std::fs;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use sps_access::Store;
use sps_admin::{Call, Jobs, Operations, Origin, Request, Updates};
use sps_config::{KeyPair, Secret};
use sps_gateway::Live;
use sps_supervisor::{Service, ServiceError};
use sps_web::{
    Administration, ApplianceInfo, BootContent, BootPageSettings, BootServer, BootStatus, Bundles, Gate,
    ServerNames, TlsIdentity,
};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::info;

use super::bundles::RescueBundles;
use super::supervise::{HOST_NAME, spec};
use crate::backend::Settings;
use crate::boot::{Boot, PRODUCT_TITLE};
use crate::node;

/// How often support bundles that are too old are looked for.
const BUNDLES_EVERY: Duration = Duration::from_secs(900);

/// Boot page and web interface over HTTPS.
pub(super) fn service(
    boot: &Boot,
    status: &watch::Sender<BootStatus>,
    operations: &Operations,
    jobs: &Jobs,
    live: &Live,
) -> Service {
    let content = content(boot, status.subscribe(), operations, jobs, live);
    let operations = operations.clone();
    let certificate = Certificate {
        settings: boot.settings.clone(),
        not_before: SystemTime::now(),
        made: Arc::default(),
    };
    Service::new(spec("boot-page"), move |context| {
        let (content, certificate, operations) = (content.clone(), certificate.clone(), operations.clone());
        async move {
            let identity = certificate.identity().await?;
            let fingerprint = identity.fingerprint();
            let server = BootServer::bind(BootPageSettings::everywhere(identity), content).await?;
            info!("certificate of the boot page: SHA-256 {fingerprint}");
            context.ready();
            tokio::select! {
                () = server.run(context.shutdown) => {}
                () = forget_old_bundles(&operations) => {}
            }
            Ok(())
        }
    })
}

/// Looks at the support bundles that are kept, now and then: a look removes those that are too old.
async fn forget_old_bundles(operations: &Operations) {
    loop {
        let call = Call {
            origin: Origin::Appliance {
                part: "support bundles".into(),
            },
            message: String::new(),
            request: Request::BundleList,
        };
        let (updates, _nobody_listens) = Updates::channel();
        // What cannot be looked at now is looked at the next time.
        drop(operations.perform(call, updates).await);
        sleep(BUNDLES_EVERY).await;
    }
}

/// The certificate: the one that is kept on `state`, else one that is made at the first start and kept from then on, so that
/// a browser that was told to trust it knows the appliance again after a reboot.
#[derive(Clone)]
struct Certificate {
    settings: Settings,
    not_before: SystemTime,
    /// The one made in this boot.
    made: Arc<OnceLock<TlsIdentity>>,
}

impl Certificate {
    async fn identity(&self) -> Result<TlsIdentity, ServiceError> {
        if let Some(made) = self.made.get() {
            return Ok(made.clone());
        }
        let identity = match self.settings.node().keys.web {
            Some(kept) => TlsIdentity::from_pem(&kept.certificate, kept.private_key.expose())?,
            None => self.make().await?,
        };
        Ok(self.made.get_or_init(|| identity).clone())
    }

    async fn make(&self) -> Result<TlsIdentity, ServiceError> {
        let identity = TlsIdentity::generate(&names(), self.not_before)?;
        if !self.settings.is_kept() {
            return Ok(identity);
        }
        let pair = KeyPair {
            certificate: identity.certificate_pem().to_owned(),
            private_key: Secret::from(identity.key_pem().to_owned()),
        };
        let keep =
            self.settings
                .change_by_itself("first boot", "certificate of the web interface made", |node| {
                    node.keys.web = Some(pair);
                });
        if let Err(failure) = keep.await {
            // The page is needed all the more.
            info!("the certificate of the web interface holds until the next boot: {failure}");
        }
        Ok(identity)
    }
}

/// What the certificate is made for: the name, and the address of an appliance without a network's help.
fn names() -> ServerNames {
    ServerNames {
        host_name: HOST_NAME.into(),
        addresses: vec![sps_net::FALLBACK_ADDRESS.into()],
    }
}

/// The web interface: where there is a disk to keep things on, and not in rescue.
fn administration(boot: &Boot, operations: &Operations, jobs: &Jobs, live: &Live) -> Option<Administration> {
    if boot.state.is_none() || boot.rescue.is_some() {
        return None;
    }
    let (zone, host_name) = (boot.settings.clone(), boot.settings.clone());
    Some(Administration {
        operations: operations.clone(),
        jobs: jobs.clone(),
        sessions: live.changes(),
        gate: Gate::new(Some(Store::new(&node::access()))),
        zone: Arc::new(move || zone.node().time.zone),
        host_name: Arc::new(move || host_name.node().network.host_name),
    })
}

fn content(
    boot: &Boot,
    status: watch::Receiver<BootStatus>,
    operations: &Operations,
    jobs: &Jobs,
    live: &Live,
) -> BootContent {
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let release = boot.release.as_ref();
    let info = ApplianceInfo {
        product: PRODUCT_TITLE.into(),
        version: release.map(|r| r.version.to_string()).unwrap_or_default(),
        channel: release.map(|r| r.channel.to_string()).unwrap_or_default(),
        build_id: release.map(|r| r.build_id.clone()).unwrap_or_default(),
        development: release.is_some_and(|r| r.development),
        host_name: HOST_NAME.into(),
    };
    let bundles = RescueBundles {
        operations: operations.clone(),
        settings: boot.settings.clone(),
    };
    BootContent {
        log: boot.log.clone(),
        status,
        info,
        boot_id: boot_id.trim().to_owned(),
        bundles: boot
            .rescue
            .is_some()
            .then(|| Arc::new(bundles) as Arc<dyn Bundles>),
        administration: administration(boot, operations, jobs, live),
    }
}
