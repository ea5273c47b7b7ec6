//! What an indexer tells, a line each on standard error: systemd and others keep it, with its time.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;

struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let about = event.metadata();
        let level = *about.level();
        // Libraries speak in their own words; below a warning they are for their developers.
        if level > Level::INFO || (!about.target().starts_with("sps") && level > Level::WARN) {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let word = match level {
            Level::ERROR => "error",
            Level::WARN => "warning",
            _ => "info",
        };
        // Nobody is left to be told.
        let _closed = writeln!(io::stderr().lock(), "{word}: {}", text.0);
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _written = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

/// Tells from now on.
pub(super) fn begin() {
    // Somebody else tells already: that is for tests.
    let _before = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Lines));
}
