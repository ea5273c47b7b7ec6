//! What is offered in key exchanges: to clients what is good, to servers also what older ones need. Nothing with SHA-1 towards clients.

use std::borrow::Cow;
use std::time::Duration;

use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::ssh_key::{EcdsaCurve, HashAlg};
use russh::keys::{Algorithm, PrivateKey, PublicKey};
use russh::{MethodSet, Preferred, SshId, cipher, client, compression, kex, mac, server};
use sps_proxy_engine::Known;
use thiserror::Error;

/// What it is called in the exchange of versions.
pub(crate) const VERSION: &str = "SSH-2.0-gateway";
/// Largest packet, bytes: what `sshd` and `ssh` take.
const PACKET: u32 = 32 * 1024;
/// Between keepalives.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Keepalives without an answer until a connection is given up.
const KEEPALIVES: usize = 4;
/// Bytes after which keys are exchanged anew (RFC 4253, 9: a gigabyte, and AES-GCM's limit is far).
const REKEY_BYTES: usize = 1 << 30;
/// Time after which they are.
const REKEY_AFTER: Duration = Duration::from_secs(3600);
/// A refused login takes at least this long.
const REFUSAL: Duration = Duration::from_secs(1);
/// Refused logins of a connection.
const ATTEMPTS: usize = 6;

/// Bits of RSA keys that sign: what aws-lc signs with.
const SHORTEST_RSA: u32 = 2048;
const LONGEST_RSA: u32 = 8192;

const KEX_CLIENTS: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];
const KEX_SERVERS: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];
const MACS_CLIENTS: &[mac::Name] = &[mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM];
const MACS_SERVERS: &[mac::Name] = &[
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512,
    mac::HMAC_SHA256,
];
const NO_COMPRESSION: &[compression::Name] = &[compression::NONE];

/// Kinds of host keys of servers, best first; a server's known key decides which come first.
fn host_key_kinds() -> Vec<Algorithm> {
    vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256,
        },
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP384,
        },
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP521,
        },
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha512),
        },
        Algorithm::Rsa {
            hash: Some(HashAlg::Sha256),
        },
    ]
}

/// Those of the ciphers that settings name, in the order here; all of them where none is named that is known.
fn ciphers(offered: &[String]) -> Cow<'static, [cipher::Name]> {
    let named: Vec<cipher::Name> = CIPHERS
        .iter()
        .filter(|own| offered.iter().any(|name| name == own.as_ref()))
        .copied()
        .collect();
    match named.is_empty() {
        true => Cow::Borrowed(CIPHERS),
        false => Cow::Owned(named),
    }
}

/// Kinds of signatures that keys of users may make: those of host keys, and of security keys (OpenSSH's PROTOCOL.u2f).
fn user_signatures() -> Vec<Algorithm> {
    let mut kinds = host_key_kinds();
    kinds.extend([Algorithm::SkEd25519, Algorithm::SkEcdsaSha2NistP256]);
    kinds
}

/// The side of clients.
pub(crate) fn for_clients(
    keys: Vec<PrivateKey>,
    idle: Option<Duration>,
    offered: &[String],
    window: u32,
) -> server::Config {
    let kinds: Vec<Algorithm> = host_key_kinds()
        .into_iter()
        .filter(|kind| keys.iter().any(|key| same_key(&key.algorithm(), kind)))
        .collect();
    server::Config {
        server_id: SshId::Standard(Cow::Borrowed(VERSION)),
        methods: MethodSet::server_supported(),
        auth_rejection_time: REFUSAL,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys,
        user_signatures: user_signatures(),
        window_size: window,
        maximum_packet_size: PACKET,
        max_auth_attempts: ATTEMPTS,
        inactivity_timeout: idle,
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES,
        limits: limits(),
        preferred: Preferred {
            kex: Cow::Borrowed(KEX_CLIENTS),
            key: Cow::Owned(kinds),
            cipher: ciphers(offered),
            mac: Cow::Borrowed(MACS_CLIENTS),
            compression: Cow::Borrowed(NO_COMPRESSION),
            ..Preferred::default()
        },
        nodelay: true,
        ..server::Config::default()
    }
}

/// The side of servers. `known` are the kinds of keys known of this one: asked for first, so that a server with several keys does
/// not present another one than before.
pub(crate) fn for_servers(
    known: &[Algorithm],
    idle: Option<Duration>,
    offered: &[String],
    window: u32,
) -> client::Config {
    let mut kinds = host_key_kinds();
    kinds.sort_by_key(|kind| !known.iter().any(|known| same_key(known, kind)));
    client::Config {
        client_id: SshId::Standard(Cow::Borrowed(VERSION)),
        window_size: window,
        maximum_packet_size: PACKET,
        inactivity_timeout: idle,
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES,
        limits: limits(),
        preferred: Preferred {
            kex: Cow::Borrowed(KEX_SERVERS),
            key: Cow::Owned(kinds),
            cipher: ciphers(offered),
            mac: Cow::Borrowed(MACS_SERVERS),
            compression: Cow::Borrowed(NO_COMPRESSION),
            ..Preferred::default()
        },
        nodelay: true,
        ..client::Config::default()
    }
}

fn limits() -> russh::Limits {
    russh::Limits::new(REKEY_BYTES, REKEY_BYTES, REKEY_AFTER)
}

fn same_key(one: &Algorithm, other: &Algorithm) -> bool {
    match (one, other) {
        (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
        _ => one == other,
    }
}

/// Why a private key cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("it is no private key in OpenSSH's format (BEGIN OPENSSH PRIVATE KEY): {0}")]
    Read(russh::keys::ssh_key::Error),
    /// It has a passphrase.
    #[error("it has a passphrase: take that off with `ssh-keygen -p`")]
    Locked,
    /// Too short.
    #[error(
        "it is RSA of {bits} bits: make one of Ed25519, or of RSA with {SHORTEST_RSA} to {LONGEST_RSA} bits"
    )]
    Length {
        /// Its bits.
        bits: u32,
    },
    /// DSA, a security key, something unheard of.
    #[error("it is of the kind {kind}, which does not sign here: make one of Ed25519")]
    Kind {
        /// Its kind.
        kind: String,
    },
}

/// Reads a private key in OpenSSH's format: of a host, or of an account.
///
/// # Errors
/// What is wrong with it.
pub fn host_key(text: &str) -> Result<PrivateKey, KeyError> {
    let key = PrivateKey::from_openssh(text).map_err(KeyError::Read)?;
    if key.is_encrypted() {
        return Err(KeyError::Locked);
    }
    match key.key_data() {
        KeypairData::Ed25519(_) | KeypairData::Ecdsa(_) => Ok(key),
        KeypairData::Rsa(pair) => {
            let bits = pair.public().key_size();
            let fits = (SHORTEST_RSA..=LONGEST_RSA).contains(&bits);
            fits.then_some(key).ok_or(KeyError::Length { bits })
        }
        _ => Err(KeyError::Kind {
            kind: key.algorithm().to_string(),
        }),
    }
}

/// The Ed25519 host key that these bytes make (RFC 8032, 5.1.5).
///
/// # Errors
/// The key cannot be put together.
pub fn host_key_of(seed: &[u8; 32]) -> Result<PrivateKey, russh::keys::ssh_key::Error> {
    let pair = Ed25519Keypair::from_seed(seed);
    PrivateKey::new(KeypairData::from(pair), "")
}

/// A key of a server, from the line of `known_hosts` without names; none when it is none.
#[must_use]
pub fn known(line: &str) -> Option<Known> {
    let key = PublicKey::from_openssh(line).ok()?;
    Some(Known {
        blob: key.to_bytes().ok()?,
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_choose_among_the_ciphers() {
        let named = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            ciphers(&names)
                .iter()
                .map(|name| name.as_ref().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            named(&["aes256-ctr", "aes128-gcm@openssh.com", "3des-cbc"]),
            ["aes128-gcm@openssh.com", "aes256-ctr"]
        );
        assert_eq!(named(&[]).len(), CIPHERS.len());
        assert_eq!(named(&["3des-cbc"]).len(), CIPHERS.len());
    }

    #[test]
    fn keys_that_cannot_sign_are_told_with_the_mend() {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str, arguments: &[&str]| {
            let path = folder.path().join(name);
            let status = std::process::Command::new("ssh-keygen")
                .arg("-q")
                .args(arguments)
                .arg("-f")
                .arg(&path)
                .status();
            assert!(status.unwrap().success());
            host_key(&std::fs::read_to_string(path).unwrap())
        };
        assert!(made("good", &["-N", "", "-t", "rsa", "-b", "2048"]).is_ok());
        assert!(matches!(
            made("short", &["-N", "", "-t", "rsa", "-b", "1024"]),
            Err(KeyError::Length { bits: 1024 })
        ));
        assert!(matches!(
            made("locked", &["-N", "secret", "-t", "ed25519"]),
            Err(KeyError::Locked)
        ));
        assert!(
            matches!(made("old", &["-N", "", "-t", "dsa"]), Err(KeyError::Kind { kind }) if kind == "ssh-dss")
        );
        assert!(matches!(
            host_key("-----BEGIN PRIVATE KEY-----"),
            Err(KeyError::Read(_))
        ));
    }
}
