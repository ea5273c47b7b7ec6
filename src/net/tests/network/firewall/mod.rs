//! The packet filter in namespaces: what the kernel has made of it, and what comes through from outside.

mod bench;
mod kernel;
mod passing;
mod scan;

pub(crate) use scan::runtime;
