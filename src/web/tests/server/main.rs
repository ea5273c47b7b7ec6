//! The server as its clients meet it, over real TLS on loopback.

mod answers;
mod bounds;
#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod streams;
mod tls;
