//! The consoles, reachable from the exit, which must see the last words through.

use std::sync::OnceLock;
use std::time::Duration;

use sps_bootlog::BootLog;
use sps_console::{Consoles, Menus, Sessions};

static CONSOLES: OnceLock<Consoles> = OnceLock::new();
static MENUS: OnceLock<Menus> = OnceLock::new();

/// Attaches every console to `log`, once.
pub(crate) fn attach(log: &BootLog) {
    CONSOLES.get_or_init(|| Consoles::attach(log));
}

/// From now on Enter opens the menu on every console; `at_once` opens it everywhere.
pub(crate) fn serve_menus(sessions: &Sessions, at_once: bool) {
    let Some(consoles) = CONSOLES.get() else { return };
    let menus = MENUS.get_or_init(|| consoles.serve_menus(sessions));
    if at_once {
        menus.open();
    }
}

/// Waits until the consoles show everything, or the limit has passed.
pub(crate) fn flush(limit: Duration) {
    if let Some(consoles) = CONSOLES.get() {
        consoles.flush(limit);
    }
}
