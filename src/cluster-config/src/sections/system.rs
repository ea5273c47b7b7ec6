//! The page *Basic Settings > System*.

use serde::{Deserialize, Serialize};

/// Sealed mode and licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Sealed mode: no remote login, no plugin change, password fixed. Left only at the console.
    pub sealed: bool,
    /// The licence in force; none is a demo.
    pub licence: Option<LicenceReference>,
}

/// Which licence is in force; the file itself lies beside the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceReference {
    /// Its number.
    pub serial: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}
