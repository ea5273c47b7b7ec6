//! Network namespaces with real DHCP servers in them, made by the test and removed with it, also when it fails.

pub(crate) mod namespace;
pub(crate) mod server;
pub(crate) mod service;

pub(crate) use namespace::{Lab, Namespace};
pub(crate) use server::{Dnsmasq, IscDhcpd, LogReader};
pub(crate) use service::Service;
