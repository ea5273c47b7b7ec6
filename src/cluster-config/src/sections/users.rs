//! The section *Users & Access Control*.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protected::Protected;

/// Who may do what on the appliance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// Argon2id hash of the password of `admin`.
    pub admin_password: Option<Protected>,
    /// Argon2id hash of the console password.
    pub console_password: Option<Protected>,
    /// Users that the appliance knows itself.
    pub local: BTreeMap<String, LocalUser>,
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
    /// How users are authenticated.
    pub authentication: Authentication,
}

/// A user that the appliance knows itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalUser {
    /// Argon2id hash of the password; none: cannot log in.
    pub password: Option<Protected>,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Names of users, of the appliance or of its directory.
    pub members: Vec<String>,
    /// What members may do, by page.
    pub rights: BTreeMap<String, Right>,
}

/// What a group may do on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Look.
    Read,
    /// Look, change and perform.
    ReadWrite,
}

/// How users are authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authentication {
    /// The first factor.
    pub method: Method,
    /// LDAP server, a name of *Policies > LDAP Servers*.
    pub ldap_server: Option<String>,
    /// RADIUS servers.
    pub radius: Option<Radius>,
    /// Client certificates.
    pub x509: Option<X509Login>,
}

/// The first factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Users of the appliance.
    Local,
    /// Users of a directory.
    Ldap,
    /// Users of a RADIUS server.
    Radius,
    /// Holders of a certificate.
    X509,
}

/// RADIUS servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Radius {
    /// Names or addresses.
    pub servers: Vec<String>,
    /// Secret of RFC 2865.
    pub secret: Protected,
}

/// Login by client certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct X509Login {
    /// Trust store that knows the CA of the users.
    pub trust_store: String,
    /// Field of the certificate that holds the name.
    pub user_name_field: String,
}
