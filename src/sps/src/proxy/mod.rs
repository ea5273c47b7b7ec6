//! The SSH proxy's appliance: policies, people, keys of servers and recordings, by the rooms that have them.

mod gateway;
mod host_keys;
mod local;
mod recording;

pub(crate) use gateway::{Gateway, GatewayError};
