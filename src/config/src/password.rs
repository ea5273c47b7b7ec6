//! Passwords: argon2id hashes in PHC format.
//!
//! Parameters are argon2's recommended ones (RFC 9106 names the same order of cost for memory-constrained machines:
//! 19 MiB, two passes); the parameters stand in each hash, so a later change does not invalidate old ones. Hashing and
//! checking take some ten milliseconds and 19 MiB: not for a thread that must answer at once.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use thiserror::Error;

use crate::secret::Secret;

/// Fewest characters of a new password.
pub const LEAST_CHARACTERS: usize = 8;
/// Most bytes of a password: what a person can type, and no work for free.
pub(crate) const MOST_BYTES: usize = 256;
/// Memory of one check, KiB: an eighth of the smallest machine.
const MOST_KIB: u32 = 64 * 1024;
/// Passes over it.
const MOST_PASSES: u32 = 16;
/// Lanes; they run one after the other here.
const MOST_LANES: u32 = 16;
/// The variant that a hash must say.
const VARIANT: &str = "argon2id";

/// Why a password cannot be set.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PasswordError {
    /// Too short.
    #[error("the password is too short: use at least {LEAST_CHARACTERS} characters")]
    TooShort,
    /// Too long.
    #[error("the password is too long: use at most {MOST_BYTES} bytes")]
    TooLong,
    /// The kernel gives no randomness, or there is no memory.
    #[error("could not hash the password: {0}")]
    Hash(String),
}

/// The hash of a new password, with a salt of its own.
///
/// # Errors
/// The password is too short or too long.
pub fn hash_password(password: &Secret) -> Result<Secret, PasswordError> {
    let text = password.expose();
    if text.chars().count() < LEAST_CHARACTERS {
        return Err(PasswordError::TooShort);
    }
    if text.len() > MOST_BYTES {
        return Err(PasswordError::TooLong);
    }
    let hash = Argon2::default()
        .hash_password(text.as_bytes())
        .map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Secret::from(hash.to_string()))
}

/// Whether `password` is the one that `hash` was made of; false for a hash that is none.
#[must_use]
pub fn verify_password(password: &Secret, hash: &Secret) -> bool {
    password.expose().len() <= MOST_BYTES
        && usable(hash).is_some_and(|parsed| {
            Argon2::default()
                .verify_password(password.expose().as_bytes(), &parsed)
                .is_ok()
        })
}

/// Whether this is a hash that [`verify_password`] can use.
pub(crate) fn is_hash(hash: &Secret) -> bool {
    usable(hash).is_some()
}

/// The hash, when it is of the right kind and its cost is one that a login can bear.
fn usable(hash: &Secret) -> Option<PasswordHash> {
    let parsed = PasswordHash::new(hash.expose()).ok()?;
    let costs = Params::try_from(&parsed).ok()?;
    let bearable =
        costs.m_cost() <= MOST_KIB && costs.t_cost() <= MOST_PASSES && costs.p_cost() <= MOST_LANES;
    (bearable && parsed.algorithm.as_str() == VARIANT && parsed.hash.is_some()).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash_password(&secret("correct horse")).unwrap();
        assert!(
            hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.expose()
        );
        assert!(verify_password(&secret("correct horse"), &hash));
        assert!(!verify_password(&secret("correct horsf"), &hash));
        assert!(!verify_password(&secret(""), &hash));
        assert_ne!(
            hash_password(&secret("correct horse")).unwrap(),
            hash,
            "the salt is the same"
        );
        assert!(is_hash(&hash));
    }

    #[test]
    fn what_is_no_hash_lets_nobody_in() {
        for none in [
            "",
            "correct horse",
            "$argon2id$v=19$m=19456,t=2,p=1$",
            "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=8,t=4294967295,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2d$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$",
        ] {
            assert!(
                !verify_password(&secret("correct horse"), &secret(none)),
                "{none}"
            );
            assert!(!is_hash(&secret(none)), "{none}");
        }
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert_eq!(hash_password(&secret("1234567")), Err(PasswordError::TooShort));
        assert_eq!(
            hash_password(&secret(&"x".repeat(257))),
            Err(PasswordError::TooLong)
        );
    }
}
