//! The consoles, reachable from the exit, which must see the last words through.

use std::sync::OnceLock;
use std::time::Duration;

use sps_bootlog::BootLog;
use sps_console::Consoles;

static CONSOLES: OnceLock<Consoles> = OnceLock::new();

/// Attaches every console to `log`, once.
pub(crate) fn attach(log: &BootLog) {
    CONSOLES.get_or_init(|| Consoles::attach(log));
}

/// Waits until the consoles show everything, or the limit has passed.
pub(crate) fn flush(limit: Duration) {
    if let Some(consoles) = CONSOLES.get() {
        consoles.flush(limit);
    }
}
