//! The command line: judging firmware files anywhere, and administering a running appliance over its Unix socket.

mod arguments;
mod documents;
mod indexer;
mod recipe;
mod run;

pub(crate) use run::run;
