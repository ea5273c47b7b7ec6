//! Panics in words on every surface: the hook logs message and place. What a panic *ends* is decided where it is
//! caught: a service by the supervisor, PID 1's own loop by its caller, which then leaves through the exit funnel.

use std::any::Any;
use std::panic::{self, PanicHookInfo};
use std::thread;

use tracing::error;

/// Installs the hook for the whole process.
pub fn log_panics() {
    panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = thread::current();
        error!(
            "panic in thread {} at {place}: {}",
            thread.name().unwrap_or("unnamed"),
            message(info.payload())
        );
    }));
}

/// The text of a panic, where it carries one.
#[must_use]
pub fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
