//! The name servers' file, `resolv.conf(5)`.
//!
//! Written beside and renamed, so a reader sees the old one or the new one. It lies on a file system in memory and
//! is made anew at every boot: nothing is synced.

use std::io;
use std::path::Path;

use crate::settings::MAX_SERVERS;
use crate::state::NetworkState;

/// The file's text.
pub(crate) fn text(state: &NetworkState) -> String {
    let mut text = String::new();
    if let Some(domain) = state
        .interfaces
        .iter()
        .find_map(|interface| interface.domain.as_ref())
    {
        text += &format!("search {domain}\n");
    }
    for server in state.dns_servers().into_iter().take(MAX_SERVERS) {
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
