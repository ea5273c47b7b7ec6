//! Questions to the person, and what becomes of the answers.

use std::net::{IpAddr, Ipv4Addr};

use sps_admin::{InterfaceChange, NetworkChange, Request, text};
use sps_config::Ipv4;

use super::replies::After;

/// Nothing happens before a word is typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Confirm {
    pub(super) what: String,
    pub(super) word: String,
    pub(super) request: Request,
    pub(super) after: After,
}

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Question {
    /// A word that confirms.
    Confirm(Confirm),
    /// Name of the host.
    HostName,
    /// Name servers.
    NameServers,
    /// Address of an interface.
    Address {
        /// The interface.
        interface: String,
    },
    /// Router of an interface.
    Gateway {
        /// The interface.
        interface: String,
        /// Its address.
        address: ipnet::Ipv4Net,
    },
}

/// What an answer leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answered {
    /// A request.
    Ask(Request, After),
    /// The next question.
    Next(Question),
    /// The same again, with the reason.
    Again(String),
    /// Given up, with a word about it.
    Back(&'static str),
}

impl Question {
    /// The prompt.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Confirm(Confirm { what, word, .. }) => {
                let lines: String = text::wrap(what, super::pager::WIDTH)
                    .into_iter()
                    .map(|line| line + "\n")
                    .collect();
                format!(
                    "\n{lines}Type {} to go on, or Enter to go back: ",
                    text::clean(word)
                )
            }
            Self::HostName => "Host name, without domain: ".into(),
            Self::NameServers => "Name servers, separated by spaces; \"dhcp\" to take them by DHCP: ".into(),
            Self::Address { interface } => {
                format!("Address of {}, such as 192.0.2.5/24: ", text::clean(interface))
            }
            Self::Gateway { .. } => "Router of the default route, or \"none\": ".into(),
        }
    }

    /// Judges an answer; an empty one gives up.
    pub(super) fn answer(&self, answer: &str) -> Answered {
        let answer = answer.trim();
        if answer.is_empty() {
            return Answered::Back("Nothing was changed.");
        }
        match self {
            Self::Confirm(Confirm {
                word, request, after, ..
            }) if answer == word => Answered::Ask(request.clone(), after.clone()),
            Self::Confirm(_) => Answered::Back("That is not it. Nothing was changed."),
            Self::HostName => set(NetworkChange {
                host_name: Some(answer.into()),
                ..NetworkChange::default()
            }),
            Self::NameServers => name_servers(answer),
            Self::Address { interface } => match answer.parse() {
                Ok(address) => Answered::Next(Self::Gateway {
                    interface: interface.clone(),
                    address,
                }),
                Err(_) => Answered::Again(
                    "Give the address with the length of its network, such as 192.0.2.5/24.".into(),
                ),
            },
            Self::Gateway { interface, address } => gateway(interface, *address, answer),
        }
    }
}

fn set(change: NetworkChange) -> Answered {
    Answered::Ask(Request::NetworkSet { change }, After::Network)
}

fn name_servers(answer: &str) -> Answered {
    let words = answer.split([' ', ',']).filter(|word| !word.is_empty());
    let dns = if answer.eq_ignore_ascii_case("dhcp") {
        Ok(Vec::new())
    } else {
        words.map(str::parse::<IpAddr>).collect()
    };
    match dns {
        Ok(dns) => set(NetworkChange {
            dns: Some(dns),
            ..NetworkChange::default()
        }),
        Err(_) => Answered::Again("Give addresses such as 192.0.2.2, separated by spaces.".into()),
    }
}

fn gateway(interface: &str, address: ipnet::Ipv4Net, answer: &str) -> Answered {
    let gateway = if answer.eq_ignore_ascii_case("none") {
        Ok(None)
    } else {
        answer.parse::<Ipv4Addr>().map(Some)
    };
    match gateway {
        Ok(gateway) => addressing(interface, Ipv4::Static { address, gateway }),
        Err(_) => Answered::Again("Give an address such as 192.0.2.1, or none.".into()),
    }
}

fn addressing(interface: &str, ipv4: Ipv4) -> Answered {
    Answered::Ask(change_interface(interface, ipv4), After::Network)
}

/// The request that changes one interface.
pub(super) fn change_interface(interface: &str, ipv4: Ipv4) -> Request {
    let interfaces = [(interface.to_owned(), InterfaceChange { ipv4 })].into();
    let change = NetworkChange {
        interfaces,
        ..NetworkChange::default()
    };
    Request::NetworkSet { change }
}
