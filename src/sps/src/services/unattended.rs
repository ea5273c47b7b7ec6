//! Installing without a person: carries out the order that lies on a second medium or stands on the kernel's command line.

use sps_supervisor::{Service, ServiceContext, ServiceError};
use tokio::task::spawn_blocking;
use tracing::error;

use super::supervise::spec;
use crate::backend::{Appliance, Ordered, carry_out_order};

/// Looks for an order once, and carries it out.
pub(super) fn service(backend: &Appliance) -> Service {
    let backend = backend.clone();
    Service::new(spec("unattended"), move |context| run(backend.clone(), context))
}

async fn run(backend: Appliance, context: ServiceContext) -> Result<(), ServiceError> {
    context.ready();
    let own = backend.clone();
    match spawn_blocking(move || carry_out_order(&own)).await? {
        Ok(Ordered::Nothing) => {}
        Ok(Ordered::Leave(kind)) => backend.leave_by_itself(kind, "installed without a person"),
        // The order stays as it is: somebody has to look at the machine, whose menu is open.
        Err(failure) => error!("installing without a person: {failure}"),
    }
    context.shutdown.cancelled().await;
    Ok(())
}
