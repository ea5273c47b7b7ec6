//! What the engine says in the log: one wording per event.

use std::fmt;
use std::net::Ipv4Addr;

use crate::lease::LeaseError;
use crate::link::MacAddress;
use crate::settings::Ipv4Mode;

/// How loud a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// A milestone.
    Info,
    /// A person may have to do something.
    Warning,
}

/// A line of the log. `link` is always the interface's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the wording in Display is the documentation of each")]
pub enum Report {
    NoInterface,
    LinkUp {
        link: String,
        speed: Option<u32>,
    },
    LinkDown {
        link: String,
    },
    LinkGone {
        link: String,
    },
    Leased {
        link: String,
        address: Ipv4Addr,
        prefix: u8,
        server: Ipv4Addr,
    },
    Renewed {
        link: String,
        address: Ipv4Addr,
    },
    Refused {
        link: String,
        address: Ipv4Addr,
        server: Ipv4Addr,
    },
    Expired {
        link: String,
        address: Ipv4Addr,
    },
    OfferUnusable {
        link: String,
        error: LeaseError,
    },
    LeaseConflict {
        link: String,
        address: Ipv4Addr,
        owner: MacAddress,
    },
    Defended {
        link: String,
        address: Ipv4Addr,
        other: MacAddress,
    },
    NoServer {
        link: String,
        seconds: u64,
    },
    ModeSet {
        link: String,
        mode: Ipv4Mode,
    },
    Released {
        link: String,
        address: Ipv4Addr,
    },
    StaticTaken {
        link: String,
        address: Ipv4Addr,
        prefix: u8,
    },
    StaticConflict {
        link: String,
        address: Ipv4Addr,
        owner: MacAddress,
        retry_seconds: u64,
    },
    FormerYielded {
        link: String,
        address: Ipv4Addr,
        other: MacAddress,
    },
    FallbackTaken {
        link: String,
        address: Ipv4Addr,
        prefix: u8,
    },
    FallbackConflict {
        link: String,
        address: Ipv4Addr,
        owner: MacAddress,
        retry_seconds: u64,
    },
    FallbackKept {
        link: String,
        address: Ipv4Addr,
        offered: Ipv4Addr,
        server: Ipv4Addr,
    },
    FallbackLeft {
        link: String,
        address: Ipv4Addr,
        reason: &'static str,
    },
}

impl Report {
    /// How loud it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::NoInterface
            | Self::LinkDown { .. }
            | Self::LinkGone { .. }
            | Self::Refused { .. }
            | Self::Expired { .. }
            | Self::OfferUnusable { .. }
            | Self::LeaseConflict { .. }
            | Self::Defended { .. }
            | Self::NoServer { .. }
            | Self::StaticConflict { .. }
            | Self::FallbackConflict { .. } => Severity::Warning,
            Self::LinkUp { .. }
            | Self::Leased { .. }
            | Self::Renewed { .. }
            | Self::ModeSet { .. }
            | Self::Released { .. }
            | Self::StaticTaken { .. }
            | Self::FormerYielded { .. }
            | Self::FallbackTaken { .. }
            | Self::FallbackKept { .. }
            | Self::FallbackLeft { .. } => Severity::Info,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInterface => f.write_str(
                "no network interface found: add a network card, or one whose driver this firmware has; \
                 one that appears later is used at once",
            ),
            Self::LinkUp {
                link,
                speed: Some(speed),
            } => write!(f, "{link}: link up, {speed} Mbit/s"),
            Self::LinkUp { link, speed: None } => write!(f, "{link}: link up"),
            Self::LinkDown { link } => write!(f, "{link}: link down: check the cable and the switch port"),
            Self::LinkGone { link } => write!(f, "{link}: interface is gone"),
            _ => self.fmt_address(f),
        }
    }
}

impl Report {
    fn fmt_address(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leased {
                link,
                address,
                prefix,
                server,
            } => {
                write!(f, "{link}: address {address}/{prefix} from DHCP server {server}")
            }
            Self::Renewed { link, address } => write!(f, "{link}: lease of {address} renewed"),
            Self::Refused {
                link,
                address,
                server,
            } => {
                write!(
                    f,
                    "{link}: {address} of DHCP server {server} was refused; asking anew"
                )
            }
            Self::Expired { link, address } => {
                write!(
                    f,
                    "{link}: lease of {address} expired, no DHCP server renewed it; address given up"
                )
            }
            Self::OfferUnusable { link, error } => {
                write!(
                    f,
                    "{link}: DHCP offer ignored: {error}: correct the DHCP server's settings"
                )
            }
            Self::LeaseConflict { link, address, owner } => write!(
                f,
                "{link}: leased address {address} is in use by {owner}; given up and declined: \
                 look for a fixed address inside the DHCP server's range"
            ),
            Self::Defended { link, address, other } => {
                write!(f, "{link}: {other} also claims {address}; address defended")
            }
            Self::NoServer { link, seconds } => {
                write!(f, "{link}: no DHCP server answered in {seconds} s; asking on")
            }
            _ => self.fmt_static(f),
        }
    }

    fn fmt_static(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ModeSet {
                link,
                mode: Ipv4Mode::Dhcp,
            } => write!(f, "{link}: set to DHCP"),
            Self::ModeSet {
                link,
                mode: Ipv4Mode::Off,
            } => write!(f, "{link}: set to no address"),
            Self::ModeSet {
                link,
                mode: Ipv4Mode::Static(set),
            } => {
                write!(f, "{link}: set to {}/{}", set.address, set.prefix)?;
                set.gateway
                    .map_or(Ok(()), |gateway| write!(f, ", gateway {gateway}"))
            }
            Self::Released { link, address } => write!(f, "{link}: lease of {address} given back"),
            Self::StaticTaken {
                link,
                address,
                prefix,
            } => write!(f, "{link}: address {address}/{prefix} (static)"),
            Self::StaticConflict {
                link,
                address,
                owner,
                retry_seconds,
            } => write!(
                f,
                "{link}: static address {address} is in use by {owner}, not used; next try in {retry_seconds} s: \
                 take it off that host, or set another"
            ),
            Self::FormerYielded { link, address, other } => write!(
                f,
                "{link}: {other} wants {address}, which is no longer set here; given up"
            ),
            _ => self.fmt_fallback(f),
        }
    }

    fn fmt_fallback(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FallbackTaken {
                link,
                address,
                prefix,
            } => {
                write!(
                    f,
                    "{link}: address {address}/{prefix} (fallback: no DHCP server answered)"
                )
            }
            Self::FallbackConflict {
                link,
                address,
                owner,
                retry_seconds,
            } => write!(
                f,
                "{link}: fallback address {address} is in use by {owner}, not taken; next try in {retry_seconds} s: \
                 start a DHCP server, or connect this port directly to a computer"
            ),
            Self::FallbackKept {
                link,
                address,
                offered,
                server,
            } => write!(
                f,
                "{link}: DHCP server {server} offers {offered}; {address} stays while a connection to it is open: \
                 close it to move on"
            ),
            Self::FallbackLeft {
                link,
                address,
                reason,
            } => {
                write!(f, "{link}: fallback address {address} given up: {reason}")
            }
            _ => Ok(()),
        }
    }
}
