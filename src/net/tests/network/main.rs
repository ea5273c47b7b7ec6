//! The network service against real DHCP servers and hosts, in network namespaces that each test makes.
//!
//! Needs root, and Debian's `dnsmasq-base`, `isc-dhcp-server`, `iproute2` and `nftables`.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is test code: a failed step ends its test"
)]

mod dhcp;
mod diversion;
mod fallback;
mod firewall;
mod lab;
mod links;
mod settings;
