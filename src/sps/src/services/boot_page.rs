//! The boot page: what it is given to show and under which certificate.

use std::fs;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use sps_admin::Operations;
use sps_supervisor::Service;
use sps_web::{
    ApplianceInfo, BootContent, BootPageSettings, BootServer, BootStatus, Bundles, ServerNames, TlsIdentity,
};
use tokio::sync::watch;
use tracing::info;

use super::bundles::RescueBundles;
use super::supervise::{HOST_NAME, spec};
use crate::boot::{Boot, PRODUCT_TITLE};

/// The boot page over HTTPS, with a certificate made at its first start and kept for the later ones.
pub(super) fn service(boot: &Boot, status: &watch::Sender<BootStatus>, operations: &Operations) -> Service {
    let content = content(boot, status.subscribe(), operations);
    let not_before = SystemTime::now();
    let kept: OnceLock<TlsIdentity> = OnceLock::new();
    let kept = Arc::new(kept);
    Service::new(spec("boot-page"), move |context| {
        let (content, kept) = (content.clone(), kept.clone());
        async move {
            let identity = match kept.get() {
                Some(identity) => identity.clone(),
                None => {
                    let made = TlsIdentity::generate(&names(), not_before)?;
                    kept.get_or_init(|| made).clone()
                }
            };
            let fingerprint = identity.fingerprint();
            let server = BootServer::bind(BootPageSettings::everywhere(identity), content).await?;
            info!("certificate of the boot page: SHA-256 {fingerprint}");
            context.ready();
            server.run(context.shutdown).await;
            Ok(())
        }
    })
}

/// What the certificate is made for: the name, and the address of an appliance without a network's help.
fn names() -> ServerNames {
    ServerNames {
        host_name: HOST_NAME.into(),
        addresses: vec![sps_net::FALLBACK_ADDRESS.into()],
    }
}

fn content(boot: &Boot, status: watch::Receiver<BootStatus>, operations: &Operations) -> BootContent {
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
    }
}
