//! The document for a support bundle: what people, hosts and networks are called is replaced, what is set up stays.
//!
//! Whatever is not known to be harmless is replaced: texts stay only where the document has a closed set of words or numbers in text, and
//! names of objects go everywhere but among the document's own keys. The same text gets the same pseudonym within one bundle, so
//! references can be followed; the key of the pseudonyms is thrown away with it, so two bundles cannot be compared and nothing can be
//! guessed and checked.

use std::net::IpAddr;

use aws_lc_rs::hmac;
use ipnet::IpNet;
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::cipher::{self, CipherError};
use crate::cluster::Cluster;
use crate::place::{NAMED, fits};
use crate::seal;

/// Texts that are words of a closed set, or times of the day; places in lists are passed over. Everywhere else a text is replaced.
const WORDS: [&[&str]; 20] = [
    &["management", "mail", "encryption"],
    &["management", "syslog", "transport"],
    &["trust_stores", "*", "revocation_check"],
    &["users", "authentication", "method"],
    &["users", "groups", "*", "rights", "*"],
    &["policies", "content", "*", "events", "kind"],
    &["policies", "content", "*", "events", "actions"],
    &["policies", "time", "*", "days", "*"],
    &["policies", "ldap_servers", "*", "encryption"],
    &["policies", "backup", "*", "start"],
    &["policies", "backup", "*", "target", "kind"],
    &["policies", "archive", "*", "start"],
    &["policies", "archive", "*", "target", "kind"],
    &["connections", "ssh", "connections", "destination", "kind"],
    &["connections", "rdp", "connections", "destination", "kind"],
    &["connections", "rdp", "connections", "tls", "kind"],
    &["connections", "http", "connections", "destination", "kind"],
    &["connections", "http", "connections", "tls", "kind"],
    &["cluster", "nodes", "*", "roles"],
    &["date_time", "time_zone"],
];
/// Hexadecimal digits of a pseudonym: two texts of ten thousand get the same one once in twenty thousand bundles.
const DIGITS: usize = 10;

/// Why there is no anonymous document.
#[derive(Debug, Error)]
pub enum AnonymousError {
    /// The system gives no randomness.
    #[error("could not make a key for pseudonyms")]
    Key(#[source] CipherError),
    /// Writing it out.
    #[error("could not write the configuration out: {0}")]
    Encode(serde_json::Error),
}

/// Pseudonyms of one bundle.
#[derive(Debug)]
pub struct Pseudonyms {
    key: hmac::Key,
}

impl Pseudonyms {
    /// Pseudonyms that no other bundle has.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn new() -> Result<Self, AnonymousError> {
        let key = Zeroizing::new(cipher::random::<32>().map_err(AnonymousError::Key)?);
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()),
        })
    }

    /// The document without secrets, and with pseudonyms. It has the document's structure but is not one: a pseudonym is no address.
    ///
    /// # Errors
    /// None is known.
    pub fn document(&self, document: &Cluster) -> Result<Value, AnonymousError> {
        let mut written = serde_json::to_value(document).map_err(AnonymousError::Encode)?;
        seal::leave_out(&mut written, true);
        Ok(self.replaced(&mut Vec::new(), written))
    }

    fn replaced(&self, path: &mut Vec<String>, value: Value) -> Value {
        match value {
            Value::Object(object) => {
                let people = fits(path, &NAMED);
                let replaced = object.into_iter().map(|(key, value)| {
                    path.push(key.clone());
                    let value = self.replaced(path, value);
                    path.pop();
                    (if people { self.text(&key) } else { key }, value)
                });
                Value::Object(replaced.collect::<Map<_, _>>())
            }
            Value::Array(list) => list.into_iter().map(|value| self.replaced(path, value)).collect(),
            Value::String(text) if text == crate::protected::MARK || fits(path, &WORDS) => {
                Value::String(text)
            }
            Value::String(mut text) => {
                let pseudonym = self.text(&text);
                text.zeroize();
                Value::String(pseudonym)
            }
            other => other,
        }
    }

    /// The pseudonym of a text; what kind of text it was can be seen, and how long a network is.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        if let Ok(network) = text.parse::<IpNet>() {
            return format!(
                "{}/{}",
                self.tagged("address", &network.addr().to_string()),
                network.prefix_len()
            );
        }
        if text.parse::<IpAddr>().is_ok() {
            return self.tagged("address", text);
        }
        if text.contains("-----BEGIN CERTIFICATE-----") {
            return self.tagged("certificate", text);
        }
        self.tagged("name", text)
    }

    fn tagged(&self, kind: &str, text: &str) -> String {
        let tag = hmac::sign(&self.key, text.as_bytes());
        let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{kind}-{}", &digits[..DIGITS])
    }
}

#[cfg(test)]
mod tests;
