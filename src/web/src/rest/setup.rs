//! `POST /api/setup`: what the wizard of the first boot does, for programs.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use sps_admin::{LicenceFile, Request as Operation, Setup};
use sps_config::{Ipv4, Secret, TimeServer};

use super::access;
use super::envelope::body;
use crate::boot::bundle::Peer;
use crate::http::reply::Problem;
use crate::router::Site;
use crate::ui::{ask_at_the_door, zone_exists};

/// What the wizard asks for, in its sections.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    administration: Administration,
    network: Network,
    #[serde(default)]
    datetime: DateTime,
    /// The text of the file; none is a demo.
    #[serde(default)]
    license: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Administration {
    admin_password: Secret,
    console_password: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    host_name: String,
    domain: Option<String>,
    interface: Option<Interface>,
    #[serde(default)]
    dns: Vec<IpAddr>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Interface {
    name: String,
    ipv4: Ipv4,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DateTime {
    time_zone: String,
    time_servers: Vec<String>,
}

impl Default for DateTime {
    fn default() -> Self {
        Self {
            time_zone: "UTC".into(),
            time_servers: Vec::new(),
        }
    }
}

/// `POST`: sets the appliance up, once.
pub(super) async fn set_up(
    State(site): State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let own = site
        .administration
        .clone()
        .ok_or_else(Problem::no_administration)?;
    if own.operations.standing().set_up {
        return Err(Problem {
            status: StatusCode::CONFLICT,
            kind: "AlreadySetUp",
            details: "the appliance is set up already: log in to change it".into(),
        });
    }
    let form = Box::new(form(body(&bytes)?)?);
    ask_at_the_door(&own, peer, Operation::Setup { form }).await?;
    access::setup(State(site), Extension(peer)).await
}

fn form(wanted: Wanted) -> Result<Setup, Problem> {
    let zone = wanted.datetime.time_zone;
    if !zone_exists(&zone) {
        return Err(Problem {
            status: StatusCode::BAD_REQUEST,
            kind: "InvalidRequestBody",
            details: "datetime.time_zone: there is no such time zone; give one such as Europe/Vienna".into(),
        });
    }
    let server = |name: String| {
        name.parse()
            .map_or_else(|_| TimeServer::Name(name), TimeServer::Address)
    };
    let licence = wanted.license.map(|text| LicenceFile::new(text.into_bytes()));
    let interface = wanted.network.interface;
    Ok(Setup {
        admin_password: wanted.administration.admin_password,
        console_password: wanted.administration.console_password,
        host_name: wanted.network.host_name,
        domain: wanted.network.domain,
        interface: interface.map(|interface| (interface.name, interface.ipv4)),
        dns: wanted.network.dns,
        time_zone: zone,
        licence: licence.transpose()?,
        time_servers: wanted.datetime.time_servers.into_iter().map(server).collect(),
    })
}
