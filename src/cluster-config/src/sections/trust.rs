//! The page *Basic Settings > Trust Stores*.

use serde::{Deserialize, Serialize};

/// CAs that are trusted for a purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustStore {
    /// Certificates of the CAs, PEM.
    pub certificates: Vec<String>,
    /// Which certificates of a chain are looked up in revocation lists.
    pub revocation_check: RevocationCheck,
    /// URLs of revocation lists.
    pub crl_urls: Vec<String>,
}

/// Which certificates of a chain are looked up in revocation lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationCheck {
    /// None.
    None,
    /// The one presented.
    Leaf,
    /// All of them.
    Full,
}
