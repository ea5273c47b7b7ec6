//! What an administrator can ask for.

use serde::{Deserialize, Serialize};
use sps_config::Secret;

use crate::configuration::{ConfigurationEdit, ConfigurationFile};
use crate::firmware::FirmwareSource;
use crate::licence::LicenceFile;
use crate::network::NetworkChange;
use crate::search::SessionSearch;
use crate::setup::Setup;
use crate::support::BundleTarget;
use crate::testing::Confirmed;

/// One operation with what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// How the appliance does: [`crate::Response::Status`].
    Status,
    /// What is measured: [`crate::Response::Figures`].
    Figures {
        /// What a program shows instead of a login; none from whoever has logged in.
        token: Option<Secret>,
    },
    /// What the console needs to greet: [`crate::Response::ConsoleState`].
    ConsoleState,
    /// Lines of the log after `after`, at most `limit`, newest last: [`crate::Response::Log`].
    Log {
        /// Number of the last line already seen; 0 for the beginning.
        after: u64,
        /// Lines at most.
        limit: u32,
    },
    /// Whether this is the console password: [`crate::Response::Login`].
    Login {
        /// What was typed.
        password: Secret,
    },
    /// Whether this is the password of a web user: [`crate::Response::Login`]. Whoever asks has seen to it that guessing
    /// costs time.
    WebLogin {
        /// Who.
        user: String,
        /// What was typed.
        password: Secret,
    },
    /// Sets up an appliance that nobody has set up: [`crate::Response::Done`].
    Setup {
        /// What was filled in.
        form: Box<Setup>,
    },
    /// What was done and by whom, newest first: [`crate::Response::Changes`].
    Changes {
        /// Changes at most.
        limit: u32,
    },
    /// Sets the console password: [`crate::Response::Done`].
    PasswordSet {
        /// The new one.
        password: Secret,
    },
    /// Live medium: removes the console password of the appliance installed on `disk`: [`crate::Response::Done`].
    PasswordReset {
        /// Name of the disk, as `install-disks` lists it.
        disk: String,
    },
    /// The firmware slots: [`crate::Response::Slots`].
    FirmwareList,
    /// Media on which firmware files are found, with the files: [`crate::Response::Media`].
    FirmwareMedia,
    /// Verifies a firmware file and puts it into a slot: [`crate::Response::Slot`].
    FirmwareAdd {
        /// Where the file is.
        source: FirmwareSource,
    },
    /// What the maker says of the firmware in a slot: [`crate::Response::Notes`].
    FirmwareNotes {
        /// Number of the slot, from 1.
        slot: u8,
    },
    /// Lets the firmware in a slot judge this appliance, changing nothing: [`crate::Response::Tested`].
    FirmwareTest {
        /// Number of the slot, from 1.
        slot: u8,
        /// What the administrator confirms.
        #[serde(default)]
        confirmed: Confirmed,
    },
    /// Boots this slot after the next reboot, on trial; it has passed its Test: [`crate::Response::Slots`].
    FirmwareActivate {
        /// Number of the slot, from 1.
        slot: u8,
    },
    /// Back to the slot before: [`crate::Response::Slots`].
    FirmwareRollback,
    /// Keeps the running firmware for good: [`crate::Response::Slots`].
    FirmwareCommit,
    /// Empties a slot: [`crate::Response::Slots`].
    FirmwareDelete {
        /// Number of the slot, from 1.
        slot: u8,
    },
    /// Forgets that firmware with this digest has failed: [`crate::Response::Slots`].
    FirmwareForget {
        /// SHA-256 of its manifest, hexadecimal; a prefix that names one is enough.
        digest: String,
    },
    /// Settings and state of the network: [`crate::Response::Network`].
    NetworkShow,
    /// Changes what is named: [`crate::Response::Network`].
    NetworkSet {
        /// What to change.
        change: NetworkChange,
    },
    /// Reboots: [`crate::Response::Done`], then the appliance goes.
    Reboot {
        /// Why, for the log.
        reason: String,
    },
    /// Switches off: [`crate::Response::Done`], then the appliance goes.
    Shutdown {
        /// Why, for the log.
        reason: String,
    },
    /// Enters sealed mode: [`crate::Response::Done`].
    Seal,
    /// Leaves sealed mode; at the console only: [`crate::Response::Done`].
    Unseal,
    /// Sticks that a support bundle can be written to: [`crate::Response::Sticks`].
    Sticks,
    /// Makes a support bundle: [`crate::Response::Bundle`], or [`crate::Response::Done`] when a browser is to fetch it.
    SupportBundle {
        /// Where to.
        to: BundleTarget,
    },
    /// Live medium: the disks: [`crate::Response::Disks`].
    InstallDisks,
    /// Live medium: what installing to a disk would do: [`crate::Response::Plan`].
    InstallPlan {
        /// Name of the disk.
        disk: String,
        /// Keep `state` and `data` of the appliance found there.
        keep_data: bool,
    },
    /// Live medium: installs, with progress: [`crate::Response::Done`].
    InstallRun {
        /// Name of the disk.
        disk: String,
        /// Keep `state` and `data` of the appliance found there.
        keep_data: bool,
    },
    /// Rescue: gives the chosen firmware its tries back and reboots: [`crate::Response::Done`].
    NormalBoot,
    /// Begins a support bundle that is kept for a day: [`crate::Response::Bundles`] with it alone.
    BundleKeep,
    /// The support bundles that are kept: [`crate::Response::Bundles`].
    BundleList,
    /// Sends one of them as [`crate::Update::Data`]: [`crate::Response::Bundle`].
    BundleRead {
        /// Which.
        key: u64,
    },
    /// Removes one of them: [`crate::Response::Done`].
    BundleDelete {
        /// Which.
        key: u64,
    },
    /// Core files: [`crate::Response::CoreFiles`].
    CoreList,
    /// Sends one of them as [`crate::Update::Data`]: [`crate::Response::Done`].
    CoreRead {
        /// Which.
        key: String,
    },
    /// Removes one of them: [`crate::Response::Done`].
    CoreDelete {
        /// Which.
        key: String,
    },
    /// What the appliance is licensed for: [`crate::Response::Licence`].
    LicenceShow,
    /// Takes a licence file instead of the one before: [`crate::Response::Licence`].
    LicenceSet {
        /// The file.
        file: LicenceFile,
    },
    /// Fetches a firmware file from a server, then adds it: [`crate::Response::Slot`].
    FirmwareFetch {
        /// Where it is.
        url: String,
        /// Its SHA-256, hexadecimal.
        sha256: String,
    },
    /// The data store: [`crate::Response::Store`].
    StoreShow,
    /// Lets the import of earlier sessions rest, or go on: [`crate::Response::Done`].
    ImportPause {
        /// Rest.
        on: bool,
    },
    /// How full the disk is, and what archives, cleans up and backs up: [`crate::Response::Space`].
    SpaceShow,
    /// Runs an archive or clean-up policy now, or all: [`crate::Response::Done`].
    ArchiveRun {
        /// Its name.
        policy: Option<String>,
    },
    /// Runs a backup policy now, or all: [`crate::Response::Done`].
    BackupRun {
        /// Its name.
        policy: Option<String>,
    },
    /// The backups on the targets of backup policies: [`crate::Response::Backups`].
    BackupList {
        /// Of this one alone.
        policy: Option<String>,
    },
    /// Restores a backup into a store without sessions, for the next start; where sessions are it adds those that are missing:
    /// [`crate::Response::Done`].
    BackupRestore {
        /// The policy on whose target it is.
        policy: String,
        /// The appliance that made it; needed when several did.
        appliance: Option<String>,
        /// Its name.
        backup: String,
        /// The password it was made with; that of the policy when none is given.
        password: Option<Secret>,
        /// The settings of the node come back too; else what differs is told.
        #[serde(default)]
        node_document: bool,
    },
    /// The newest sessions: [`crate::Response::Sessions`].
    SessionList {
        /// At most so many.
        limit: usize,
    },
    /// Checks every session and every audit trail: [`crate::Response::StoreChecked`].
    StoreCheck {
        /// A trail that belongs to no session becomes one.
        adopt: bool,
    },
    /// Sessions that a search finds: [`crate::Response::SessionPage`].
    SessionSearch {
        /// What is looked for.
        search: Box<SessionSearch>,
    },
    /// One session with what happened in it: [`crate::Response::Session`].
    SessionShow {
        /// Its identifier.
        id: String,
    },
    /// Places of a session where its content shows what is looked for, in their order: [`crate::Response::SessionContent`].
    SessionContent {
        /// Its identifier.
        id: String,
        /// What is looked for, as in [`crate::SessionFilter::content`].
        query: String,
        /// At most so many, 1 to [`crate::MOST_HITS`].
        limit: usize,
    },
    /// Sends the audit trail of a session as [`crate::Update::Data`]: [`crate::Response::Done`].
    TrailRead {
        /// Identifier of the session.
        id: String,
    },
    /// Sessions that go on: [`crate::Response::ActiveSessions`].
    SessionsActive,
    /// Ends a session that goes on: [`crate::Response::Done`].
    SessionTerminate {
        /// Its identifier.
        id: String,
    },
    /// Answers what a session asks for: [`crate::Response::Done`].
    SessionAnswer {
        /// Identifier of the session.
        id: String,
        /// Number of the question.
        number: u32,
        /// Whether it may.
        agrees: bool,
    },
    /// Sends what a session shows, from now until it ends, as [`crate::Update::Data`] in the form of an audit trail: [`crate::Response::Done`].
    SessionFollow {
        /// Identifier of the session.
        id: String,
    },
    /// Who indexes what: [`crate::Response::Indexers`].
    IndexersShow,
    /// Adds a host that indexes: [`crate::Response::IndexerAdded`], with what it needs. That is told once.
    IndexerAdd {
        /// A name for it.
        name: String,
        /// Address under which it reaches the appliance; none: the first there is.
        #[serde(default)]
        address: Option<String>,
    },
    /// Removes a host that indexes; it is cut off: [`crate::Response::Done`].
    IndexerRemove {
        /// Its name.
        name: String,
    },
    /// Lets firmware be sent by SFTP and scp outside rescue, or not any more: [`crate::Response::Done`].
    FirmwareSsh {
        /// Let it.
        on: bool,
    },
    /// Settings of the cluster at a path: [`crate::Response::Configuration`].
    ConfigurationShow {
        /// Where, `management/mail`; empty for everything.
        path: String,
        /// The revision; none: the one in force.
        #[serde(default)]
        revision: Option<u64>,
        /// Shown as these edits would make it; nothing is changed.
        #[serde(default)]
        edits: Vec<ConfigurationEdit>,
        /// Refused when another revision is in force.
        #[serde(default)]
        expected: Option<u64>,
    },
    /// Makes edits, all of them or none: [`crate::Response::ConfigurationChanges`].
    ConfigurationChange {
        /// What to change.
        edits: Vec<ConfigurationEdit>,
        /// Refused when another revision is in force.
        #[serde(default)]
        expected: Option<u64>,
    },
    /// What edits would change; they are judged by their form alone: [`crate::Response::ConfigurationChanges`].
    ConfigurationCompare {
        /// What to change.
        edits: Vec<ConfigurationEdit>,
        /// Refused when another revision is in force.
        #[serde(default)]
        expected: Option<u64>,
    },
    /// Revisions of the configuration, newest first: [`crate::Response::Revisions`].
    ConfigurationHistory {
        /// Revisions at most.
        limit: u32,
    },
    /// What differs between two revisions: [`crate::Response::ConfigurationChanges`].
    ConfigurationDifference {
        /// The one; none: the one before the other.
        from: Option<u64>,
        /// The other; none: the one in force.
        to: Option<u64>,
    },
    /// Makes a new revision that equals an earlier one: [`crate::Response::ConfigurationChanges`].
    ConfigurationRestore {
        /// The earlier one.
        revision: u64,
        /// Refused when another revision is in force.
        #[serde(default)]
        expected: Option<u64>,
    },
    /// The configuration as a file: [`crate::Response::Exported`].
    ConfigurationExport {
        /// What encrypts it; none: secrets are left out.
        password: Option<Secret>,
    },
    /// Takes an exported configuration instead of the one in force: [`crate::Response::Imported`].
    ConfigurationImport {
        /// The file.
        file: ConfigurationFile,
        /// What it was encrypted with.
        password: Option<Secret>,
        /// Changes nothing, and says what it would change.
        preview: bool,
        /// Refused when another revision is in force.
        #[serde(default)]
        expected: Option<u64>,
    },
}
