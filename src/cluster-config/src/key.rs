//! The cluster key, and how each node keeps it: wrapped by a key of its own, on `state`.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use sps_config::Secret;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::cipher::{self, CipherError, KEY_BYTES};

/// Number of the form of a wrapped key.
const FORM: &str = "1";
/// Bytes of a key's identifier: enough to tell the few keys an appliance ever sees.
const ID_BYTES: usize = 8;

/// The key that encrypts the secrets of the cluster document; one for all nodes.
#[derive(Clone)]
pub struct ClusterKey([u8; KEY_BYTES]);

/// A node's own key, which wraps the cluster key on this node.
#[derive(Clone)]
pub struct NodeKey([u8; KEY_BYTES]);

/// Tells a key without showing it: the first 64 bits of a SHA-256 over it, hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

/// Why there is no key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The system gives no randomness.
    #[error("could not make a key")]
    Make(#[source] CipherError),
    /// It is no base64 of the right length.
    #[error(
        "the node key is damaged: it must be {KEY_BYTES} bytes in base64; restore the node's configuration"
    )]
    Form,
}

/// Why the cluster key cannot be wrapped.
#[derive(Debug, Error)]
pub enum WrapError {
    /// Encrypting it.
    #[error("could not wrap the cluster key")]
    Encrypt(#[source] CipherError),
}

/// Why a wrapped key cannot be opened.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UnwrapError {
    /// It is not of the form of a wrapped key.
    #[error(
        "the wrapped cluster key is damaged: join the cluster again, or import a backup with its password"
    )]
    Form,
    /// Another node key wrapped it.
    #[error(
        "the cluster key is wrapped by the node key {found}, not by this node's own {own}: join the cluster again"
    )]
    OtherNode {
        /// The key that wrapped it.
        found: String,
        /// This node's.
        own: String,
    },
    /// The bytes were changed.
    #[error(
        "the wrapped cluster key was changed: join the cluster again, or import a backup with its password"
    )]
    Changed,
}

impl ClusterKey {
    /// A new key.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        cipher::random::<KEY_BYTES>().map(Self).map_err(KeyError::Make)
    }

    /// What tells it.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of("sps cluster key", &self.0)
    }

    /// The key in base64, for an envelope with a password.
    #[must_use]
    pub fn to_base64(&self) -> Secret {
        Secret::from(STANDARD.encode(self.0))
    }

    /// What [`ClusterKey::to_base64`] wrote.
    ///
    /// # Errors
    /// It is no key in base64.
    pub fn from_base64(text: &Secret) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.expose()).map_err(|_| KeyError::Form)?);
        let bytes = bytes.as_slice().try_into().map_err(|_| KeyError::Form)?;
        Ok(Self(bytes))
    }

    /// Bytes that only this key and `purpose` make (HKDF-SHA256, RFC 5869): the same on every node, and nothing of the key itself.
    ///
    /// # Errors
    /// The library of cryptography fails.
    pub fn derive(&self, purpose: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
        cipher::derive(&self.0, purpose).map_err(KeyError::Make)
    }

    pub(crate) const fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl NodeKey {
    /// A new key.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        cipher::random::<KEY_BYTES>().map(Self).map_err(KeyError::Make)
    }

    /// The key out of the node document (`keys.node`).
    ///
    /// # Errors
    /// It is no key in base64.
    pub fn from_base64(text: &Secret) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.expose()).map_err(|_| KeyError::Form)?);
        let bytes = bytes.as_slice().try_into().map_err(|_| KeyError::Form)?;
        Ok(Self(bytes))
    }

    /// The key as the node document keeps it.
    #[must_use]
    pub fn to_base64(&self) -> Secret {
        Secret::from(STANDARD.encode(self.0))
    }

    /// What tells it.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of("sps node key", &self.0)
    }
}

impl KeyId {
    fn of(kind: &str, key: &[u8]) -> Self {
        let digest = Sha256::new()
            .chain_update(kind)
            .chain_update([0])
            .chain_update(key)
            .finalize();
        Self(
            digest[..ID_BYTES]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Drop for ClusterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for NodeKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterKey({})", self.id())
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.id())
    }
}

/// What is encrypted beside a key: form and both keys.
fn about(node: &KeyId, cluster: &str) -> String {
    format!("sps wrapped cluster key {FORM} {node} {cluster}")
}

/// The cluster key as a node keeps it: `1.NODE-KEY.CLUSTER-KEY.BASE64`.
///
/// # Errors
/// The system gives no randomness.
pub fn wrap(cluster: &ClusterKey, node: &NodeKey) -> Result<String, WrapError> {
    let (own, id) = (node.id(), cluster.id());
    let about = about(&own, &id.0);
    let sealed = cipher::encrypt(&node.0, about.as_bytes(), &cluster.0).map_err(WrapError::Encrypt)?;
    Ok(format!("{FORM}.{own}.{id}.{}", STANDARD.encode(sealed)))
}

/// The cluster key out of what [`wrap`] made.
///
/// # Errors
/// It is none, another node's, or was changed.
pub fn unwrap(wrapped: &str, node: &NodeKey) -> Result<ClusterKey, UnwrapError> {
    let parts: Vec<&str> = wrapped.split('.').collect();
    let [FORM, found, id, sealed] = parts.as_slice() else {
        return Err(UnwrapError::Form);
    };
    let sealed = STANDARD.decode(sealed).map_err(|_| UnwrapError::Form)?;
    let own = node.id();
    if KeyId::from_str(found) != Ok(own.clone()) {
        return Err(UnwrapError::OtherNode {
            found: (*found).to_owned(),
            own: own.0,
        });
    }
    let plain = cipher::decrypt(&node.0, about(&own, id).as_bytes(), &sealed).ok_or(UnwrapError::Changed)?;
    let key = ClusterKey(plain.as_slice().try_into().map_err(|_| UnwrapError::Changed)?);
    if key.id().0 == *id {
        Ok(key)
    } else {
        Err(UnwrapError::Changed)
    }
}

impl FromStr for KeyId {
    type Err = UnwrapError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fine =
            text.len() == 2 * ID_BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(UnwrapError::Form)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_wrapped_for_one_node() {
        let (cluster, node) = (ClusterKey::generate().unwrap(), NodeKey::generate().unwrap());
        let wrapped = wrap(&cluster, &node).unwrap();
        assert_eq!(unwrap(&wrapped, &node).unwrap().bytes(), cluster.bytes());
        let other = NodeKey::generate().unwrap();
        assert!(matches!(
            unwrap(&wrapped, &other),
            Err(UnwrapError::OtherNode { .. })
        ));
        assert_ne!(wrap(&cluster, &node).unwrap(), wrapped, "the nonce is the same");
        let kept = NodeKey::from_base64(&node.to_base64()).unwrap();
        assert_eq!(unwrap(&wrapped, &kept).unwrap().id(), cluster.id());
        assert!(NodeKey::from_base64(&Secret::from("AAAA".to_owned())).is_err());
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_refused() {
        let (cluster, node) = (ClusterKey::generate().unwrap(), NodeKey::generate().unwrap());
        let wrapped = wrap(&cluster, &node).unwrap();
        for place in 0..wrapped.len() {
            assert!(unwrap(&wrapped[..place], &node).is_err(), "cut at {place}");
            for bit in 0..7 {
                let mut bytes = wrapped.clone().into_bytes();
                bytes[place] ^= 1 << bit;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(
                    unwrap(&changed, &node).is_err(),
                    "byte {place}, bit {bit}: {changed}"
                );
            }
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = ClusterKey([0xab; KEY_BYTES]);
        assert_eq!(format!("{key:?}"), format!("ClusterKey({})", key.id()));
        assert_eq!(key.id().to_string().len(), 16);
        assert_ne!(key.id(), NodeKey([0xab; KEY_BYTES]).id(), "one key in two roles");
    }
}
