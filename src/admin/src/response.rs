//! What comes back.

use serde::{Deserialize, Serialize};
use sps_session_record::SessionRecord;

use crate::active::ActiveSession;
use crate::changes::Change;
use crate::configuration::{
    ConfigurationChanges, ConfigurationExport, ConfigurationImport, ConfigurationPart, ConfigurationRevision,
};
use crate::core_files::CoreFile;
use crate::figures::Figures;
use crate::firmware::{Medium, Notes, Slot, Slots};
use crate::indexers::{IndexerConfiguration, Indexers};
use crate::install::{Disk, InstallPlan};
use crate::licence::Licensing;
use crate::network::NetworkStatus;
use crate::search::{ContentHit, SessionPage};
use crate::space::{BackupLine, Space};
use crate::status::{ConsoleState, LogLines, Status};
use crate::store::{Sessions, StoreFindings, StoreStatus};
use crate::support::{BundleWritten, KeptBundle, Stick};
use crate::testing::Test;

/// The answer to a request that was carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Response {
    /// Carried out; the text says what a person should know, and may be empty.
    Done {
        /// One sentence, such as `host name set; interface eth0 asks by DHCP`.
        note: String,
    },
    /// How the appliance does.
    Status(Box<Status>),
    /// What is measured.
    Figures(Box<Figures>),
    /// What the console needs to greet.
    ConsoleState(Box<ConsoleState>),
    /// Log lines.
    Log(LogLines),
    /// Whether the password was the right one.
    Login {
        /// It was.
        accepted: bool,
        /// Seconds to wait before the next try; the operations fill it in.
        wait: u64,
    },
    /// What was done, newest first.
    Changes(Vec<Change>),
    /// What the maker says of a firmware.
    Notes(Notes),
    /// The firmware slots.
    Slots(Slots),
    /// One slot, the one that was filled.
    Slot(Slot),
    /// What a Test found.
    Tested(Test),
    /// Media with firmware files.
    Media(Vec<Medium>),
    /// The network.
    Network(NetworkStatus),
    /// A support bundle was made.
    Bundle(BundleWritten),
    /// Sticks.
    Sticks(Vec<Stick>),
    /// Disks.
    Disks(Vec<Disk>),
    /// What installing would do.
    Plan(InstallPlan),
    /// Support bundles that are kept, oldest first.
    Bundles(Vec<KeptBundle>),
    /// Core files, the newest first.
    CoreFiles(Vec<CoreFile>),
    /// What the appliance is licensed for.
    Licence(Licensing),
    /// The data store.
    Store(StoreStatus),
    /// Room on the data store.
    Space(Space),
    /// Backups.
    Backups(Vec<BackupLine>),
    /// Sessions, the newest first.
    Sessions(Sessions),
    /// What a check of the data store found.
    StoreChecked(StoreFindings),
    /// What a search found.
    SessionPage(SessionPage),
    /// Places of a session where its content shows what was looked for.
    SessionContent(Vec<ContentHit>),
    /// Sessions that go on, the oldest first.
    ActiveSessions(Vec<ActiveSession>),
    /// Who indexes what.
    Indexers(Box<Indexers>),
    /// A host that indexes was added.
    IndexerAdded(IndexerConfiguration),
    /// One session.
    Session(Box<SessionRecord>),
    /// Settings of the cluster.
    Configuration(ConfigurationPart),
    /// What differs, or what a change did.
    ConfigurationChanges(ConfigurationChanges),
    /// Revisions of the configuration, newest first.
    Revisions(Vec<ConfigurationRevision>),
    /// The configuration as a file.
    Exported(ConfigurationExport),
    /// What an import did, or would do.
    Imported(ConfigurationImport),
}
