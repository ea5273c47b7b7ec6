//! Fetches one file from a server by HTTP or HTTPS: piece by piece, within limits, from other machines only.
//!
//! Invariants:
//! - The address that is connected to is the address that was judged: a name is resolved once for each step and never again
//!   by anybody else.
//! - Never from the appliance itself, nor from what only the machines beside it can see ([`Guard`]); redirects are judged like
//!   the first URL, and lead from HTTPS to HTTPS only.
//! - Nothing waits without a limit ([`Limits`]), and nothing is kept in memory but one piece.
//!
//! Must not know what the file is, nor where it goes. Dropping a future ends the transfer.

mod connect;
mod download;
mod error;
mod fetcher;
mod guard;
mod limits;
mod target;

pub use connect::Resolver;
pub use download::Download;
pub use error::FetchError;
pub use fetcher::Fetcher;
pub use guard::Guard;
pub use limits::Limits;
pub use target::Target;
