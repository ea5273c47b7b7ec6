//! Who may do what, and when. Pure.

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind};
use crate::origin::Origin;
use crate::request::Request;
use crate::status::Mode;

/// What the rules depend on; the appliance answers it from memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// What this boot is.
    pub mode: Mode,
    /// Sealed mode.
    pub sealed: bool,
    /// A console password is set.
    pub password_set: bool,
    /// The appliance is set up: its web users have passwords.
    #[serde(default)]
    pub set_up: bool,
}

const SEALED: &str = "the appliance is sealed: no remote login";

/// Why `request` may not be made from `origin`, or nothing.
pub(crate) fn objection(request: &Request, origin: &Origin, standing: Standing) -> Option<Failure> {
    by_origin(request, origin, standing)
        .or_else(|| by_mode(request, standing.mode))
        .or_else(|| by_seal(request, standing))
        .or_else(|| by_setup(request, standing))
        .map(|message| Failure::new(FailureKind::NotAllowed, message))
}

fn by_origin(request: &Request, origin: &Origin, standing: Standing) -> Option<&'static str> {
    match request {
        Request::Unseal if !origin.is_console() => {
            Some("sealed mode is left at the machine's own console only")
        }
        _ if standing.sealed && matches!(origin, Origin::Ssh { .. }) => Some(SEALED),
        // By SSH to send firmware.
        Request::WebLogin { .. } if !origin.is_remote() => Some("web users log in on the web only"),
        Request::Setup { .. } if !matches!(origin, Origin::Web { .. }) => {
            Some("web users log in on the web only")
        }
        Request::Login { .. } => match origin {
            Origin::Web { .. } if standing.sealed => Some(SEALED),
            // The boot page in rescue gives support bundles to whoever knows it.
            Origin::Web { .. } if standing.mode == Mode::Rescue => None,
            Origin::Web { .. } | Origin::Socket { .. } => Some("the console password opens the console only"),
            _ => None,
        },
        _ => None,
    }
}

fn by_mode(request: &Request, mode: Mode) -> Option<&'static str> {
    match (request, mode) {
        (
            Request::InstallDisks
            | Request::InstallPlan { .. }
            | Request::InstallRun { .. }
            | Request::PasswordReset { .. },
            Mode::Installed | Mode::Rescue,
        ) => Some("boot the installation medium for this"),
        (Request::WebLogin { .. } | Request::Setup { .. }, Mode::Live | Mode::Rescue) => {
            Some("there is no web login in this mode: install first, or boot normally")
        }
        (Request::NormalBoot, Mode::Installed | Mode::Live) => Some("the appliance is not in rescue"),
        (
            Request::PasswordSet { .. }
            | Request::FirmwareAdd { .. }
            | Request::FirmwareTest { .. }
            | Request::FirmwareActivate { .. }
            | Request::FirmwareRollback
            | Request::FirmwareCommit
            | Request::FirmwareDelete { .. }
            | Request::FirmwareForget { .. }
            | Request::NetworkSet { .. }
            | Request::BundleKeep
            | Request::LicenceSet { .. }
            | Request::ImportPause { .. }
            | Request::CoreDelete { .. }
            | Request::StoreCheck { .. }
            | Request::ArchiveRun { .. }
            | Request::BackupRun { .. }
            | Request::BackupList { .. }
            | Request::BackupRestore { .. }
            | Request::FirmwareFetch { .. }
            | Request::FirmwareSsh { .. }
            | Request::ConfigurationChange { .. }
            | Request::ConfigurationRestore { .. }
            | Request::ConfigurationImport { .. }
            | Request::IndexerAdd { .. }
            | Request::IndexerRemove { .. }
            | Request::Seal
            | Request::Unseal,
            Mode::Live,
        ) => Some("the installation medium keeps nothing: install first, then boot the disk"),
        (Request::PasswordSet { .. }, Mode::Rescue) => {
            Some("not in rescue: the password is reset with the installation medium")
        }
        (Request::FirmwareTest { .. }, Mode::Rescue) => {
            Some("not in rescue: a firmware is activated here without a Test; else boot normally first")
        }
        (
            Request::Seal
            | Request::Unseal
            | Request::LicenceSet { .. }
            | Request::ArchiveRun { .. }
            | Request::BackupRun { .. }
            | Request::BackupList { .. }
            | Request::BackupRestore { .. },
            Mode::Rescue,
        ) => Some("not in rescue: boot normally first"),
        _ => None,
    }
}

fn by_seal(request: &Request, standing: Standing) -> Option<&'static str> {
    match (request, standing.sealed) {
        // The first password is set even then: after a reset with the installation medium nobody could unseal.
        (Request::PasswordSet { .. }, true) if standing.password_set => {
            Some("the appliance is sealed: its password is fixed; unseal it at the console first")
        }
        (Request::Seal, true) => Some("the appliance is sealed already"),
        (Request::Seal, false) if !standing.password_set => {
            Some("no console password is set, so nobody could unseal: set one at the console first")
        }
        (Request::Unseal, false) => Some("the appliance is not sealed"),
        _ => None,
    }
}

fn by_setup(request: &Request, standing: Standing) -> Option<&'static str> {
    match (request, standing.set_up) {
        (Request::Setup { .. }, true) => Some("the appliance is set up already: log in to change it"),
        (Request::WebLogin { .. }, false) => Some("the appliance is not set up yet"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sps_config::Secret;

    fn console() -> Origin {
        Origin::Console { tty: "tty1".into() }
    }

    fn ssh() -> Origin {
        Origin::Ssh {
            user: "admin".into(),
            address: "192.0.2.9".into(),
        }
    }

    fn socket() -> Origin {
        Origin::Socket { uid: 0, pid: None }
    }

    fn said(request: &Request, origin: &Origin, mode: Mode, sealed: bool) -> String {
        objection(
            request,
            origin,
            Standing {
                mode,
                sealed,
                password_set: true,
                set_up: false,
            },
        )
        .map_or_else(|| "allowed".into(), |why| why.message)
    }

    #[test]
    fn sealed_mode_is_left_at_the_console_only() {
        for origin in [
            ssh(),
            socket(),
            Origin::Web {
                user: "admin".into(),
                address: "192.0.2.9".into(),
            },
        ] {
            assert_ne!(
                said(&Request::Unseal, &origin, Mode::Installed, true),
                "allowed",
                "{origin}"
            );
        }
        assert_eq!(
            said(&Request::Unseal, &console(), Mode::Installed, true),
            "allowed"
        );
        assert_ne!(said(&Request::Unseal, &console(), Mode::Rescue, true), "allowed");
    }

    #[test]
    fn sealed_the_password_is_fixed_and_nobody_comes_by_ssh() {
        let password = Request::PasswordSet {
            password: Secret::default(),
        };
        assert_ne!(said(&password, &console(), Mode::Installed, true), "allowed");
        assert_eq!(said(&password, &console(), Mode::Installed, false), "allowed");
        assert_ne!(said(&Request::Status, &ssh(), Mode::Rescue, true), "allowed");
        assert_eq!(said(&Request::Status, &ssh(), Mode::Rescue, false), "allowed");
        assert_eq!(
            said(&Request::FirmwareCommit, &socket(), Mode::Installed, true),
            "allowed"
        );
    }

    #[test]
    fn the_web_is_told_the_password_in_rescue_only_and_never_sealed() {
        let login = Request::Login {
            password: Secret::default(),
        };
        let web = Origin::Web {
            user: "admin".into(),
            address: "192.0.2.9".into(),
        };
        assert_eq!(said(&login, &web, Mode::Rescue, false), "allowed");
        assert_eq!(said(&login, &web, Mode::Rescue, true), SEALED);
        assert_ne!(said(&login, &web, Mode::Installed, false), "allowed");
        assert_ne!(said(&login, &socket(), Mode::Rescue, false), "allowed");
    }

    #[test]
    fn web_users_come_by_ssh_only_where_there_is_a_web_and_never_sealed() {
        let login = Request::WebLogin {
            user: "admin".into(),
            password: Secret::default(),
        };
        let judged = |origin: &Origin, mode, sealed| {
            let standing = Standing {
                mode,
                sealed,
                set_up: true,
                ..Standing::default()
            };
            objection(&login, origin, standing).is_none()
        };
        assert!(judged(&ssh(), Mode::Installed, false));
        assert!(!judged(&ssh(), Mode::Installed, true));
        assert!(!judged(&ssh(), Mode::Rescue, false));
        assert!(!judged(&console(), Mode::Installed, false));
        assert!(!judged(&socket(), Mode::Installed, false));
    }

    #[test]
    fn without_a_password_nothing_is_sealed_and_the_first_can_always_be_set() {
        let password = Request::PasswordSet {
            password: Secret::default(),
        };
        let none = |sealed| Standing {
            sealed,
            ..Standing::default()
        };
        assert!(objection(&password, &console(), none(true)).is_none());
        assert!(objection(&Request::Seal, &console(), none(false)).is_some());
    }

    #[test]
    fn installing_belongs_to_the_medium_and_changes_to_the_disk() {
        let run = Request::InstallRun {
            disk: "sda".into(),
            keep_data: false,
        };
        assert_eq!(said(&run, &console(), Mode::Live, false), "allowed");
        assert_ne!(said(&run, &console(), Mode::Installed, false), "allowed");
        assert_ne!(
            said(&Request::FirmwareCommit, &console(), Mode::Live, false),
            "allowed"
        );
        assert_ne!(
            said(&Request::NormalBoot, &console(), Mode::Installed, false),
            "allowed"
        );
        assert_eq!(said(&Request::NormalBoot, &ssh(), Mode::Rescue, false), "allowed");
        assert_eq!(
            said(
                &Request::Reboot {
                    reason: String::new()
                },
                &console(),
                Mode::Live,
                false
            ),
            "allowed"
        );
    }
}
