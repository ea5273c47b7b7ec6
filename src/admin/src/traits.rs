//! What is known of each request besides its fields: its title, whether it changes something, its time limit.

use std::time::Duration;

use crate::configuration::{self, MOST_EDITS};
use crate::failure::Failure;
use crate::fetch;
use crate::firmware::FirmwareSource;
use crate::request::Request;
use crate::support::BundleTarget;
use crate::text;

/// What is answered from memory.
const AT_ONCE: Duration = Duration::from_secs(15);
/// What looks at disks and media: a drive that spins up takes 30 s.
const A_LOOK: Duration = Duration::from_secs(90);
/// What writes a little and syncs it, on a disk that is busy.
const A_CHANGE: Duration = Duration::from_secs(120);
/// What reads much and writes little, or computes for a while.
const A_BUNDLE: Duration = Duration::from_secs(300);
/// A firmware of a few hundred MiB from the slowest stick there is (1 MiB/s).
const A_FIRMWARE: Duration = Duration::from_secs(30 * 60);
/// What a server may take to send a firmware (an hour), and what may come before it.
const A_FETCH: Duration = Duration::from_secs(65 * 60);
/// Looking at ten million sessions and their trails on a slow disk.
const A_CHECK: Duration = Duration::from_secs(12 * 3600);
/// Writing a disk on which only the file systems are made.
const AN_INSTALLATION: Duration = Duration::from_secs(2 * 3600);

/// What lists the objects of a target that is slow.
const A_LISTING: Duration = Duration::from_secs(15 * 60);
/// What moves everything an appliance has: ten terabytes by a gigabit a second.
const A_MOVE: Duration = Duration::from_secs(24 * 3600);

fn named(what: &str, policy: Option<&str>) -> String {
    policy.map_or_else(|| what.to_owned(), |policy| format!("{what} {policy}"))
}

impl Request {
    /// What is done, for the log of actions; without secrets.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Status => "status".into(),
            Self::Figures { .. } => "metrics".into(),
            Self::ConsoleState => "console state".into(),
            Self::Log { .. } => "log".into(),
            Self::Login { .. } => "console login".into(),
            Self::WebLogin { user, .. } => format!("login as {user}"),
            Self::Setup { .. } => "set the appliance up".into(),
            Self::Changes { .. } => "changes".into(),
            Self::PasswordSet { .. } => "set the console password".into(),
            Self::PasswordReset { disk } => format!("reset the console password of the appliance on {disk}"),
            Self::FirmwareList => "firmware list".into(),
            Self::FirmwareMedia => "firmware media".into(),
            Self::FirmwareAdd { source } => format!("firmware add {source}"),
            Self::FirmwareNotes { slot } => format!("firmware notes {slot}"),
            Self::FirmwareTest { slot, confirmed } => format!("firmware test {slot}{confirmed}"),
            Self::FirmwareActivate { slot } => format!("firmware activate {slot}"),
            Self::FirmwareRollback => "firmware rollback".into(),
            Self::FirmwareCommit => "firmware commit".into(),
            Self::FirmwareDelete { slot } => format!("firmware delete {slot}"),
            Self::FirmwareForget { digest } => format!("firmware forget {digest}"),
            Self::NetworkShow => "network show".into(),
            Self::NetworkSet { change } => format!("network set {change}"),
            Self::Reboot { .. } => "reboot".into(),
            Self::Shutdown { .. } => "shutdown".into(),
            Self::Seal => "seal".into(),
            Self::Unseal => "unseal".into(),
            Self::Sticks => "sticks".into(),
            Self::SupportBundle {
                to: BundleTarget::Medium { .. },
            } => "support bundle to a stick".into(),
            Self::SupportBundle { .. } => "support bundle".into(),
            Self::InstallDisks => "install disks".into(),
            Self::InstallPlan { disk, .. } => format!("install plan {disk}"),
            Self::InstallRun {
                disk,
                keep_data: false,
            } => format!("install {disk}, erasing it"),
            Self::InstallRun {
                disk,
                keep_data: true,
            } => format!("install {disk}, keeping its data"),
            Self::NormalBoot => "normal boot".into(),
            Self::BundleKeep => "support bundle, kept for a day".into(),
            Self::BundleList => "support bundles".into(),
            Self::BundleRead { key } => format!("fetch the support bundle {key}"),
            Self::BundleDelete { key } => format!("delete the support bundle {key}"),
            Self::LicenceShow => "licence show".into(),
            Self::LicenceSet { .. } => "licence add".into(),
            Self::FirmwareSsh { on: true } => "let firmware be sent by SSH".into(),
            Self::FirmwareSsh { on: false } => "take no firmware by SSH".into(),
            Self::FirmwareFetch { url, .. } => format!("firmware fetch {}", fetch::shown(url)),
            other => other.configuration_title().unwrap_or_else(|| other.store_title()),
        }
    }

    /// The same of the settings of the cluster.
    fn configuration_title(&self) -> Option<String> {
        Some(match self {
            Self::ConfigurationShow { path, .. } => {
                format!("configuration show {}", configuration::shown(path))
            }
            Self::ConfigurationChange { edits, .. } => configuration::title(edits),
            Self::ConfigurationCompare { .. } => "configuration compare".into(),
            Self::ConfigurationHistory { .. } => "configuration history".into(),
            Self::ConfigurationDifference { .. } => "configuration difference".into(),
            Self::ConfigurationRestore { revision, .. } => format!("configuration restore {revision}"),
            Self::ConfigurationExport { password: Some(_) } => "configuration export, encrypted".into(),
            Self::ConfigurationExport { password: None } => "configuration export without secrets".into(),
            Self::ConfigurationImport { preview: true, .. } => "configuration import, as a preview".into(),
            Self::ConfigurationImport { .. } => "configuration import".into(),
            _ => return None,
        })
    }

    /// The same of the data store and what is recorded in it.
    fn store_title(&self) -> String {
        match self {
            Self::SpaceShow => "archive show".into(),
            Self::ArchiveRun { policy } => named("archive run", policy.as_deref()),
            Self::BackupRun { policy } => named("backup run", policy.as_deref()),
            Self::BackupList { policy } => named("backup list", policy.as_deref()),
            Self::BackupRestore {
                policy,
                backup,
                node_document,
                ..
            } => {
                let too = if *node_document {
                    ", settings of the node too"
                } else {
                    ""
                };
                format!("backup restore {policy} {backup}{too}")
            }
            Self::CoreList => "core files".into(),
            Self::CoreRead { key } => format!("fetch the core file {}", text::clean(key)),
            Self::CoreDelete { key } => format!("delete the core file {}", text::clean(key)),
            Self::StoreShow => "store show".into(),
            Self::StoreCheck { adopt: false } => "store check".into(),
            Self::StoreCheck { adopt: true } => "store check, adopting audit trails of no session".into(),
            Self::SessionList { .. } => "sessions list".into(),
            Self::SessionSearch { search } => match &search.filter.content {
                None => "sessions search".into(),
                Some(content) => format!("search the content of sessions for {:?}", text::clean(content)),
            },
            Self::SessionContent { id, query, .. } => {
                format!(
                    "search the content of {} for {:?}",
                    text::clean(id),
                    text::clean(query)
                )
            }
            Self::SessionShow { id } => format!("sessions show {}", text::clean(id)),
            Self::TrailRead { id } => format!("read the audit trail of {}", text::clean(id)),
            Self::SessionsActive => "sessions active".into(),
            Self::SessionTerminate { id } => format!("end the session {}", text::clean(id)),
            Self::SessionAnswer { id, number, agrees } => {
                let word = if *agrees { "agree to" } else { "refuse" };
                format!("{word} number {number} of the session {}", text::clean(id))
            }
            Self::SessionFollow { id } => format!("follow the session {}", text::clean(id)),
            Self::IndexersShow => "indexers show".into(),
            Self::IndexerAdd { name, .. } => format!("add the external indexer {}", text::clean(name)),
            Self::IndexerRemove { name } => format!("remove the external indexer {}", text::clean(name)),
            Self::ImportPause { on: true } => "pause the import of earlier sessions".into(),
            Self::ImportPause { on: false } => "go on with the import of earlier sessions".into(),
            // Every other one has its title above.
            _ => String::new(),
        }
    }

    /// It changes something, or shows what is not for everybody: it is logged.
    #[must_use]
    pub fn is_logged(&self) -> bool {
        if let Self::SessionSearch { search } = self {
            return search.filter.content.is_some();
        }
        !matches!(
            self,
            Self::Status
                | Self::Figures { .. }
                | Self::ConsoleState
                | Self::Log { .. }
                | Self::FirmwareList
                | Self::FirmwareMedia
                | Self::FirmwareNotes { .. }
                | Self::Changes { .. }
                | Self::NetworkShow
                | Self::Sticks
                | Self::InstallDisks
                | Self::InstallPlan { .. }
                | Self::BundleList
                | Self::LicenceShow
                | Self::CoreList
                | Self::StoreShow
                | Self::SessionList { .. }
                | Self::SessionShow { .. }
                | Self::SessionsActive
                | Self::IndexersShow
                | Self::ConfigurationShow { .. }
                | Self::ConfigurationCompare { .. }
                | Self::ConfigurationHistory { .. }
                | Self::ConfigurationDifference { .. }
                | Self::ConfigurationImport { preview: true, .. }
                | Self::SpaceShow
                | Self::BackupList { .. }
        )
    }

    /// It must not run beside another change. Reboot and shutdown may: a power cut is survived at any moment, and an
    /// operation that hangs must not keep anybody from rebooting.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.is_logged()
            && !matches!(
                self,
                Self::Login { .. }
                    | Self::WebLogin { .. }
                    | Self::Reboot { .. }
                    | Self::Shutdown { .. }
                    | Self::SupportBundle { .. }
                    | Self::BundleKeep
                    | Self::BundleRead { .. }
                    | Self::BundleDelete { .. }
                    | Self::FirmwareFetch { .. }
                    | Self::StoreCheck { .. }
                    | Self::CoreRead { .. }
                    | Self::CoreDelete { .. }
                    | Self::TrailRead { .. }
                    | Self::SessionSearch { .. }
                    | Self::SessionContent { .. }
                    | Self::SessionTerminate { .. }
                    | Self::SessionAnswer { .. }
                    | Self::SessionFollow { .. }
                    | Self::ConfigurationExport { .. }
                    | Self::ArchiveRun { .. }
                    | Self::BackupRun { .. }
            )
    }

    /// Time after which it counts as failed.
    #[must_use]
    pub fn limit(&self) -> Duration {
        match self {
            Self::Status
            | Self::Figures { .. }
            | Self::ConsoleState
            | Self::Log { .. }
            | Self::NetworkShow
            | Self::LicenceShow => AT_ONCE,
            Self::Login { .. } | Self::WebLogin { .. } => AT_ONCE,
            Self::FirmwareList
            | Self::FirmwareNotes { .. }
            | Self::Changes { .. }
            | Self::FirmwareMedia
            | Self::Sticks
            | Self::InstallDisks
            | Self::BundleKeep
            | Self::BundleList
            | Self::CoreList
            | Self::CoreDelete { .. }
            | Self::StoreShow
            | Self::SpaceShow
            | Self::SessionList { .. }
            | Self::SessionSearch { .. }
            | Self::SessionContent { .. }
            | Self::SessionShow { .. }
            | Self::ConfigurationShow { .. }
            | Self::ConfigurationCompare { .. }
            | Self::ConfigurationHistory { .. }
            | Self::ConfigurationDifference { .. }
            | Self::ConfigurationExport { .. }
            | Self::BundleDelete { .. }
            | Self::InstallPlan { .. } => A_LOOK,
            Self::PasswordSet { .. }
            | Self::Setup { .. }
            | Self::PasswordReset { .. }
            | Self::FirmwareActivate { .. }
            | Self::FirmwareRollback
            | Self::FirmwareCommit
            | Self::FirmwareDelete { .. }
            | Self::FirmwareForget { .. }
            | Self::NetworkSet { .. }
            | Self::Reboot { .. }
            | Self::Shutdown { .. }
            | Self::Seal
            | Self::Unseal
            | Self::LicenceSet { .. }
            | Self::ImportPause { .. }
            | Self::FirmwareSsh { .. }
            | Self::ConfigurationChange { .. }
            | Self::ConfigurationRestore { .. }
            | Self::ConfigurationImport { .. }
            | Self::NormalBoot => A_CHANGE,
            Self::SessionsActive | Self::SessionTerminate { .. } | Self::SessionAnswer { .. } => AT_ONCE,
            Self::IndexersShow | Self::IndexerAdd { .. } | Self::IndexerRemove { .. } => A_CHANGE,
            Self::BackupList { .. } => A_LISTING,
            Self::ArchiveRun { .. }
            | Self::BackupRun { .. }
            | Self::BackupRestore { .. }
            | Self::SessionFollow { .. } => A_MOVE,
            Self::SupportBundle { .. }
            | Self::BundleRead { .. }
            | Self::CoreRead { .. }
            | Self::TrailRead { .. }
            | Self::FirmwareTest { .. } => A_BUNDLE,
            Self::FirmwareAdd { .. } => A_FIRMWARE,
            Self::FirmwareFetch { .. } => A_FETCH,
            Self::StoreCheck { .. } => A_CHECK,
            Self::InstallRun { .. } => AN_INSTALLATION,
        }
    }

    /// What is wrong with the request itself, as far as it tells without looking at the appliance.
    #[must_use]
    pub(crate) fn mistake(&self) -> Option<Failure> {
        match self {
            Self::FirmwareFetch { url, sha256 } => fetch::mistake(url, sha256),
            Self::ConfigurationChange { edits, .. } if edits.is_empty() => {
                Some(Failure::invalid("nothing to change"))
            }
            Self::ConfigurationShow { edits, .. }
            | Self::ConfigurationCompare { edits, .. }
            | Self::ConfigurationChange { edits, .. }
                if edits.len() > MOST_EDITS =>
            {
                let message = format!("more than {MOST_EDITS} edits in one change: make several");
                Some(Failure::invalid(message))
            }
            _ => None,
        }
    }

    /// What is done next when it went well, as a request of its own: others may make a change while a file is fetched.
    pub(crate) fn sequel(&self) -> Option<Self> {
        match self {
            Self::FirmwareFetch { sha256, .. } => Some(Self::FirmwareAdd {
                source: FirmwareSource::Fetched {
                    sha256: sha256.clone(),
                },
            }),
            _ => None,
        }
    }

    /// It can be called off while it is carried out.
    #[must_use]
    pub(crate) fn can_be_called_off(&self) -> bool {
        matches!(
            self,
            Self::FirmwareFetch { .. }
                | Self::FirmwareAdd { .. }
                | Self::ArchiveRun { .. }
                | Self::BackupRun { .. }
                | Self::BackupRestore { .. }
                | Self::StoreCheck { .. }
        )
    }

    /// The asker's reason that a request carries itself.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Reboot { reason } | Self::Shutdown { reason } => reason,
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sps_config::Secret;

    #[test]
    fn a_title_holds_no_secret() {
        let password = Secret::from("hunter2".to_owned());
        for request in [
            Request::Login {
                password: password.clone(),
            },
            Request::PasswordSet {
                password: password.clone(),
            },
            Request::BackupRestore {
                policy: "nightly".into(),
                appliance: None,
                backup: "20270115T080000Z".into(),
                password: Some(password.clone()),
                node_document: true,
            },
            Request::WebLogin {
                user: "admin".into(),
                password,
            },
        ] {
            assert!(!request.title().contains("hunter2") && !format!("{request:?}").contains("hunter2"));
            assert!(request.is_logged());
        }
    }

    #[test]
    fn a_reboot_never_waits_for_another_change() {
        assert!(
            !Request::Reboot {
                reason: String::new()
            }
            .is_exclusive()
        );
        assert!(Request::FirmwareCommit.is_exclusive());
        assert!(!Request::Status.is_exclusive());
    }
}
