//! Whether a server is the one it should be, by the key it presents.

use sps_cluster_config::sections::connections::HostKeyCheck;
use thiserror::Error;

/// Fewest bits of an RSA key.
const RSA_FEWEST: u32 = 1024;
/// Bits below which an RSA key is weak (NIST SP 800-131A).
const RSA_WEAK: u32 = 2048;

/// The policy of a connection.
pub type HostKeyPolicy = HostKeyCheck;

/// What a server presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented<'a> {
    /// Its kind, such as `ssh-ed25519`.
    pub algorithm: &'a str,
    /// Bits of its modulus, if it is RSA.
    pub rsa_bits: Option<u32>,
    /// The key as on the wire (RFC 4253, 6.6).
    pub blob: &'a [u8],
    /// What people compare: `SHA256:…`.
    pub fingerprint: &'a str,
}

/// A key the appliance knows of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The key as on the wire.
    pub blob: Vec<u8>,
    /// `SHA256:…`.
    pub fingerprint: String,
}

/// A server that may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whether the key must be kept before anything is sent to the server.
    pub pin: bool,
    /// Whether it is too short for today.
    pub weak: bool,
}

/// A server that may not.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HostKeyRefusal {
    /// DSA, X.509, something unheard of.
    #[error(
        "the server has a host key of the kind {algorithm}, which is not accepted: give it an Ed25519 key"
    )]
    Kind {
        /// Its kind.
        algorithm: String,
    },
    /// Too short.
    #[error(
        "the server has an RSA host key of {bits} bits, which is not accepted: give it an Ed25519 key, or RSA of {RSA_WEAK} bits"
    )]
    Short {
        /// Its bits.
        bits: u32,
    },
    /// Nobody told the appliance.
    #[error(
        "the server's host key {fingerprint} is not known: an administrator must add it before anybody can connect"
    )]
    Unknown {
        /// `SHA256:…`.
        fingerprint: String,
    },
    /// It is another than before.
    #[error(
        "THE HOST KEY OF THE SERVER HAS CHANGED: it is {fingerprint} and was {before}. Somebody may be listening, or the server was \
         installed anew: an administrator must look, and remove the old key"
    )]
    Changed {
        /// `SHA256:…` now.
        fingerprint: String,
        /// `SHA256:…` of those known.
        before: String,
    },
}

impl HostKeyRefusal {
    /// Whether people must be told: nothing else of these is a sign of an attack.
    #[must_use]
    pub const fn is_alarming(&self) -> bool {
        matches!(self, Self::Changed { .. })
    }
}

/// Judges a key by the policy and by what is known of this server and port.
///
/// # Errors
/// When the server may not be connected to.
pub fn judge(
    check: HostKeyCheck,
    known: &[Known],
    presented: &Presented<'_>,
) -> Result<Judged, HostKeyRefusal> {
    let weak = fit(presented)?;
    if known.iter().any(|key| key.blob == presented.blob) {
        return Ok(Judged { pin: false, weak });
    }
    let fingerprint = presented.fingerprint.to_owned();
    match check {
        HostKeyCheck::Unchecked => Ok(Judged { pin: false, weak }),
        HostKeyCheck::AcceptFirst | HostKeyCheck::OnlyKnown if !known.is_empty() => {
            let before: Vec<&str> = known.iter().map(|key| key.fingerprint.as_str()).collect();
            Err(HostKeyRefusal::Changed {
                fingerprint,
                before: before.join(", "),
            })
        }
        HostKeyCheck::AcceptFirst => Ok(Judged { pin: true, weak }),
        HostKeyCheck::OnlyKnown => Err(HostKeyRefusal::Unknown { fingerprint }),
    }
}

/// Whether the key is weak, if it is taken at all.
fn fit(presented: &Presented<'_>) -> Result<bool, HostKeyRefusal> {
    let algorithm = presented.algorithm;
    match algorithm {
        "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => Ok(false),
        "ssh-rsa" | "rsa-sha2-256" | "rsa-sha2-512" => {
            let bits = presented.rsa_bits.unwrap_or(0);
            if bits < RSA_FEWEST {
                return Err(HostKeyRefusal::Short { bits });
            }
            Ok(bits < RSA_WEAK)
        }
        _ => Err(HostKeyRefusal::Kind {
            algorithm: crate::host::shown(algorithm),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented<'a>(algorithm: &'a str, rsa_bits: Option<u32>, blob: &'a [u8]) -> Presented<'a> {
        Presented {
            algorithm,
            rsa_bits,
            blob,
            fingerprint: "SHA256:new",
        }
    }

    fn known(blob: &[u8]) -> Known {
        Known {
            blob: blob.to_vec(),
            fingerprint: "SHA256:old".into(),
        }
    }

    #[test]
    fn the_first_key_is_pinned_and_another_one_stops_the_connection() {
        let key = presented("ssh-ed25519", None, b"a");
        let first = judge(HostKeyCheck::AcceptFirst, &[], &key).unwrap();
        assert_eq!(
            first,
            Judged {
                pin: true,
                weak: false
            }
        );
        let again = judge(HostKeyCheck::AcceptFirst, &[known(b"a")], &key).unwrap();
        assert!(!again.pin);
        for check in [HostKeyCheck::AcceptFirst, HostKeyCheck::OnlyKnown] {
            let changed = judge(check, &[known(b"b")], &key).unwrap_err();
            assert!(changed.is_alarming());
            let text = changed.to_string();
            assert!(
                text.contains("SHA256:new") && text.contains("SHA256:old"),
                "{text}"
            );
        }
    }

    #[test]
    fn only_known_ones_and_unchecked() {
        let key = presented("ssh-ed25519", None, b"a");
        let unknown = judge(HostKeyCheck::OnlyKnown, &[], &key).unwrap_err();
        assert!(matches!(unknown, HostKeyRefusal::Unknown { .. }) && !unknown.is_alarming());
        assert!(judge(HostKeyCheck::OnlyKnown, &[known(b"b"), known(b"a")], &key).is_ok());
        assert!(judge(HostKeyCheck::Unchecked, &[known(b"b")], &key).is_ok());
    }

    #[test]
    fn short_and_old_keys_are_refused_whatever_the_policy() {
        for algorithm in [
            "ssh-dss",
            "x509v3-sign-rsa",
            "ssh-ed25519-cert-v01@openssh.com",
            "none",
            "",
        ] {
            let key = presented(algorithm, None, b"a");
            let refused = judge(HostKeyCheck::Unchecked, &[known(b"a")], &key).unwrap_err();
            assert!(matches!(refused, HostKeyRefusal::Kind { .. }), "{algorithm}");
        }
        let rsa = |bits| {
            judge(
                HostKeyCheck::AcceptFirst,
                &[],
                &presented("ssh-rsa", Some(bits), b"a"),
            )
        };
        assert_eq!(rsa(1023), Err(HostKeyRefusal::Short { bits: 1023 }));
        assert!(rsa(1024).unwrap().weak && rsa(2047).unwrap().weak && !rsa(2048).unwrap().weak);
        assert!(judge(HostKeyCheck::Unchecked, &[], &presented("ssh-rsa", None, b"a")).is_err());
    }
}
