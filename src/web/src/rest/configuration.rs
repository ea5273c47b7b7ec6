//! `/api/configuration`: what can be set, and the network of the node. Settings of the cluster are in `settings.rs`.

use axum::Extension;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use sps_config::{Network, Node};

use super::envelope::{Place, answer, body, object};
use super::settings;
use crate::http::reply::Problem;
use crate::ui::Visitor;

/// Path of the settings.
pub(super) const CONFIGURATION: &str = "/api/configuration";
/// What paths of settings begin with.
pub(crate) const SETTINGS: &str = "/api/configuration/";
/// Path of host name, interfaces and name servers.
pub(super) const NETWORK: &str = "/api/configuration/network";

/// `GET` of what can be set.
pub(super) async fn resources() -> Response {
    let mut names = vec!["network".to_owned()];
    names.extend(settings::indexes().remove(CONFIGURATION).unwrap_or_default());
    answer(StatusCode::OK, &settings::index(CONFIGURATION, &names))
}

/// `GET` of the network's settings: as the session's own transaction has them, else as they are in force.
pub(super) async fn network(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let network = match visitor.open_transaction() {
        Ok(open) => open.edited,
        Err(_) => visitor.network().await?,
    };
    Ok(network_object(&network))
}

/// `PUT` of all of them into the session's transaction.
pub(super) async fn set_network(
    Extension(visitor): Extension<Visitor>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let wanted = whole(&bytes)?;
    visitor.transaction(|transaction, visitor| {
        transaction.own(&visitor.signed_in.token)?.edited = wanted.clone();
        Ok(())
    })?;
    Ok(network_object(&wanted))
}

/// The settings of a body that names all of them, checked as the configuration itself is.
fn whole(bytes: &Bytes) -> Result<Network, Problem> {
    let value: Value = body(bytes)?;
    let wanted: Network = body(bytes)?;
    // An absent value that may be null passes above.
    if value.get("domain").is_none() {
        return Err(invalid("missing field `domain`; send null for none".into()));
    }
    let node = Node {
        network: wanted.clone(),
        ..Node::default()
    };
    node.check().map_err(|offence| invalid(offence.to_string()))?;
    Ok(wanted)
}

fn invalid(details: String) -> Problem {
    Problem {
        status: StatusCode::BAD_REQUEST,
        kind: "InvalidRequestBody",
        details,
    }
}

fn network_object(network: &Network) -> Response {
    let place = Place {
        href: NETWORK,
        parent: CONFIGURATION,
    };
    answer(StatusCode::OK, &object("network", network, place, json!({})))
}
