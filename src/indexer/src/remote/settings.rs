//! The configuration of a host, `indexerworker.cfg`: where its appliance is, what it is known by, and who the host is. JSON, made by the appliance.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::identity::{Fingerprint, Identity, IdentityError};

/// Number of this form.
const FORMAT: u32 = 1;
/// Longest file, bytes.
const LONGEST: usize = 64 * 1024;
/// Most workers.
const MOST_WORKERS: u16 = sps_indexer_engine::MOST_WORKERS;

/// What the appliance gave to a host.
#[derive(Clone, Debug)]
pub struct HostSettings {
    /// Name of the host, as the appliance calls it.
    pub name: String,
    /// Name or address of the appliance.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Its certificate.
    pub appliance: Fingerprint,
    /// Who the host is.
    pub identity: Identity,
    /// Workers; none: one for every two processors.
    pub workers: Option<u16>,
}

/// Why a file is no configuration of a host.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// No JSON, or other keys.
    #[error(
        "it is no configuration of an indexer: {0}; download it again from the appliance (Indexer > Worker status)"
    )]
    Malformed(String),
    /// Of a later version.
    #[error(
        "it has form {0}, and this version of sps knows form {FORMAT}: give this host the appliance's version of sps"
    )]
    Format(u32),
    /// No port, no address.
    #[error(
        "{0:?} is no address and port of an appliance: give one such as 192.0.2.10:12345 or sps.example.net:12345"
    )]
    Address(String),
    /// Too many workers, or none.
    #[error("{0} workers: give 1 to {MOST_WORKERS}")]
    Workers(u16),
    /// What it holds is not to be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    name: String,
    address: String,
    port: u16,
    appliance: String,
    certificate: String,
    private_key: Hidden,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workers: Option<u16>,
}

/// Wiped when it is dropped.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[derive(Deserialize)]
struct Form {
    format: u32,
}

impl HostSettings {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let malformed = |error: &dyn fmt::Display| SettingsError::Malformed(error.to_string());
        if text.len() > LONGEST {
            return Err(malformed(&"it is too long"));
        }
        let form: Form = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        if form.format != FORMAT {
            return Err(SettingsError::Format(form.format));
        }
        let mut written: Written = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        let key = Zeroizing::new(std::mem::take(&mut written.private_key.0));
        let settings = Self {
            name: written.name,
            address: written.address,
            port: written.port,
            appliance: written.appliance.parse()?,
            identity: Identity::new(written.certificate, key),
            workers: written.workers,
        };
        settings.identity.der("the certificate in it")?;
        settings.check()
    }

    /// The file.
    ///
    /// # Errors
    /// Never in practice: what it holds are texts.
    pub fn text(&self) -> Result<Zeroizing<String>, SettingsError> {
        let written = Written {
            format: FORMAT,
            name: self.name.clone(),
            address: self.address.clone(),
            port: self.port,
            appliance: self.appliance.to_string(),
            certificate: self.identity.certificate().to_owned(),
            private_key: Hidden(self.identity.private_key().to_string()),
            workers: self.workers,
        };
        let text = serde_json::to_string_pretty(&written);
        let text = text.map_err(|error| SettingsError::Malformed(error.to_string()))?;
        Ok(Zeroizing::new(text + "\n"))
    }

    /// The same for an appliance at another address, `HOST:PORT`.
    ///
    /// # Errors
    /// It is none.
    pub fn at(mut self, address: &str) -> Result<Self, SettingsError> {
        let wrong = || SettingsError::Address(address.to_owned());
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        self.port = port.parse().map_err(|_| wrong())?;
        // An address of IPv6 stands in brackets.
        let inner = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        if inner.is_none() && host.contains(':') {
            return Err(wrong());
        }
        self.address = inner.unwrap_or(host).to_owned();
        self.check()
    }

    /// The same with so many workers.
    ///
    /// # Errors
    /// There cannot be so many.
    pub fn with_workers(mut self, workers: Option<u16>) -> Result<Self, SettingsError> {
        self.workers = workers.or(self.workers);
        self.check()
    }

    fn check(self) -> Result<Self, SettingsError> {
        if self.address.is_empty() || self.port == 0 {
            return Err(SettingsError::Address(format!("{}:{}", self.address, self.port)));
        }
        match self.workers {
            Some(workers) if !(1..=MOST_WORKERS).contains(&workers) => Err(SettingsError::Workers(workers)),
            _ => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> HostSettings {
        let identity = Identity::make().unwrap();
        HostSettings {
            name: "indexer-1".into(),
            address: "192.0.2.10".into(),
            port: 12_345,
            appliance: Fingerprint::of_pem(Identity::make().unwrap().certificate()).unwrap(),
            identity,
            workers: None,
        }
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_debug_shows_no_key() {
        let given = settings();
        let text = given.text().unwrap();
        let read = HostSettings::parse(&text).unwrap();
        assert_eq!(
            (&read.name, read.port, read.appliance),
            (&given.name, 12_345, given.appliance)
        );
        assert_eq!(*read.text().unwrap(), *text);
        assert!(!format!("{read:?}").contains("PRIVATE"));
        let moved = read
            .at("[2001:db8::1]:99")
            .unwrap()
            .with_workers(Some(4))
            .unwrap();
        assert_eq!(
            (moved.address.as_str(), moved.port, moved.workers),
            ("2001:db8::1", 99, Some(4))
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = settings().text().unwrap();
        let said = |text: &str| HostSettings::parse(text).unwrap_err().to_string();
        assert!(said("").contains("download it again"));
        assert!(said(&text.replace("\"format\": 1", "\"format\": 2")).contains("form 2"));
        assert!(said(&text.replace("\"port\": 12345", "\"port\": 0")).contains("192.0.2.10:0"));
        assert!(said(&text.replace("BEGIN CERT", "BEGIN X")).contains("no certificate"));
        assert!(said(&text.replace("\"name\"", "\"nome\"")).contains("nome"));
        for address in ["", "x", "x:", "x:99999", "::1:5", ":5"] {
            assert!(settings().at(address).is_err(), "{address}");
        }
        assert!(settings().with_workers(Some(0)).is_err());
    }
}
