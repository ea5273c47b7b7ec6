//! The boot page: log, phases and problems, live, from the moment there is a network.

pub(crate) mod api;
pub(crate) mod bundle;
pub(crate) mod content;
pub(crate) mod events;
pub(crate) mod log_reader;
pub(crate) mod page;
pub(crate) mod status;
pub(crate) mod view;
