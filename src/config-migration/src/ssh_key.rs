//! Public keys of SSH: their kind and size, from the line people paste (RFC 4253, 6.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Longest line that is looked at: RSA with 16,384 bits has 2,800 characters.
const LONGEST: usize = 16 * 1024;

/// Kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Rsa,
    Dsa,
    /// Elliptic curves, which are all long enough.
    Curve,
}

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pub(crate) kind: Kind,
    /// Bits of RSA's modulus and of DSA's prime; 0 of a curve.
    pub(crate) bits: usize,
}

impl PublicKey {
    /// The key of a line such as `ssh-rsa AAAA… comment`, options in front allowed; none when there is no key.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        if line.len() > LONGEST {
            return None;
        }
        let mut words = line.split_ascii_whitespace();
        let blob = words.find(|word| word.starts_with("AAAA"))?;
        let bytes = STANDARD.decode(blob).ok()?;
        let (kind, rest) = string(&bytes)?;
        match kind {
            b"ssh-rsa" => {
                let (_exponent, rest) = string(rest)?;
                let (modulus, _) = string(rest)?;
                Some(Self {
                    kind: Kind::Rsa,
                    bits: bits(modulus),
                })
            }
            b"ssh-dss" => {
                let (prime, _) = string(rest)?;
                Some(Self {
                    kind: Kind::Dsa,
                    bits: bits(prime),
                })
            }
            _ => Some(Self {
                kind: Kind::Curve,
                bits: 0,
            }),
        }
    }
}

/// A length in four bytes and so many bytes.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Bits of a number, most significant byte first.
pub(crate) fn bits(number: &[u8]) -> usize {
    let mut rest = number.iter().skip_while(|byte| **byte == 0);
    match rest.next() {
        None => 0,
        Some(first) => (8 - first.leading_zeros() as usize) + 8 * rest.count(),
    }
}

/// Drops the lines of a list for which `goes` is true; says whether there were any.
pub(crate) fn drop_keys(lines: &mut Vec<Value>, goes: impl Fn(&PublicKey) -> bool) -> bool {
    let before = lines.len();
    lines.retain(|line| {
        let key = line.as_str().and_then(PublicKey::parse);
        !key.as_ref().is_some_and(&goes)
    });
    lines.len() < before
}

/// Drops the public keys of users for which `goes` is true; says of which databases, and whose.
pub(crate) fn drop_user_keys(
    databases: &mut Map<String, Value>,
    goes: impl Fn(&PublicKey) -> bool,
) -> Vec<(String, String)> {
    let mut lost = Vec::new();
    for (database, users) in databases.iter_mut() {
        let mut names = Vec::new();
        for (user, value) in users.as_object_mut().into_iter().flatten() {
            let keys = value.get_mut("public_keys").and_then(Value::as_array_mut);
            if keys.is_some_and(|keys| drop_keys(keys, &goes)) {
                names.push(user.clone());
            }
        }
        if !names.is_empty() {
            lost.push((database.clone(), names.join(", ")));
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(parts: &[&[u8]]) -> String {
        let mut blob = Vec::new();
        for part in parts {
            blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            blob.extend(*part);
        }
        format!(
            "{} {} someone@host",
            String::from_utf8_lossy(parts[0]),
            STANDARD.encode(blob)
        )
    }

    #[test]
    fn kinds_and_sizes_are_seen() {
        let modulus = [&[0, 0x80][..], &[0; 127]].concat();
        let rsa = line(&[b"ssh-rsa", &[1, 0, 1], &modulus]);
        let (kind, dsa) = (Kind::Rsa, line(&[b"ssh-dss", &[0x7f, 0xff]]));
        assert_eq!(PublicKey::parse(&rsa), Some(PublicKey { kind, bits: 1024 }));
        assert_eq!(
            PublicKey::parse(&format!("no-pty {rsa}")).map(|key| key.bits),
            Some(1024)
        );
        assert_eq!(
            PublicKey::parse(&dsa),
            Some(PublicKey {
                kind: Kind::Dsa,
                bits: 15
            })
        );
        let curve = PublicKey::parse(&line(&[b"ssh-ed25519", &[7; 32]])).unwrap();
        assert_eq!(curve.kind, Kind::Curve);
    }

    #[test]
    fn what_is_no_key_is_none_and_every_cut_is() {
        for none in ["", "ssh-rsa", "ssh-rsa AAAA", "ssh-rsa AAAA!", "AAAAB3NzaC1yc2E="] {
            assert_eq!(PublicKey::parse(none), None, "{none}");
        }
        let bytes = [
            0, 0, 0, 7, b's', b's', b'h', b'-', b'r', b's', b'a', 0, 0, 0, 1, 3, 0, 0, 0, 1, 9,
        ];
        for end in 0..bytes.len() {
            assert_eq!(
                PublicKey::parse(&STANDARD.encode(&bytes[..end])),
                None,
                "cut at {end}"
            );
        }
        assert!(PublicKey::parse(&STANDARD.encode(bytes)).is_some());
    }
}
