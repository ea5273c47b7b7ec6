//! Who is behind a request: sessions by cookie, logins, and what other sites may not send.

mod cookie;
mod gate;
mod same_site;

pub(crate) use cookie::{clear, session_cookie, shown_token};
pub use gate::Gate;
pub(crate) use gate::{Attempt, LoginRefusal, SignedIn};
pub(crate) use same_site::from_here;
