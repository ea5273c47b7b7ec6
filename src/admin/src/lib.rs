//! What administrators can do with an appliance, as one typed layer under every surface: console menu, command line,
//! Unix socket, SSH in rescue, later the web.
//!
//! A [`Request`] goes in, progress may follow, one [`Response`] or [`Failure`] comes out. The appliance implements
//! [`Backend`]; everything around it (who may do what, one change at a time, the log of actions) is the same for all
//! surfaces and stands here.
//!
//! Invariants: every change is logged with who, from where, when and its outcome; no secret is in a log; nothing waits
//! without a limit. Must not know how anything is carried out.

mod action_log;
mod active;
mod backend;
mod changes;
#[cfg(feature = "cli")]
pub mod cli;
mod client;
mod configuration;
mod core_files;
mod failure;
mod fetch;
mod figures;
mod firmware;
mod indexers;
mod install;
mod jobs;
mod licence;
mod network;
mod operations;
mod origin;
mod policy;
mod progress;
mod reception;
mod request;
mod response;
mod search;
mod server;
mod session;
mod setup;
mod space;
mod status;
mod store;
mod support;
mod testing;
pub mod text;
mod throttle;
mod traits;
mod wire;

pub use action_log::{Action, ActionLog, ActionLogError, recent_actions};
pub use active::{ActiveSession, Question};
pub use backend::{Backend, Canceller, Context, Gone, Reply, Update, Updates, Work};
pub use changes::{Change, Revised};
pub use client::Client;
pub use configuration::{
    CONFIGURATION_BYTES, ConfigurationChanges, ConfigurationEdit, ConfigurationExport, ConfigurationFile,
    ConfigurationImport, ConfigurationPart, ConfigurationRevision, Given, MOST_EDITS, SettingDifference,
    SettingsChange, settings_objection,
};
pub use core_files::CoreFile;
pub use failure::{Failure, FailureKind};
pub use figures::{ByWord, Figures, MemoryFigures, ProtocolFigures, StoreFigures, TrailFigures};
pub use firmware::{FailedFirmware, FirmwareSource, Medium, Notes, Slot, SlotState, Slots};
pub use indexers::{
    ExternalIndexer, INDEXER_FILE, IndexerConfiguration, IndexerWorker, Indexers, OwnIndexer, RefusedIndexer,
};
pub use install::{Disk, DiskContent, InstallPlan, InstallStep};
pub use jobs::{Arrival, Expected, Fetched, Job, JobState, JobStep, JobStore, Jobs};
pub use licence::{LICENCE_BYTES, Licence, LicenceFile, LicensedFeature, Licensing};
pub use network::{InterfaceChange, InterfaceStatus, NetworkChange, NetworkStatus};
pub use operations::{Call, Operations};
pub use origin::Origin;
pub use policy::Standing;
pub use progress::Progress;
pub use reception::{Arrived, Full, Intake, Parcel};
pub use request::Request;
pub use response::Response;
pub use search::{
    ContentHit, MOST_HITS, MOST_SESSIONS, MOST_SKIPPED, SessionFilter, SessionOrder, SessionPage,
    SessionSearch,
};
pub use server::{SOCKET, Server, ServerError};
pub use session::{Listener, Local, Session, SessionError};
pub use setup::{Setup, WEB_USER};
pub use space::{BackupLine, Space, SpacePolicy, SpacePolicyKind, SpaceRun};
pub use status::{
    ConsoleState, FirmwareIdentity, Health, LogLines, Mode, Rollback, ServiceState, ServiceStatus, Status,
};
pub use store::{
    MadeFrom, SessionImport, SessionIndexing, SessionLine, Sessions, StoreFindings, StoreStatus,
};
pub use support::{BundleTarget, BundleWritten, KeptBundle, KeptState, Stick};
pub use testing::{Confirmed, Finding, Reorganization, Severity, Test};
