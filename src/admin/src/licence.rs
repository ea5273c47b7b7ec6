//! The licence as people see it, and a licence file on its way in.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Longest licence file that is taken, bytes: with every field at its longest a licence has some 4 KiB.
pub const LICENCE_BYTES: usize = 16 * 1024;

/// A licence file as it was given; nothing of it is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LicenceFile(String);

impl LicenceFile {
    /// The file with this content.
    ///
    /// # Errors
    /// It is longer than any licence, or no text.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Failure> {
        if bytes.len() > LICENCE_BYTES {
            return Err(Self::too_long());
        }
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| Failure::invalid("this is no licence file: give it as you got it"))?;
        Ok(Self(text))
    }

    /// Why a longer file is refused.
    #[must_use]
    pub fn too_long() -> Failure {
        Failure::invalid(format!(
            "this is no licence file: it has more than {LICENCE_BYTES} bytes; give the licence file itself"
        ))
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LicenceFile {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self, Failure> {
        Self::new(text.into_bytes())
    }
}

impl From<LicenceFile> for String {
    fn from(file: LicenceFile) -> Self {
        file.0
    }
}

/// What the appliance is licensed for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licensing {
    /// Its licence; none: it is a demo.
    pub licence: Option<Licence>,
    /// What is counted, `Host` or `Session`.
    pub limit_type: String,
    /// How many there may be.
    pub limit: u32,
    /// What an administrator should see to, in words.
    pub problems: Vec<String>,
}

/// A licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Whom it was given to.
    pub customer: String,
    /// Its number.
    pub serial: String,
    /// First day, `2026-01-01`.
    pub valid_from: String,
    /// Last day; none: it does not end.
    pub valid_until: Option<String>,
    /// The LTS it covers, by their major numbers.
    pub lts: Vec<u32>,
    /// Whether the running firmware is among them.
    pub lts_covered: bool,
    /// Licensed features.
    pub features: Vec<LicensedFeature>,
}

/// A licensed feature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicensedFeature {
    /// Its name, such as `external-indexer`.
    pub name: String,
    /// What people call it.
    pub title: String,
}

impl Licence {
    /// `2026-01-01 - 2027-05-31`, or `from 2026-01-01` without an end.
    #[must_use]
    pub fn validity(&self) -> String {
        match &self.valid_until {
            Some(until) => format!("{} - {until}", self.valid_from),
            None => format!("from {}", self.valid_from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_texts_can_be_licence_files() {
        let file = LicenceFile::new(b"sps-licence-1\n".to_vec()).unwrap();
        let json = serde_json::to_string(&file).unwrap();
        assert_eq!(serde_json::from_str::<LicenceFile>(&json).unwrap(), file);
        assert!(LicenceFile::new(vec![b'a'; LICENCE_BYTES]).is_ok());
        let long = LicenceFile::new(vec![b'a'; LICENCE_BYTES + 1]).unwrap_err();
        assert!(long.message.contains("16384 bytes"), "{long}");
        assert!(LicenceFile::new(vec![0xff, 0xfe]).is_err());
        let json = format!("\"{}\"", "a".repeat(LICENCE_BYTES + 1));
        assert!(serde_json::from_str::<LicenceFile>(&json).is_err());
    }
}
