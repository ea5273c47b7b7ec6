//! Pure engine of the data store: what lies where in each layout, which tree a firmware uses, and how one layout becomes another.
//!
//! ```text
//! layout-1.1/            a tree: layout 1, the first of this store
//! layout-5.2/            another, made from it by a reorganization
//! by-firmware/<digest>   symbolic link to the tree this firmware uses: the one commit point
//! last-served.json       the tree a firmware last worked on
//! carry/<session>/       sessions of a firmware on trial, in a form every version reads
//! ```
//!
//! [`choose`] says which tree the running firmware uses, or that one must be made; [`plan`] says what making it takes, from
//! counted [`Facts`]; [`Cost`] what that costs on a given disk. Layouts are data: a file each in `layouts`.
//!
//! Pure. Invariants: a tree that a firmware worked on is never changed by a plan, it is only read; everything found in a tree
//! is in some step of the plan; names are bytes, whatever is in them.

mod arrange;
mod choice;
mod cost;
mod layout;
mod layouts;
mod names;
mod plan;
mod progress;
mod records;
mod survey;

pub use arrange::{UNDATED, arranged, day_of};
pub use choice::{Choice, Origin, Refusal, StoreFacts, Tree, choose};
pub use cost::{Cost, DEFAULT_RATES, Estimate, Rates, SPACE_PER_LINK, work};
pub use layout::{Arrangement, Class, Form, Kind, Layout, Place};
pub use layouts::{FIRST, HISTORY, LATEST, layout};
pub use names::{
    BY_FIRMWARE, CARRY, JOURNAL, LAST_SERVED, REMOVING, RESERVED, TREE_RECORD, TreeName, digest_of, link_to,
};
pub use plan::{Action, Plan, PlanError, Step, plan};
pub use progress::{Meter, Progress};
pub use records::{
    Done, JOURNAL_FORMAT, Journal, LastServed, SERVED_FORMAT, State, StepState, TREE_FORMAT, TreeRecord,
};
pub use survey::{Counted, Facts};
