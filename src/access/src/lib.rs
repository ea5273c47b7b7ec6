//! Who is logged in over the web and over the API, and what guessing passwords costs.
//!
//! [`Sessions`] is the pure table; [`Store`] keeps it in one file on `state`, so that a browser that waited for a reboot is
//! still logged in. [`LockOut`] is pure too: it says who has to wait.
//!
//! Invariants:
//! - only the SHA-256 of a token is kept, in memory and on disk: whoever reads them cannot log in with it;
//! - a session is on disk before its token is given out, and off the disk before its end is told;
//! - every table is bounded; times come in as arguments ([`Now`]), a clock that is set ends no session and prolongs none.
//!
//! Must not know users, passwords or HTTP.

mod lock_out;
mod sessions;
mod store;
mod token;

pub use lock_out::{LockOut, Subject};
pub use sessions::{Kind, MOST_SESSIONS, Now, Session, Sessions};
pub use store::Store;
pub use token::{Token, TokenError, TokenHash};
