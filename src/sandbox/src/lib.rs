//! Runs a program that may compute, read what it is given and write its answer, and nothing else.
//!
//! The program is one static executable, handed over as bytes. It is started by the caller's own binary in a role of it
//! (the *shim*, [`is_meant`] and [`enter`]), which is trusted and closes one door after the other before it becomes the
//! program: namespaces of its own, an empty root that nobody can write, a user that owns nothing, no capability, limits,
//! Landlock, seccomp. Each of them alone would do for most programs; a mistake in one is caught by the next.
//!
//! Invariants:
//! - a door that cannot be closed is an error, never a warning: then the program is not started;
//! - the caller waits no longer than [`Limits::time`], reads no more than [`Limits::answer`], and whatever the program did,
//!   none of its processes is left when [`Sandbox::run`] returns;
//! - the program sees standard input, output and error, and no other open file.
//!
//! Why what, and what is left open on purpose: `DECISION-sandbox.md`.

mod confine;
mod order;
mod run;
mod shim;

pub use order::Limits;
pub use run::{Program, Sandbox, SandboxError};
pub use shim::{enter, is_meant};
