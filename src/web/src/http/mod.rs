//! What every connection and every answer goes through: admission, TLS, bounds, headers, errors.

pub(crate) mod admission;
pub(crate) mod connection;
pub(crate) mod error;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod listener;
pub(crate) mod redirect;
pub(crate) mod reply;
pub(crate) mod stall_guard;
pub(crate) mod tls;
