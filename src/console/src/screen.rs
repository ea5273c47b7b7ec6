//! One console's device, shared by the log and the menu: who is in the foreground writes, the other waits.
//!
//! A piece of output is written whole under the pen, so nothing tears. Who is in front is kept apart from the pen: a
//! serial line that takes nothing holds the pen, and still the foreground can be changed and asked for.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Who writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Foreground {
    #[default]
    Log,
    Menu,
    /// The log, until the machine is left.
    LogForGood,
}

/// The device and who is in front.
pub(crate) struct Screen {
    foreground: Mutex<Foreground>,
    changed: Condvar,
    pen: Mutex<Box<dyn Write + Send>>,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen")
            .field("foreground", &*self.foreground())
            .finish_non_exhaustive()
    }
}

impl Screen {
    pub(crate) fn new(device: impl Write + Send + 'static) -> Self {
        Self {
            foreground: Mutex::default(),
            changed: Condvar::new(),
            pen: Mutex::new(Box::new(device)),
        }
    }

    /// The menu comes in front; false when the machine is being left.
    pub(crate) fn take(&self) -> bool {
        self.change(Foreground::Menu)
    }

    /// The log comes in front again.
    pub(crate) fn give_back(&self) {
        self.change(Foreground::Log);
    }

    /// The log comes in front and stays there.
    pub(crate) fn give_back_for_good(&self) {
        self.change(Foreground::LogForGood);
    }

    fn change(&self, to: Foreground) -> bool {
        let mut foreground = self.foreground();
        let open = *foreground != Foreground::LogForGood;
        if open {
            *foreground = to;
        }
        drop(foreground);
        self.changed.notify_all();
        open
    }

    /// Writes a line of the log when the log is in front; waits until it is.
    ///
    /// # Errors
    /// The device's.
    pub(crate) fn write_log(&self, line: &[u8]) -> io::Result<()> {
        loop {
            let foreground = self.foreground();
            let waited = self
                .changed
                .wait_while(foreground, |now| *now == Foreground::Menu);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            let mut pen = self.pen();
            if *self.foreground() != Foreground::Menu {
                pen.write_all(line)?;
                return pen.flush();
            }
        }
    }

    /// Writes for the menu; what comes when the menu is not in front is left out.
    ///
    /// # Errors
    /// The device's.
    pub(crate) fn write_menu(&self, bytes: &[u8]) -> io::Result<()> {
        let mut pen = self.pen();
        if *self.foreground() != Foreground::Menu {
            return Ok(());
        }
        pen.write_all(bytes)?;
        pen.flush()
    }

    fn foreground(&self) -> MutexGuard<'_, Foreground> {
        self.foreground.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pen(&self) -> MutexGuard<'_, Box<dyn Write + Send>> {
        self.pen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
