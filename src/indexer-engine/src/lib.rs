//! External indexers: what is said on the way, who may index, and who gets which session.
//!
//! An indexer on another host connects to the appliance, one connection a worker. Both sides speak in frames ([`FromHost`],
//! [`FromAppliance`]; every byte in `PROTOCOL.md`, beside this code); [`Conversation`] says which is in its turn. [`Desk`] knows hosts,
//! sessions that wait for them and what became of those, [`may_index`] is the rule of versions, [`Backoff`] when a host tries again.
//!
//! Pure: no clock, no socket, no file, no randomness. Invariants: what decodes is within its bounds, and nothing is kept of what is not;
//! a host that goes gives its session back; a session is with one worker at a time. Must not know how bytes are protected on the way.

mod backoff;
mod bytes;
mod conversation;
mod desk;
mod frame;
mod report;
mod version;

pub use backoff::Backoff;
pub use conversation::{Conversation, MOST_TOLD, Offence, Said};
pub use desk::{Desk, Item, Job, MOST_WAITING, MOST_WORKERS, Outcome, WorkerId};
pub use frame::{
    FORMAT, Frame, FrameError, Frames, FromAppliance, FromHost, Hello, Key, MAX_HELLO, MAX_PIECE, MAX_TOLD,
    MOST_KEYS,
};
pub use report::{HostReport, OwnReport, Refusal, Report, WorkerReport};
pub use version::{Verdict, may_index};
