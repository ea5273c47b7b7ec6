//! The section *Policies*.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::protected::Protected;
use crate::sections::certificates::Credential;
use crate::sections::management::Encryption;

/// Policies by kind and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// How trails are encrypted, signed and timestamped.
    pub audit: BTreeMap<String, AuditPolicy>,
    /// What is done when something appears in a session.
    pub content: BTreeMap<String, ContentPolicy>,
    /// When something is allowed.
    pub time: BTreeMap<String, TimePolicy>,
    /// Who is allowed.
    pub user_lists: BTreeMap<String, UserList>,
    /// Users of connections, by database and name.
    pub user_databases: BTreeMap<String, BTreeMap<String, DatabaseUser>>,
    /// Who may be whom on servers.
    #[serde(default)]
    pub user_mappings: BTreeMap<String, UserMapping>,
    /// Accounts on servers.
    pub credential_stores: BTreeMap<String, CredentialStore>,
    /// Directories.
    pub ldap_servers: BTreeMap<String, LdapServer>,
    /// CAs that make certificates for sessions.
    pub signing_cas: BTreeMap<String, Credential>,
    /// How content is indexed.
    pub indexer: BTreeMap<String, IndexerPolicy>,
    /// What is copied, where to, when.
    pub backup: BTreeMap<String, BackupPolicy>,
    /// What is moved away, where to, when.
    pub archive: BTreeMap<String, ArchivePolicy>,
}

/// How trails are encrypted, signed and timestamped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditPolicy {
    /// Certificates that trails are encrypted for, PEM; none: they are not.
    pub encryption: Vec<String>,
    /// Certificates that what was typed is encrypted for, PEM; none: for those of everything else.
    #[serde(default)]
    pub upstream_encryption: Vec<String>,
    /// Key that signs them.
    pub signing: Option<Credential>,
    /// Seconds between timestamps, 10 to 100,000; none: no timestamps.
    pub timestamp_seconds: Option<u32>,
    /// Who gives them; none: no timestamps.
    #[serde(default)]
    pub timestamp_authority: Option<TimestampAuthority>,
}

/// An authority of timestamps (RFC 3161).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestampAuthority {
    /// Where it is asked: `http://` or `https://`.
    pub url: String,
    /// Under which of its policies, numbers with dots; none: as it likes.
    pub policy: Option<String>,
    /// Certificates of the CA that its own must lead to, PEM.
    pub certificates: Vec<String>,
}

/// What is done when something appears in a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentPolicy {
    /// Tried one after the other.
    pub events: Vec<ContentEvent>,
}

/// What is looked for, and what is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentEvent {
    /// Where it is looked for.
    pub kind: ContentKind,
    /// Regular expressions, whatever the case.
    pub matches: Vec<String>,
    /// Regular expressions that are passed over.
    pub ignores: Vec<String>,
    /// What is done.
    pub actions: Vec<ContentAction>,
}

/// Where a content policy looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentKind {
    /// Commands of a terminal.
    Commands,
    /// Texts on the screen.
    ScreenContent,
    /// Credit card numbers (Luhn) on the screen.
    CreditCard,
    /// Titles of windows.
    WindowTitle,
}

/// What a content policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentAction {
    /// Writes it to the log.
    Log,
    /// Keeps it with the session.
    Store,
    /// Alerts.
    Notify,
    /// Ends the session.
    Terminate,
}

/// When something is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimePolicy {
    /// Intervals `HH:MM-HH:MM` by day, `monday` to `sunday`; nothing on a day that is not named.
    pub days: BTreeMap<String, Vec<String>>,
}

/// Who is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserList {
    /// Whether those are allowed who are not named.
    pub allow: bool,
    /// Names for which it is the other way round.
    pub except: Vec<String>,
}

/// A user of connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseUser {
    /// Public keys, one `authorized_keys` line each.
    pub public_keys: Vec<String>,
    /// Hash of the password.
    pub password: Option<Protected>,
}

/// Who may be whom on servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserMapping {
    /// Users of servers, and who may be each of them.
    pub users: Vec<MappedUser>,
    /// Whether people may be users of servers whom no line names.
    pub others: bool,
}

/// A user of servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappedUser {
    /// Its name there.
    pub server_user: String,
    /// Gateway users and groups that may be this user.
    pub who: Vec<String>,
}

/// Accounts on servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialStore {
    /// By name.
    pub accounts: BTreeMap<String, Account>,
}

/// An account on a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name there.
    pub user: String,
    /// Its password there.
    pub password: Option<Protected>,
    /// A private key that opens it, OpenSSH format, without a passphrase.
    #[serde(default)]
    pub private_key: Option<Protected>,
    /// Servers that have it: addresses, networks, or names; `*.` in front of a name stands for everything in a domain; none: every one.
    #[serde(default)]
    pub servers: Vec<String>,
    /// Gateway users and groups for whom it is; none: everybody whom the gateway knows.
    #[serde(default)]
    pub who: Vec<String>,
}

/// A directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapServer {
    /// Names or addresses, the first is asked first.
    pub servers: Vec<String>,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// Where users are looked for.
    pub base_dn: String,
    /// As whom.
    pub bind_dn: String,
    /// Its password; none: anonymously.
    pub bind_password: Option<Protected>,
    /// Seconds within which it must answer.
    pub timeout_seconds: u32,
    /// Certificate the appliance presents.
    pub client: Option<Credential>,
    /// Trust store that knows the server's CA.
    pub trust_store: Option<String>,
}

/// How content is indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexerPolicy {
    /// Languages on screens, ISO 639-1.
    pub languages: Vec<String>,
    /// Whether it is indexed while the session goes on.
    pub near_real_time: bool,
    /// Whether encrypted sessions are indexed too, by a key that is destroyed once all of its day are.
    #[serde(default)]
    pub encrypted_sessions: bool,
}

/// What is copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupPolicy {
    /// When each day, `HH:MM`.
    pub start: String,
    /// Where to.
    pub target: Target,
    /// Whether the analytics database is copied too.
    pub analytics: bool,
    /// What the cluster key and the node's document are encrypted with in the backup; without one it does not run.
    pub password: Option<Protected>,
    /// How many backups are kept on the target, the newest of them; none: all.
    pub keep: Option<NonZeroU32>,
}

/// What is moved away, or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivePolicy {
    /// When each day, `HH:MM`.
    pub start: String,
    /// Where to; none: audit trails are deleted.
    pub target: Option<Target>,
    /// Age in days.
    pub after_days: u32,
}

/// A place outside the appliance. Shares, exports and rsync come from earlier layouts; this firmware reaches none of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// A share of Windows.
    Smb {
        /// Name or address.
        server: String,
        /// Name of the share.
        share: String,
        /// As whom.
        user: String,
        /// Its password.
        password: Protected,
    },
    /// A Unix export.
    Nfs {
        /// Name or address.
        server: String,
        /// Folder there.
        path: String,
    },
    /// Rsync over SSH.
    Rsync {
        /// Name or address.
        server: String,
        /// Folder there.
        path: String,
        /// As whom.
        user: String,
        /// Private key, OpenSSH format.
        private_key: Protected,
    },
    /// A folder on a disk that is attached to the appliance.
    Directory {
        /// Label of the disk's file system, ext4.
        label: String,
        /// Folder there; empty: the file system's own.
        path: String,
    },
    /// A bucket of S3, or of what speaks like it.
    S3(S3),
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// URL of the service, `https://` or `http://`.
    pub endpoint: String,
    /// Region, such as `eu-central-1`.
    pub region: String,
    /// Name of the bucket.
    pub bucket: String,
    /// Before the name of every object; may be empty.
    pub prefix: String,
    /// Identifier of the access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_key: Protected,
    /// Whether the bucket stands in the path instead of the host name.
    pub path_style: bool,
    /// Trust store that knows the service's CA; none: the public authorities.
    pub trust_store: Option<String>,
}

impl Target {
    /// Why this firmware cannot reach it, with the mend; nothing when it can.
    #[must_use]
    pub const fn unreachable(&self) -> Option<&'static str> {
        match self {
            Self::Smb { .. } => Some("a share of Windows is not reached by this firmware: use a disk or S3"),
            Self::Nfs { .. } => Some("an NFS export is not reached by this firmware: use a disk or S3"),
            Self::Rsync { .. } => Some("rsync is not done by this firmware: use a disk or S3"),
            Self::Directory { .. } | Self::S3(_) => None,
        }
    }
}
