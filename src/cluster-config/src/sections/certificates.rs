//! The page *Basic Settings > Management > SSL certificates*.

use serde::{Deserialize, Serialize};

use crate::protected::Protected;

/// A certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Certificate chain, PEM, the leaf first.
    pub certificate: String,
    /// Private key, PEM.
    pub private_key: Protected,
}

/// Certificates of the appliance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificates {
    /// Web interface; none until one is made.
    pub web: Option<Credential>,
    /// The CA that signs certificates of the appliance itself.
    pub internal_ca: Option<Credential>,
    /// The local timestamping authority.
    pub timestamping: Option<Credential>,
}
