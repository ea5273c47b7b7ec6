//! The `tracing` layer that turns events into entries.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::entry::Level;
use crate::ring::BootLog;

/// Feeds a [`BootLog`] from `tracing` events. The event's target becomes the source (its first path segment,
/// without the `sps_` prefix); structured fields follow the message as `name=value`.
#[derive(Clone, Debug)]
pub struct BootLogLayer {
    log: BootLog,
}

impl BootLogLayer {
    /// A layer that appends to `log`.
    #[must_use]
    pub fn new(log: BootLog) -> Self {
        Self { log }
    }
}

impl<S: Subscriber> Layer<S> for BootLogLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warning,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG => Level::Debug,
            // Of sessions, when somebody looks for a fault there; others are for their developers.
            tracing::Level::TRACE => Level::Debug,
        };
        let target = event.metadata().target();
        if !self.log.verbosity().takes(target, *event.metadata().level()) {
            return;
        }
        let own = target.starts_with("sps") || target == "kernel";
        // Libraries speak in their own words; below a warning they are for their developers.
        if !own && level < Level::Warning {
            return;
        }
        let source = target.split("::").next().unwrap_or(target);
        let mut text = Text::default();
        event.record(&mut text);
        self.log
            .push(level, source.strip_prefix("sps_").unwrap_or(source), &text.line());
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn line(self) -> String {
        self.message + &self.fields
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _infallible = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;

    #[test]
    fn events_become_entries_with_fields() {
        let log = BootLog::new();
        let subscriber = tracing_subscriber::registry().with(BootLogLayer::new(log.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "sps_net::dhcp", interface = "eth0", mtu = 1500, "link up");
            tracing::info!(target: "hyper", "noise");
            tracing::warn!(target: "hyper", "worth knowing");
        });
        let lines: Vec<_> = log
            .after(0)
            .entries
            .iter()
            .map(|e| (e.source.clone(), e.text.clone()))
            .collect();
        assert_eq!(
            lines,
            [
                ("net".to_owned(), "link up interface=eth0 mtu=1500".to_owned()),
                ("hyper".to_owned(), "worth knowing".to_owned()),
            ]
        );
    }
}
