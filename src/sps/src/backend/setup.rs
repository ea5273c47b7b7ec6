//! The wizard of the first boot: everything it asks for becomes one change of the configuration.

use sps_admin::{Context, Failure, Reply, Setup};
use sps_config::{Interface, Node, Secret, hash_password};
use tokio::task::spawn_blocking;

use super::appliance::{Appliance, done};
use super::licence;

/// Sets the appliance up.
pub(super) async fn run(own: &Appliance, form: Setup, context: &Context) -> Reply {
    let (admin, console) = (form.admin_password.clone(), form.console_password.clone());
    let hashed = spawn_blocking(move || Ok((hash(&admin)?, console.as_ref().map(hash).transpose()?)));
    let (admin, console) = hashed
        .await
        .unwrap_or_else(|_| Err(Failure::failed("the passwords could not be kept")))?;
    // First what may be refused: with the passwords set nobody comes here again.
    if let Some(file) = form.licence.clone() {
        let own = own.clone();
        spawn_blocking(move || licence::set(&own, &file))
            .await
            .unwrap_or_else(|_| Err(Failure::failed("the licence could not be kept")))?;
    }
    let edit = move |node: &mut Node| {
        node.administrators.admin_password = Some(admin);
        if console.is_some() {
            node.administrators.console_password = console;
        }
        fill_in(node, form);
    };
    own.parts.settings.change(context, edit).await?;
    own.adopt_aside(context).await;
    Ok(done("the appliance is set up"))
}

fn hash(password: &Secret) -> Result<Secret, Failure> {
    hash_password(password).map_err(|error| Failure::invalid(error.to_string()))
}

fn fill_in(node: &mut Node, form: Setup) {
    node.network.host_name = form.host_name;
    node.network.domain = form.domain;
    node.network.dns = form.dns;
    if let Some((name, ipv4)) = form.interface {
        node.network.interfaces.insert(name, Interface { ipv4 });
    }
    node.time.zone = form.time_zone;
    node.time.servers = form.time_servers;
}
