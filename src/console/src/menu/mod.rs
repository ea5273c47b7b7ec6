//! The text menu as a state machine. Pure: lines, replies and `now` in; text, questions and requests out.
//!
//! It needs nothing but a terminal that shows lines: numbered choices, one line of answer, a progress bar that is
//! written over with a carriage return. Everything fits 79 columns; long texts come in pages.
//!
//! Invariants: without the console password nothing but the log is reached on an appliance that has one; no secret is
//! ever part of an output; every input in every state is answered without a panic; a person who walks away is logged
//! out.

mod choice;
mod forms;
mod items;
mod login;
mod machine;
mod pager;
mod port;
mod replies;

pub use machine::Menu;
pub use port::{Input, Output};

#[cfg(test)]
mod tests;
