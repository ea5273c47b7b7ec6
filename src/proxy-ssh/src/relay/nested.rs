//! SSH inside a channel: a connection in it is encrypted to somebody else, so what is done in it can be neither seen nor judged here.
//!
//! Whoever begins an SSH connection says `SSH-` first (RFC 4253, 4.2), whatever the port is. In a terminal nothing is looked for: what
//! a nested session shows is on the screen, and recorded. It finds what was not hidden on purpose.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use sps_proxy_engine::{Allowed, Kind};

use super::pair::{Over, Shared, Step};
use crate::recording::What;

/// How every SSH connection begins.
const BEGINS: &[u8] = b"SSH-";
/// Longest version that is told; the protocol has no longer lines.
const LONGEST: usize = 255;

/// What looks for it on one channel.
pub(super) struct Nested {
    /// Whether the client is the one who would begin.
    pub(super) by_client: bool,
    refused: bool,
    over: AtomicBool,
    begun: Mutex<Vec<u8>>,
}

impl Nested {
    /// For a channel of this kind; none where there is nothing to look for.
    pub(super) fn new(kind: Kind, allowed: &Allowed, terminal: bool) -> Option<Self> {
        let by_client = match kind {
            Kind::LocalForward => true,
            Kind::Exec | Kind::Shell | Kind::Subsystem if !terminal => true,
            Kind::RemoteForward => false,
            _ => return None,
        };
        Some(Self {
            by_client,
            refused: allowed.refuse_nested_ssh,
            over: AtomicBool::new(false),
            begun: Mutex::default(),
        })
    }

    /// The first bytes of whoever would begin, before they are passed on.
    pub(super) async fn look(&self, shared: &Shared, data: &[u8]) -> Step {
        if self.over.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(version) = self.take(data) else {
            return Ok(());
        };
        let (kind, end) = ("nested SSH", if self.refused { ", and was closed" } else { "" });
        let text = format!(
            "an SSH connection inside this channel begins ({version}): what is done in it is not seen here{end}"
        );
        let what = What::Found { kind, text };
        if !shared.record(what).await {
            return Err(Over);
        }
        if self.refused {
            return Err(Over);
        }
        Ok(())
    }

    /// The version, once it is known that it is SSH.
    fn take(&self, data: &[u8]) -> Option<String> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LONGEST - begun.len();
        begun.extend(data.iter().take(room));
        let known = begun.len().min(BEGINS.len());
        let is_other = begun.get(..known) != BEGINS.get(..known);
        // Nothing else is sent until the other side's version has come: what is there is all of it.
        let is_whole = known == BEGINS.len();
        if is_other || is_whole {
            self.over.store(true, Ordering::Relaxed);
        }
        (is_whole && !is_other).then(|| {
            let line = begun
                .split(|byte| matches!(byte, b'\r' | b'\n'))
                .next()
                .unwrap_or_default();
            String::from_utf8_lossy(line).escape_debug().to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn nested(kind: Kind, terminal: bool) -> Option<Nested> {
        let allowed = Allowed {
            audit: true,
            content_policy: None,
            operations: BTreeSet::new(),
            four_eyes: false,
            refuse_nested_ssh: false,
        };
        Nested::new(kind, &allowed, terminal)
    }

    #[test]
    fn it_is_found_however_it_is_cut_and_only_at_the_beginning() {
        let whole = nested(Kind::LocalForward, false).unwrap();
        assert_eq!(
            whole.take(b"SSH-2.0-OpenSSH_9.2\r\nmore").as_deref(),
            Some("SSH-2.0-OpenSSH_9.2")
        );
        let cut = nested(Kind::LocalForward, false).unwrap();
        assert_eq!(cut.take(b"SS"), None);
        assert_eq!(cut.take(b"H-2.0-x\n").as_deref(), Some("SSH-2.0-x"));
        let late = nested(Kind::LocalForward, false).unwrap();
        assert_eq!(late.take(b"GET / SSH-2.0"), None);
        assert!(late.over.load(Ordering::Relaxed));
        let odd = nested(Kind::Exec, false).unwrap();
        assert_eq!(odd.take(b"SSH-\x1b[2J").as_deref(), Some("SSH-\\u{1b}[2J"));
    }

    #[test]
    fn in_terminals_and_files_nothing_is_looked_for() {
        assert!(nested(Kind::Exec, true).is_none());
        assert!(nested(Kind::Sftp, false).is_none());
        assert!(!nested(Kind::RemoteForward, false).unwrap().by_client);
    }
}
