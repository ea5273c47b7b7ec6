//! The menu for somebody who comes from elsewhere and has logged in there: one visit, from its beginning to its end.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use crate::driver::Driver;
use crate::menu::Menu;
use crate::screen::Screen;
use crate::terminal::{Event, Sessions, TerminalError, WAITING, hear, read_some, spawn};

/// Serves the menu on `keys` and `output` (a terminal in raw mode on the other side) until the person leaves, walks away,
/// or `keys` end. `name` says where the person is, in the menu's head and to `sessions`. Blocks: not for a thread of
/// a runtime. The thread that reads `keys` ends with them.
///
/// # Errors
/// That thread could not be started.
pub fn serve_guest(
    name: &str,
    mut keys: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    sessions: &Sessions,
) -> Result<(), TerminalError> {
    let screen = Arc::new(Screen::new(output));
    let (events, heard) = sync_channel(WAITING);
    let mut driver = Driver::new(
        name,
        Menu::for_known(name),
        screen,
        sessions.clone(),
        events.clone(),
    );
    spawn("guest-keys", move || {
        while let Some(read) = read_some(&mut keys) {
            if events.send(Event::Keys(read)).is_err() {
                return;
            }
        }
        let _has_left = events.send(Event::HungUp);
    })?;
    let begun = Instant::now();
    if driver.hear(Event::Open, Duration::ZERO).is_err() {
        return Ok(());
    }
    while !driver.is_closed() && hear(&mut driver, &heard, begun) {}
    Ok(())
}
