//! Sessions that go on: who looks at them, who ends them, and who agrees to what they ask for.
//!
//! What was typed is never shown: it holds passwords. What a session shows is kept in memory only, and only so much that somebody who comes
//! later sees its screens.

mod ask;
mod following;
mod hub;
mod scene;
mod session;

pub use ask::Asking;
pub use following::Following;
pub use hub::{Live, LiveError};
pub use session::Active;

pub(crate) use session::LiveSession;
