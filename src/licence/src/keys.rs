//! Keys that licences are signed with: never those of firmware.

use sps_image::keys::{KEY_SIZE, KeyId, PublicKey, SecretKey, Trust};
use thiserror::Error;

/// The seed of the development licence key. Public on purpose, like the development key of firmware: a licence signed
/// with it is good for trying and for tests.
const DEVELOPMENT_SEED: &[u8; KEY_SIZE] = b"sps development licences, public";

/// The published, constant key for licences of development builds.
#[must_use]
pub fn development() -> SecretKey {
    SecretKey::from_seed(DEVELOPMENT_SEED)
}

/// The keys a firmware accepts licences of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    trust: Trust,
    development: bool,
}

/// Why a set of keys is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeysError {
    /// A release would accept licences that everybody can make.
    #[error(
        "a release must not accept licences of the published development licence key: build it with --licence-key"
    )]
    Development,
    /// Firmware and licences would have the same key.
    #[error(
        "the published development key of firmware signs no licences: make a key with cargo xtask keygen"
    )]
    Firmware,
}

impl Keys {
    /// The keys of a firmware; `development` says whether it is a development build, which accepts the published
    /// development licence key as well.
    ///
    /// # Errors
    /// When a release lists a published key, or any firmware the published key of firmware.
    pub fn new(trust: Trust, development: bool) -> Result<Self, KeysError> {
        let listed = || [Some(trust.current), trust.next].into_iter().flatten();
        if listed().any(|key| key.is_development()) {
            return Err(KeysError::Firmware);
        }
        if !development && listed().any(|key| key == self::development().public()) {
            return Err(KeysError::Development);
        }
        Ok(Self { trust, development })
    }

    /// The keys of a development build without others.
    #[must_use]
    pub fn development() -> Self {
        Self {
            trust: Trust::only(development().public()),
            development: true,
        }
    }

    /// The key with this id, if it is accepted.
    pub(crate) fn find(&self, id: KeyId) -> Option<PublicKey> {
        let published = development().public();
        let also = (self.development && published.id() == id).then_some(published);
        self.trust.find(id).or(also)
    }

    /// The keys as they are kept in the firmware.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_development_licence_key_never_changes() {
        let public = development().public();
        insta::assert_snapshot!(format!("{public} id {}", public.id()));
        assert!(!public.is_development(), "it is not the key of firmware");
    }

    #[test]
    fn a_release_lists_no_published_key() {
        let (own, published) = (
            SecretKey::from_seed(&[7; KEY_SIZE]).public(),
            development().public(),
        );
        let both = Trust {
            current: own,
            next: Some(published),
        };
        assert_eq!(Keys::new(both, false), Err(KeysError::Development));
        assert_eq!(
            Keys::new(Trust::only(published), false),
            Err(KeysError::Development)
        );
        let firmware = Trust::only(SecretKey::development().public());
        assert_eq!(Keys::new(firmware, true), Err(KeysError::Firmware));
        let release = Keys::new(Trust::only(own), false).unwrap();
        assert_eq!(release.find(own.id()), Some(own));
        assert_eq!(release.find(published.id()), None);
        let tried = Keys::new(Trust::only(own), true).unwrap();
        assert_eq!(tried.find(published.id()), Some(published));
    }
}
