//! The socket of the administrators' operations.

use std::path::Path;

use sps_admin::{Operations, SOCKET, Server};
use sps_supervisor::{Service, ServiceContext, ServiceError};

use super::supervise::spec;

/// Only root may ask: everything on the appliance is root, and the command line comes by SSH or console.
const ROOT: u32 = 0;

/// Serves the socket.
pub(super) fn service(operations: &Operations) -> Service {
    let operations = operations.clone();
    Service::new(spec("admin"), move |context| run(operations.clone(), context))
}

async fn run(operations: Operations, context: ServiceContext) -> Result<(), ServiceError> {
    let server = Server::bind(Path::new(SOCKET), ROOT, operations)?;
    context.ready();
    server.run(context.shutdown.cancelled()).await;
    Ok(())
}
