//! What the wizard of the first boot asks for.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sps_config::{Ipv4, Secret, TimeServer};

use crate::licence::LicenceFile;

/// The web user that is always there.
pub const WEB_USER: &str = "admin";

/// Everything the wizard asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Password of [`WEB_USER`].
    pub admin_password: Secret,
    /// Password of the console; when there is none it is set at the console.
    pub console_password: Option<Secret>,
    /// Host name.
    pub host_name: String,
    /// Domain.
    pub domain: Option<String>,
    /// The interface that is set, and how; none: as it is.
    pub interface: Option<(String, Ipv4)>,
    /// Name servers; none: those that DHCP names.
    pub dns: Vec<IpAddr>,
    /// Time zone.
    pub time_zone: String,
    /// Time servers; none: those that DHCP names.
    pub time_servers: Vec<TimeServer>,
    /// Licence file; none: a demo.
    #[serde(default)]
    pub licence: Option<LicenceFile>,
}
