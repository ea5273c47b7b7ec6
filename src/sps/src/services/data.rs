//! `data`: brought up aside of everything else, so that a disk that hangs stops nothing but its users.

use std::path::Path;

use sps_storage::data::Data;
use sps_storage::drbd::Drbd;
use sps_storage::helper::Helpers;
use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::task::spawn_blocking;
use tracing::info;

use super::supervise::spec;
use crate::node::Node;

/// Where it is mounted.
pub(crate) const FOLDER: &str = "/data";

/// Mounts `data` and unmounts it when the appliance stops.
pub(super) fn service(node: &Node) -> Service {
    let (helpers, drbd) = (node.helpers.clone(), node.drbd.clone());
    Service::new(spec("data"), move |context| {
        run(helpers.clone(), drbd.clone(), context)
    })
}

async fn run(helpers: Helpers, drbd: Drbd, context: ServiceContext) -> Result<(), ServiceError> {
    let data = spawn_blocking(move || Data::start(&helpers, &drbd, Path::new(FOLDER))).await??;
    info!("data is mounted");
    context.ready();
    context.shutdown.cancelled().await;
    spawn_blocking(move || data.stop()).await??;
    Ok(())
}
