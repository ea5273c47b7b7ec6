//! What is in a trail, for other programs and for people: a recording for players, the text of the terminal, the events.
//!
//! Each takes events as [`crate::Playback`] gives them and appends bytes; none keeps more than a screen.

mod asciicast;
mod events;
mod live;
mod page;
mod picked;
mod terminal;
mod utf8;

pub use asciicast::Asciicast;
pub use events::EventLines;
pub use live::LivePage;
pub use page::Page;
pub use terminal::TerminalText;
