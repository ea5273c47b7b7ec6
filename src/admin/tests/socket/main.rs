//! The socket as clients meet it: real sockets, real processes, hostile lines.

mod hostile;
mod lab;
mod talk;
