//! The name servers' file, `resolv.conf(5)`.
//!
//! Written beside and renamed, so a reader sees the old one or the new one. It lies on a file system in memory and
//! is made anew at every boot: nothing is synced.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use crate::settings::{MAX_SERVERS, NetworkSettings};
use crate::state::NetworkState;

/// The file's text: what is set wins over what DHCP servers say.
pub(crate) fn text(settings: &NetworkSettings, state: &NetworkState) -> String {
    let leased = state
        .interfaces
        .iter()
        .find_map(|interface| interface.domain.as_ref());
    let servers: Vec<IpAddr> = if settings.dns.is_empty() {
        state.dns_servers().into_iter().map(IpAddr::V4).collect()
    } else {
        settings.dns.clone()
    };
    let mut text = String::new();
    if let Some(domain) = settings.domain.as_ref().or(leased) {
        text += &format!("search {domain}\n");
    }
    for server in servers.into_iter().take(MAX_SERVERS) {
        text += &format!("nameserver {server}\n");
    }
    text
}

/// Replaces the file.
///
/// # Errors
/// The directory is missing or cannot be written.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}
