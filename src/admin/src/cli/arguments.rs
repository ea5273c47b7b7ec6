//! Arguments. Their comments are the help texts and the man page.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ipnet::Ipv4Net;

use super::configuration::ConfigurationCommand;
use super::indexers::IndexersCommand;
use super::search::SearchArgs;
use super::space::{ArchiveCommand, BackupCommand};

/// What every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Prints one JSON value instead of text
    #[arg(long)]
    pub json: bool,
}

/// What a command that changes something takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Change {
    /// Why, for the log of actions
    #[arg(
        long,
        short,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub message: String,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Commands of a running appliance.
#[derive(Clone, Debug, Subcommand)]
pub enum ApplianceCommand {
    /// Shows how the appliance does
    ///
    /// Health, versions, addresses, services and, after a rollback, which firmware failed and why.
    Status(Common),
    /// Shows the boot log
    Log {
        /// Number of lines
        #[arg(long, short = 'n', default_value_t = 200, value_name = "LINES")]
        lines: u32,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
    /// Firmware slots: list, add, test, activate, go back
    #[command(subcommand)]
    Firmware(FirmwareCommand),
    /// Addresses, name servers, host name
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Settings of the cluster: show, change, history, export and import
    #[command(subcommand)]
    Configuration(ConfigurationCommand),
    /// Makes a support bundle: logs, status and configuration without secrets
    SupportBundle(BundleArgs),
    /// Reboots the appliance
    Reboot(LeaveArgs),
    /// Switches the appliance off
    Shutdown(LeaveArgs),
    /// Enters sealed mode: no remote login, no plugin change, password fixed
    Seal(Change),
    /// Leaves sealed mode; at the machine's own console only
    Unseal(Change),
    /// Installs the appliance to a disk; on the installation medium only
    #[command(subcommand)]
    Install(InstallCommand),
    /// The licence: show, add
    #[command(subcommand)]
    Licence(LicenceCommand),
    /// The data store: show, check
    #[command(subcommand)]
    Store(StoreCommand),
    /// Archive and clean-up policies: show, run
    #[command(subcommand)]
    Archive(ArchiveCommand),
    /// Backups: run, list, restore
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Recorded sessions: list, search, show
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Who indexes sessions: show, add and remove external indexers
    #[command(subcommand)]
    Indexers(IndexersCommand),
    /// Leaves rescue: gives the firmware its tries back and reboots
    NormalBoot(Change),
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is so
    On,
    /// It is not
    Off,
}

/// Firmware.
#[derive(Clone, Debug, Subcommand)]
pub enum FirmwareCommand {
    /// Lists the slots, and firmware that is refused because it failed
    List(Common),
    /// Lists firmware files on discs and sticks
    Media(Common),
    /// Verifies a firmware file and puts it into a slot
    ///
    /// The slot does not boot before it is activated. A file whose signature or bytes are wrong is refused.
    Add {
        /// A file, a device (/dev/sr0), or a file on a device (sdb1:/sps.iso)
        source: String,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Lets the firmware in a slot judge this appliance; changes nothing
    ///
    /// What it finds is listed with where it is set and how to mend it. Activating needs a Test that passed, made with the
    /// configuration as it is.
    Test {
        /// Number of the slot
        slot: u8,
        /// The upgrade notes were read
        #[arg(long)]
        notes_read: bool,
        /// The data is backed up
        #[arg(long)]
        data_backed_up: bool,
        /// A snapshot of the virtual machine was taken
        #[arg(long)]
        snapshot_taken: bool,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Fetches a firmware file from a server, and puts it into a slot
    ///
    /// By http or https; it is compared with the SHA-256, then verified like every other.
    Fetch {
        /// Where it is
        url: String,
        /// Its SHA-256, from the file beside it
        #[arg(long, value_name = "DIGITS")]
        sha256: String,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Lets firmware be sent by sftp and scp, or not any more
    ///
    /// To the user admin with the password of the web, into the folder firmware. In rescue the console password opens it.
    SshUpload {
        /// What it is to be
        #[arg(value_enum)]
        wanted: Switch,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Boots a slot after the next reboot, on trial; its Test must have passed
    ///
    /// When it does not become healthy, the appliance goes back to the firmware before by itself.
    Activate {
        /// Number of the slot
        slot: u8,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Goes back to the firmware before
    Rollback(Change),
    /// Keeps the running firmware for good, before its trial period ends
    Commit(Change),
    /// Empties a slot
    Delete {
        /// Number of the slot
        slot: u8,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Allows firmware again that has failed
    Forget {
        /// Its digest, or the beginning of it
        digest: String,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
}

/// The network.
#[derive(Clone, Debug, Subcommand)]
pub enum NetworkCommand {
    /// Shows settings and state
    Show(Common),
    /// Changes what is named and leaves the rest
    Set(NetworkSet),
}

/// The data store.
#[derive(Clone, Debug, Subcommand)]
pub enum StoreCommand {
    /// Shows its layout, the room it has, and what is kept for earlier firmware
    Show(Common),
    /// Checks every session and every audit trail, and says what is wrong
    ///
    /// Connections go on meanwhile. A database that turns out to be damaged is put aside at the next start; what can be read of it comes
    /// into a new one.
    Check {
        /// A trail that belongs to no session becomes one, so that it is found again
        #[arg(long)]
        adopt: bool,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Lets the import of earlier sessions rest, or go on
    ///
    /// After an upgrade it goes on in the background; searches find everything meanwhile. A restart goes on with it too.
    Import {
        /// What it is to do
        #[arg(value_enum)]
        wanted: ImportCommand,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
}

/// What the import of earlier sessions is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportCommand {
    /// It rests
    Pause,
    /// It goes on
    Resume,
}

/// Recorded sessions.
#[derive(Clone, Debug, Subcommand)]
pub enum SessionsCommand {
    /// Lists the newest
    List {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
    /// Searches: every condition must hold
    ///
    /// While earlier sessions are imported after an upgrade the last line says which are not found yet.
    Search(Box<SearchArgs>),
    /// Lists those that go on, and what they ask for
    Active(Common),
    /// Shows one that goes on, as it happens
    ///
    /// From what was shown last on; Ctrl-C leaves it. That it is followed, and by whom, is logged.
    Follow {
        /// Its identifier, as the list of active ones shows it
        id: String,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
    /// Ends one that goes on
    ///
    /// The person whose session it is reads who ended it, and why.
    Terminate {
        /// Its identifier, as the list of active ones shows it
        id: String,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Agrees to what a session asks for: 4-eyes authorization
    Agree {
        /// Its identifier
        id: String,
        /// Number of what it asks for
        number: u32,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Refuses what a session asks for
    Refuse {
        /// Its identifier
        id: String,
        /// Number of what it asks for
        number: u32,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
    /// Shows the places of a session where its content shows something
    Content {
        /// Its identifier, as a list shows it
        id: String,
        /// What is looked for: words, "phrases", OR, -not, prefix*
        #[arg(required = true, value_name = "WORDS", allow_hyphen_values = true)]
        words: Vec<String>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
    /// Shows one session with its channels and what happened in it
    Show {
        /// Its identifier, as a list shows it
        id: String,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
}

/// The licence.
#[derive(Clone, Debug, Subcommand)]
pub enum LicenceCommand {
    /// Shows for whom it is, its limit, its days and features
    Show(Common),
    /// Takes a licence file instead of the one before
    ///
    /// A file that is damaged, expired or of somebody else is refused, and the licence before stays.
    Add {
        /// The licence file
        file: PathBuf,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
}

/// What to change.
#[derive(Args, Clone, Debug)]
#[group(id = "network_set")]
pub struct NetworkSet {
    /// Host name, without domain
    #[arg(long, value_name = "NAME")]
    pub(super) host_name: Option<String>,
    /// Interface to change
    #[arg(long, value_name = "NAME", requires = "addressing")]
    pub(super) interface: Option<String>,
    /// The interface asks a DHCP server
    #[arg(long, group = "addressing", requires = "interface")]
    pub(super) dhcp: bool,
    /// The interface has this address, such as 192.0.2.5/24
    #[arg(
        long,
        group = "addressing",
        requires = "interface",
        value_name = "ADDRESS/LENGTH"
    )]
    pub(super) address: Option<Ipv4Net>,
    /// The interface has no address
    #[arg(long, group = "addressing", requires = "interface")]
    pub(super) off: bool,
    /// Router, with --address
    #[arg(long, value_name = "ADDRESS", requires = "address", conflicts_with_all = ["dhcp", "off"])]
    pub(super) gateway: Option<Ipv4Addr>,
    /// Name server; may be given up to three times
    #[arg(long, value_name = "ADDRESS")]
    pub(super) dns: Vec<IpAddr>,
    /// Name servers by DHCP
    #[arg(long, conflicts_with = "dns")]
    pub(super) no_dns: bool,
    /// Domain for short names
    #[arg(long, value_name = "NAME")]
    pub(super) domain: Option<String>,
    /// Domain by DHCP
    #[arg(long, conflicts_with = "domain")]
    pub(super) no_domain: bool,
    #[command(flatten)]
    pub(super) change: Change,
}

/// Where the bundle goes.
#[derive(Args, Clone, Debug)]
pub struct BundleArgs {
    /// File to write, `-` for standard output [default: its own name in this folder]
    #[arg(conflicts_with_all = ["medium", "download"])]
    pub(super) file: Option<PathBuf>,
    /// Writes it to a stick with a FAT file system, such as --medium=sdb1 [default: the only one]
    #[arg(
        long,
        value_name = "STICK",
        num_args = 0..=1,
        require_equals = true,
        conflicts_with = "download"
    )]
    pub(super) medium: Option<Option<String>>,
    /// Says where a browser gets one
    #[arg(long)]
    pub(super) download: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Reboot and shutdown.
#[derive(Args, Clone, Debug)]
pub struct LeaveArgs {
    /// Why, for the log of actions
    #[arg(
        long,
        short,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) reason: String,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Installing.
#[derive(Clone, Debug, Subcommand)]
pub enum InstallCommand {
    /// Lists the disks and what is on them
    Disks(Common),
    /// Shows what installing to a disk would do
    Plan {
        /// As everywhere.
        #[command(flatten)]
        target: Target,
        /// As everywhere.
        #[command(flatten)]
        common: Common,
    },
    /// Installs to a disk
    Run {
        /// As everywhere.
        #[command(flatten)]
        target: Target,
        /// The name of the disk once more: what is on it is lost
        #[arg(long, value_name = "DISK")]
        confirm: String,
        /// As everywhere.
        #[command(flatten)]
        change: Change,
    },
}

/// A disk to install to.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// Name of the disk, such as sda
    pub(super) disk: String,
    /// Keep configuration and data of the appliance found there
    #[arg(long)]
    pub(super) keep_data: bool,
}
