//! Who may come in: console password and sealed mode.

use sps_admin::{Context, Failure, Mode, Reply, Response, WEB_USER};
use sps_config::{Secret, hash_password, verify_password};
use tokio::task::spawn_blocking;

use super::appliance::{Appliance, done};

/// Whether the password is the right one. Where none is set there is no right one, but on the medium, which has none.
pub(super) async fn login(own: &Appliance, password: Secret) -> Reply {
    let hash = own.parts.settings.node().administrators.console_password;
    let accepted = match hash {
        // Argon2 takes its time and memory; the runtime's threads have others to serve.
        Some(hash) => spawn_blocking(move || verify_password(&password, &hash))
            .await
            .map_err(|_| Failure::failed("the password could not be checked"))?,
        None => own.parts.mode == Mode::Live,
    };
    Ok(Response::Login { accepted, wait: 0 })
}

/// Whether it is the password of a web user. One that does not exist takes as long as one that does.
pub(super) async fn web_login(own: &Appliance, user: &str, password: Secret) -> Reply {
    let hash = own.parts.settings.node().administrators.admin_password;
    let exists = user == WEB_USER;
    let accepted = match hash {
        Some(hash) => spawn_blocking(move || verify_password(&password, &hash))
            .await
            .map_err(|_| Failure::failed("the password could not be checked"))?,
        None => false,
    };
    Ok(Response::Login {
        accepted: accepted && exists,
        wait: 0,
    })
}

/// Sets the console password.
pub(super) async fn set_password(own: &Appliance, password: Secret, context: &Context) -> Reply {
    let hashed = spawn_blocking(move || hash_password(&password)).await;
    let hash = hashed
        .map_err(|_| Failure::failed("the password could not be kept"))?
        .map_err(|error| Failure::invalid(sps_bootlog::causes(&error)))?;
    let edit = move |node: &mut sps_config::Node| node.administrators.console_password = Some(hash);
    own.parts.settings.change(context, edit).await?;
    own.adopt_aside(context).await;
    Ok(done("the console password is set"))
}

/// Enters or leaves sealed mode.
pub(super) async fn seal(own: &Appliance, sealed: bool, context: &Context) -> Reply {
    own.parts
        .settings
        .change(context, move |node| node.sealed = sealed)
        .await?;
    Ok(done(if sealed {
        "the appliance is sealed: no remote login, no plugin change, the password is fixed"
    } else {
        "the appliance is not sealed any more"
    }))
}
