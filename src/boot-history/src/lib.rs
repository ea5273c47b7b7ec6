//! What this node remembers of its boots: the log of each as a file, and the last words of a kernel that died.
//!
//! A thread of its own drains the log in memory to disk, so that a slow or frozen disk delays nobody who logs. After a
//! boot that failed the next one reads here how far it came and what the kernel said (pstore).
//!
//! Invariants: at most [`KEPT`] boots are kept, each of at most [`MOST`] bytes; an error of the disk ends the keeping of
//! this boot's log and is told once; nothing here decides anything.

mod files;
mod keeper;
mod kernel_words;

pub use files::{BootFile, HistoryError, KEPT, MOST, logs, read, tail};
pub use keeper::LogKeeper;
pub use kernel_words::{KernelWords, collect};
