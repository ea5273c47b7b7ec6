//! The wizard of the first boot.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sps_admin::{
    Call, InterfaceStatus, NetworkStatus, Origin, Request as Operation, Response as Answer, Setup,
};
use sps_admin::{Updates, WEB_USER};
use sps_config::{Ipv4, LEAST_CHARACTERS, Secret, TimeServer};

use super::forms::Fields;
use super::parts::{Field, Weight, notice, sentence};
use super::{layout, licence, login, time};
use crate::boot::bundle::Peer;
use crate::http::reply::Problem;
use crate::router::{Administration, Site};

/// Path of the page.
pub(crate) const PAGE: &str = "/setup";

/// `GET`: the form, filled in with how things are.
pub(crate) async fn page(State(site): State<Arc<Site>>, Extension(peer): Extension<Peer>) -> Response {
    let Some(own) = &site.administration else {
        return Redirect::to("/").into_response();
    };
    if own.operations.standing().set_up {
        return Redirect::to(login::PAGE).into_response();
    }
    let network = network(own, peer).await;
    let values = Values::of(&network);
    form(&site, &network, &values, None)
}

/// `POST`: sets the appliance up, or says what is wrong and keeps what was typed.
pub(crate) async fn set_up(
    State(site): State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Result<Response, Problem> {
    let Some(own) = site.administration.clone() else {
        return Ok(Redirect::to("/").into_response());
    };
    let fields = Fields::read(request, &site.limits).await?;
    let done = match setup(&fields) {
        Ok(form) => ask(&own, peer, Operation::Setup { form: Box::new(form) })
            .await
            .map(drop)
            .map_err(|failure| failure.to_string()),
        Err(why) => Err(why),
    };
    let Err(mut why) = done else {
        return Ok(Redirect::to(login::PAGE).into_response());
    };
    // Browsers keep no file of a form that comes back.
    if fields.file(licence::FIELD).is_some_and(|file| !file.is_empty()) {
        why += "; choose the license file again";
    }
    let network = network(&own, peer).await;
    let mut response = form(&site, &network, &Values::typed(&fields), Some(&why));
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// Asks in the name of the user whose password the wizard sets.
pub(crate) async fn ask(own: &Administration, Peer(address): Peer, request: Operation) -> sps_admin::Reply {
    let call = Call {
        origin: Origin::Web {
            user: WEB_USER.into(),
            address: address.to_string(),
        },
        message: String::new(),
        request,
    };
    let (updates, _nobody_listens) = Updates::channel();
    own.operations.perform(call, updates).await
}

async fn network(own: &Administration, peer: Peer) -> NetworkStatus {
    match ask(own, peer, Operation::NetworkShow).await {
        Ok(Answer::Network(network)) => network,
        _ => NetworkStatus::default(),
    }
}

/// What was filled in, or which field is wrong and how to mend it.
fn setup(fields: &Fields) -> Result<Setup, String> {
    let zone = fields.text("zone").unwrap_or("UTC");
    if !time::exists(zone) {
        return Err(format!("there is no time zone {zone}: choose one of the list"));
    }
    Ok(Setup {
        admin_password: password(fields, "password")?,
        console_password: match fields.get("console") {
            "" => None,
            _ => Some(password(fields, "console")?),
        },
        host_name: fields.text("host").unwrap_or("").to_owned(),
        domain: fields.text("domain").map(ToOwned::to_owned),
        interface: interface(fields)?,
        dns: addresses(&fields.words("dns"))?,
        time_zone: zone.to_owned(),
        time_servers: fields.words("ntp").into_iter().map(time_server).collect(),
        licence: licence::file(fields).map_err(|failure| failure.message)?,
    })
}

fn password(fields: &Fields, name: &str) -> Result<Secret, String> {
    let typed = fields.get(name);
    if typed != fields.get(&format!("{name}-again")) {
        return Err("the two passwords are not the same: type both again".into());
    }
    Ok(Secret::from(typed.to_owned()))
}

fn interface(fields: &Fields) -> Result<Option<(String, Ipv4)>, String> {
    let Some(name) = fields.text("interface") else {
        return Ok(None);
    };
    if fields.get("addressing") != "static" {
        return Ok(Some((name.to_owned(), Ipv4::Dhcp)));
    }
    let address = fields.text("address").unwrap_or("");
    let address = address
        .parse()
        .map_err(|_| format!("{address:?} is no address with its network: give one such as 192.0.2.5/24"))?;
    let gateway = match fields.text("gateway") {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| format!("{text:?} is no address of a gateway: give one such as 192.0.2.1"))?,
        ),
    };
    Ok(Some((name.to_owned(), Ipv4::Static { address, gateway })))
}

fn addresses(words: &[&str]) -> Result<Vec<IpAddr>, String> {
    let parse = |word: &&str| {
        word.parse()
            .map_err(|_| format!("{word:?} is no address of a name server: give one such as 192.0.2.53"))
    };
    words.iter().map(parse).collect()
}

fn time_server(word: &str) -> TimeServer {
    word.parse()
        .map_or_else(|_| TimeServer::Name(word.to_owned()), TimeServer::Address)
}

/// What stands in the form; never a password.
#[derive(Default)]
struct Values {
    host: String,
    domain: String,
    interface: String,
    is_static: bool,
    address: String,
    gateway: String,
    dns: String,
    zone: String,
    ntp: String,
}

impl Values {
    fn of(network: &NetworkStatus) -> Self {
        let settings = &network.settings;
        let dns: Vec<_> = settings.dns.iter().map(ToString::to_string).collect();
        Self {
            host: settings.host_name.clone(),
            domain: settings.domain.clone().unwrap_or_default(),
            dns: dns.join(" "),
            zone: "UTC".into(),
            ..Self::default()
        }
    }

    fn typed(fields: &Fields) -> Self {
        let text = |name| fields.get(name).to_owned();
        Self {
            host: text("host"),
            domain: text("domain"),
            interface: text("interface"),
            is_static: fields.get("addressing") == "static",
            address: text("address"),
            gateway: text("gateway"),
            dns: text("dns"),
            zone: text("zone"),
            ntp: text("ntp"),
        }
    }
}

fn form(site: &Site, network: &NetworkStatus, values: &Values, problem: Option<&str>) -> Response {
    let main = html! {
        form method="post" action=(PAGE) class="wizard" enctype="multipart/form-data" {
            header class="heading" {
                p class="muted" { "First start" }
                h1 { "Set up the appliance" }
                p { "Nobody has set this appliance up yet. What you fill in here can be changed later." }
            }
            @if let Some(why) = problem { (notice(Weight::Error, &html! { (sentence(why)) })) }
            (administrator())
            (names(values))
            (addressing(network, values))
            (clock(values))
            (license())
            div class="bar-end" { button type="submit" class="primary" { "Set up" } }
        }
    };
    layout::door(site, "Set up the appliance", &main)
}

fn administrator() -> Markup {
    let hint = format!("At least {LEAST_CHARACTERS} characters.");
    let field = |name, label, hint, required| Field {
        name,
        label,
        hint,
        required,
        kind: "password",
        autocomplete: "new-password",
        ..Field::default()
    };
    html! {
        fieldset class="card" {
            legend { "Administrator" }
            p class="muted" { "The user " b { (WEB_USER) } " can do everything on the web." }
            div class="pair" {
                (field("password", "Password of admin", &hint, true).markup())
                (field("password-again", "The same again", "", true).markup())
            }
            div class="pair" {
                (field("console", "Password of the console", "May be left empty: it is then set at the console.", false).markup())
                (field("console-again", "The same again", "", false).markup())
            }
        }
    }
}

fn names(values: &Values) -> Markup {
    let field = |name, label, value, hint, required| Field {
        name,
        label,
        value,
        hint,
        required,
        ..Field::default()
    };
    html! {
        fieldset class="card" {
            legend { "Name" }
            div class="pair" {
                (field("host", "Host name", &values.host, "Letters, digits and hyphens, without the domain.", true).markup())
                (field("domain", "Domain", &values.domain, "Such as example.net; may be empty.", false).markup())
            }
        }
    }
}

fn addressing(network: &NetworkStatus, values: &Values) -> Markup {
    let field = |name, label, value, hint| Field {
        name,
        label,
        value,
        hint,
        ..Field::default()
    };
    html! {
        fieldset class="card" {
            legend { "Network" }
            div class="pair" {
                div class="field" {
                    label for="interface" { "Interface to set" }
                    select id="interface" name="interface" {
                        option value="" { "None: leave the network as it is" }
                        @for interface in &network.interfaces {
                            option value=(interface.name) selected[interface.name == values.interface] {
                                (described(interface))
                            }
                        }
                    }
                }
                div class="field" {
                    label for="addressing" { "Its address" }
                    select id="addressing" name="addressing" {
                        option value="dhcp" { "From a DHCP server" }
                        option value="static" selected[values.is_static] { "Set by hand" }
                    }
                }
            }
            div class="pair" {
                (field("address", "Address by hand", &values.address, "With the length of its network, such as 192.0.2.5/24.").markup())
                (field("gateway", "Gateway", &values.gateway, "Such as 192.0.2.1; may be empty.").markup())
            }
            (field("dns", "Name servers", &values.dns, "Addresses; when empty, those that DHCP servers name.").markup())
            p class="muted" { "After a change of the address, go on at the new one; the console shows it." }
        }
    }
}

fn license() -> Markup {
    let hint = format!("{}-hint", licence::FIELD);
    html! {
        fieldset class="card" {
            legend { "License" }
            div class="field" {
                label for=(licence::FIELD) { "License file" }
                input id=(licence::FIELD) name=(licence::FIELD) type="file" aria-describedby=(hint);
                p id=(hint) class="hint" { "May be left empty: the appliance is then a demo with every feature, and takes a license later." }
            }
        }
    }
}

fn described(interface: &InterfaceStatus) -> String {
    let addresses = interface.addresses.join(", ");
    match (addresses.is_empty(), interface.carrier) {
        (true, true) => format!("{}: no address", interface.name),
        (true, false) => format!("{}: no link", interface.name),
        (false, _) => format!("{}: {addresses}", interface.name),
    }
}

fn clock(values: &Values) -> Markup {
    let servers = Field {
        name: "ntp",
        label: "Time servers",
        value: &values.ntp,
        hint: "Names or addresses; when empty, those that DHCP servers name.",
        ..Field::default()
    };
    html! {
        fieldset class="card" {
            legend { "Date & Time" }
            div class="pair" {
                div class="field" {
                    label for="zone" { "Time zone" }
                    select id="zone" name="zone" {
                        @for zone in time::zones() {
                            option value=(zone) selected[zone == values.zone] { (zone) }
                        }
                    }
                }
                (servers.markup())
            }
        }
    }
}
